import builtins
import gzip
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from simlearn.data import Files, files, mnist
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage

IMAGES = np.random.default_rng(3).integers(0, 256, (11, 5, 7), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], np.uint8)
IMAGE_BYTES = struct.pack(">4i", 2051, 11, 5, 7) + IMAGES.tobytes()
LABEL_BYTES = struct.pack(">2i", 2049, 11) + LABELS.tobytes()


def write(folder, *, prefix="train", images=IMAGE_BYTES, labels=LABEL_BYTES, gz="", joint="-"):
    folder.mkdir(parents=True, exist_ok=True)
    pack = gzip.compress if gz else bytes
    (folder / f"{prefix}-images{joint}idx3-ubyte{gz}").write_bytes(pack(images))
    (folder / f"{prefix}-labels{joint}idx1-ubyte{gz}").write_bytes(pack(labels))


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize("folder", [".", "raw"])
@pytest.mark.parametrize("joint", ["-", "."])
def test_reads_pictures_and_labels(tmp_path, gz, folder, joint):
    write(tmp_path / folder, gz=gz, joint=joint)
    data = mnist.load(tmp_path, split="train")
    np.testing.assert_array_equal(data.images, IMAGES[..., None])
    assert data.labels.tolist() == LABELS.tolist()
    assert data.ids.tolist() == list(range(11))
    assert data.name == "mnist-train"


def test_ids_of_the_test_split_follow_those_of_the_training_split(tmp_path):
    write(tmp_path, prefix="t10k")
    data = mnist.load(str(tmp_path), split="test")
    assert data.ids.tolist() == list(range(60_000, 60_011))
    assert data.name == "mnist-test"


def test_content_and_not_name_tells_whether_a_file_is_gzipped(tmp_path):
    path = tmp_path / "unpacked-by-the-browser.gz"
    path.write_bytes(LABEL_BYTES)
    assert mnist.read_idx(path, magic=2049).tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            LABEL_BYTES,
            LABEL_BYTES,
            "train-images-idx3-ubyte: expected the magic .* 2051.* 2049",
        ),
        # Little-endian 2051 = 0x00000803 reads as 0x03080000 = 50855936.
        (struct.pack("<4i", 2051, 11, 5, 7), LABEL_BYTES, "2051, and received 50855936"),
        (
            IMAGE_BYTES,
            IMAGE_BYTES,
            "train-labels-idx1-ubyte: expected the magic .* 2049.* 2051",
        ),
        # 16 + 11 * 5 * 7 = 401
        (IMAGE_BYTES[:-1], LABEL_BYTES, r"images.*expected 401 bytes.*\(11, 5, 7\).*received 400"),
        (IMAGE_BYTES + b"\0", LABEL_BYTES, "expected 401 bytes .* received 402"),
        (IMAGE_BYTES[:15], LABEL_BYTES, "header of 16 bytes, and received 15"),
        (b"", LABEL_BYTES, "header of 16 bytes, and received 0"),
        (b"\0\0\x08", LABEL_BYTES, "header of 16 bytes, and received 3"),
        (
            IMAGE_BYTES,
            struct.pack(">2i", 2049, 7) + bytes(7),
            "train-labels-idx1-ubyte: expected 11 labels.*train-images-idx3-ubyte.* received 7",
        ),
    ],
)
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_refuses_a_damaged_file_by_name(tmp_path, images, labels, message, gz):
    write(tmp_path, images=images, labels=labels, gz=gz)
    with pytest.raises(DatasetError, match=message.replace("ubyte:", f"ubyte{gz}:")):
        mnist.load(tmp_path)


