import numpy as np
import pytest

from simlearn.data import malf
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

TABLE = (
    b"picture   x     y   width height ignored yaw  gender\n"
    b"a/1.jpg   12    7   31    33.5   0       2    1\n"
    b"a/2.jpg   -1.5  40  20    21     1       0    -1\n"
    b"a/1.jpg   60    9   11.25 13     0       1    0\n"
)
CONTENTS = {"malf.txt": TABLE, "a/2.jpg": encoded(noise(13, 11), "JPEG")}


@pytest.fixture(params=["folder", "zip", "below"])
def root(request, tmp_path):
    match request.param:
        case "folder":
            return folder(tmp_path, CONTENTS)
        case "zip":
            return archive(tmp_path / "malf.zip", CONTENTS)
    return folder(tmp_path / "some" / "MALF", CONTENTS).parent.parent


def test_rows_become_boxes(root):
    faces = malf.load(root)
    assert str(faces) == "malf: 2 pictures, 3 boxes, 1 of them ignored"
    assert faces.pictures.paths == ("a/1.jpg", "a/2.jpg")
    # The faces of a picture come together, whatever stood between them.
    assert faces.owner.tolist() == [0, 0, 1]
    assert faces.boxes.tolist() == [[12, 7, 43, 40.5], [60, 9, 71.25, 22], [-1.5, 40, 18.5, 61]]
    assert faces.ignored.tolist() == [False, False, True]
    assert faces.details["yaw"].tolist() == [2, 1, 0]
    assert faces.details["gender"].tolist() == [1, 0, -1]
    assert faces.pictures.open(1).size == (13, 11)
    with pytest.raises(DatasetError, match=r"a/1\.jpg: expected a file, and found none"):
        faces.pictures.open(0)


def test_columns_may_lack_or_come_in_another_order(tmp_path):
    table = b"height\twidth\ty\tx\tpicture\n33\t31\t7\t12\ta/1.jpg\n"
    faces = malf.load(folder(tmp_path, {"faces.tsv": table}), "faces.tsv")
    assert faces.boxes.tolist() == [[12, 7, 43, 40]]
    assert faces.ignored.tolist() == [False]
    assert dict(faces.details) == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"width ", b"w     ", r"malf.txt:1: expected the columns picture x y width height, each"),
        (b" yaw", b" x  ", r"malf.txt:1: expected the columns picture x y width height, each onc"),
        (TABLE, b"", r"malf.txt: expected the columns picture x y width height"),
        (b"31 ", b"   ", r"malf.txt:2: expected 8 tokens, and received 7"),
        (b"31 ", b"-1 ", r"malf.txt:2: expected a box within 32768 pixels, of a width and a hei"),
        (b"31 ", b"1e5", r"malf.txt:2: expected a box within 32768 pixels"),
        (b"31 ", b"inf", r"malf.txt:2: expected width as a decimal number, and received inf"),
        (b" 1       0 ", b" 2       0 ", r"malf.txt:3: expected ignored as an integer from 0 to 1"),
        (b"   2    1", b"   -2   1", r"malf.txt:2: expected yaw as an integer from -1 to"),
        (b"a/2.jpg", b"/a.jpg ", r"malf.txt:3: expected a path inside the data set"),
    ],
)
def test_a_table_of_another_form_is_named(tmp_path, old, new, message):
    with pytest.raises(DatasetError, match=message):
        malf.load(folder(tmp_path, {"malf.txt": TABLE.replace(old, new, 1)}))


def test_a_wrong_place_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected malf\.txt there or up to two folders down"):
        malf.load(tmp_path)


def naive(content):
    header, *rows = [line.split() for line in content.decode().split("\n") if line.strip()]
    assert all(len(row) == len(header) == len(set(header)) for row in rows)
    faces = [dict(zip(header, row, strict=True)) for row in rows]
    read = {}
    for face in faces:
        x, y, width, height = (float(face.pop(key)) for key in ("x", "y", "width", "height"))
        box = np.array([x, y, x + width, y + height]).astype(np.float32).tolist()
        path, ignored = face.pop("picture").replace("\\", "/"), int(face.pop("ignored", "0")) == 1
        further = {key: int(value) for key, value in face.items()}
        read.setdefault(path, []).append((box, ignored, further))
    return read


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_tables_are_read_as_they_are_or_refused(copies, tmp_path):
    def read(content):
        (tmp_path / "malf.txt").write_bytes(content)
        faces = malf.load(tmp_path)
        found = {path: [] for path in faces.pictures.paths}
        for row, owner in enumerate(faces.owner):
            further = {key: int(column[row]) for key, column in faces.details.items()}
            face = (faces.boxes[row].tolist(), bool(faces.ignored[row]), further)
            found[faces.pictures.paths[owner]].append(face)
        return found

    check_damage(TABLE, read, naive, copies)
