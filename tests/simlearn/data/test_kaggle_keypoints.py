import numpy as np
import pytest

from simlearn.data import kaggle_keypoints
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, folder

COLUMNS = [
    f"{name}_{axis}"
    for name in (
        "left_eye_center", "right_eye_center", "left_eye_inner_corner", "left_eye_outer_corner",
        "right_eye_inner_corner", "right_eye_outer_corner", "left_eyebrow_inner_end",
        "left_eyebrow_outer_end", "right_eyebrow_inner_end", "right_eyebrow_outer_end", "nose_tip",
        "mouth_left_corner", "mouth_right_corner", "mouth_center_top_lip",
        "mouth_center_bottom_lip",
    )
    for axis in "xy"
]  # fmt: skip
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 96, 96), dtype=np.uint8)
POINTS = np.round(np.random.default_rng(1).uniform(0, 95, (3, 15, 2)), 6)
MISSING = [(0, 13), (2, 2), (2, 10)]


def csv(header, rows):
    return "".join(",".join(row) + "\n" for row in (header, *rows)).encode()


def pixels(image):
    return " ".join(map(str, image.ravel().tolist()))


def training(images, points, missing):
    rows = []
    for row, image in enumerate(images):
        cells = [
            "" if (row, column // 2) in missing else f"{points[row].flat[column]:g}"
            for column in range(30)
        ]
        rows.append([*cells, pixels(image)])
    return csv([*COLUMNS, "Image"], rows)


def test_set(images):
    rows = [[str(row + 1), pixels(image)] for row, image in enumerate(images)]
    return csv(["ImageId", "Image"], rows)


test_set.__test__ = False

TRAINING = training(IMAGES, POINTS, MISSING)
TABLE = (
    b"RowId,ImageId,FeatureName,Location\r\n"
    b"1,1,left_eye_center_x,\r\n"
    b"2,1,left_eye_center_y,\r\n"
    b"3,2,mouth_center_bottom_lip_y,\r\n"
    b"4,2,nose_tip_x,\r\n"
)
CONTENTS = {
    "training.csv": TRAINING,
    "test.csv": test_set(IMAGES[:2]),
    "IdLookupTable.csv": TABLE,
}


@pytest.fixture(params=["folder", "zip", "zips in a zip", "below"])
def root(request, tmp_path):
    match request.param:
        case "folder":
            return folder(tmp_path, CONTENTS)
        case "zip":
            return archive(tmp_path / "faces.zip", CONTENTS)
        case "zips in a zip":
            inner = {
                f"{name}.zip": archive(tmp_path / name, {f"{name}.csv": CONTENTS[f"{name}.csv"]})
                for name in ("training", "test")
            }
            contents = {name: path.read_bytes() for name, path in inner.items()}
            table = {"IdLookupTable.csv": TABLE}
            return archive(tmp_path / "facial-keypoints-detection.zip", contents | table)
    return folder(tmp_path / "some" / "faces", CONTENTS).parent.parent


def test_rows_become_records(root):
    train = kaggle_keypoints.load(root)
    assert str(train) == "kaggle-keypoints-train: 3 pictures, 15 landmarks (3 of 45 missing)"
    assert [tuple(place) for place in np.argwhere(~train.visible)] == MISSING
    written = np.array([[[float(f"{v:g}") for v in p] for p in q] for q in POINTS], np.float32)
    for row, point in MISSING:
        written[row, point] = 0
    np.testing.assert_array_equal(train.points, written)
    np.testing.assert_array_equal(train.pictures.images[..., 0], IMAGES)
    assert train.pictures.open(1).mode == "L"
    assert train.pictures.open(1).getpixel((3, 2)) == IMAGES[1, 2, 3]
    assert train.pictures.where(1).endswith("training.csv:3")
    test = kaggle_keypoints.load(root, "test")
    assert str(test) == "kaggle-keypoints-test: 2 pictures, 15 landmarks (30 of 30 missing)"
    np.testing.assert_array_equal(test.pictures.images[..., 0], IMAGES[:2])


def test_wanted_coordinates_pick_from_points(root):
    wanted = kaggle_keypoints.wanted(root)
    assert wanted.tolist() == [[0, 0, 0], [0, 0, 1], [1, 14, 1], [1, 10, 0]]
    predicted = np.arange(2 * 15 * 2).reshape(2, 15, 2)
    assert predicted[tuple(wanted.T)].tolist() == [0, 1, 59, 50]


def test_a_mirror_swaps_the_sides_of_the_person():
    for landmark in kaggle_keypoints.LANDMARKS:
        twin = kaggle_keypoints.LANDMARKS[landmark.mirrored].name
        swapped = landmark.name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert twin == swapped
        sided = "left" in landmark.name or "right" in landmark.name
        assert landmark.name.startswith("subject_") == sided


def test_columns_may_come_in_another_order(tmp_path):
    rows = [line.split(",") for line in TRAINING.decode().split("\n")[:-1]]
    order = np.random.default_rng(2).permutation(31)
    turned = "".join(",".join(row[i] for i in order) + "\n" for row in rows).encode()
    read = kaggle_keypoints.load(folder(tmp_path / "a", {"training.csv": turned}))
    expected = kaggle_keypoints.load(folder(tmp_path / "b", {"training.csv": TRAINING}))
    np.testing.assert_array_equal(read.points, expected.points)
    np.testing.assert_array_equal(read.pictures.images, expected.pictures.images)


FIRST = TRAINING.split(b"\n")[1]
CELL, PIXEL = FIRST.split(b",")[0], FIRST.split(b",")[30].split(b" ")[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"nose_tip_x", b"nose_x", r"csv:1: expected the columns .* others: nose_tip_x, nose_x"),
        (b"nose_tip_x", b"nose_tip_y", r"training.csv:1: expected the columns .* nose_tip_x"),
        (b"Image", b'"Image"', r"training.csv:1: expected the columns .* others: .*Image"),
        (b"left", b"\xef\xbb\xbfleft", r"training.csv:1: expected text without control characters"),
        (b"\n" + CELL, b"\n", r"training.csv:2: expected subject_left_eye_center with x and y or "),
        (b"\n" + CELL, b"\n1_0", r"training.csv:2: expected a coordinate as a decimal .* 1_0"),
        (b"\n" + CELL, b"\nnan", r"training.csv:2: expected a coordinate as a decimal .* nan"),
        (b"\n" + CELL, b"\n ", r"training.csv:2: expected a coordinate as a decimal number"),
        (b"\n" + CELL, b"\n\xd9\xa3", r"training.csv:2: expected a coordinate as a decimal number"),
        (b"\n" + CELL, b"\n97", r":2: expected subject_left_eye_center inside the picture of 96"),
        (b"\n" + CELL + b",", b"\n", r"training.csv:2: expected 31 parts between ',', .* 30: "),
        (b"," + PIXEL + b" ", b",256 ", r"csv:2: expected a pixel as an integer .* 256"),
        (b"," + PIXEL + b" ", b",1100 ", r"csv:2: expected a pixel as an integer .* 1100"),
        (b"," + PIXEL + b" ", b",-1 ", r"csv:2: expected a pixel as an integer .* -1"),
        (b"," + PIXEL + b" ", b",1.5 ", r"csv:2: expected a pixel as an integer .* 1.5"),
        (b"," + PIXEL + b" ", b",1_1 ", r"csv:2: expected a pixel as an integer .* 1_1"),
        (b"," + PIXEL + b" ", b",\xd9\xa3 ", r"csv:2: expected a pixel as an integer"),
        (b"," + PIXEL + b" ", b",", r"training.csv:2: expected 9216 pixels, and received .*9215: "),
        (b"," + PIXEL + b" ", b", ", r"training.csv:2: expected a pixel as an integer"),
        (b"," + PIXEL + b" ", b",1  ", r"training.csv:2: expected 9216 pixels, .* 9217: "),
        (TRAINING, b"", r"training.csv: expected the columns left_eye_center_x"),
    ],
    ids=range(21),
)  # fmt: skip
def test_a_row_of_another_form_is_named(tmp_path, old, new, message):
    assert old in TRAINING
    contents = {"training.csv": TRAINING.replace(old, new, 1)}
    with pytest.raises(DatasetError, match=message):
        kaggle_keypoints.load(folder(tmp_path, contents))


