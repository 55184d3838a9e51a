import os

import pytest

from simlearn.data import orl
from simlearn.errors import DatasetError
from tests.simlearn.data.pictures import archive, encoded, folder, noise

CONTENTS = {
    f"s{person}/{number}.pgm": encoded(noise(9, 11, 1, seed=person), "PPM")
    for person, numbers in {1: (1, 2, 10), 2: (1, 3), 11: (2, 1)}.items()
    for number in numbers
}
README = {"README": b"about", "s2/Thumbs.db": b"", "s1/.hidden": b""}


@pytest.fixture(params=["folder", "zip", "below", "zip in a folder"])
def root(request, tmp_path):
    contents = CONTENTS | README
    match request.param:
        case "folder":
            return folder(tmp_path, contents)
        case "zip":
            return archive(tmp_path / "att_faces.zip", contents)
        case "below":
            return folder(tmp_path / "data" / "orl_faces", contents).parent.parent
        case "zip in a folder":
            archive(tmp_path / "att_faces.zip", contents)
            return tmp_path


def test_people_and_pictures_come_in_the_order_of_their_numbers(root):
    record = orl.load(root)
    assert str(record) == "orl: 7 pictures, 3 classes with 2 to 3 pictures"
    assert record.classes == ("s1", "s2", "s11")
    assert record.pictures.paths == (
        "s1/1.pgm", "s1/2.pgm", "s1/10.pgm", "s2/1.pgm", "s2/3.pgm", "s11/1.pgm", "s11/2.pgm",
    )  # fmt: skip
    assert record.labels.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert record.ids.tolist() == list(range(7))
    assert record.pictures.open(3).size == (9, 11)
    assert record.pictures.open(3).mode == "L"


@pytest.mark.parametrize(
    "name",
    [
        "s1/0.pgm", "s1/01.pgm", "s01/1.pgm", "s0/1.pgm", "S1/1.pgm", "s1/1.PGM", "s1/1.jpg",
        "1.pgm", "s1/a.pgm", "s1/1.pgm.bak", "s1/1 copy.pgm", "t1/1.pgm", "s1/deep/1.pgm",
        "s\u0663/1.pgm", "s-1/1.pgm", "s1_0/1.pgm", "s1/9999999999.pgm", "s1/list.csv",
        "s9999999999/1.pgm",
    ],
)  # fmt: skip
def test_another_name_is_refused(tmp_path, name):
    root = archive(tmp_path / "att_faces.zip", CONTENTS | {name: b""})
    with pytest.raises(DatasetError, match=r"zip/.*: expected only files named as s1/10\.pgm$"):
        orl.load(root)


def test_a_wrong_place_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected pictures .* and found none"):
        orl.load(folder(tmp_path, README))


@pytest.mark.real_data
def test_the_official_files():
    record = orl.load(f"{os.environ['SIMLEARN_DATA']}/orl")
    assert str(record) == "orl: 400 pictures, 40 classes with 10 pictures"
    assert (len(record.classes), len(record) // len(record.classes)) == orl.COUNTS
    assert record.classes[9] == "s10"
    assert record.pictures.paths[99] == "s10/10.pgm"
    assert {record.pictures.size(row) for row in range(len(record))} == {(92, 112)}
