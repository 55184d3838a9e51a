import random

import numpy as np
import pytest

from simlearn.data import celeba
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

NAMES = ["000001.jpg", "000002.jpg", "000003.jpg", "000004.jpg", "000005.jpg"]
POINT_HEADER = (
    b"lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y "
    b"leftmouth_x leftmouth_y rightmouth_x rightmouth_y\r\n"
)
# Ragged spaces, as in the official list.
POINTS = (
    b"000001.jpg  69  109  106  113   77  142   73  152  108  154\r\n"
    b"000002.jpg  70  110  107  112   81  135   71  151  107  153\r\n"
    b"000003.jpg  76  112  104  106  108  128   74  156   98  158\r\n"
    b"000004.jpg  72  113  108  108  101  138   71  155  101  151\r\n"
    b"000005.jpg  66  114  112  111   86  119   72.5  147  104  150\r\n"
)
# Picture i has the attributes whose position leaves 0 on division by i + 2.
SIGNS = [[1 if column % (row + 2) == 0 else -1 for column in range(40)] for row in range(5)]
ATTRIBUTES = "".join(
    f"{name} {' '.join(f'{sign:2}' for sign in signs)} \n"
    for name, signs in zip(NAMES, SIGNS, strict=True)
).encode()
ATTRIBUTE_HEADER = (" ".join(celeba.ATTRIBUTES) + " \n").encode()
PARTITION = b"000001.jpg 0\n000002.jpg 2\n000003.jpg 1\n000004.jpg 0\n000005.jpg 2\n"
IDENTITIES = b"000001.jpg 2880\n000002.jpg 17\n000003.jpg 2880\n000004.jpg 9\n000005.jpg 17\n"
PICTURE = encoded(noise(178, 218), "JPEG")
LISTS = {
    "Anno/list_landmarks_align_celeba.txt": b"5\n" + POINT_HEADER + POINTS,
    "Anno/list_attr_celeba.txt": b"5\n" + ATTRIBUTE_HEADER + ATTRIBUTES,
    "Anno/identity_CelebA.txt": IDENTITIES,
    "Eval/list_eval_partition.txt": PARTITION,
    "MAFL/training.txt": b"000004.jpg\n000001.jpg\n",
    "MAFL/testing.txt": b"000003.jpg\n",
}
CONTENTS = LISTS | {f"Img/img_align_celeba/{name}": PICTURE for name in NAMES[:4]}


def flat(contents):
    return {
        key.removeprefix("Anno/").removeprefix("Eval/").removeprefix("Img/"): content
        for key, content in contents.items()
    }


@pytest.fixture(params=["folder", "flat", "zip", "pictures in a zip"])
def root(request, tmp_path):
    match request.param:
        case "folder":
            return folder(tmp_path, CONTENTS)
        case "flat":
            return folder(tmp_path, flat(CONTENTS))
        case "zip":
            return archive(tmp_path / "celeba.zip", CONTENTS)
    pictures = {key: value for key, value in flat(CONTENTS).items() if "img_align" in key}
    archive(tmp_path / "img_align_celeba.zip", pictures)
    return folder(tmp_path, LISTS)


def test_rows_become_records(root):
    train = celeba.load(root)
    assert str(train) == (
        "celeba-train: 2 pictures, 5 landmarks, attributes 5_o_Clock_Shadow, Arched_Eyebrows, "
        "Attractive, Bags_Under_Eyes, Bald, 35 more"
    )
    assert train.ids.tolist() == [0, 3]
    # x and y alternate.
    expected = [[72, 113], [108, 108], [101, 138], [71, 155], [101, 151]]
    np.testing.assert_array_equal(train.points[1], np.array(expected, np.float32))
    assert train.visible.all()
    # Male is the attribute at 20, which 2 divides, and 5 divides as well.
    assert celeba.load(root, "all").attribute("Male").tolist() == [1, 0, 1, 1, 0]
    assert train.attributes[20] == ("Male", ("no", "yes"), ())
    assert train.pictures.open(1).size == (178, 218)
    assert train.pictures.paths[1] == "img_align_celeba/000004.jpg"
    assert celeba.load(root, "validation").ids.tolist() == [2]
    test = celeba.load(root, "test")
    assert test.ids.tolist() == [1, 4]
    assert test.points[1, 3].tolist() == [72.5, 147]
    with pytest.raises(DatasetError, match=r"000005\.jpg: expected a file, and found none"):
        test.pictures.open(1)


