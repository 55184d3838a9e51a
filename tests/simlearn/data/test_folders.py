import os
import re
from pathlib import Path

import pytest

from simlearn.data import Files
from simlearn.data.folders import class_folders, load, named
from simlearn.errors import DatasetError
from tests.simlearn.data.pictures import archive, encoded, folder, noise

PICTURE = encoded(noise(7, 5))
TREE = {
    "bob/1.png": PICTURE, "ann/2021/june/2.JPG": PICTURE, "ann/1.jpeg": b"damaged",
    "cy d./x.PGM": PICTURE, "cy d./x.ppm": PICTURE, "bob/0.bmp": PICTURE, "ann/10.png": PICTURE,
}  # fmt: skip
OTHERS = {
    "README.txt": b"", "labels.csv": b"", "ann/notes.gif": b"", "zoe/nothing.txt": b"",
    ".git/x/logo.png": PICTURE, "ann/.ipynb_checkpoints/1-checkpoint.png": PICTURE,
    "bob/.hidden.png": PICTURE, "__MACOSX/ann/._1.png": b"", "bob/Thumbs.db": b"",
}  # fmt: skip


def below(prefix, contents):
    return {prefix + name: content for name, content in contents.items()}


@pytest.fixture(params=["folder", "zip", "top in a zip", "two tops in a zip", "zip in a folder"])
def root(request, tmp_path):
    contents = TREE | OTHERS
    match request.param:
        case "folder":
            return folder(tmp_path / "pets", contents)
        case "zip":
            return archive(tmp_path / "pets.zip", contents)
        case "top in a zip":
            return archive(tmp_path / "pets.zip", below("faces/", contents) | {"LICENSE": b""})
        case "two tops in a zip":
            return archive(tmp_path / "pets.zip", below("v2/faces/", contents))
        case "zip in a folder":
            (tmp_path / "pets").mkdir()
            archive(tmp_path / "pets" / "all.zip", below("faces/", contents))
            return tmp_path / "pets"


def test_the_first_folder_is_the_class(root):
    record = load(root)
    assert str(record) == "pets: 7 pictures, 3 classes with 2 to 3 pictures"
    assert record.classes == ("ann", "bob", "cy d.")
    assert record.pictures.paths == (
        "ann/1.jpeg", "ann/10.png", "ann/2021/june/2.JPG", "bob/0.bmp", "bob/1.png",
        "cy d./x.PGM", "cy d./x.ppm",
    )  # fmt: skip
    assert record.labels.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert record.ids.tolist() == list(range(7))
    assert record.pictures.open(4).size == (7, 5)
    assert load(root, name="mine").name == "mine"


def test_the_fingerprint_does_not_depend_on_the_packing(tmp_path):
    packed = archive(tmp_path / "z.zip", below("top/", TREE))
    assert load(packed).fingerprint() == load(folder(tmp_path / "tree", TREE)).fingerprint()


def test_a_single_class_stays_one(tmp_path):
    record = load(folder(tmp_path / "one", {"ann/1.png": PICTURE, "ann/old/2.png": PICTURE}))
    assert record.classes == ("ann",)
    # Folders alone in a single folder are taken for classes, and no more than two folders down.
    record = load(archive(tmp_path / "z.zip", {"a/b/c/d/1.png": PICTURE, "a/b/c/e/2.png": b""}))
    assert record.classes == ("c",)
    assert record.pictures.paths == ("c/d/1.png", "c/e/2.png")


def test_folders_that_begin_alike_are_not_one(tmp_path):
    record = load(folder(tmp_path, {"a/x/1.png": PICTURE, "ab/x/1.png": PICTURE}))
    assert record.classes == ("a", "ab")


def test_a_data_set_is_called_as_its_folder(tmp_path, monkeypatch):
    root = folder(tmp_path / "pets.v2", TREE)
    assert load(root).name == "pets.v2"
    monkeypatch.chdir(root)
    assert load(".").name == "pets.v2"
    assert load(Path(os.pardir) / "pets.v2").name == "pets.v2"
    assert load(Files(folder(tmp_path / "all", below("train/", TREE))).below("train")).name == (
        "train"
    )
    assert load(archive(tmp_path / "b.v3.ZIP", TREE)).name == "b.v3"