def test_a_point_outside_can_be_masked(tmp_path):
    contents = {"training.csv": TRAINING.replace(b"\n" + CELL, b"\n97", 1)}
    train = kaggle_keypoints.load(folder(tmp_path, contents), outside="mask")
    assert [tuple(place) for place in np.argwhere(~train.visible)] == [(0, 0), *MISSING]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"\r\n2,1,", b"\r\n3,1,", r"Table.csv:3: expected RowId as an integer from 2 to 2, .* 3"),
        (b"left_eye_center_y", b"left_eye_z", r"Table.csv:3: expected FeatureName as one of left"),
        (b"left_eye_center_y", b"left_eye_center_x", r"csv:3: expected each coordinate once"),
        (b"2,1,", b"2,0,", r"Table.csv:3: expected ImageId as an integer from 1"),
        (b"center_y,", b"center_y,1.5", r"Table.csv:3: expected an empty Location, .* 1.5"),
        (b"center_y,", b"center_y", r"Table.csv:3: expected 4 parts between ','"),
    ],
)
def test_a_table_of_another_form_is_named(tmp_path, old, new, message):
    contents = {"IdLookupTable.csv": TABLE.replace(old, new)}
    with pytest.raises(DatasetError, match=message):
        kaggle_keypoints.wanted(folder(tmp_path, contents))