def test_mafl_is_a_part_with_the_same_ids(root):
    train, test = celeba.mafl(root), celeba.mafl(root, "test")
    assert (train.name, train.ids.tolist()) == ("mafl-train", [3, 0])
    assert (test.name, test.ids.tolist()) == ("mafl-test", [2])
    whole = celeba.load(root, "all")
    np.testing.assert_array_equal(train.points, whole.points[[3, 0]])
    np.testing.assert_array_equal(train.values, whole.values[[3, 0]])
    assert train.pictures.paths == ("img_align_celeba/000004.jpg", "img_align_celeba/000001.jpg")


def test_identities_are_classes(root):
    people = celeba.identities(root)
    assert str(people) == "celeba-identities: 5 pictures, 3 classes with 1 to 2 pictures"
    assert [people.classes[label] for label in people.labels] == ["2880", "17", "2880", "9", "17"]
    assert people.pictures.open(3).size == (178, 218)


def test_a_mirror_swaps_sides():
    assert [celeba.LANDMARKS[p.mirrored].name for p in celeba.LANDMARKS] == [
        "image_right_eye",
        "image_left_eye",
        "nose",
        "image_right_mouth_corner",
        "image_left_mouth_corner",
    ]


def test_the_attributes_are_forty():
    assert len(set(celeba.ATTRIBUTES)) == 40


@pytest.mark.parametrize("count", [b"5\n", b""])
@pytest.mark.parametrize("header", ["header", "image_id", "none"])
def test_first_lines_may_lack(tmp_path, count, header):
    first = {"header": b"", "image_id": b"image_id "}.get(header)
    points = b"" if first is None else first + POINT_HEADER
    signs = b"" if first is None else first + ATTRIBUTE_HEADER
    contents = LISTS | {
        "Anno/list_landmarks_align_celeba.txt": count + points + POINTS,
        "Anno/list_attr_celeba.txt": count + signs + ATTRIBUTES,
        "Eval/list_eval_partition.txt": count + PARTITION,
        "Anno/identity_CelebA.txt": count + IDENTITIES,
    }
    read = celeba.load(folder(tmp_path / "a", contents), "all")
    expected = celeba.load(folder(tmp_path / "b", LISTS), "all")
    np.testing.assert_array_equal(read.points, expected.points)
    np.testing.assert_array_equal(read.values, expected.values)
    assert read.attributes == expected.attributes
    assert len(celeba.identities(tmp_path / "a")) == 5
    assert len(celeba.load(tmp_path / "a", "test")) == 2


def test_names_of_attributes_come_from_the_first_lines(tmp_path):
    header = ATTRIBUTE_HEADER.replace(b"Male ", b"Man ")
    contents = LISTS | {"Anno/list_attr_celeba.txt": b"5\n" + header + ATTRIBUTES}
    assert celeba.load(folder(tmp_path, contents)).attributes[20].name == "Man"


