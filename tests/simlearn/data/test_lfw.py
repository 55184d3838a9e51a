import os

import numpy as np
import pytest

from simlearn.data import lfw
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

VIEW2 = (
    b"2\t3\n"
    b"Ann\t1\t2\nAnn\t3\t1\nBob_Lee\t1\t12\n"
    b"Ann\t1\tBob_Lee\t1\nCy\t1\tAnn\t2\nDi-Ana\t4\tCy\t1\n"
    b"Eve\t2\t5\nFay\t1\t2\nFay\t3\t2\n"
    b"Eve\t2\tFay\t1\nGus\t1\tEve\t5\nFay\t3\tGus\t1\n"
)
VIEW1 = b"2\nAnn\t1\t2\nBob_Lee\t1\t12\nAnn\t1\tBob_Lee\t1\nCy\t1\tAnn\t2\n"
PICTURE = encoded(noise(13, 11), "JPEG")
PEOPLE = {
    f"lfw-deepfunneled/{name}": PICTURE
    for name in (
        "Ann/Ann_0001.jpg",
        "Ann/Ann_0002.jpg",
        "Ann/Ann_0003.jpg",
        "Bob_Lee/Bob_Lee_0001.jpg",
        "Cy/Cy_0001.jpg",
        "Zoe/Zoe_0007.jpg",
    )
}
LISTS = {"pairs.txt": VIEW2, "pairsDevTrain.txt": VIEW1, "pairsDevTest.txt": VIEW1[2:]}


@pytest.fixture(params=["beside", "in the zip", "above", "in the folder of people", "zip beside"])
def root(request, tmp_path):
    match request.param:
        case "beside":
            return folder(tmp_path, PEOPLE | LISTS)
        case "in the zip":
            return archive(tmp_path / "lfw.zip", PEOPLE | LISTS)
        case "above":
            return folder(tmp_path, LISTS | {f"some/{k}": v for k, v in PEOPLE.items()})
        case "in the folder of people":
            inner = {f"lfw-deepfunneled/{k}": v for k, v in LISTS.items()}
            return folder(tmp_path, PEOPLE | inner)
    archive(tmp_path / "lfw-deepfunneled.zip", PEOPLE)
    return folder(tmp_path, LISTS)


def without_folder(paths):
    return [path.split("/", 1)[1] if path.startswith("some") else path for path in paths]


def test_view_2_has_folds_and_each_picture_once(root):
    pairs = lfw.view2(root)
    assert str(pairs) == "lfw-view2: 12 pairs in 2 folds, 6 of one person, among 13 pictures"
    assert pairs.same.tolist() == [True] * 3 + [False] * 3 + [True] * 3 + [False] * 3
    assert pairs.fold.tolist() == [0] * 6 + [1] * 6
    paths = without_folder(pairs.pictures.paths)
    assert len(set(paths)) == len(paths) == 13
    assert [paths[i] for i in (pairs.left[2], pairs.right[2], pairs.left[5], pairs.right[10])] == [
        "lfw-deepfunneled/Bob_Lee/Bob_Lee_0001.jpg",
        "lfw-deepfunneled/Bob_Lee/Bob_Lee_0012.jpg",
        "lfw-deepfunneled/Di-Ana/Di-Ana_0004.jpg",
        "lfw-deepfunneled/Eve/Eve_0005.jpg",
    ]
    # Picture 2 of Ann is the right one of the first pair and of the fifth.
    assert pairs.right[0] == pairs.right[4]
    assert pairs.pictures.open(int(pairs.left[0])).size == (13, 11)


def test_people_are_the_classes(root):
    people = lfw.people(root)
    assert str(people) == "lfw: 6 pictures, 4 classes with 1 to 3 pictures"
    assert people.classes == ("Ann", "Bob_Lee", "Cy", "Zoe")
    assert people.labels.tolist() == [0, 0, 0, 1, 2, 3]
    assert without_folder(people.pictures.paths)[-1] == "lfw-deepfunneled/Zoe/Zoe_0007.jpg"


