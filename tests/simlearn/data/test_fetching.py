import gzip
import hashlib
import http.client
import http.server
import io
import json
import os
import threading
import urllib.error

import pytest

from simlearn.data import fetching
from simlearn.data.fetching import _transfer
from simlearn.errors import DatasetError, UserError

CONTENT = bytes(range(256)) * 1000 + b"the end"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
OTHER = CONTENT[::-1]


class Server:
    """A web server on this machine.

    `files` maps an address to its content, `breaks` to how many bytes of each answer in turn are
    sent before the connection is closed.
    """

    def __init__(self, files, *, ranges=True, tag='"one"', breaks=None, headers=None):
        self.files, self.ranges, self.tag = files, ranges, tag
        self.breaks = {path: list(lengths) for path, lengths in (breaks or {}).items()}
        self.headers = headers or {}
        self.asked = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))

    def answer(self, handler):
        wanted = handler.headers.get("Range")
        self.asked.append((handler.path, wanted))
        content = self.files.get(handler.path)
        if content is None:
            return handler.send_error(404)
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        fresh = handler.headers.get("If-Range") in (None, self.tag)
        if wanted and self.ranges and fresh and begin >= len(content):
            return handler.send_error(416)
        part = content[begin:] if wanted and self.ranges and fresh else content
        handler.send_response(206 if len(part) < len(content) else 200)
        headers = {"Content-Length": len(part), "ETag": self.tag}
        if len(part) < len(content):
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        for key, value in (headers | self.headers).items():
            if value is not None:
                handler.send_header(key, str(value))
        handler.end_headers()
        lengths = self.breaks.get(handler.path)
        handler.wfile.write(part[: lengths.pop(0)] if lengths else part)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(_transfer, "_SECONDS", 10)


def below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("known", [{"sha256": SHA256}, {"md5": MD5.upper()}])
def test_a_file_is_downloaded_checked_and_then_left_alone(tmp_path, known):
    target = tmp_path / "new" / "folder" / "a.bin"
    with Server({"/a.bin": CONTENT}) as server:
        assert fetching.fetch(f"{server.address}/a.bin", target, **known) == target
        assert target.read_bytes() == CONTENT
        assert below(target.parent) == ["a.bin"]
        assert target.stat().st_mode & 0o777 == 0o666 & ~umask()
        fetching.fetch([f"{server.address}/a.bin"], str(target), **known)
        assert len(server.asked) == 1


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_without_a_published_hash_the_first_download_counts(tmp_path):
    target = tmp_path / "a.bin"
    record = tmp_path / "a.bin.sha256"
    with Server({"/a.bin": CONTENT}) as server:
        url = f"{server.address}/a.bin"
        fetching.fetch(url, target)
        assert record.read_text() == f"{SHA256}  a.bin\n"
        target.write_bytes(OTHER)
        with pytest.raises(DatasetError, match=rf"a\.bin: expected the SHA-256 {SHA256}, as at "):
            fetching.fetch(url, target)
        assert target.read_bytes() == OTHER
        target.unlink()
        server.files["/a.bin"] = OTHER
        with pytest.raises(DatasetError, match=rf"{SHA256}, as at its first .* another file"):
            fetching.fetch(url, target)
        assert below(tmp_path) == ["a.bin.sha256"]
        record.write_text("no hash")
        with pytest.raises(DatasetError, match=r"a\.bin\.sha256: expected a SHA-256, and rec.*no "):
            fetching.fetch(url, target)