def test_refuses_sizes_whose_product_overflows(tmp_path):
    path = tmp_path / "huge"
    path.write_bytes(struct.pack(">4I", 2051, 2**31, 2**31, 4))
    # 2^64 wraps to 0 in 64 bits, which would make the file look complete.
    with pytest.raises(DatasetError, match=f"expected {16 + 2**64} bytes"):
        mnist.read_idx(path, magic=2051)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(LABEL_BYTES)[:-9],
        gzip.compress(LABEL_BYTES)[:5],
        gzip.compress(LABEL_BYTES)[:-8] + bytes(8),
        # The first block of the stream is of the kind 3, which does not exist.
        gzip.compress(LABEL_BYTES)[:10] + b"\xff" * 20,
    ],
    ids=["cut", "cut in its header", "wrong checksum", "scrambled"],
)
def test_refuses_a_damaged_archive_by_name(tmp_path, content):
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"labels\.gz: expected a whole idx file"):
        mnist.read_idx(path, magic=2049)


def test_a_missing_file_is_reported_with_the_names_that_were_tried(tmp_path):
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError) as caught:
        mnist.load(tmp_path)
    for text in (
        str(tmp_path),
        "train-labels-idx1-ubyte,",
        "train-labels-idx1-ubyte.gz",
        "raw",
        "python datasets/mnist/prepare.py downloads them",
    ):
        assert text in str(caught.value)  # fmt: skip


def refuse(monkeypatch, module, name, start):
    """By hand, because for root every file can be read."""
    plain = getattr(module, name, getattr(builtins, name, None))

    def call(path, *args, **kwargs):
        if Path(path).name.startswith(start):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *args, **kwargs)

    monkeypatch.setattr(module, name, call, raising=False)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    write(tmp_path / "raw")
    with monkeypatch.context() as patch:
        refuse(patch, files, "open", "train-images")
        with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte: .*Permission denied"):
            mnist.load(tmp_path)
    with monkeypatch.context() as patch:
        refuse(patch, os, "scandir", "raw")
        with pytest.raises(DatasetError, match=r"raw: expected a folder .*Permission denied"):
            mnist.load(tmp_path)
    refuse(monkeypatch, mnist, "open", "train-labels")
    with pytest.raises(DatasetError, match=r"train-labels-idx1-ubyte: .*Permission denied"):
        mnist.read_idx(tmp_path / "raw" / "train-labels-idx1-ubyte", magic=2049)
    with pytest.raises(DatasetError, match=r"gone: cannot be read: .*No such file"):
        mnist.read_idx(tmp_path / "gone", magic=2049)


@pytest.mark.parametrize("split", ["validation", "t10k"])
def test_refuses_an_unknown_split(tmp_path, split):
    with pytest.raises(DatasetError, match=f"MNIST has the splits 'train', 'test', and .*{split}'"):
        mnist.load(tmp_path, split=split)


CONTENTS = {
    "train-images-idx3-ubyte.gz": gzip.compress(IMAGE_BYTES),
    "train-labels-idx1-ubyte": LABEL_BYTES,
}


def packed(path, contents):
    with zipfile.ZipFile(path, "w") as out:
        for name, content in contents.items():
            out.writestr(name, content)
    return path


def test_a_zip_is_read_in_place(tmp_path):
    expected = LABELS.tolist()
    flat = packed(tmp_path / "flat.zip", CONTENTS)
    deep = packed(tmp_path / "deep.zip", {f"MNIST/raw/{k}": v for k, v in CONTENTS.items()})
    for root in (flat, deep, Files(flat)):
        data = mnist.load(root)
        np.testing.assert_array_equal(data.images[..., 0], IMAGES)
        assert data.labels.tolist() == expected
    # One zip for each file, as some keep them.
    for number, (name, content) in enumerate(CONTENTS.items()):
        (tmp_path / "zips").mkdir(exist_ok=True)
        packed(tmp_path / "zips" / f"{number}.zip", {name: content})
    assert mnist.load(tmp_path / "zips").labels.tolist() == expected
    with pytest.raises(DatasetError, match="two folders down, as in raw, and found none"):
        mnist.load(packed(tmp_path / "a.zip", {f"1/2/3/{k}": v for k, v in CONTENTS.items()}))