def test_a_missing_picture_shifts_no_fold(root):
    pairs = lfw.view2(root)
    missing = int(pairs.right[2])
    with pytest.raises(DatasetError, match=r"Bob_Lee_0012\.jpg: expected a file, and found none"):
        pairs.pictures.open(missing)


def test_lists_are_read_without_any_picture(tmp_path):
    pairs = lfw.view1(folder(tmp_path, LISTS))
    assert str(pairs) == "lfw-view1-train: 4 pairs, 2 of one person, among 5 pictures"
    assert pairs.pictures.paths[0] == "lfw/Ann/Ann_0001.jpg"
    assert pairs.fold.tolist() == [0] * 4


def rows(folds, size):
    """An official list without its first line: each pair another, people numbered."""
    for fold in range(folds):
        for row in range(size):
            yield f"P{fold}\t{row + 1}\t{row + 2}\n"
        for row in range(size):
            yield f"P{fold}\t{row + 1}\tQ\t1\n"


@pytest.mark.parametrize(
    ("name", "folds", "size", "read"),
    [
        ("pairsDevTrain.txt", 1, 1100, lfw.view1),
        ("pairsDevTest.txt", 1, 500, lambda root: lfw.view1(root, "test")),
        ("pairs.txt", 10, 300, lfw.view2),
    ],
)
def test_a_list_without_a_first_line_has_the_official_counts(tmp_path, name, folds, size, read):
    lines = list(rows(folds, size))
    pairs = read(folder(tmp_path, {name: "".join(lines).encode()}))
    assert np.bincount(pairs.fold).tolist() == [2 * size] * folds
    assert np.bincount(pairs.fold[pairs.same]).tolist() == [size] * folds
    with pytest.raises(DatasetError, match=f"{size} of two, and received {len(lines) - 1} pairs"):
        read(folder(tmp_path, {name: "".join(lines[:-1]).encode()}))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"2\t3\n", b"3\t3\n", r"pairs.txt:1: expected 3 times 3 pairs .* received 12 pairs"),
        (b"2\t3\n", b"2\t0\n", r"pairs.txt:1: expected a count as an integer from 1 "),
        (b"2\t3\n", b"2\n", r"pairs.txt:1: expected 3 or 4 columns, and received 1: 2"),
        (b"Ann\t3\t1\n", b"", r"pairs.txt:4: expected a pair of one person as row 3, 3 of each"),
        (b"Ann\t3\t1", b"Ann\t3", r"pairs.txt:3: expected 3 or 4 columns, .* '2: Ann.*3'"),
        (b"Ann\t3\t1", b"Ann\t3\t1\tx\ty", r"pairs.txt:3: expected 3 or 4 columns, .* '5: "),
        (b"Ann\t3\t1", b"Ann\t3\t0", r"pairs.txt:3: expected the number of a picture as an integ"),
        (b"Ann\t3\t1", b"Ann\t3\t1_0", r"pairs.txt:3: expected the number of a picture .* 1_0"),
        (b"Ann\t3\t1", b"Ann\t3\t3", r"pairs.txt:3: expected two pictures"),
        (b"Ann\t3\t1", b"Ann\t2\t1", r"pairs.txt:3: expected each pair once"),
        (b"Ann\t1\tBob_Lee\t1", b"Ann\t1\tAnn\t4", r"pairs.txt:5: expected two people"),
        (b"Ann\t3\t1", b"../Ann\t3\t1", r"pairs.txt:3: expected the name of a person"),
        (b"Ann\t3\t1", b"..\t3\t1", r"pairs.txt:3: expected a path inside the data set"),
        (VIEW2, b"", r"pairs.txt: expected 10 times 300 pairs .* received 0 pairs"),
    ],
)  # fmt: skip
def test_a_list_of_another_form_is_named(tmp_path, old, new, message):
    with pytest.raises(DatasetError, match=message):
        lfw.view2(folder(tmp_path, {"pairs.txt": VIEW2.replace(old, new)}))


