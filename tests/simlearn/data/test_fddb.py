import math

import numpy as np
import pytest

from simlearn.data import fddb
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

FIRST = (
    b"2002/08/11/big/img_591\n"
    b"1\n"
    b"123.5 85.25 1.265839 269.75 161.5  1\n"
    b"2002/08/26/big/img_265\n"
    b"3\n"
    b"67.25 44.5 -1.476417 105.25 87.25  1\n"
    b"41.5 27.25 1.5 184 70.5  1\n"
    b"70.5 43.75 0 340.5 14.75  1\n"
)
LISTS = {
    f"FDDB-folds/FDDB-fold-{fold:02}-ellipseList.txt": (
        f"2003/{fold:02}/b\r\n1\r\n20.5 10.5 0 {fold + 50} 60  1\r\n".encode()
    )
    for fold in range(1, 11)
} | {"FDDB-folds/FDDB-fold-01-ellipseList.txt": FIRST}
PICTURES = {
    "originalPics/2002/08/11/big/img_591.jpg": encoded(noise(13, 11), "JPEG"),
    "originalPics/2003/02/b.jpg": encoded(noise(7, 5), "JPEG"),
}


@pytest.fixture(params=["folder", "zip", "below", "no folder of lists", "no folder of pictures"])
def root(request, tmp_path):
    contents = LISTS | PICTURES
    match request.param:
        case "zip":
            return archive(tmp_path / "fddb.zip", contents)
        case "below":
            return folder(tmp_path / "some" / "FDDB", contents).parent.parent
        case "no folder of lists":
            contents = {key.removeprefix("FDDB-folds/"): value for key, value in contents.items()}
        case "no folder of pictures":
            contents = {key.removeprefix("originalPics/"): value for key, value in contents.items()}
    return folder(tmp_path, contents)


def test_ellipses_become_boxes(root):
    faces = fddb.load(root)
    assert str(faces) == "fddb: 11 pictures, 13 boxes"
    assert faces.owner.tolist() == [0, 1, 1, 1, *range(2, 11)]
    assert faces.details["fold"].tolist() == [0, 0, 0, 0, *range(1, 10)]
    assert faces.details["ellipses"][1].tolist() == [67.25, 44.5, -1.476417, 105.25, 87.25]
    assert not faces.ignored.any()
    # Lying flat: the longer half axis is half the width.
    np.testing.assert_allclose(faces.of(1)[2], [270, -29, 411, 58.5])
    np.testing.assert_allclose(faces.of(2), [[31.5, 49.5, 72.5, 70.5]])
    assert faces.pictures.paths[0].endswith("2002/08/11/big/img_591.jpg")
    assert faces.pictures.open(0).size == (13, 11)
    assert faces.pictures.open(2).size == (7, 5)
    with pytest.raises(DatasetError, match=r"img_265\.jpg: expected a file, and found none"):
        faces.pictures.open(1)


def test_a_box_just_holds_its_ellipse():
    """Against points walked along each ellipse."""
    chance = np.random.default_rng(0)
    count = 50
    ellipses = np.column_stack(
        [
            chance.uniform(5, 90, (count, 2)),
            chance.uniform(-math.pi, math.pi, count),
            chance.uniform(-20, 300, (count, 2)),
        ]
    )
    turns = np.linspace(0, 2 * math.pi, 20_001)
    for (a, b, angle, x, y), box in zip(ellipses, fddb.bounds(ellipses), strict=True):
        along, across = a * np.cos(turns), b * np.sin(turns)
        xs = x + along * math.cos(angle) - across * math.sin(angle)
        ys = y + along * math.sin(angle) + across * math.cos(angle)
        walked = [xs.min(), ys.min(), xs.max(), ys.max()]
        np.testing.assert_allclose(box, walked, atol=1e-5)


def test_lists_are_read_without_any_picture(tmp_path):
    faces = fddb.load(folder(tmp_path, LISTS))
    assert faces.pictures.paths[0] == "originalPics/2002/08/11/big/img_591.jpg"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"\n3\n", b"\n2\n", r"List.txt:8: expected 1 tokens, and received 6: 70.5"),
        (b"\n3\n", b"\n4\n", r"List.txt:5: expected 4 rows of faces, and received 3"),
        (b"\n3\n", b"\n3.0\n", r"List.txt:5: expected a count of faces as an integer .* 3.0"),
        (b"\n1\n", b"\n", r"List.txt:2: expected a count of faces as an integer from 0 to 10000"),
        (FIRST, FIRST + b"2003/x\n", r"List.txt:9: expected a count of faces behind the name"),
        (b"161.5  1", b"161.5", r"List.txt:3: expected 6 tokens, and received 5"),
        (b"161.5  1", b"161.5  2", r"List.txt:3: expected the last column as one of 1, .* 2"),
        (b"123.5", b"-123.5", r"List.txt:3: expected half axes above 0 and up to 32768, .* -123.5"),
        (b"85.25", b"0", r"List.txt:3: expected half axes above 0"),
        (b"85.25", b"1e9", r"List.txt:3: expected half axes above 0"),
        (b"85.25", b"nan", r"List.txt:3: expected a number as a decimal number"),
        (b"1.265839", b"72.5", r"List.txt:3: expected an angle in radians, and received 72.5"),
        (b"161.5", b"1e30", r"List.txt:3: expected a centre at most 32768 pixels away"),
        (b"2002/08/26", b"../26", r"List.txt:4: expected a path inside the data set"),
        (b"2002/08/26/big/img_265", b"2002/08/11/big/img_591", r"txt:4: expected each picture onc"),
    ],
)
def test_a_list_of_another_form_is_named(tmp_path, old, new, message):
    key = "FDDB-folds/FDDB-fold-01-ellipseList.txt"
    with pytest.raises(DatasetError, match=message):
        fddb.load(folder(tmp_path, LISTS | {key: FIRST.replace(old, new, 1)}))


def test_ten_folds_must_be_there(tmp_path):
    some = {key: value for key, value in LISTS.items() if "-07-" not in key}
    with pytest.raises(DatasetError, match=r"FDDB-fold-07-ellipseList\.txt: expected a file"):
        fddb.load(folder(tmp_path, some))


def test_a_wrong_place_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected FDDB-fold-01-ellipseList\.txt there or up"):
        fddb.load(tmp_path)


def naive(content):
    lines = [line.split() for line in content.decode().split("\n") if line.strip()]
    read = []
    while lines:
        name, count = lines.pop(0), lines.pop(0)
        assert len(name) == len(count) == 1
        rows = [[float(cell) for cell in lines.pop(0)] for _ in range(int(count[0]))]
        assert all(len(row) == 6 and row[5] == 1 for row in rows)
        read.append((name[0].replace("\\", "/"), [row[:5] for row in rows]))
    return read


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_lists_are_read_as_they_are_or_refused(copies, tmp_path, monkeypatch):
    monkeypatch.setattr(fddb, "FOLDS", 1)
    root = folder(tmp_path, {"FDDB-fold-01-ellipseList.txt": FIRST})

    def read(content):
        (root / "FDDB-fold-01-ellipseList.txt").write_bytes(content)
        faces = fddb.load(root)
        ellipses = faces.details["ellipses"]
        return [
            (path[len("originalPics/") : -len(".jpg")], ellipses[faces.owner == row].tolist())
            for row, path in enumerate(faces.pictures.paths)
        ]

    check_damage(FIRST, read, naive, copies)
