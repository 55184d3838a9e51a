import gzip
import io
import os
import random
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from simlearn.data import fetching
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, damaged

FILES = {"Ann/1.jpg": b"one", "Ann/deep/2.jpg": b"two", "list.txt": b"three"}


def zipped(path, files, attributes=None, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (attributes or 0) << 16
            out.writestr(info, content, **options)
    return path


def tarred(path, files, mode="w", *, field=()):
    with tarfile.open(path, mode) as out:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in dict(field).items():
                setattr(info, key, value)
            out.addfile(info, io.BytesIO(content))
    return path


KINDS = {
    "a.zip": zipped,
    "a.tar": tarred,
    "a.tgz": lambda path, files: tarred(path, files, "w:gz"),
    "a.tar.bz2": lambda path, files: tarred(path, files, "w:bz2"),
    "a.tar.xz": lambda path, files: tarred(path, files, "w:xz"),
}


def below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def contents(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("top", ["", "./", "whole/", "./whole/"])
def test_an_archive_is_unpacked(tmp_path, name, top):
    archive = KINDS[name](tmp_path / name, {top + name: c for name, c in FILES.items()})
    folder = tmp_path / "new" / "out"
    assert fetching.extract(archive, str(folder), limit=11) == folder
    found = contents(folder)
    assert found.pop(".extracted").decode().endswith(f"  {name}\n")
    assert found == FILES
    assert below(tmp_path / "new")[0] == "out"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


def test_what_was_unpacked_is_left_alone_and_nothing_else_replaced(tmp_path):
    archive = tarred(tmp_path / "a.tar", FILES)
    folder = tmp_path / "out"
    folder.mkdir()
    fetching.extract(archive, folder, limit=100)
    (folder / "list.txt").write_bytes(b"mine now")
    fetching.extract(archive, folder, limit=100)
    assert (folder / "list.txt").read_bytes() == b"mine now"
    tarred(archive, FILES | {"more": b""})
    with pytest.raises(
        DatasetError, match=r"out: expected no such folder, or one unpacked from .*a\.t"
    ):
        fetching.extract(archive, folder, limit=100)
    (folder / ".extracted").unlink()
    with pytest.raises(DatasetError, match="and found another"):
        fetching.extract(archive, folder, limit=100)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DatasetError, match="file: expected no such folder"):
        fetching.extract(archive, tmp_path / "file", limit=100)


def test_what_a_kill_left_behind_is_taken_over(tmp_path):
    (tmp_path / ".out.partial" / "Ann").mkdir(parents=True)
    (tmp_path / ".out.partial" / "Ann" / "1.jpg").write_bytes(b"half")
    fetching.extract(tarred(tmp_path / "a.tar", FILES), tmp_path / "out", limit=100)
    assert contents(tmp_path / "out")["Ann/1.jpg"] == b"one"
    assert below(tmp_path)[:2] == ["a.tar", "out"]


def refused(tmp_path, archive, message, **options):
    with pytest.raises(DatasetError, match=message) as caught:
        fetching.extract(archive, tmp_path / "in" / "out", **({"limit": 10**6} | options))
    assert below(tmp_path / "in") == []
    return str(caught.value)


LEAVING = [
    "/etc/x", "../x", "a/../../x", "..", "a/..", "C:/x", "c:x", "\\x", "..\\x", "a\\..\\..\\x",
    "//host/x", "a//b", "a/./b",
]  # fmt: skip


@pytest.mark.parametrize("name", LEAVING)
@pytest.mark.parametrize("kind", [zipped, tarred])
def test_no_member_leaves_the_folder(tmp_path, name, kind):
    archive = kind(tmp_path / "a", {"fine": b"1", name: b"2"})
    refused(tmp_path, archive, r"a: expected a path inside the data set, and received '")
    assert below(tmp_path) == ["a", "in"]


def test_backslashes_are_slashes(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"b\\": b"", "b\\c.jpg": b"1", "d.txt": b"2"})
    fetching.extract(archive, tmp_path / "out", limit=10)
    assert contents(tmp_path / "out").keys() == {".extracted", "b/c.jpg", "d.txt"}


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
@pytest.mark.parametrize("goal", ["/etc/passwd", "../../x", "fine"])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind, goal):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as out:
        for name, type_ in (("fine", tarfile.REGTYPE), ("odd", kind)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = type_, goal
            out.addfile(info)
    refused(tmp_path, path, r"expected files and folders alone, and found a link or device, 'odd'")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_refused(tmp_path, kind):
    archive = zipped(tmp_path / "a.zip", {"odd": b"/etc/passwd"}, attributes=kind | 0o777)
    refused(tmp_path, archive, "found a link or device, 'odd'")


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    "make",
    [
        lambda path: tarred(path, FILES, field={"mode": 0o6777, "uid": 0}),
        lambda path: zipped(path, FILES, attributes=stat.S_IFREG | 0o6777),
    ],
)
def test_permissions_are_not_taken_over(tmp_path, make):
    fetching.extract(make(tmp_path / "a"), tmp_path / "out", limit=100)
    assert (tmp_path / "out" / "list.txt").stat().st_mode & 0o7777 == 0o666 & ~umask()


@pytest.mark.parametrize("name", KINDS)
def test_size_and_number_are_bounded(tmp_path, name):
    archive = KINDS[name](tmp_path / name, FILES)
    refused(tmp_path, archive, "expected at most 10 bytes in it, and found more", limit=10)
    refused(tmp_path, archive, "expected at most 2 files and folders, and", members=2)
    fetching.extract(archive, tmp_path / "out", limit=11, members=3)