def test_the_nearest_folder_with_both_files_counts(tmp_path):
    write(tmp_path / "fashion" / "raw", labels=struct.pack(">2i", 2049, 11) + bytes(11))
    write(tmp_path / "raw")
    assert mnist.load(tmp_path).labels.tolist() == LABELS.tolist()
    # The labels of another folder are those of other pictures.
    (tmp_path / "raw" / "train-labels-idx1-ubyte").unlink()
    assert mnist.load(tmp_path).labels.tolist() == [0] * 11
    (tmp_path / "fashion" / "raw" / "train-images-idx3-ubyte").unlink()
    with pytest.raises(DatasetError, match=r"expected one of train-labels.* beside the pictures"):
        mnist.load(tmp_path)


def test_two_data_sets_side_by_side_are_not_guessed_between(tmp_path):
    write(tmp_path / "mnist")
    write(tmp_path / "fashion")
    with pytest.raises(DatasetError, match=r"expected one folder .* found 2: fashion/, mnist/"):
        mnist.load(tmp_path)


def test_of_two_forms_in_one_folder_the_unpacked_one_counts(tmp_path):
    write(tmp_path, labels=struct.pack(">2i", 2049, 11) + bytes(11), gz=".gz")
    write(tmp_path)
    assert mnist.load(tmp_path).labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("count", [11, 2**28, 2**32 - 1])
def test_a_gzip_bomb_does_not_fill_the_memory(tmp_path, count, monkeypatch):
    # 64 MB of zeros in 64 kB; the bound stands for 1 GiB.
    monkeypatch.setattr(mnist, "LARGEST", 5_000_000)
    bomb = gzip.compress(struct.pack(">2I", 2049, count) + bytes(64_000_000))
    write(tmp_path, labels=bomb, gz="")
    message = {
        11: "expected 19 bytes for the shape .* received 20 or more",
    }.get(count, "expected at most 5000000 bytes unpacked, and found more")
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match=rf"labels-idx1-ubyte: {message}"):
            mnist.load(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
    finally:
        tracemalloc.stop()


def test_a_file_beyond_the_bound_is_refused(tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setattr(mnist, "LARGEST", len(IMAGE_BYTES))
    assert len(mnist.load(tmp_path)) == 11
    monkeypatch.setattr(mnist, "LARGEST", len(IMAGE_BYTES) - 1)
    with pytest.raises(DatasetError, match="images-idx3-ubyte: expected at most 400 bytes"):
        mnist.load(tmp_path)
    with pytest.raises(DatasetError, match="images-idx3-ubyte: expected at most 400 bytes"):
        mnist.read_idx(tmp_path / "train-images-idx3-ubyte", magic=2051)
    huge = tmp_path / "train-labels-idx1-ubyte"
    huge.write_bytes(struct.pack(">2I", 2049, 64_000_000 - 8))
    os.truncate(huge, 64_000_000)
    monkeypatch.setattr(mnist, "LARGEST", 1000)
    for read in (lambda: mnist.load(tmp_path), lambda: mnist.read_idx(huge, magic=2049)):
        tracemalloc.start()
        try:
            with pytest.raises(DatasetError, match="labels-idx1-ubyte: expected at most 1000"):
                read()
            assert tracemalloc.get_traced_memory()[1] < 15_000_000
        finally:
            tracemalloc.stop()


def naive(content):
    """The shape and values of an idx file of bytes, its length not compared."""
    axes = content[3] if len(content) > 3 and content[:3] == b"\0\0\x08" else 0
    if axes not in (1, 3) or len(content) < 4 + 4 * axes:
        raise ValueError
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    values = content[4 + 4 * axes :]
    return shape, list(values)


@pytest.mark.parametrize(
    ("content", "magic"), [(IMAGE_BYTES, 2051), (LABEL_BYTES, 2049)], ids=["images", "labels"]
)
@pytest.mark.parametrize("copies", COPIES)
def test_damaged_files_are_read_as_they_are_or_refused(content, magic, copies, tmp_path):
    def read(content):
        (tmp_path / "idx").write_bytes(content)
        values = mnist.read_idx(tmp_path / "idx", magic=magic)
        return values.shape, values.reshape(-1).tolist()

    check_damage(content, read, naive, copies)
