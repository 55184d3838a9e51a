import zlib

import numpy as np
import pytest
from PIL import Image

from simlearn.data import Files
from simlearn.data.decode import PictureError
from simlearn.data.records import PictureArray, StoredPictures
from simlearn.errors import DatasetError, UserError
from tests.simlearn.data.pictures import encoded, folder, noise

PATHS = ["b/1.png", "a/2.png", "b/3.png", "gone.png", "a/5.png"]
CONTENTS = {
    path: encoded(noise(5 + i, 3, seed=i)) for i, path in enumerate(PATHS) if path != "gone.png"
}


@pytest.fixture
def stored(tmp_path):
    return StoredPictures(Files(folder(tmp_path, CONTENTS)), PATHS)


def test_stored_pictures_open_by_position(stored, tmp_path):
    assert len(stored) == 5
    assert stored.size(2) == (7, 3)
    np.testing.assert_array_equal(np.asarray(stored.open(2)), noise(7, 3, seed=2))
    assert stored.open(2, channels=1).mode == "L"
    assert stored.open(2, shrink=2).size == (4, 2)
    assert stored.where(4) == f"{tmp_path}/a/5.png"
    assert stored.checksum(1) == zlib.crc32(CONTENTS["a/2.png"])
    part = stored.take(np.array([4, 0]))
    assert part.paths == ("a/5.png", "b/1.png")
    assert part.take(slice(1, None)).paths == ("b/1.png",)
    assert stored.take(np.array([False, True, False, False, True])).paths == ("a/2.png", "a/5.png")


def test_a_picture_that_is_missing_or_damaged_is_named(stored, tmp_path):
    for read in (stored.open, stored.size):
        with pytest.raises(DatasetError, match=r"gone\.png: expected a file, and found none"):
            read(3)
    assert stored.checksum(3) == 0
    assert stored.stamp(3) == "gone.png:missing"
    before = stored.stamp(1)
    assert before.startswith("a/2.png:")
    (tmp_path / "a" / "2.png").write_bytes(b"no picture")
    assert stored.stamp(1) != before
    for read in (stored.open, stored.size):
        with pytest.raises(PictureError, match=r"a/2\.png: expected a JPEG, PNG"):
            read(1)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_array_opens_as_files_do(channels):
    images = noise(7, 11 * 3, channels=3).reshape(3, 11, 7, 3)[..., :channels]
    array = PictureArray(images, ["one", "two", "three"])
    assert len(array) == 3
    assert array.size(1) == (7, 11)
    assert array.where(1) == "two"
    assert PictureArray(images).where(1) == "picture 1"
    expected = Image.fromarray(np.squeeze(images[2]))
    assert array.open(2) == expected
    for wanted, mode in ((1, "L"), (3, "RGB")):
        assert array.open(2, channels=wanted) == expected.convert(mode)
    assert array.open(2, shrink=4).size == (2, 3)
    asked = []
    assert array.open(2, shrink=lambda *size: asked.append(size) or 2).size == (4, 6)
    assert asked == [(7, 11)]
    assert array.checksum(0) == zlib.crc32(images[0].tobytes())
    assert array.stamp(0) != array.stamp(1)
    part = array.take(np.array([2, 0]))
    assert part.where(0) == "three"
    np.testing.assert_array_equal(part.images, images[[2, 0]])


@pytest.mark.parametrize(
    ("images", "names", "message"),
    [
        (np.zeros((2, 3, 5), np.uint8), None, r"uint8 \(n, height, .* uint8 of shape \(2, 3, 5\)"),
        (np.zeros((2, 3, 5, 2), np.uint8), None, r"1 or 3\), and received .* \(2, 3, 5, 2\)"),
        (np.zeros((2, 3, 5, 1), np.float32), None, "received float32"),
        (np.zeros((2, 3, 5, 1), np.uint8), ["a"], "expected 2 names of images, and received 1"),
    ],
)
def test_an_array_of_another_form_is_refused(images, names, message):
    with pytest.raises(UserError, match=message):
        PictureArray(images, names)