POINT_LIST = "Anno/list_landmarks_align_celeba.txt"
ATTRIBUTE_LIST = "Anno/list_attr_celeba.txt"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (POINT_LIST, b"5\n", b"6\n", r"celeba.txt:1: expected the count of the rows, 5, and rec"),
        (POINT_LIST, b"5\n", b"x\n", r"celeba.txt:1: expected the count of rows as an integer"),
        (POINT_LIST, b"nose_x", b"nose", r"celeba.txt:2: expected the columns lefteye_x "),
        (POINT_LIST, b" 107  112 ", b" 107 ", r"celeba.txt:4: expected 11 tokens, and received 10"),
        (POINT_LIST, b"107", b"1_7", r"celeba.txt:4: expected a coordinate as a decimal .* 1_7"),
        (POINT_LIST, b"107", b"nan", r"celeba.txt:4: expected a coordinate as a decimal .* nan"),
        (POINT_LIST, b"107", b"\xd9\xa3", r"celeba.txt:4: expected a coordinate as a decimal "),
        (POINT_LIST, b"107", b"9" * 400, r"celeba.txt:4: expected a coordinate as a decimal "),
        (POINT_LIST, b"107", b"179", r":4: expected image_right_eye inside the picture of 178x218"),
        (POINT_LIST, b"107  112", b"107\xc2\xa0112", r"celeba.txt:4: expected only spaces and tab"),
        (POINT_LIST, b"000002.jpg", b"../x.jpg", r"celeba.txt:4: expected a path inside"),
        (POINT_LIST, b"000002.jpg", b"a\\b.jpg", r"celeba.txt:4: expected the name of a picture"),
        (POINT_LIST, b"000002.jpg", b"000001.jpg", r"celeba.txt:4: expected the name of a pictu"),
        (ATTRIBUTE_LIST, b"5\n", b"4\n", r"celeba.txt:1: expected the count of the rows, 5"),
        (ATTRIBUTE_LIST, b" Bald", b"", r"celeba.txt:2: expected the columns 5_o_Clock_Shadow "),
        (ATTRIBUTE_LIST, b" Bald", b" Bangs", r"celeba.txt:2: expected the columns 5_o_Clock_Sh"),
        (ATTRIBUTE_LIST, b"2.jpg  1", b"2.jpg  0", r"celeba.txt:4: expected attributes as -1 or 1"),
        (ATTRIBUTE_LIST, b"2.jpg  1", b"2.jpg ", r"celeba.txt:4: expected 41 tokens, and receive"),
        (ATTRIBUTE_LIST, b"000002", b"000006", r":4: expected 000002.jpg, as in the list of land"),
        (ATTRIBUTE_LIST, b"5\n" + ATTRIBUTE_HEADER + ATTRIBUTES.split(b"\n")[0] + b"\n", b"",
         r"celeba.txt:1: expected 000001.jpg, as in the list of landmarks, .* 000002.jpg"),
        ("Eval/list_eval_partition.txt", b"000005.jpg 2\n", b"",
         r"align_celeba.txt:7: expected the same pictures in every list, .*000005.jpg"),
        ("Eval/list_eval_partition.txt", b" 1\n", b" 3\n",
         r"partition.txt:3: expected the partition as an integer from 0 to 2, and received 3"),
        ("Eval/list_eval_partition.txt", PARTITION, b"a b\n", r":1: expected the partition as an"),
    ],
)  # fmt: skip
def test_a_list_of_another_form_is_named(tmp_path, name, old, new, message):
    contents = LISTS | {name: LISTS[name].replace(old, new, 1)}
    with pytest.raises(DatasetError, match=message):
        celeba.load(folder(tmp_path, contents))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"000006.jpg\n", r"training.txt:1: expected a picture of CelebA, each once, .* 000006"),
        (b"000001.jpg\n000001.jpg\n", r"training.txt:2: expected a picture of CelebA, each once"),
        (b"000001.jpg 3\n", r"training.txt:1: expected 1 tokens, and received 2"),
        (b"\xff\n", r"MAFL/training.txt:1: expected text in UTF-8"),
    ],
)
@pytest.mark.parametrize("other", [{}, {"training.txt": b"000002.jpg\n"}])
def test_a_list_of_mafl_of_another_form_is_named(tmp_path, content, message, other):
    contents = LISTS | {"MAFL/training.txt": content} | other
    with pytest.raises(DatasetError, match=message):
        celeba.mafl(folder(tmp_path, contents))


def test_mafl_lists_need_no_folder(tmp_path):
    contents = {key.removeprefix("MAFL/"): content for key, content in LISTS.items()}
    assert celeba.mafl(folder(tmp_path, contents), "test").ids.tolist() == [2]


def test_a_point_outside_can_be_masked(tmp_path):
    contents = LISTS | {POINT_LIST: LISTS[POINT_LIST].replace(b"108  108", b"108  219")}
    train = celeba.load(folder(tmp_path, contents), outside="mask")
    assert np.argwhere(~train.visible).tolist() == [[1, 1]]


