import os

import numpy as np
import pytest

from simlearn.data import LabelledImages, omniglot
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder

# As the official files: one bit, of which 0 is ink.
INK = np.zeros((105, 105), bool)
INK[3, 7] = True
DRAWING = encoded(INK)


def drawings(split, numbers):
    """`{(alphabet, character): number}` with two drawings each."""
    return {
        f"images_{split}/{alphabet}/character{character:02}/{number:04}_{drawer:02}.png": DRAWING
        for (alphabet, character), number in numbers.items()
        for drawer in (20, 3)
    }


BACKGROUND = drawings("background", {("N_Ko", 1): 12, ("N_Ko", 2): 11, ("Malay_(Jawi)", 1): 20})
EVALUATION = drawings("evaluation", {("Ge_ez", 7): 965})


def one_run(number):
    """Item i is of class 3i + `number`, modulo 20, all counted from 0."""
    run = f"run{number:02}"
    rows = [
        f"{run}/test/item{i + 1:02}.png {run}/training/class{(3 * i + number) % 20 + 1:02}.png\n"
        for i in range(20)
    ]
    pictures = {f"{run}/test/item{i:02}.png": DRAWING for i in range(1, 21)}
    pictures |= {f"{run}/training/class{i:02}.png": DRAWING for i in range(1, 21)}
    return {f"{run}/class_labels.txt": "".join(rows).encode()} | pictures


ALL_RUNS = {name: content for n in range(1, 21) for name, content in one_run(n).items()}


@pytest.fixture(params=["folder", "zips", "deep"])
def root(request, tmp_path):
    match request.param:
        case "folder":
            return folder(tmp_path, BACKGROUND | EVALUATION | ALL_RUNS)
        case "zips":
            archive(tmp_path / "images_background.zip", BACKGROUND)
            archive(tmp_path / "images_evaluation.zip", EVALUATION)
            archive(tmp_path / "all_runs.zip", ALL_RUNS)
            return tmp_path
        case "deep":
            contents = BACKGROUND | EVALUATION | ALL_RUNS
            contents = {f"omniglot/python/{name}": c for name, c in contents.items()}
            return archive(tmp_path / "omniglot.zip", contents)


def test_drawings_have_character_alphabet_and_drawer(root):
    record = omniglot.load(root)
    assert str(record) == "omniglot-background: 6 pictures, 3 classes with 2 pictures"
    assert record.classes == ("Malay_(Jawi)/character01", "N_Ko/character01", "N_Ko/character02")
    assert record.pictures.paths[:3] == (
        "Malay_(Jawi)/character01/0020_03.png",
        "Malay_(Jawi)/character01/0020_20.png",
        "N_Ko/character01/0012_03.png",
    )
    assert record.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert record.ids.tolist() == [2003, 2020, 1203, 1220, 1103, 1120]
    assert omniglot.alphabet_names(record) == ("Malay_(Jawi)", "N_Ko")
    assert omniglot.alphabets(record).tolist() == [0, 0, 1, 1, 1, 1]
    assert omniglot.drawers(record).tolist() == [3, 20, 3, 20, 3, 20]
    part = record.take([5, 0])
    assert omniglot.alphabets(part).tolist() == [1, 0]
    assert omniglot.drawers(part).tolist() == [20, 3]
    for column in (omniglot.alphabets(part), omniglot.drawers(part)):
        assert column.dtype == np.int64


def test_the_other_split_has_other_ids(root):
    record = omniglot.load(root, "evaluation")
    assert str(record) == "omniglot-evaluation: 2 pictures, 1 class with 2 pictures"
    assert record.ids.tolist() == [96503, 96520]


def test_ink_is_0(root):
    pixels = np.asarray(omniglot.load(root).pictures.open(0))
    np.testing.assert_array_equal(pixels, np.where(INK, 255, 0))


@pytest.mark.parametrize(
    "name",
    [
        "N_Ko/character01/12_03.png", "N_Ko/character01/0012_00.png", "N_Ko/0012_03.png",
        "N_Ko/character01/0012_21.png", "N_Ko/character1/0012_03.png", "0012_03.png",
        "N_Ko/character01/0012_3.png", "N_Ko/character01/0012_03.jpg",
        "N_Ko/character01/0012_03.png.png", "a/N_Ko/character01/0012_03.png",
        "N_Ko/character01/0012_0\u0663.png", "N_Ko/character01/0012_03.PNG",
    ],
)  # fmt: skip
def test_another_name_is_refused(tmp_path, name):
    root = archive(tmp_path / "z.zip", BACKGROUND | {f"images_background/{name}": DRAWING})
    with pytest.raises(DatasetError, match=r"z\.zip/images_background/.*: expected only files nam"):
        omniglot.load(root)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        # A drawing of number 11, character02, among those of character01.
        ("N_Ko/character01/0011_05.png", "received 0012 for N_Ko/character01"),
        ("N_Ko/character03/0012_05.png", "received 0012 for N_Ko/character03"),
    ],
)
def test_a_character_has_one_number(tmp_path, name, message):
    root = folder(tmp_path, BACKGROUND | {f"images_background/{name}": DRAWING})
    with pytest.raises(DatasetError, match=f"one number for each character, and {message}"):
        omniglot.load(root)


