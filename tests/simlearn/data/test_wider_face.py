import numpy as np
import pytest

from simlearn.data import wider_face
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

TRAIN = (
    b"0--Parade/0_Parade_marchingband_1_849.jpg\n"
    b"1\n"
    b"449 330 122 149 0 0 0 0 0 0 \n"
    b"0--Parade/0_Parade_Parade_0_452.jpg\n"
    b"0\n"
    b"0 0 0 0 0 0 0 0 0 0 \n"
    b"1--Handshaking/1_b_7.jpg\n"
    b"3\n"
    b"78 221 7 8 2 1 1 0 2 1 \n"
    b"78 238 14 17 1 0 0 1 1 0 \n"
    b"-3 212 11 0 2 0 0 0 0 0 \n"
)
VALIDATION = b"2--D/2_d_1.jpg\r\n1\r\n5 6 7 9 0 0 0 0 0 0 \r\n"
TEST = b"3--E/3_e_1.jpg\n3--E/3_e_2.jpg\n"
CONTENTS = {
    "wider_face_split/wider_face_train_bbx_gt.txt": TRAIN,
    "wider_face_split/wider_face_val_bbx_gt.txt": VALIDATION,
    "wider_face_split/wider_face_test_filelist.txt": TEST,
    "WIDER_train/images/1--Handshaking/1_b_7.jpg": encoded(noise(13, 11), "JPEG"),
    "WIDER_val/images/2--D/2_d_1.jpg": encoded(noise(7, 5), "JPEG"),
    "WIDER_test/images/3--E/3_e_2.jpg": encoded(noise(5, 3), "JPEG"),
}


@pytest.fixture(params=["folder", "zip", "zips in a folder", "below"])
def root(request, tmp_path):
    match request.param:
        case "folder":
            return folder(tmp_path, CONTENTS)
        case "zip":
            return archive(tmp_path / "wider.zip", CONTENTS)
        case "zips in a folder":
            for name in ("wider_face_split", "WIDER_train", "WIDER_val", "WIDER_test"):
                part = {key: value for key, value in CONTENTS.items() if key.startswith(name)}
                archive(tmp_path / f"{name}.zip", part)
            return tmp_path
    return folder(tmp_path / "some" / "WIDER", CONTENTS).parent.parent


def test_rows_become_boxes(root):
    train = wider_face.load(root)
    assert str(train) == "wider-face-train: 3 pictures, 4 boxes, 2 of them ignored"
    assert train.owner.tolist() == [0, 2, 2, 2]
    assert train.of(0).tolist() == [[449, 330, 571, 479]]
    assert train.of(1).shape == (0, 4)
    assert train.of(2).tolist() == [[78, 221, 85, 229], [78, 238, 92, 255], [-3, 212, 8, 212]]
    # The second of them is marked invalid, the third has no height.
    assert train.ignored.tolist() == [False, False, True, True]
    assert {key: column.tolist() for key, column in train.details.items()} == {
        "blur": [0, 2, 1, 2],
        "expression": [0, 1, 0, 0],
        "illumination": [0, 1, 0, 0],
        "invalid": [0, 0, 1, 0],
        "occlusion": [0, 2, 1, 0],
        "pose": [0, 1, 0, 0],
    }
    assert train.pictures.open(2).size == (13, 11)
    with pytest.raises(DatasetError, match=r"1_849\.jpg: expected a file, and found none"):
        train.pictures.open(0)


def test_each_split_has_its_list_and_folder(root):
    validation = wider_face.load(root, "validation")
    assert str(validation) == "wider-face-validation: 1 pictures, 1 boxes"
    assert validation.pictures.open(0).size == (7, 5)
    test = wider_face.load(root, "test")
    assert str(test) == "wider-face-test: 2 pictures, 0 boxes"
    assert test.pictures.open(1).size == (5, 3)
    assert test.of(1).shape == (0, 4)


