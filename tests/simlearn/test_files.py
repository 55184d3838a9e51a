import errno
import os
import stat

import pytest

from simlearn._files import open_atomically, write_atomically


def test_replaces_the_whole_file(tmp_path):
    path = tmp_path / "result.json"
    path.write_bytes(b"a long old content")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "result.json"
    path.write_bytes(b"old")

    def fail():
        with open_atomically(path) as file:
            file.write(b"half of the n")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_readers_never_see_a_partial_file(tmp_path):
    path = tmp_path / "result.json"
    write_atomically(path, b"old")
    with open_atomically(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_is_as_readable_as_any_new_file(tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.write_bytes(b"")
    write_atomically(tmp_path / "atomic", b"")
    modes = [stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("ordinary", "atomic")]
    assert modes[0] == modes[1]
