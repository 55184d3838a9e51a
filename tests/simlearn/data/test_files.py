import io
import os
import zipfile
import zlib
from types import SimpleNamespace

import pytest

from simlearn.data.files import Files, inside, open_files
from simlearn.errors import DatasetError
from tests.simlearn.data.pictures import archive, folder

CONTENTS = {
    "b/two.txt": b"second",
    "b/deep/three.JPG": b"third" * 50,
    "a.txt": b"first",
    "c.jpg": b"fourth",
}


def zipped(contents, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as out:
        for name, content in contents.items():
            out.writestr(name, content)
    return stream.getvalue()


@pytest.fixture(params=["folder", "zip", "folder with a zip", "zip in a zip", "both"])
def root(request, tmp_path):
    match request.param:
        case "folder":
            return folder(tmp_path, CONTENTS)
        case "zip":
            return archive(tmp_path / "data.ZIP", CONTENTS)
        case "folder with a zip":
            archive(tmp_path / "data.zip", CONTENTS)
            return tmp_path
        case "zip in a zip":
            return archive(tmp_path / "outer.zip", {"readme.md": b"", "in.zip": zipped(CONTENTS)})
        case "both":
            names = sorted(CONTENTS)
            archive(tmp_path / "data.zip", {name: CONTENTS[name] for name in names[:2]})
            return folder(tmp_path, {name: CONTENTS[name] for name in names[2:]})


def test_a_tree_is_the_same_however_it_is_packed(root):
    files = Files(root)
    assert [n for n in files.names() if not n.endswith((".zip", ".md"))] == sorted(CONTENTS)
    assert files.names((".jpg",)) == ["b/deep/three.JPG", "c.jpg"]
    for name, content in CONTENTS.items():
        assert name in files
        assert files.read(name) == files.read(name.replace("/", "\\")) == content
        assert files.size(name) == len(content)
        assert files.checksum(name) == zlib.crc32(content)
        assert files.stamp(name).startswith(f"{len(content)}-")
    assert "b" not in files
    assert "b/two" not in files
    assert open_files(files) is files


def test_messages_name_the_file_where_it_lies(tmp_path):
    archive(tmp_path / "data.zip", {"x/one.txt": b"1", "in.zip": zipped({"x/two.txt": b"2"})})
    files = Files(folder(tmp_path, {"x/three.txt": b"3"}))
    assert files.where("x/one.txt") == f"{tmp_path}/data.zip/x/one.txt"
    assert files.where("x/two.txt") == f"{tmp_path}/data.zip/in.zip/x/two.txt"
    assert files.where("x/three.txt") == f"{tmp_path}/x/three.txt"
    assert files.where("x/none.txt") == f"{tmp_path}/x/none.txt"
    assert str(files) == str(tmp_path)
    assert str(files.below("x")) == f"{tmp_path}/x"
    for view, name in ((files, "x/none.txt"), (files.below("x"), "none.txt")):
        for read in (view.read, view.size, view.stamp, view.checksum):
            with pytest.raises(DatasetError) as error:
                read(name)
            assert str(error.value) == f"{tmp_path}/x/none.txt: expected a file, and found none"


def test_the_folder_comes_before_its_zips_and_those_come_by_name(tmp_path):
    archive(tmp_path / "b.zip", {"x.txt": b"b", "y.txt": b"bb", "z.txt": b"b", "w": b"w"})
    archive(tmp_path / "a.zip", {"x.txt": b"a", "y.txt": b"aa"})
    files = Files(folder(tmp_path, {"x.txt": b"folder", "z.txt/inner": b""}))
    assert files.read("x.txt") == b"folder"
    assert files.where("x.txt") == f"{tmp_path}/x.txt"
    assert files.read("y.txt") == b"aa"
    assert files.names().count("x.txt") == 1
    # A folder is no file, so it hides none.
    assert files.read("z.txt") == b"b"
    assert files.size("z.txt") == 1
    assert files.where("z.txt") == f"{tmp_path}/b.zip/z.txt"


def test_below_sees_one_folder(root):
    below = Files(root).below("b")
    assert below.names() == ["deep/three.JPG", "two.txt"]
    assert below.read("two.txt") == b"second"
    assert "a.txt" not in below
    assert below.below("deep").names() == ["three.JPG"]
    assert below.below("").names() == below.names()
    with pytest.raises(DatasetError, match=r"expected a path inside the data set, .* '\.\./a"):
        below.read("../a.txt")
    assert Files(root).below("none").names() == []


@pytest.mark.parametrize("packed", [False, True])
def test_find_takes_the_nearest_folder_that_holds_every_name(tmp_path, packed):
    contents = {
        "one/list.txt": b"", "two/list.txt": b"", "two/pictures/1.jpg": b"",
        "two/more/list.txt": b"", "two/more/pictures/2.jpg": b"", "a/b/c/far.txt": b"",
        "a/b/near.txt": b"",
    }  # fmt: skip
    root = archive(tmp_path / "z.zip", contents) if packed else folder(tmp_path, contents)
    files = Files(root)
    assert str(files.find("list.txt", "pictures")).endswith("two")
    assert files.find("list.txt", "pictures").names((".jpg",)) == [
        "more/pictures/2.jpg", "pictures/1.jpg",
    ]  # fmt: skip
    assert files.find("near.txt").names() == ["c/far.txt", "near.txt"]
    assert files.below("two").find("list.txt").names() == files.below("two").names()
    assert files.below("two").find("more/list.txt").names() == files.below("two").names()
    with pytest.raises(
        DatasetError, match=r"expected list\.txt in one folder, and found them in 2: one, two"
    ):
        files.find("list.txt")
    with pytest.raises(
        DatasetError,
        match=r"expected list\.txt and gone\.txt there or up to two folders down, and found no "
        r"gone\.txt; unpack it$",
    ):
        files.find("list.txt", "gone.txt", hint="unpack it")
    with pytest.raises(DatasetError, match=r"found no far\.txt$"):
        files.find("far.txt")
    # Each is somewhere, but never together.
    with pytest.raises(DatasetError, match=r"expected near\.txt and list\.txt there"):
        files.find("near.txt", "list.txt")


LEAVING = [
    "", ".", "..", "../x", "a/../x", "a//x", "/etc/passwd", "a/", "./a", "\\x", "a\\..\\x",
    "C:/x", "c:x", "C:\\x", "\\\\server\\x", "a\0b",
]  # fmt: skip


@pytest.mark.parametrize("name", LEAVING)
def test_a_name_that_leaves_the_root_is_refused(tmp_path, name):
    (tmp_path / "x").write_bytes(b"outside")
    files = Files(folder(tmp_path / "root", {"a/x": b"", "b": b""}))
    message = "list.txt:7: expected a path inside the data set, and received "
    with pytest.raises(DatasetError) as error:
        inside(name, where="list.txt:7")
    assert str(error.value) == message + repr(name)
    for read in (files.read, files.size, files.where, *([files.below] if name else [])):
        with pytest.raises(DatasetError, match="expected a path inside the data set"):
            read(name)
    assert name not in files


def test_names_that_cannot_be_asked_for_are_not_there(tmp_path):
    # With a backslash, a name would be that of another file.
    files = Files(folder(tmp_path, {"a\\b.txt": b"1", "c:/d.txt": b"2", "e.txt": b"3"}))
    assert files.names() == ["e.txt"]
    with pytest.raises(DatasetError, match=r"found no gone\.txt"):
        files.find("gone.txt")


def test_what_systems_leave_behind_is_not_there(tmp_path):
    junk = {
        "__MACOSX/._a.txt": b"", "x/.DS_Store": b"", "x/Thumbs.db": b"", "desktop.ini": b"",
        "x/._a.txt": b"",
    }  # fmt: skip
    contents = {"x/a.txt": b"", ".hidden": b""}
    (tmp_path / "apart").mkdir()
    archive(tmp_path / "apart" / "z.zip", junk | contents | {"x/._in.zip": b"no zip"})
    # macOS puts such a file beside z.zip; it is no zip.
    folder(tmp_path, junk | contents | {"._z.zip": b"no zip"})
    for root in (tmp_path / "apart" / "z.zip", tmp_path):
        names = Files(root).names()
        assert [n for n in names if not n.startswith("apart")] == [".hidden", "x/a.txt"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    folder(tmp_path / "root", {"a/1.txt": b"1", "b/2.txt": b"2"})
    folder(tmp_path / "elsewhere", {"3.txt": b"3"})
    (tmp_path / "root" / "a" / "up").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "b" / "other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "self").symlink_to(tmp_path / "root" / "self")
    (tmp_path / "root" / "gone").symlink_to(tmp_path / "nowhere")
    files = Files(tmp_path / "root")
    # One folder under two names is there twice; a link to nothing is a file that is missing.
    assert files.names() == ["a/1.txt", "b/2.txt", "b/other/3.txt", "c/3.txt", "gone", "self"]
    assert files.read("c/3.txt") == b"3"
    for name in ("gone", "self"):
        assert name not in files
        with pytest.raises(DatasetError, match="expected a file, and found none"):
            files.read(name)
    with pytest.raises(DatasetError, match=r"found no 4\.txt"):
        files.find("4.txt")


def test_only_files_are_read(tmp_path):
    os.mkfifo(folder(tmp_path, {"x/y": b""}) / "pipe")
    for name in ("x", "pipe", "n" * 300):
        with pytest.raises(DatasetError, match="expected a file, and found none"):
            Files(tmp_path).read(name)
        assert name not in Files(tmp_path)
    assert len(Files(tmp_path).where("n" * 300)) == len(str(tmp_path)) + 301


@pytest.mark.parametrize("wrong", ["none", "file", "bytes\0nul", "n" * 300])
def test_a_root_that_is_neither_folder_nor_zip_is_named(tmp_path, wrong):
    (tmp_path / "file").write_bytes(b"some text")
    with pytest.raises(DatasetError, match=r"expected a (folder or a zip|folder or zip|whole zip)"):
        Files(tmp_path / wrong)


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    files = Files(folder(tmp_path, {"a/b/1.txt": b"", "c.txt": b""}))
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DatasetError, match=r"a/b: expected a folder to read: .*Permission"):
        files.names()
    with pytest.raises(DatasetError, match=r"a/b: expected a folder to read"):
        files.below("a/b").names()


def test_a_limit_bounds_what_is_read(root):
    files = Files(root)
    assert files.read("b/two.txt", limit=6) == b"second"
    with pytest.raises(DatasetError, match=r"two\.txt: expected at most 5 bytes, and found 6"):
        files.read("b/two.txt", limit=5)


def test_a_file_that_grows_while_it_is_read_is_bounded_too(tmp_path, monkeypatch):
    files = Files(folder(tmp_path, {"x": b"grown"}))
    monkeypatch.setattr(files, "_status", lambda name: SimpleNamespace(st_size=2))
    with pytest.raises(DatasetError, match="x: has grown from 2 bytes while it was read"):
        files.read("x", limit=3)


def test_zips_one_folder_down_count_as_unpacked_there(tmp_path):
    inner = archive(tmp_path / "made.zip", {"deep/three.txt": b"3"})
    contents = {"pictures/one.jpg": b"1", "more/inner.zip": inner.read_bytes()}
    inner.unlink()
    root = tmp_path / "set"
    folder(root, {"Anno/list.txt": b"list", "Img/below/two.txt": b"2"})
    archive(root / "Img" / "img.zip", contents)
    files = Files(root)
    assert files.read("Img/pictures/one.jpg") == b"1"
    assert files.where("Img/pictures/one.jpg") == str(root / "Img/img.zip/pictures/one.jpg")
    # A zip in a zip as well counts as unpacked where it lies.
    assert files.read("Img/more/deep/three.txt") == b"3"
    assert files.names((".txt",)) == [
        "Anno/list.txt",
        "Img/below/two.txt",
        "Img/more/deep/three.txt",
    ]
    assert files.find("pictures").read("pictures/one.jpg") == b"1"
    assert files.find("one.jpg").read("one.jpg") == b"1"

    # Among many folders, as those of classes, nobody looks for zips.
    folder(root, {f"person{i}/1.txt": b"" for i in range(50)})
    assert "Img/pictures/one.jpg" not in Files(root)


def test_a_stamp_follows_the_file(tmp_path):
    files = Files(folder(tmp_path, {"x": b"one"}))
    before = files.stamp("x")
    assert files.stamp("x") == before
    (tmp_path / "x").write_bytes(b"more")
    assert files.stamp("x") != before
    one, two = (
        Files(archive(tmp_path / f"{content}.zip", {"x": content.encode()}))
        for content in ("one", "two")
    )
    assert one.stamp("x") != two.stamp("x")