def test_a_picture_without_a_class_is_named(tmp_path):
    for contents in (TREE | {"a.png": b""}, {"b.png": b"", "a.png": b""}):
        root = archive(tmp_path / "z.zip", contents)
        with pytest.raises(DatasetError) as error:
            load(root)
        assert str(error.value) == (
            f"{root}/a.png: expected every picture in the folder of its class, "
            "and found this one in none"
        )
    # Beside the folders of a top folder too.
    with pytest.raises(DatasetError, match=r"top/a\.png: expected every picture in the folder of"):
        load(archive(tmp_path / "z.zip", below("top/", TREE | {"a.png": b""})))


@pytest.mark.parametrize("contents", [{}, OTHERS])
def test_no_pictures_are_an_error(tmp_path, contents):
    with pytest.raises(DatasetError, match=r"expected pictures \(\.jpg, \.jpeg, .* and found none"):
        load(folder(tmp_path, contents))


def test_splits_are_not_classes(tmp_path):
    contents = below("Train/", TREE) | below("test/", TREE)
    root = folder(tmp_path / "pets", contents)
    with pytest.raises(DatasetError, match=r"of classes, and found those of splits: Train, test;"):
        load(root)
    assert load(Files(root).below("Train")).classes == ("ann", "bob", "cy d.")
    # A class may well be called so, and a single split is a folder like any other.
    flat = {"train/1.png": PICTURE, "test/old/1.png": PICTURE}
    assert load(folder(tmp_path / "flat", flat)).classes == ("test", "train")
    vehicles = below("train/", TREE) | {"bus/a/1.png": PICTURE}
    assert load(folder(tmp_path / "vehicles", vehicles)).classes == ("bus", "train")
    assert load(folder(tmp_path / "single", below("train/", TREE))).classes[0] == "ann"
    with pytest.raises(DatasetError, match="found those of splits: train;"):
        load(folder(tmp_path / "far", below("a/b/train/", TREE)))


def test_class_folders_gives_the_view_and_its_pictures(tmp_path):
    files, paths = class_folders(Files(folder(tmp_path, below("top/", TREE))))
    assert str(files) == f"{tmp_path}/top"
    assert paths == sorted(TREE)


def test_every_file_has_the_form_or_is_plainly_no_data(tmp_path):
    pattern = re.compile(r"s([0-9])/[a-z]\.pgm")
    contents = {"s2/b.pgm": b"", "s1/a.pgm": b""}
    passed = {
        "README": b"", "s1/Readme.old": b"", "LICENCE": b"", "license.md": b"", "list.TXT": b"",
        "a.pdf": b"", "index.html": b"", "x.tar.gz": b"", ".cache/1.pgm": b"",
        "s1/.hidden.pgm": b"",
    }  # fmt: skip
    archive(tmp_path / "more.zip", {"s3/c.pgm": b""})
    files = Files(folder(tmp_path, contents | passed))
    matches = list(named(files, pattern, "s1/a.pgm"))
    assert [m.string for m in matches] == ["s1/a.pgm", "s2/b.pgm", "s3/c.pgm"]
    assert [m[1] for m in matches] == ["1", "2", "3"]
    for wrong in ("s1/ab.pgm", "s1/a.pgm2", "s1/b.txt.pgm", "readme/1.pgm"):
        path = folder(tmp_path / "wrong", contents | {wrong: b""}) / wrong
        with pytest.raises(DatasetError) as error:
            list(named(Files(tmp_path / "wrong"), pattern, "s1/a.pgm"))
        assert str(error.value) == f"{path}: expected only files named as s1/a.pgm"
        path.unlink()
    with pytest.raises(DatasetError, match=r"expected files named as s1/a\.pgm, and found none"):
        list(named(Files(folder(tmp_path / "empty", passed)), pattern, "s1/a.pgm"))


@pytest.mark.parametrize(
    "names",
    [
        ("pets/cat/1.png", "pets/dog/1.png", "pets/overview.png"),
        ("train/cat/1.png", "test/cat/1.png", "train/sample.png"),
        ("train/cat/1.png", "test/cat/1.png", "train/sample.png", "Eval/cat/1.png"),
    ],
)
def test_a_stray_picture_does_not_make_other_classes(tmp_path, names):
    root = folder(tmp_path, dict.fromkeys(names, b""))
    with pytest.raises(
        DatasetError, match=r"(overview|sample)\.png: expected every picture in the"
    ):
        load(root)