def test_a_file_that_is_there_is_never_replaced(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(OTHER)
    with Server({"/a.bin": CONTENT}) as server:
        url = f"{server.address}/a.bin"
        with pytest.raises(DatasetError, match=r"expected the MD5 .*, and found .*; move the file"):
            fetching.fetch(url, target, md5=MD5)
        fetching.fetch(url, target)
        assert server.asked == []
    assert below(tmp_path) == ["a.bin"]
    with pytest.raises(DatasetError, match="expected a file, and found something else"):
        fetching.fetch(url, tmp_path)


def test_each_address_is_tried_and_its_answer_told(tmp_path):
    with Server({"/wrong/a.bin": OTHER, "/whole/a.bin": CONTENT}) as server:
        urls = [f"{server.address}/{folder}/a.bin" for folder in ("absent", "wrong", "whole")]
        with pytest.raises(DatasetError) as caught:
            fetching.fetch(urls[:2], tmp_path / "a.bin", sha256=SHA256)
        _, first, second = str(caught.value).split("; ")
        assert first.startswith(f"{urls[0]}: 404")
        assert second == f"{urls[1]}: expected the SHA-256 {SHA256}, as published, and " + (
            "received another file"
        )
        assert below(tmp_path) == []
        fetching.fetch(urls, tmp_path / "a.bin", sha256=SHA256)
        paths = [path for path, _ in server.asked]
    assert paths == [f"/{f}/a.bin" for f in ("absent", "wrong", "absent", "wrong", "whole")]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_lost_connection_is_taken_up_where_it_broke_off(tmp_path):
    with Server({"/a.bin": CONTENT}, breaks={"/a.bin": [100_000, 50_000]}) as server:
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin", sha256=SHA256)
    assert server.asked == [
        ("/a.bin", None), ("/a.bin", "bytes=100000-"), ("/a.bin", "bytes=150000-")
    ]  # fmt: skip
    assert below(tmp_path) == ["a.bin"]


def interrupted(tmp_path, server, *, length=100_000):
    """A download that broke off and could not go on."""
    server.breaks = {"/a.bin": [length, 0]}
    with pytest.raises(DatasetError, match="broke off") as caught:
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
    server.breaks = {}
    server.asked.clear()
    return str(caught.value)


def test_another_call_goes_on(tmp_path):
    with Server({"/a.bin": CONTENT}) as server:
        message = interrupted(tmp_path, server)
        assert f"after 100000 of {len(CONTENT)} bytes" in message
        assert below(tmp_path) == ["a.bin.partial", "a.bin.partial.json"]
        # The address that has begun comes first.
        urls = [f"{server.address}/other.bin", f"{server.address}/a.bin"]
        fetching.fetch(urls, tmp_path / "a.bin")
        assert server.asked == [("/a.bin", "bytes=100000-")]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert below(tmp_path) == ["a.bin", "a.bin.sha256"]


def test_a_server_without_ranges_sends_all_of_it_again(tmp_path):
    with Server({"/a.bin": CONTENT}, ranges=False) as server:
        # After a break it sends everything, and breaks off at the same place: no progress.
        server.breaks = {"/a.bin": [100_000, 100_000]}
        with pytest.raises(DatasetError, match="after 100000 of"):
            fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_halves_of_two_files_are_not_put_together(tmp_path):
    with Server({"/a.bin": CONTENT}) as server:
        interrupted(tmp_path, server)
        server.files, server.tag = {"/a.bin": OTHER}, '"two"'
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        assert server.asked == [("/a.bin", "bytes=100000-")]
    assert (tmp_path / "a.bin").read_bytes() == OTHER


def test_another_address_begins_anew_whatever_it_calls_the_file(tmp_path):
    with Server({"/a.bin": CONTENT, "/b.bin": OTHER}) as server:
        interrupted(tmp_path, server)
        fetching.fetch(f"{server.address}/b.bin", tmp_path / "a.bin")
        assert server.asked == [("/b.bin", None)]
    assert (tmp_path / "a.bin").read_bytes() == OTHER


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"two"'},
        {"Content-Range": f"bytes 99999-{len(CONTENT) - 1}/{len(CONTENT)}"},
        {"Content-Range": f"bytes 100000-{len(CONTENT)}/{len(CONTENT) + 1}"},
        {"Content-Range": f"bytes 100000-{len(CONTENT) - 2}/{len(CONTENT)}"},
        {"Content-Range": "bytes 100000-"},
        {"Content-Range": None},
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_makes_it_begin_anew(tmp_path, headers):
    with Server({"/a.bin": CONTENT}) as server:
        interrupted(tmp_path, server)
        plain = server.answer

        def answer(handler):
            server.headers = headers if handler.headers.get("Range") else {}
            plain(handler)

        server.answer = answer
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        assert server.asked == [("/a.bin", "bytes=100000-"), ("/a.bin", None)]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_file_that_became_shorter_is_begun_anew(tmp_path):
    with Server({"/a.bin": CONTENT}) as server:
        interrupted(tmp_path, server)
        server.files = {"/a.bin": CONTENT[:77_777]}
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        assert server.asked == [("/a.bin", "bytes=100000-"), ("/a.bin", None)]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT[:77_777]


@pytest.mark.parametrize("tag", [None, 'W/"weak"'])
def test_what_cannot_be_recognised_is_not_gone_on_with(tmp_path, tag):
    with Server({"/a.bin": CONTENT}, tag=tag) as server:
        server.breaks = {"/a.bin": [100_000]}
        with pytest.raises(DatasetError, match="the connection broke off"):
            fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        assert server.asked == [("/a.bin", None)] * 2
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_the_time_of_change_serves_where_there_is_no_tag(tmp_path):
    modified = {"Last-Modified": "Tue, 03 Jan 2012 12:34:56 GMT"}
    headers = modified | {"ETag": None}
    # The tag is what the server compares If-Range with.
    with Server({"/a.bin": CONTENT}, tag=modified["Last-Modified"], headers=headers) as server:
        interrupted(tmp_path, server)
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        assert server.asked == [("/a.bin", "bytes=100000-")]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("note", [b"", b"[]", b"{", b'{"url": 1}', b"\xff", None])
def test_a_partial_file_without_a_note_is_begun_anew(tmp_path, note):
    (tmp_path / "a.bin.partial").write_bytes(OTHER[:5000])
    if note is not None:
        (tmp_path / "a.bin.partial.json").write_bytes(note)
    with Server({"/a.bin": CONTENT}) as server:
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin", sha256=SHA256)
        assert server.asked == [("/a.bin", None)]
    assert below(tmp_path) == ["a.bin"]


def test_a_download_that_was_only_not_checked_is_not_repeated(tmp_path, monkeypatch):
    target = tmp_path / "a.bin"

    def stop(*_, **__):
        raise KeyboardInterrupt

    with Server({"/a.bin": CONTENT}) as server:
        with monkeypatch.context() as patch:
            patch.setattr("pooch.core.hash_matches", stop)
            with pytest.raises(KeyboardInterrupt):
                fetching.fetch(f"{server.address}/a.bin", target, sha256=SHA256)
        assert below(tmp_path) == ["a.bin.partial", "a.bin.partial.json"]
        fetching.fetch(f"{server.address}/a.bin", target, sha256=SHA256)
        assert len(server.asked) == 1
    assert below(tmp_path) == ["a.bin"]


def test_where_a_file_has_one_name_only(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with Server({"/a.bin": CONTENT}) as server:
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin", sha256=SHA256)
    assert below(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    ("name", "content", "headers", "message"),
    [
        ("a.zip", b"<!DOCTYPE html><title>Log in</title>", {}, "expected a zip, and received a pa"),
        ("a.txt", b" \n<!-- x --> <HTML>", {}, "expected a .txt file, and received a page of HTML"),
        ("a.txt", b"a", {"Content-Type": "text/html; charset=utf-8"}, "received a page of HTML"),
        ("a.tar.gz", b"PK\3\4", {}, "expected a gzip file, and received one that starts with b'PK"),
        ("a.zip", b"", {}, "received nothing"),
        (
            "a.txt",
            gzip.compress(b"a", mtime=0),
            {"Content-Encoding": "gzip"},
            "received it packed as gzip",
        ),
    ],
)
def test_what_is_plainly_another_file_is_refused(tmp_path, name, content, headers, message):
    with (
        Server({f"/{name}": content}, headers=headers) as server,
        pytest.raises(DatasetError, match=f"{name}: .*{message}"),
    ):
        fetching.fetch(f"{server.address}/{name}", tmp_path / name)
    assert below(tmp_path) == []


def test_a_gzip_file_may_be_called_packed(tmp_path):
    content = gzip.compress(b"abc", mtime=0)
    headers = {"Content-Encoding": "x-gzip"}
    with Server({"/a.tgz": content}, headers=headers) as server:
        fetching.fetch(f"{server.address}/a.tgz", tmp_path / "a.tgz")
    assert (tmp_path / "a.tgz").read_bytes() == content


def test_a_full_disk_keeps_what_has_come(tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            if self.tell() >= 2 * _transfer._CHUNK:
                raise OSError(28, "No space left on device")
            return super().write(data)

    def open_full(path, mode="r", **options):
        return Full(path, mode) if str(path).endswith(".partial") else open(path, mode, **options)

    with Server({"/a.bin": CONTENT}) as server:
        with monkeypatch.context() as patch:
            patch.setattr(_transfer, "open", open_full, raising=False)
            with pytest.raises(DatasetError, match=r"a\.bin\.partial: cannot be .*No space left"):
                fetching.fetch([f"{server.address}/a.bin"] * 2, tmp_path / "a.bin")
        assert len(server.asked) == 1  # Another address has no more room.
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        assert server.asked[1:] == [("/a.bin", f"bytes={2 * _transfer._CHUNK}-")]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_file_for_which_there_is_no_room_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 7}))
    with (
        Server({"/a.bin": CONTENT}) as server,
        pytest.raises(DatasetError, match=f"room for {len(CONTENT)} bytes, and found 7 free"),
    ):
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
    assert below(tmp_path) == []