def test_a_zip_that_lies_about_its_size_is_stopped(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a": bytes(10**6)})
    content = archive.read_bytes()
    # The directory, and the header of the member, say 10 bytes instead of a million.
    lies = content.replace((10**6).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lies != content
    archive.write_bytes(lies)
    refused(tmp_path, archive, r"a\.zip: expected (a whole zip|at most 5 bytes)", limit=5)


def test_a_tar_that_packs_its_size_away_is_stopped(tmp_path):
    # The member of a million bytes comes behind one that is passed over, and takes no space.
    archive = tarred(tmp_path / "a.tgz", {"._x": bytes(10**7), "b": b"1"}, "w:gz")
    assert archive.stat().st_size < 20_000
    refused(tmp_path, archive, "bytes once unpacked, and found more", limit=5, members=4)


def test_a_header_that_asks_for_memory_is_refused(tmp_path):
    # A "long name" of 100 MB: tarfile would read it in one piece.
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 10**8
    path = tmp_path / "a.tgz"
    with gzip.open(path, "wb") as out:
        out.write(info.tobuf(tarfile.GNU_FORMAT))
        out.write(bytes(10**6))
    refused(tmp_path, path, r"expected a whole zip or tar: a header of 1000\d* bytes")


def test_a_sparse_file_is_refused(tmp_path):
    info = tarfile.TarInfo("holes")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"77777777777\0"  # What it would be when unpacked: 8 GiB.
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "a.tar").write_bytes(bytes(block) + bytes(1024))
    refused(tmp_path, tmp_path / "a.tar", "found a link or device, 'holes'")


def test_a_name_may_occur_once(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        out.addfile(tarfile.TarInfo("same"))
        out.addfile(tarfile.TarInfo("./same"))
    refused(tmp_path, tmp_path / "a.tar", "expected each member once, and found same again")
    tarred(tmp_path / "a.tar", {"same": b"", "same/below": b""})
    refused(tmp_path, tmp_path / "a.tar", r"a\.tar: cannot be unpacked into")


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_archive_is_refused(tmp_path, name):
    files = {f"{number}.jpg": random.Random(number).randbytes(3000) for number in range(7)}
    content = KINDS[name](tmp_path / name, files).read_bytes()
    broken = tmp_path / f"broken-{name}"
    for cut in (0, 1, 10, 600, len(content) // 2, len(content) * 3 // 4):
        broken.write_bytes(content[:cut])
        refused(tmp_path, broken, "broken-a.*: expected (a whole zip|files in it)")
    if name != "a.tar":  # A plain tar has no checksum of its content.
        for at in range(700, len(content), len(content) // 11):
            changed = content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]
            broken.write_bytes(changed)
            try:
                fetching.extract(broken, tmp_path / "in" / "out", limit=10**6)
            except DatasetError:
                assert below(tmp_path / "in") == []
            else:  # A byte that means nothing, such as one of a time.
                found = contents(tmp_path / "in" / "out")
                del found[".extracted"]
                assert sorted(found.values()) == sorted(files.values()), at
                shutil.rmtree(tmp_path / "in" / "out")


def test_a_tar_that_ends_early_or_is_damaged_between_members_is_refused(tmp_path):
    content = tarred(tmp_path / "a.tar", FILES).read_bytes()
    # Each of the three members takes a header and one block.
    broken = tmp_path / "b.tar"
    for end in (1024, 2048, 3072):
        broken.write_bytes(content[:end])
        refused(tmp_path, broken, "a header is damaged, or the end is missing")
    broken.write_bytes(content[:1024] + b"x" * 512 + content[1536:])
    refused(tmp_path, broken, "a header is damaged, or the end is missing")


def test_a_zip_that_is_cut_off_behind_an_inner_zip_is_refused(tmp_path):
    inner = zipped(tmp_path / "inner.zip", FILES).read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("first.txt", b"first")
        out.writestr("inner.zip", inner)
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content[: content.index(inner) + len(inner)])
    refused(tmp_path, tmp_path / "a.zip", "expected a whole zip, and found part of one")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("copies", COPIES)
def test_whatever_is_damaged_nothing_but_an_error_comes_of_it(tmp_path, name, copies):
    content = KINDS[name](tmp_path / name, FILES).read_bytes()
    broken, parent = tmp_path / "broken", tmp_path / "in"
    refusals = 0
    for seed in range(copies):
        broken.write_bytes(damaged(content, seed))
        try:
            fetching.extract(broken, parent / "out", limit=1000, members=10)
        except DatasetError:
            assert below(parent) == []
            refusals += 1
        else:
            assert sum(map(len, contents(parent).values())) < 1200
            shutil.rmtree(parent / "out")
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "broken", "in"])
    assert refusals > 0.3 * copies


def test_what_is_no_archive_is_refused(tmp_path):
    for content in (b"<html>", b"PK\x05\x06" + bytes(18), bytes(10240), b"\x1f\x8b<html>"):
        (tmp_path / "a").write_bytes(content)
        refused(tmp_path, tmp_path / "a", "a: expected (a whole zip or tar|files in it)")
    with pytest.raises(DatasetError, match=r"nowhere: cannot be unpacked into .*No such file"):
        fetching.extract(tmp_path / "nowhere", tmp_path / "out", limit=1)
    zipped(tmp_path / "a.zip", FILES, compress_type=zipfile.ZIP_LZMA)
    refused(tmp_path, tmp_path / "a.zip", "1.jpg is neither stored nor deflated")


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(self, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    archive = tarred(tmp_path / "a.tar", FILES)
    refused(tmp_path, archive, r"a\.tar: cannot be unpacked into .*No space left")