def test_one_of_several_folders_is_named(tmp_path):
    other = {k.replace("lfw-deepfunneled", "lfw"): v for k, v in list(PEOPLE.items())[:2]}
    root = folder(tmp_path, PEOPLE | other | LISTS)
    for read in (lfw.people, lfw.view1):
        with pytest.raises(
            DatasetError, match="one folder of people, and found lfw, lfw-deepfunneled; say"
        ):
            read(root)
        with pytest.raises(DatasetError, match="expected lfw-a, and found lfw, lfw-deepfunneled;"):
            read(root, folder="lfw-a")
    assert len(lfw.people(root, folder="lfw")) == 2
    assert lfw.view1(root, folder="lfw/").pictures.paths[0] == "lfw/Ann/Ann_0001.jpg"
    assert len(lfw.people(root / "lfw", folder="")) == len(lfw.people(root / "lfw")) == 2


def test_what_is_not_a_folder_of_people_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected pictures as Name/Name_0001\.jpg"):
        lfw.people(folder(tmp_path, {"lfw_5590/Ann_0001.jpg": PICTURE}))
    with pytest.raises(DatasetError, match=r"expected pairs\.txt there or up to two folders down"):
        lfw.view2(tmp_path)
    with pytest.raises(DatasetError, match="LFW View 1 has the splits 'train', 'test', and not"):
        lfw.view1(tmp_path, "valid")
    stray = {"lfw/Ann/Ann_0001.jpg": PICTURE, "lfw/Ann/Ann_01.jpg": PICTURE}
    with pytest.raises(DatasetError, match=r"Ann/Ann_01\.jpg: expected a name as Name/Name_0001"):
        lfw.people(folder(tmp_path, stray))


def naive(content):
    first, *table = [line.split() for line in content.decode().split("\n") if line.strip()]
    folds, size = map(int, first) if len(first) == 2 else (1, int(first[0]))
    assert len(table) == folds * size * 2
    pairs = []
    for row in table:
        other = row[0] if len(row) == 3 else row[2]
        left = f"lfw/{row[0]}/{row[0]}_{int(row[1]):04d}.jpg"
        right = f"lfw/{other}/{other}_{int(row[-1]):04d}.jpg"
        pairs.append((left, right, other == row[0], len(pairs) // size // 2))
    return pairs


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize(
    ("name", "content", "load"),
    [("pairs.txt", VIEW2, lfw.view2), ("pairsDevTrain.txt", VIEW1, lfw.view1)],
    ids=["view2", "view1"],
)
def test_damaged_lists_are_read_as_they_are_or_refused(copies, name, content, load, tmp_path):
    root = folder(tmp_path, {name: content})

    def read(content):
        (root / name).write_bytes(content)
        pairs = load(root)
        paths = pairs.pictures.paths
        return [
            (paths[left], paths[right], same, fold)
            for left, right, same, fold in zip(
                pairs.left, pairs.right, pairs.same, pairs.fold, strict=True
            )
        ]

    check_damage(content, read, naive, copies)


@pytest.mark.real_data
def test_real_lists_and_pictures():
    root = os.path.join(os.environ["SIMLEARN_DATA"], "lfw")
    train, test = lfw.view1(root), lfw.view1(root, "test")
    assert (len(train), np.count_nonzero(train.same)) == (2200, 1100)
    assert (len(test), np.count_nonzero(test.same)) == (1000, 500)
    pairs = lfw.view2(root)
    assert str(pairs).startswith("lfw-view2: 6000 pairs in 10 folds, 3000 of one person")
    people = lfw.people(root)
    # The pictures there are those of View 1's test list, no more and no fewer.
    assert set(people.pictures.paths) == set(test.pictures.paths)
    assert test.pictures.open(0).size == (250, 250)
    # The two lists of View 1 share no person.
    names = [{path.split("/")[1] for path in part.pictures.paths} for part in (train, test)]
    assert not names[0] & names[1]