def test_pictures_to_test_on_are_numbered(tmp_path):
    contents = {"test.csv": CONTENTS["test.csv"].replace(b"\n2,", b"\n3,")}
    with pytest.raises(DatasetError, match=r"test.csv:3: expected ImageId as an integer from 2 to"):
        kaggle_keypoints.load(folder(tmp_path, contents), "test")


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected training\.csv there or up to two folders"):
        kaggle_keypoints.load(tmp_path)
    with pytest.raises(DatasetError, match="Kaggle keypoints has the splits 'train', 'test', and"):
        kaggle_keypoints.load(tmp_path, "valid")


def naive(content):
    header, *rows = [line.split(",") for line in content.decode().split("\n") if line.strip()]
    header[-1], rows = header[-1].strip("\r"), [[*r[:-1], r[-1].strip("\r")] for r in rows]
    assert sorted(header) == sorted([*COLUMNS, "Image"])
    read = []
    for row in rows:
        assert len(row) == len(header)
        cells = dict(zip(header, row, strict=True))
        points = [cells[name] for name in COLUMNS]
        image = [int(pixel) for pixel in cells["Image"].split(" ")]
        assert len(image) == 9
        read.append(([np.float32(point or 0) for point in points], image))
    return read


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_rows_are_read_as_they_are_or_refused(copies, tmp_path, monkeypatch):
    monkeypatch.setattr(kaggle_keypoints, "SIDE", 3)
    content = training(IMAGES[:, :3, :3], POINTS / 40, MISSING)
    folder(tmp_path, {"training.csv": content})

    def read(content):
        (tmp_path / "training.csv").write_bytes(content)
        train = kaggle_keypoints.load(tmp_path)
        images = train.pictures.images.reshape(-1, 9).tolist()
        return list(zip(train.points.reshape(-1, 30).tolist(), images, strict=True))

    check_damage(content, read, naive, copies)


def naive_table(content):
    rows = [line.strip("\r").split(",") for line in content.decode().split("\n") if line.strip()]
    header, *rows = rows
    read = []
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        column = COLUMNS.index(cells["FeatureName"])
        read.append([int(cells["ImageId"]) - 1, column // 2, column % 2])
    return read


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_tables_are_read_as_they_are_or_refused(copies, tmp_path):
    def read(content):
        (tmp_path / "IdLookupTable.csv").write_bytes(content)
        return kaggle_keypoints.wanted(tmp_path).tolist()

    check_damage(TABLE, read, naive_table, copies)


@pytest.mark.slow
def test_a_file_of_the_official_length_is_read(tmp_path):
    rows = [row + b"\n" for row in TRAINING.split(b"\n")[1:4]]
    content = TRAINING.split(b"\n")[0] + b"\n" + b"".join(rows[i % 3] for i in range(7049))
    folder(tmp_path, {"training.csv": content})
    assert len(kaggle_keypoints.load(tmp_path)) == 7049