def test_a_wrong_place_split_or_record_is_named(tmp_path):
    with pytest.raises(DatasetError, match="expected images_background there or up to two"):
        omniglot.load(tmp_path)
    with pytest.raises(DatasetError, match="Omniglot has the splits 'background', 'evaluation', a"):
        omniglot.load(tmp_path, "train")
    with pytest.raises(DatasetError, match=r"expected run01 there .*; all_runs\.zip holds it"):
        omniglot.runs(tmp_path)
    record = omniglot.load(folder(tmp_path, BACKGROUND))
    object.__setattr__(record, "classes", ("ann", "bob", "cy"))
    with pytest.raises(DatasetError, match=r"expected drawings of Omniglot .* ann/0001_01"):
        omniglot.alphabets(record)
    object.__setattr__(record.pictures, "paths", ("ann/1.png",) * 6)
    with pytest.raises(DatasetError, match=r"expected drawings of Omniglot .* received ann/1\.png"):
        omniglot.drawers(record)
    assert not isinstance(record, LabelledImages)


def test_runs_have_drawings_and_their_answers(root):
    runs = omniglot.runs(root)
    assert len(runs) == 20
    for number, run in enumerate(runs, start=1):
        assert len(run.test) == len(run.training) == 20
        assert run.test.paths[4] == f"run{number:02}/test/item05.png"
        assert run.training.paths[4] == f"run{number:02}/training/class05.png"
        assert run.answer.tolist() == [(3 * i + number) % 20 for i in range(20)]
        assert run.answer.dtype == np.int64
    assert runs[2].training.open(19).size == (105, 105)


LABELS = ALL_RUNS["run01/class_labels.txt"]


def test_the_order_of_rows_is_that_of_the_test(tmp_path):
    rows = LABELS.splitlines(keepends=True)
    content = b"".join(rows[::-1]).replace(b"\n", b"\r\n").replace(b"/", b"\\")
    run = omniglot.runs(folder(tmp_path, ALL_RUNS | {"run01/class_labels.txt": content}))[0]
    assert run.test.paths[0] == "run01/test/item20.png"
    assert run.answer.tolist() == [(3 * i + 1) % 20 for i in range(20)][::-1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"item07", b"item21", r"txt:7: expected run01/test/item01\.png to run01/test/item20\.png"),
        (b"item07", b"item00", r"txt:7: expected run01/test/item01\.png to"),
        (b"item07", b"item7", r"txt:7: expected run01/test/item01\.png to"),
        (b"item07", b"item08", r"txt:8: expected each drawing once, and .*item08\.png is in .*:7"),
        (b"class17", b"class14", r"txt:\d+: expected each drawing once, and .*class14\.png is in"),
        (b"run01/test/item03", b"run02/test/item03", r"txt:3: expected run01/test/item01\.png to"),
        (b"run01/training/class04", b"run01/test/item04", r"txt:15: expected run01/training/cl"),
        (b"/test/item03", b"/../item03", r"txt:3: expected a path inside the data set"),
        (b"item03.png ", b"item03.png", r"txt:3: expected 2 tokens, and received 1"),
        (LABELS[LABELS.index(b"run01/test/item20") :], b"", "txt: expected 20 rows, and .* 19"),
    ],
)  # fmt: skip
def test_a_row_of_another_form_is_named(tmp_path, old, new, message):
    assert old in LABELS
    changed = {"run01/class_labels.txt": LABELS.replace(old, new)}
    with pytest.raises(DatasetError, match=r"run01/class_labels\." + message):
        omniglot.runs(folder(tmp_path, ALL_RUNS | changed))


def test_a_run_that_is_missing_is_named(tmp_path):
    contents = {name: c for name, c in ALL_RUNS.items() if not name.startswith("run13")}
    with pytest.raises(DatasetError, match=r"run13/class_labels\.txt: expected a file"):
        omniglot.runs(folder(tmp_path, contents))


def naive(content):
    rows = [line.split() for line in content.decode().split("\n") if line.strip()]
    assert len(rows) == 20
    return [(test.replace("\\", "/"), training.replace("\\", "/")) for test, training in rows]


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_labels_are_read_as_they_are_or_refused(copies, tmp_path, monkeypatch):
    monkeypatch.setattr(omniglot, "RUNS", 1)
    root = folder(tmp_path, one_run(1))

    def read(content):
        (root / "run01" / "class_labels.txt").write_bytes(content)
        run = omniglot.runs(root)[0]
        training = [run.training.paths[answer] for answer in run.answer]
        return list(zip(run.test.paths, training, strict=True))

    check_damage(LABELS, read, naive, copies)


@pytest.mark.real_data
def test_the_official_files():
    root = f"{os.environ['SIMLEARN_DATA']}/omniglot"
    numbers = {}
    for split, alphabets in (("background", 30), ("evaluation", 20)):
        record = omniglot.load(root, split)
        assert len(record) == omniglot.COUNTS[split]
        assert len(record.classes) == omniglot.CHARACTERS[split]
        assert len(omniglot.alphabet_names(record)) == alphabets
        # Each character once by each of 20 drawers.
        drawn = np.bincount(record.labels * 20 + omniglot.drawers(record) - 1)
        assert (drawn == 1).all()
        assert record.pictures.open(7).size == (105, 105)
        assert 0.02 < (np.asarray(record.pictures.open(7)) == 0).mean() < 0.2
        numbers[split] = set(record.ids.tolist())
    assert not numbers["background"] & numbers["evaluation"]
    runs = omniglot.runs(root)
    assert len(runs) == omniglot.RUNS
    for run in runs:
        assert sorted(run.answer) == list(range(20))
        assert run.test.open(19).size == run.training.open(0).size == (105, 105)
