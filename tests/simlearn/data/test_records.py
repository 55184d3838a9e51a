import hashlib
import subprocess
import sys

import numpy as np
import pytest

from simlearn.data import LabelledImages
from simlearn.errors import UserError


def record(**changes):
    fields = {
        "images": np.arange(5 * 3 * 2 * 1, dtype=np.uint8).reshape(5, 3, 2, 1),
        "labels": np.array([4, 2**40 + 1, 4, 2**40, -3]),
        "ids": np.array([11, 7, 13, 5, 2]),
        "name": "tiny",
    }
    return LabelledImages(**fields | changes)


def test_takes_rows_together_by_slice_positions_and_mask():
    data = record()
    for index, rows in (
        (slice(1, 4, 2), [1, 3]),
        (np.array([3, 0, -1]), [3, 0, 4]),
        (np.array([False, True, False, False, True]), [1, 4]),
        ([], []),
        (np.zeros(5, bool), []),
    ):
        part = data.take(index, name="part")
        np.testing.assert_array_equal(part.images, data.images[rows])
        assert part.labels.tolist() == [data.labels[row] for row in rows]
        assert part.ids.tolist() == [data.ids[row] for row in rows]
        assert part.name == "part"
    assert data.take(slice(2)).name == "tiny"


def test_arrays_are_read_only_and_the_callers_stay_writable():
    images = np.zeros((2, 3, 5, 1), np.uint8)
    data = record(images=images, labels=np.array([0, 1]), ids=np.array([0, 1]))
    with pytest.raises(ValueError, match="read-only"):
        data.images[0] = 1
    assert np.shares_memory(data.images, images)
    images[0] = 1


def test_keeps_a_memory_map_on_disk(tmp_path):
    stored = np.lib.format.open_memmap(
        tmp_path / "images.npy", mode="w+", dtype=np.uint8, shape=(2, 3, 5, 1)
    )
    data = record(images=stored, labels=np.array([0, 1]), ids=np.array([0, 1]))
    assert np.shares_memory(data.images, stored)


def test_narrow_integers_become_int64():
    data = record(labels=np.arange(5, dtype=np.uint8), ids=np.arange(5, dtype=np.int32))
    assert data.labels.dtype == data.ids.dtype == np.int64
    largest = 2**63 - 1
    assert record(labels=np.full(5, largest, "uint64")).labels.tolist() == [largest] * 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((5, 3, 2, 1), np.float32)}, r"uint8 .* float32 of shape \(5, 3, 2, 1"),
        ({"images": np.zeros((5, 3, 2), np.uint8)}, r"uint8 .* \(5, 3, 2\)"),
        ({"images": np.zeros((5, 0, 2, 1), np.uint8)}, r"\(5, 0, 2, 1\)"),
        ({"labels": np.zeros(5)}, r"tiny: labels must be integers of shape \(5,\).* float64"),
        ({"labels": np.zeros(4, int)}, r"labels .*\(5,\).* \(4,\)"),
        (
            {"labels": np.array([0, 1, 2**63, 3, 4], "uint64")},
            r"tiny: labels must be at most 9223372036854775807 .* came as 9223372036854775808",
        ),
        ({"ids": np.zeros((5, 1), int)}, r"ids .*\(5,\).* \(5, 1\)"),
        ({"ids": np.array([3, 7, 3, 2, 7])}, "each id must occur once, and 2 .* 3, 7"),
    ],
)
def test_refuses_what_is_not_a_data_set(changes, message):
    with pytest.raises(UserError, match=message):
        record(**changes)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (np.array([0, 5]), r"\[-5, 5\).* 0 to 5"),
        (np.array([-6, 0]), r"\[-5, 5\).* -6 to 0"),
        (np.array([1, 1]), "each id must occur once"),
        (np.ones(4, bool), r"mask of 5 booleans.* bool of shape \(4,\)"),
        (np.array([0.0]), "float64"),
        (np.array([[0]]), r"\(1, 1\)"),
    ],
)
def test_refuses_an_index_that_does_not_fit(index, message):
    with pytest.raises(UserError, match=message):
        record().take(index)


def test_prints_what_it_holds():
    assert str(record()) == "tiny: 5 pictures of 3x2x1, 4 classes with 1 to 2 pictures"
    assert repr(record()) == f"<LabelledImages {record()}>"
    assert str(record().take(slice(0))) == "tiny: 0 pictures of 3x2x1"


def test_fingerprint_is_the_documented_hash():
    data = record(
        images=np.array([[[[1], [2]]], [[[3], [4]]]], np.uint8),
        labels=np.array([258, -1]),
        ids=np.array([0, 1]),
    )
    content = (
        b"|u1(2, 1, 2, 1);\x01\x02\x03\x04"
        # 258 = 0x0102, least byte first; -1 is all ones.
        b"<i8(2,);\x02\x01\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
        b"<i8(2,);\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"
    )
    assert data.fingerprint() == hashlib.sha256(content).hexdigest()


def test_fingerprint_sees_every_array_and_nothing_else():
    data = record()
    changed = [
        record(images=data.images.reshape(5, 2, 3, 1)),
        record(images=data.images[::-1]),
        record(labels=data.labels[::-1]),
        record(ids=data.ids[::-1]),
        data.take(slice(4)),
    ]
    assert len({item.fingerprint() for item in [data, *changed]}) == 6
    # The hash is of values: neither the name nor the order in memory matters.
    column_major = np.asfortranarray(data.images)
    assert record(images=column_major, name="other").fingerprint() == data.fingerprint()


def test_readers_and_sampling_do_not_load_tensorflow():
    code = (
        "import sys, simlearn.data as data; data.digits.splits(); data.mnist; data.sampling; "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'pooch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