def test_an_address_that_nobody_answers(tmp_path):
    with Server({}) as server:
        address = server.address
    with pytest.raises(DatasetError, match=rf"{address}/a\.bin: Connection refused$"):
        fetching.fetch(f"{address}/a.bin", tmp_path / "a.bin")
    with pytest.raises(UserError, match="expected addresses of http or https, and received"):
        fetching.fetch("file:///etc/passwd", tmp_path / "a.bin")
    with pytest.raises(UserError, match="expected addresses"):
        fetching.fetch([], tmp_path / "a.bin")
    assert below(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (urllib.error.URLError(OSError(-2, "Name or service not known")), "Name or service not kn"),
        (urllib.error.URLError("no host given"), "no host given"),
        (http.client.BadStatusLine("two\n  lines"), "two lines"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("x" * 500), "x" * 117 + "..."),
    ],
)
def test_the_reason_is_short(tmp_path, monkeypatch, error, reason):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("urllib.request.urlopen", fail)
    with pytest.raises(DatasetError) as caught:
        fetching.fetch("http://127.0.0.1/a.bin", tmp_path / "a.bin")
    (answer,) = caught.value.answers
    assert answer.startswith(f"http://127.0.0.1/a.bin: {reason}")
    assert len(answer) < 160
    assert "\n" not in answer


def test_progress_is_a_line_for_each_tenth_or_one_that_changes(tmp_path, capsys, monkeypatch):
    with Server({"/a.bin": CONTENT * 4, "/b.bin": CONTENT}) as server:
        fetching.fetch(f"{server.address}/a.bin", tmp_path / "a.bin")
        lines = capsys.readouterr().err.splitlines()
        assert lines[-1] == "a.bin: 1.0 of 1.0 MB, 100 %"
        assert 5 <= len(lines) <= 10
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        fetching.fetch(f"{server.address}/b.bin", tmp_path / "b.bin")
        assert capsys.readouterr().err.endswith("\rb.bin: 0.3 of 0.3 MB, 100 %\n")
        fetching.fetch(f"{server.address}/b.bin", tmp_path / "c.bin", progress=False)
        assert capsys.readouterr().err == ""


def test_notes_are_json(tmp_path):
    with Server({"/a.bin": CONTENT}) as server:
        interrupted(tmp_path, server)
        note = json.loads((tmp_path / "a.bin.partial.json").read_bytes())
        assert note == {
            "url": f"{server.address}/a.bin", "validator": '"one"', "total": len(CONTENT)
        }  # fmt: skip
