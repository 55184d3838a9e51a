import os
from pathlib import Path

import numpy as np
import pytest

from simlearn.data import mtfl
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

# As the official files: a space in front, backslashes, CRLF, and a lone space at the end.
TRAINING = (
    b" lfw_5590\\Ann_0001.jpg 34.5 47.25 40.4 34 45.04 34.8 36.24 46 50.8 52.08 1 2 2 3\r\n"
    b" net_7876\\b.jpg 32.4 46.96 40.08 30 44.72 35.92 37.68 44.08 51.44 52.72 2 1 1 5\r\n"
    b" lfw_5590\\Cy_0002.jpg 30 50 41 35 47 36 36 46 51 52 2 2 2 1\r\n "
)
TESTING = b" AFLW/0002-image1.jpg 23 47 45 29 52 28 22 41 54 48 2 1 2 4\r\n "
PICTURE = encoded(noise(80, 60), "JPEG")
CONTENTS = {
    "training.txt": TRAINING,
    "testing.txt": TESTING,
    "lfw_5590/Ann_0001.jpg": PICTURE,
    "net_7876/b.jpg": PICTURE,
    "lfw_5590/Cy_0002.jpg": PICTURE,
    "AFLW/0002-image1.jpg": PICTURE,
}


@pytest.fixture(params=["folder", "zip", "zip in a folder", "below"])
def root(request, tmp_path):
    if request.param == "folder":
        return folder(tmp_path, CONTENTS)
    if request.param == "zip":
        return archive(tmp_path / "MTFL.zip", CONTENTS)
    if request.param == "zip in a folder":
        archive(tmp_path / "MTFL.zip", {f"MTFL/{k}": v for k, v in CONTENTS.items()})
        return tmp_path
    return folder(tmp_path / "some" / "MTFL", CONTENTS).parent.parent


def test_rows_become_records(root):
    train = mtfl.load(root)
    assert (
        str(train) == "mtfl-train: 3 pictures, 5 landmarks, attributes gender, smile, glasses, pose"
    )
    # x of all points come first in the file, then y.
    expected = [[34.5, 34.8], [47.25, 36.24], [40.4, 46], [34, 50.8], [45.04, 52.08]]
    np.testing.assert_array_equal(train.points[0], np.array(expected, np.float32))
    assert train.visible.all()
    assert train.values.tolist() == [[0, 1, 1, 2], [1, 0, 0, 4], [1, 1, 1, 0]]
    assert train.pictures.paths[:2] == ("lfw_5590/Ann_0001.jpg", "net_7876/b.jpg")
    assert train.pictures.open(1).size == (80, 60)
    assert [a.values[v] for a, v in zip(train.attributes, train.values[1], strict=True)] == [
        "female", "yes", "yes", "right profile",
    ]  # fmt: skip
    test = mtfl.load(root, "test")
    assert test.pictures.paths == ("AFLW/0002-image1.jpg",)
    assert test.attribute("pose").tolist() == [3]
    assert train.ids.tolist() == [0, 1, 2]
    assert test.ids.tolist() == [1_000_000]


def test_a_mirror_swaps_sides():
    assert [mtfl.LANDMARKS[p.mirrored].name for p in mtfl.LANDMARKS] == [
        "image_right_eye",
        "image_left_eye",
        "nose",
        "image_right_mouth_corner",
        "image_left_mouth_corner",
    ]
    pose = mtfl.ATTRIBUTES[3]
    assert [pose.values[m] for m in pose.mirrored] == list(reversed(pose.values))


def changed(tmp_path, name, old, new):
    return folder(tmp_path, CONTENTS | {name: CONTENTS[name].replace(old, new)})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b" 1 1 5", b" 1 5", r"training.txt:2: expected 15 tokens, and received 14: net_7876"),
        (b"1 1 5", b"1 1 6", r"training.txt:2: expected pose as an integer from 1 to 5, .* 6"),
        (b"32.4", b"nan", r"training.txt:2: expected a coordinate as a decimal number, .* nan"),
        (b"32.4", b"92.4", r"training.txt:2: expected image_left_eye inside the picture of 80x60 "),
        (b"net_7876", b"..", r"training.txt:2: expected a path inside .*'..\\\\b.jpg'"),
        (b"net_7876", b"\xff", r"training.txt:2: expected text in UTF-8"),
        (b"net_7876", b"\x00", r"training.txt:2: expected text without control characters"),
    ],
)  # fmt: skip
def test_a_row_of_another_form_is_named(tmp_path, old, new, message):
    with pytest.raises(DatasetError, match=message):
        mtfl.load(changed(tmp_path, "training.txt", old, new))


def test_a_point_outside_can_be_masked(tmp_path):
    root = changed(tmp_path, "training.txt", b"32.4", b"92.4")
    train = mtfl.load(root, outside="mask")
    assert np.argwhere(~train.visible).tolist() == [[1, 0]]
    assert train.points[1, 0].tolist() == [0, 0]


def test_a_missing_picture_is_not_an_error_of_the_list(tmp_path):
    contents = {k: v for k, v in CONTENTS.items() if k != "net_7876/b.jpg"}
    train = mtfl.load(folder(tmp_path, contents))
    assert len(train) == 3
    with pytest.raises(DatasetError, match=r"net_7876/b\.jpg: expected a file, and found none"):
        train.pictures.open(1)


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected training\.txt there or up to two"):
        mtfl.load(tmp_path)
    with pytest.raises(DatasetError, match="nowhere: expected a folder or a zip"):
        mtfl.load(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="MTFL has the splits 'train', 'test', and not 'valid'"):
        mtfl.load(tmp_path, "valid")


def naive(content):
    rows = [line.split() for line in content.decode().split("\n") if line.strip()]
    assert all(len(row) == 15 for row in rows)
    return [
        (
            row[0].replace("\\", "/"),
            np.array([row[1:6], row[6:11]]).astype(np.float32).T.tolist(),
            [int(value) - 1 for value in row[11:]],
        )
        for row in rows
    ]


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_lists_are_read_as_they_are_or_refused(copies, tmp_path):
    root = folder(tmp_path, CONTENTS)

    def read(content):
        (root / "training.txt").write_bytes(content)
        train = mtfl.load(root)
        columns = (train.pictures.paths, train.points.tolist(), train.values.tolist())
        return list(zip(*columns, strict=True))

    check_damage(TRAINING, read, naive, copies)


@pytest.mark.real_data
def test_the_real_files_are_read():
    root = Path(os.environ["SIMLEARN_DATA"]) / "mtfl"
    train, test = mtfl.load(root), mtfl.load(root, "test")
    # Copies of 80x80 pixels, without the rows whose attributes are not known.
    assert (len(train), len(test)) == (9_983, 1_000)
    for part in (train, test):
        assert part.visible.all()
        eye, other = part.points[:, 0], part.points[:, 1]
        # Left is the picture's left, and eyes lie above mouths.
        assert (eye[:, 0] < other[:, 0]).mean() > 0.99
        assert (eye[:, 1] < part.points[:, 3, 1]).mean() > 0.99
        assert all(part.pictures.open(row).size == (80, 80) for row in range(0, len(part), 97))
    # The nose of a face that looks to the picture's left lies left of the middle of the eyes.
    middle = train.points[:, :2, 0].mean(axis=1)
    offset = train.points[:, 2, 0] - middle
    means = [offset[train.attribute("pose") == pose].mean() for pose in range(5)]
    assert means == sorted(means)
    assert means[0] < 0 < means[4]
