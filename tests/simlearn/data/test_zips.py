import io
import os
import pickle
import random
import struct
import subprocess
import sys
import threading
import tracemalloc
import zipfile

import pytest

from simlearn.data._zips import Zip
from simlearn.data.files import Files, open_zip
from simlearn.errors import DatasetError
from tests.simlearn.data.pictures import archive


def zipped(contents, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as out:
        for name, content in contents.items():
            out.writestr(name, content)
    return stream.getvalue()


INNER = {"deep/inner.txt": b"inner" * 9}
WHOLE = {"a/one.txt": b"hello " * 20, "two.bin": bytes(range(200)), "in.zip": zipped(INNER)}
# The inner zip is stored as it is: cut off after it, the file ends in a whole zip.
CONTENT = zipped(WHOLE, zipfile.ZIP_STORED)


def read_zip(path, content):
    path.write_bytes(content)
    files = Files(path)
    return {name: files.read(name) for name in files.names()}


def test_a_zip_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "cut.zip"
    assert read_zip(path, CONTENT) == WHOLE | INNER
    for length in range(len(CONTENT)):
        with pytest.raises(DatasetError, match=r"cut\.zip"):
            read_zip(path, CONTENT[:length])


@pytest.mark.parametrize(
    "copies", [pytest.param(3000, id="some"), pytest.param(100_000, marks=pytest.mark.slow)]
)
def test_a_damaged_zip_gives_the_right_bytes_or_an_error(copies):
    refused = 0
    for seed in range(copies):
        chance = random.Random(seed)
        copy = bytearray(zipped(WHOLE) if seed % 2 else CONTENT)
        for _ in range(chance.choice((1, 1, 2, 4))):
            # Its directory, at the end, is where damage tells.
            back = chance.randrange(min(len(copy), chance.choice((250, len(copy)))))
            at = len(copy) - 1 - back
            match chance.randrange(3):
                case 0:
                    copy[at] = chance.randrange(256)
                case 1:
                    del copy[at : at + chance.choice((1, 2, 10))]
                case 2:
                    copy[at:at] = chance.randbytes(chance.choice((1, 4)))
        try:
            outer = Zip("damaged.zip", io.BytesIO(bytes(copy)))
            members = [(z, name) for z in (outer, *outer.inner()) for name in z.names]
        except DatasetError:
            refused += 1
            continue
        for members_of, name in members:
            try:
                received = members_of.read(name)
            except DatasetError:
                refused += 1
                continue
            # A name may be damaged and still name its bytes.
            assert received in (*WHOLE.values(), *INNER.values()), seed
    assert refused > copies / 4


def changed_directory(path, content, at, value):
    """A zip of one member, with a field of its directory's entry changed."""
    archive(path, {"x.bin": content})
    data = bytearray(path.read_bytes())
    start = data.rfind(b"PK\1\2") + at
    data[start : start + len(value)] = value
    path.write_bytes(data)
    return Files(path)


def test_a_wrong_checksum_is_an_error(tmp_path):
    files = changed_directory(tmp_path / "z.zip", b"abc", 16, b"\1\2\3\4")
    with pytest.raises(DatasetError, match=r"z\.zip/x\.bin: cannot be read: Bad CRC-32"):
        files.read("x.bin")


def test_an_encrypted_zip_is_an_error(tmp_path):
    files = changed_directory(tmp_path / "z.zip", b"abc", 8, b"\1\0")
    with pytest.raises(DatasetError, match=r"z\.zip/x\.bin: cannot be read: .*encrypted"):
        files.read("x.bin")


def peak(call):
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError) as error:
            call()
        return str(error.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_bomb_takes_no_more_memory_than_it_claims(tmp_path):
    zeros = bytes(2**26)
    claims = changed_directory(tmp_path / "a.zip", zeros, 24, struct.pack("<I", 2**31))
    message, memory = peak(lambda: claims.read("x.bin"))
    assert "expected at most 268435456 bytes, and found 2147483648" in message
    assert memory < 2**20
    # Claims 1,000 bytes and holds 64 million.
    lies = changed_directory(tmp_path / "b.zip", zeros, 24, struct.pack("<I", 1000))
    message, memory = peak(lambda: lies.read("x.bin"))
    assert "b.zip/x.bin: cannot be read" in message
    assert memory < 2**20
    # Claims more than it holds.
    more = changed_directory(tmp_path / "c.zip", b"abc", 24, struct.pack("<I", 1000))
    assert "cannot be read: expected 1000 bytes, and found 3" in peak(lambda: more.read("x.bin"))[0]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_cannot_be_bounded_is_refused(tmp_path, method):
    (tmp_path / "z.zip").write_bytes(zipped({"x.bin": bytes(2**24)}, method))
    message, memory = peak(lambda: Files(tmp_path / "z.zip").read("x.bin"))
    assert "expected it stored or deflated; pack the zip anew" in message
    assert memory < 2**20


def test_zips_in_a_zip_are_bounded_each_and_together(tmp_path, monkeypatch):
    inner = [zipped({f"{i}.txt": random.Random(i).randbytes(9**i)}) for i in range(1, 4)]
    archive(tmp_path / "z.zip", {f"in{i}.zip": content for i, content in enumerate(inner)})
    limits = open_zip.__globals__
    monkeypatch.setitem(limits, "_LARGEST_INNER_ZIP", len(inner[1]))
    names = Files(tmp_path / "z.zip").names((".txt",))
    assert names == ["1.txt", "2.txt"]
    monkeypatch.setitem(limits, "_LARGEST_INNER_ZIP", 2**20)
    assert "3.txt" in Files(tmp_path / "z.zip")
    monkeypatch.setitem(limits, "_LARGEST_INNER_ZIPS", sum(map(len, inner)) - 1)
    with pytest.raises(DatasetError, match=r"z\.zip: expected zips of at most .* unpack it"):
        Files(tmp_path / "z.zip")


def test_a_damaged_zip_in_a_zip_is_named(tmp_path):
    archive(tmp_path / "z.zip", {"in.zip": zipped(INNER)[:-5]})
    with pytest.raises(DatasetError, match=r"z\.zip/in\.zip: expected a whole zip"):
        Files(tmp_path / "z.zip")
    # Zips are opened one level deep: the one in the middle holds a zip as a file.
    middle = zipped({"deepest.zip": zipped(INNER)})
    archive(tmp_path / "z.zip", {"middle.zip": middle})
    assert Files(tmp_path / "z.zip").names() == ["deepest.zip", "middle.zip"]


def test_the_last_of_two_members_with_one_name_counts(tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("x.txt", b"old")
        with pytest.warns(UserWarning, match="Duplicate name"):
            out.writestr("x.txt", b"newest")
    assert Files(path).names() == ["x.txt"]
    assert Files(path).read("x.txt") == b"newest"
    assert Files(path).size("x.txt") == 6


def test_threads_read_one_zip_at_once(tmp_path):
    chance = random.Random(0)
    contents = {f"{i}.bin": chance.randbytes(chance.randrange(1, 20_000)) for i in range(40)}
    files = Files(archive(tmp_path / "z.zip", contents))
    wrong = []

    def read(seed):
        for name in random.Random(seed).choices(list(contents), k=150):
            try:
                if files.read(name) != contents[name]:
                    wrong.append(name)
            except DatasetError as error:
                wrong.append(str(error))

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_zip_cannot_reach_out_of_its_root(tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name in ("../up.txt", "/abs.txt", "C:/drive.txt", "a/../../up.txt", "ok/x.txt"):
            out.writestr(zipfile.ZipInfo(name), b"")
        out.writestr(zipfile.ZipInfo("dir\\back.txt"), b"back")
        out.writestr(zipfile.ZipInfo("__MACOSX\\junk.txt"), b"junk")
        out.writestr(zipfile.ZipInfo("./dot.txt"), b"dot")
        out.writestr(zipfile.ZipInfo("empty/"), b"")
    files = Files(path)
    assert files.names() == ["dir/back.txt", "dot.txt", "ok/x.txt"]
    assert files.read("dir/back.txt") == b"back"
    assert files.read("dot.txt") == b"dot"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_reads_right(tmp_path):
    # Without a file of its own, parent and children would move one place in the file.
    contents = {f"{i}.bin": random.Random(i).randbytes(20_000) for i in range(40)}
    files = Files(archive(tmp_path / "x.zip", contents))
    script = """
import os, sys
from simlearn.data.files import Files

files = Files(sys.argv[1])
sums = {name: files.checksum(name) for name in files.names()}
child = os.fork()
wrong = sum(files.checksum(name) != sums[name] for _ in range(40) for name in sums)
if child == 0:
    os._exit(min(wrong, 1))
_, status = os.waitpid(child, 0)
sys.exit(1 if wrong or status else 0)
"""
    done = subprocess.run([sys.executable, "-c", script, files.root], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_files_go_to_another_process(tmp_path):
    inner = archive(tmp_path / "inner.zip", {"two.txt": b"2"}).read_bytes()
    (tmp_path / "inner.zip").unlink()
    files = Files(archive(tmp_path / "x.zip", {"a/one.txt": b"1", "a/inner.zip": inner}))
    copy = pickle.loads(pickle.dumps(files.below("a")))
    assert copy.read("one.txt") == b"1"
    assert copy.read("two.txt") == b"2"
