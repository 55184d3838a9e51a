import gzip
import hashlib
import http.server
import importlib.util
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from simlearn.data import mnist
from simlearn.errors import DatasetError

IMAGES = np.random.default_rng(3).integers(0, 256, (11, 5, 7), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], np.uint8)
IMAGE_BYTES = struct.pack(">4i", 2051, 11, 5, 7) + IMAGES.tobytes()
LABEL_BYTES = struct.pack(">2i", 2049, 11) + LABELS.tobytes()


def write(folder, *, prefix="train", images=IMAGE_BYTES, labels=LABEL_BYTES, gz="", joint="-"):
    folder.mkdir(parents=True, exist_ok=True)
    pack = gzip.compress if gz else bytes
    (folder / f"{prefix}-images{joint}idx3-ubyte{gz}").write_bytes(pack(images))
    (folder / f"{prefix}-labels{joint}idx1-ubyte{gz}").write_bytes(pack(labels))


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize("folder", [".", "raw"])
@pytest.mark.parametrize("joint", ["-", "."])
def test_reads_pictures_and_labels(tmp_path, gz, folder, joint):
    write(tmp_path / folder, gz=gz, joint=joint)
    data = mnist.load(tmp_path, split="train")
    np.testing.assert_array_equal(data.images, IMAGES[..., None])
    assert data.labels.tolist() == LABELS.tolist()
    assert data.ids.tolist() == list(range(11))
    assert data.name == "mnist-train"


def test_ids_of_the_test_split_follow_those_of_the_training_split(tmp_path):
    write(tmp_path, prefix="t10k")
    data = mnist.load(str(tmp_path), split="test")
    assert data.ids.tolist() == list(range(60_000, 60_011))
    assert data.name == "mnist-test"


def test_content_and_not_name_tells_whether_a_file_is_gzipped(tmp_path):
    path = tmp_path / "unpacked-by-the-browser.gz"
    path.write_bytes(LABEL_BYTES)
    assert mnist.read_idx(path, magic=2049).tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            LABEL_BYTES,
            LABEL_BYTES,
            "train-images-idx3-ubyte: expected the magic .* 2051.* 2049",
        ),
        # Little-endian 2051 = 0x00000803 reads as 0x03080000 = 50855936.
        (struct.pack("<4i", 2051, 11, 5, 7), LABEL_BYTES, "2051, and received 50855936"),
        (
            IMAGE_BYTES,
            IMAGE_BYTES,
            "train-labels-idx1-ubyte: expected the magic .* 2049.* 2051",
        ),
        # 16 + 11 * 5 * 7 = 401
        (IMAGE_BYTES[:-1], LABEL_BYTES, r"images.*expected 401 bytes.*\(11, 5, 7\).*received 400"),
        (IMAGE_BYTES + b"\0", LABEL_BYTES, "expected 401 bytes .* received 402"),
        (IMAGE_BYTES[:15], LABEL_BYTES, "header of 16 bytes, and received 15"),
        (b"", LABEL_BYTES, "header of 16 bytes, and received 0"),
        (b"\0\0\x08", LABEL_BYTES, "header of 16 bytes, and received 3"),
        (
            IMAGE_BYTES,
            struct.pack(">2i", 2049, 7) + bytes(7),
            "train-labels-idx1-ubyte: expected 11 labels.*train-images-idx3-ubyte.* received 7",
        ),
    ],
)
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_refuses_a_damaged_file_by_name(tmp_path, images, labels, message, gz):
    write(tmp_path, images=images, labels=labels, gz=gz)
    with pytest.raises(DatasetError, match=message.replace("ubyte:", f"ubyte{gz}:")):
        mnist.load(tmp_path)


def test_refuses_sizes_whose_product_overflows(tmp_path):
    path = tmp_path / "huge"
    path.write_bytes(struct.pack(">4I", 2051, 2**31, 2**31, 4))
    # 2^64 wraps to 0 in 64 bits, which would make the file look complete.
    with pytest.raises(DatasetError, match=f"expected {16 + 2**64} bytes"):
        mnist.read_idx(path, magic=2051)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(LABEL_BYTES)[:-9],
        gzip.compress(LABEL_BYTES)[:5],
        gzip.compress(LABEL_BYTES)[:-8] + bytes(8),
        # The first block of the stream is of the kind 3, which does not exist.
        gzip.compress(LABEL_BYTES)[:10] + b"\xff" * 20,
    ],
    ids=["cut", "cut in its header", "wrong checksum", "scrambled"],
)
def test_refuses_a_damaged_archive_by_name(tmp_path, content):
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"labels\.gz: expected a whole idx file"):
        mnist.read_idx(path, magic=2049)


def test_a_missing_file_is_reported_with_the_names_that_were_tried(tmp_path):
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError) as caught:
        mnist.load(tmp_path)
    for text in (str(tmp_path), "train-labels-idx1-ubyte,", "train-labels-idx1-ubyte.gz", "raw"):
        assert text in str(caught.value)


