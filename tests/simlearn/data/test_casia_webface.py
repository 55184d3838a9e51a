import pytest

from simlearn.data import casia_webface
from simlearn.errors import DatasetError
from tests.simlearn.data.pictures import archive, encoded, folder, noise

PICTURE = encoded(noise(7, 5), "JPEG")
NAMES = [
    "0000045/001.jpg", "0000045/015.jpg", "0166921/001.jpg", "1056413/002.jpg", "1056414/1.png",
    "1193098/001.jpg", "1193098/003.jpg", "2000000/face 1.JPG",
]  # fmt: skip
CONTENTS = dict.fromkeys(NAMES, PICTURE)


@pytest.fixture(params=["folder", "zip", "below"])
def root(request, tmp_path):
    if request.param == "folder":
        return folder(tmp_path, CONTENTS | {"readme.txt": b""})
    contents = {f"CASIA-WebFace/{name}": content for name, content in CONTENTS.items()}
    if request.param == "zip":
        return archive(tmp_path / "CASIA-WebFace.zip", contents)
    return folder(tmp_path, contents)


def test_people_of_lfw_are_left_out_unless_asked_for(root):
    everyone = casia_webface.load(root, without_lfw=False)
    assert str(everyone) == "casia-webface: 8 pictures, 6 classes with 1 to 2 pictures"
    assert everyone.pictures.paths == tuple(sorted(CONTENTS))
    assert everyone.labels.tolist() == [0, 0, 1, 2, 3, 4, 4, 5]
    assert everyone.ids.tolist() == list(range(8))
    record = casia_webface.load(root)
    assert record.classes == ("0000045", "1056414", "2000000")
    assert record.pictures.paths == (
        "0000045/001.jpg", "0000045/015.jpg", "1056414/1.png", "2000000/face 1.JPG",
    )  # fmt: skip
    assert record.labels.tolist() == [0, 0, 1, 2]
    # The same picture has the same id either way.
    assert record.ids.tolist() == [0, 1, 4, 7]
    assert record.pictures.open(3).size == (7, 5)
    assert set(everyone.classes) - set(record.classes) == set(casia_webface.OVERLAPS_LFW)


@pytest.mark.parametrize(
    "name",
    [
        "45/001.jpg", "00000045/001.jpg", "000004a/001.jpg", "ann/001.jpg", "001.jpg",
        "0000045/deep/001.jpg", "0000045/001.gif", "000004\u0665/001.jpg", "0000045/list.lst",
    ],
)  # fmt: skip
def test_another_name_is_refused(tmp_path, name):
    root = archive(tmp_path / "z.zip", CONTENTS | {name: PICTURE})
    with pytest.raises(DatasetError, match=r"expected only files named as 0000045/001\.jpg$"):
        casia_webface.load(root)


def test_a_wrong_place_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected pictures .* and found none"):
        casia_webface.load(tmp_path)