def test_lists_are_read_without_any_picture(tmp_path):
    whole = celeba.load(folder(tmp_path, LISTS), "all")
    assert len(whole) == 5
    with pytest.raises(DatasetError, match=r"000001\.jpg: expected a file, and found none"):
        whole.pictures.open(0)


def test_two_folders_of_pictures_are_named(tmp_path):
    twice = {f"{place}/img_align_celeba/{NAMES[0]}": PICTURE for place in ("a", "b")}
    with pytest.raises(DatasetError, match="found them in 2: a, b"):
        celeba.load(folder(tmp_path, LISTS | twice))


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected list_landmarks_align_celeba\.txt there or"):
        celeba.load(tmp_path)
    with pytest.raises(DatasetError, match="CelebA has the splits 'train', 'validation', 'test'"):
        celeba.load(tmp_path, "val")
    with pytest.raises(DatasetError, match="MAFL has the splits 'train', 'test', and not 'all'"):
        celeba.mafl(tmp_path, "all")


def naive_rows(content, width):
    """Rows without a count and a header, after a check of both."""
    rows = [line.split() for line in content.decode().split("\n") if line.strip()]
    count = int(rows.pop(0)[0]) if len(rows[0]) == 1 else None
    header = None
    if not rows[0][-1][-1].isdigit():
        header = [name for name in rows.pop(0) if name != "image_id"]
        assert len(header) == width
    assert count in (None, len(rows))
    assert all(len(row) == width + 1 for row in rows)
    return header, rows


def naive_points(content):
    header, rows = naive_rows(content, 10)
    assert header in (None, POINT_HEADER.decode().split())
    return [(row[0], np.array(row[1:]).astype(np.float32).tolist()) for row in rows]


def naive_attributes(content):
    header, rows = naive_rows(content, 40)
    return header or list(celeba.ATTRIBUTES), [
        [{"1": 1, "-1": 0}[sign] for sign in row[1:]] for row in rows
    ]


def naive_identities(content):
    return [(row[0], row[1].lstrip("+0")) for row in naive_rows(content, 1)[1]]


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("listed", ["points", "attributes", "identities"])
def test_damaged_lists_are_read_as_they_are_or_refused(copies, listed, tmp_path):
    root = folder(tmp_path, flat(LISTS))

    def points(content):
        (root / "list_landmarks_align_celeba.txt").write_bytes(content)
        record = celeba.load(root, "all")
        names = [path.removeprefix("img_align_celeba/") for path in record.pictures.paths]
        return list(zip(names, record.points.reshape(-1, 10).tolist(), strict=True))

    def attributes(content):
        (root / "list_attr_celeba.txt").write_bytes(content)
        record = celeba.load(root, "all")
        return [attribute.name for attribute in record.attributes], record.values.tolist()

    def identities(content):
        (root / "identity_CelebA.txt").write_bytes(content)
        record = celeba.identities(root)
        names = [path.removeprefix("img_align_celeba/") for path in record.pictures.paths]
        return [
            (name, record.classes[label]) for name, label in zip(names, record.labels, strict=True)
        ]

    content, read, naive = {
        "points": (LISTS[POINT_LIST], points, naive_points),
        "attributes": (LISTS[ATTRIBUTE_LIST], attributes, naive_attributes),
        "identities": (IDENTITIES, identities, naive_identities),
    }[listed]
    check_damage(content, read, naive, copies)


@pytest.mark.slow
def test_two_hundred_thousand_rows_are_read(tmp_path):
    chance = random.Random(0)
    names = [f"{number:06d}.jpg" for number in range(1, 202_600)]

    def rows(width, choices):
        return "".join(
            f"{name} {' '.join(chance.choices(choices, k=width))}\n" for name in names
        ).encode()

    lists = {
        "list_landmarks_align_celeba.txt": rows(10, ["31", " 7", "142", "177"]),
        "list_attr_celeba.txt": rows(40, ["-1", " 1"]),
        "list_eval_partition.txt": rows(1, "012"),
    }
    root = folder(tmp_path, lists)
    parts = [celeba.load(root, split) for split in ("train", "all")]
    assert len(parts[1]) == 202_599