def test_a_picture_without_faces_needs_no_row_of_zeros(tmp_path):
    name = "wider_face_split/wider_face_train_bbx_gt.txt"
    short = TRAIN.replace(b"0 0 0 0 0 0 0 0 0 0 \n", b"")
    read = wider_face.load(folder(tmp_path, {name: short}))
    assert read.owner.tolist() == [0, 2, 2, 2]
    # But a row of zeros behind the count 1 is a face.
    counted = TRAIN.replace(b"\n0\n", b"\n1\n")
    read = wider_face.load(folder(tmp_path, {name: counted}))
    assert read.owner.tolist() == [0, 1, 2, 2, 2]
    assert read.ignored.tolist() == [False, True, False, True, True]
    last = b"".join(TRAIN.splitlines(keepends=True)[:5])
    assert len(wider_face.load(folder(tmp_path, {name: last}))) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"\n3\n", b"\n2\n", r"gt.txt:11: expected the name of a picture, and received -3 212"),
        (b"\n3\n", b"\n4\n", r"gt.txt:8: expected 4 rows of faces, and received 3"),
        (b"\n3\n", b"\n-3\n", r"gt.txt:8: expected a count of faces as an integer from 0"),
        (b"\n0\n", b"\n1\n0 0 1 0 0 0 0 0 0 0\n", r"gt.txt:7: expected the name of a picture"),
        (b"\n0\n", b"\n", r"gt.txt:5: expected a count of faces as an integer"),
        (b"2 1 \n", b"2 \n", r"gt.txt:9: expected 10 tokens, and received 9"),
        (b"2 1 \n", b"3 1 \n", r"gt.txt:9: expected occlusion as an integer from 0 to 2, .* 3"),
        (b"8 2 1 1", b"8 2 2 1", r"gt.txt:9: expected expression as an integer from 0 to 1, .* 2"),
        (b"78 221 7", b"78 221 -7", r"gt.txt:9: expected width as an integer from 0 to 32768"),
        (b"78 221 7", b"78 221 7.5", r"gt.txt:9: expected width as an integer from 0 to 32768"),
        (b"78 221", b"78 99999", r"gt.txt:9: expected y as an integer from -32768 to 32768"),
        (b"1--Handshaking", b"..", r"gt.txt:7: expected a path inside the data set"),
        (b"1--Handshaking/1_b_7", b"0--Parade/0_Parade_Parade_0_452", r":7: expected each picture"),
        (TRAIN, TRAIN + b"a/b.jpg\n", r"gt.txt:12: expected a count of faces behind the name"),
    ],
)  # fmt: skip
def test_a_list_of_another_form_is_named(tmp_path, old, new, message):
    name = "wider_face_split/wider_face_train_bbx_gt.txt"
    with pytest.raises(DatasetError, match=message):
        wider_face.load(folder(tmp_path, {name: TRAIN.replace(old, new, 1)}))


def test_a_list_of_the_test_is_only_names(tmp_path):
    name = "wider_face_split/wider_face_test_filelist.txt"
    with pytest.raises(DatasetError, match=r"filelist.txt:3: expected the name of a picture"):
        wider_face.load(folder(tmp_path, {name: TEST + b"1\n"}), "test")


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected wider_face_split/wider_face_train_bbx_gt"):
        wider_face.load(tmp_path)
    with pytest.raises(DatasetError, match="WIDER FACE has the splits 'train', 'validation', 't"):
        wider_face.load(tmp_path, "val")


def naive(content):
    lines = [line.strip(" \t\r") for line in content.decode().split("\n")]
    lines = [line for line in lines if line]
    read = []
    while lines:
        name, count = lines.pop(0).replace("\\", "/"), int(lines.pop(0))
        assert name.endswith(".jpg")
        rows = [[int(cell) for cell in lines.pop(0).split()] for _ in range(count)]
        assert all(len(row) == 10 for row in rows)
        if count == 0 and lines and lines[0].split() == ["0"] * 10:
            lines.pop(0)
        boxes = [[x, y, x + w, y + h] for x, y, w, h, *_ in rows]
        ignored = [row[7] == 1 or row[2] == 0 or row[3] == 0 for row in rows]
        read.append((name, boxes, ignored, [row[4:] for row in rows]))
    return read


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_lists_are_read_as_they_are_or_refused(copies, tmp_path):
    name = "wider_face_split/wider_face_train_bbx_gt.txt"
    root = folder(tmp_path, {name: TRAIN})

    def read(content):
        (root / name).write_bytes(content)
        train = wider_face.load(root)
        details = np.column_stack(list(train.details.values()))
        return [
            (
                path.removeprefix("WIDER_train/images/"),
                train.of(row).tolist(),
                train.ignored[train.owner == row].tolist(),
                details[train.owner == row].tolist(),
            )
            for row, path in enumerate(train.pictures.paths)
        ]

    check_damage(TRAIN, read, naive, copies)