@pytest.mark.parametrize("call", ["read_bytes", "stat"])
def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch, call):
    # By hand, because for root every file can be read. `stat` is what fails in a locked folder.
    write(tmp_path)
    plain = getattr(Path, call)

    def refuse(path, *args, **kwargs):
        if path.name.startswith("train-images"):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *args, **kwargs)

    monkeypatch.setattr(Path, call, refuse)
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte: .*Permission denied"):
        mnist.load(tmp_path)


def test_refuses_an_unknown_split(tmp_path):
    with pytest.raises(DatasetError, match="'train' and 'test', and not 'validation'"):
        mnist.load(tmp_path, split="validation")


class Mirror:
    """A web server on this machine; `files` maps an address to its content."""

    def __init__(self, files):
        self.requests = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.requests.append(self.path)
                content = files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


FAKES = {
    name: gzip.compress(IMAGE_BYTES if "images" in name else LABEL_BYTES, mtime=seconds)
    for seconds, name in enumerate(mnist.MD5)
}


@pytest.fixture
def fake_sums(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sums = {name: hashlib.md5(content).hexdigest() for name, content in FAKES.items()}
    monkeypatch.setattr(mnist, "MD5", sums)


@pytest.mark.usefixtures("fake_sums")
def test_download_tries_mirrors_in_order_until_the_checksum_fits(tmp_path):
    first, second, third, _ = FAKES
    files = {f"/whole/{name}": content for name, content in FAKES.items()}
    files |= {f"/partial/{first}": FAKES[first], f"/partial/{second}": b"not this one"}
    with Mirror(files) as mirror:
        mirrors = [f"{mirror.address}/partial/", f"{mirror.address}/whole/"]
        mnist.download(tmp_path / "new" / "mnist", mirrors=mirrors)
        assert mirror.requests[:3] == [
            f"/partial/{first}",
            f"/partial/{second}",
            f"/whole/{second}",
        ]
        assert mirror.requests[3:5] == [f"/partial/{third}", f"/whole/{third}"]
        for name, content in FAKES.items():
            assert (tmp_path / "new" / "mnist" / name).read_bytes() == content
        assert len(mnist.load(tmp_path / "new" / "mnist", split="test")) == 11

        mirror.requests.clear()
        mnist.download(tmp_path / "new" / "mnist", mirrors=mirrors)
        assert mirror.requests == []


@pytest.mark.usefixtures("fake_sums")
def test_download_replaces_a_damaged_file(tmp_path):
    name = next(iter(FAKES))
    (tmp_path / name).write_bytes(FAKES[name][:-1])
    with Mirror({f"/{name}": content for name, content in FAKES.items()}) as mirror:
        mnist.download(tmp_path, mirrors=[f"{mirror.address}/"])
    assert (tmp_path / name).read_bytes() == FAKES[name]


@pytest.mark.usefixtures("fake_sums")
def test_download_reports_what_each_mirror_answered(tmp_path):
    name = next(iter(FAKES))
    with Mirror({f"/wrong/{name}": b"not this one"}) as mirror:
        mirrors = [f"{mirror.address}/wrong/", f"{mirror.address}/empty/"]
        with pytest.raises(DatasetError) as caught:
            mnist.download(tmp_path, mirrors=mirrors)
    message = str(caught.value)
    assert message.index("/wrong/") < message.index("/empty/")
    assert name in message
    assert "404" in message
    # No half-finished or wrong file may stay behind to be read later.
    assert list(tmp_path.iterdir()) == []


def prepare_script():
    path = Path(__file__).parents[3] / "datasets" / "mnist" / "prepare.py"
    spec = importlib.util.spec_from_file_location("prepare_mnist", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("fake_sums")
def test_prepare_checks_the_counts(tmp_path, monkeypatch, capsys):
    for name, content in FAKES.items():
        (tmp_path / "mnist").mkdir(exist_ok=True)
        (tmp_path / "mnist" / name).write_bytes(content)
    script = prepare_script()
    assert script.main(["--data", str(tmp_path)]) == 2
    assert "expected 60000 pictures to train, and received 11" in capsys.readouterr().err

    monkeypatch.setattr(mnist, "COUNTS", {"train": 11, "test": 11})
    monkeypatch.setenv("SIMLEARN_DATA", str(tmp_path))
    assert script.main([]) == 0
    assert "mnist-test: 11 pictures of 5x7x1" in capsys.readouterr().out


def test_prepare_wants_a_folder(monkeypatch, capsys):
    monkeypatch.delenv("SIMLEARN_DATA", raising=False)
    with pytest.raises(SystemExit) as stopped:
        prepare_script().main([])
    assert stopped.value.code == 2
    assert "SIMLEARN_DATA" in capsys.readouterr().err
