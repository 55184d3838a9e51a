"""Every data set with a reader has a recipe that works, a README and a row in the table."""

import argparse
import ast
import gzip
import http.server
import importlib
import importlib.util
import inspect
import io
import json
import math
import os
import pkgutil
import re
import socket
import struct
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

import caption.data
import simlearn.data
from simlearn.data import folders
from simlearn.data.fetching import Download, Part, Recipe, recipe_main
from simlearn.data.fetching._scripts import script_main
from simlearn.errors import DatasetError

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted(path.parent.name for path in ROOT.glob("datasets/*/prepare.py"))
TABLE = ROOT / "docs" / "guides" / "datasets.md"
# Readers of what people have themselves.
OWN = {"clicked", "folders"}


def readers():
    """Modules with a public function that takes a root and returns a record."""
    found = {}
    for package in (simlearn.data, caption.data):
        for info in pkgutil.iter_modules(package.__path__):
            if info.name.startswith("_") or info.ispkg or info.name == "pipeline":
                continue
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            functions = [
                name
                for name, function in inspect.getmembers(module, inspect.isfunction)
                if function.__module__ == module.__name__
                and not name.startswith("_")
                and next(iter(inspect.signature(function).parameters), None) == "root"
                and name != "open_files"
            ]
            if functions and info.name not in OWN:
                found[info.name] = functions
    return found


def script(name):
    path = ROOT / "datasets" / name / "prepare.py"
    spec = importlib.util.spec_from_file_location(f"prepare_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(recipe, *arguments, data):
    return recipe_main(recipe, ["--data", str(data), *arguments])


def test_the_readers_are_found():
    assert {"mnist", "omniglot", "lfw", "malf", "coco", "flickr", "msrvtt"} <= set(readers())
    assert "files" not in readers()


def test_every_reader_has_a_recipe_with_a_readme():
    sources = {name: (ROOT / "datasets" / name / "prepare.py").read_text() for name in RECIPES}
    for reader in readers():
        uses = re.compile(rf"^from (simlearn|caption)\.data import .*\b{reader}\b", re.M)
        assert any(uses.search(source) for source in sources.values()), reader
    for folder in sorted(path for path in (ROOT / "datasets").iterdir() if path.is_dir()):
        assert {"README.md", "prepare.py"} <= {path.name for path in folder.iterdir()}, folder


def test_every_recipe_and_reader_has_a_row_in_the_table():
    _, table = TABLE.read_text().split("## The table\n")
    header, _, *rows = [line for line in table.splitlines() if line.startswith("|")]
    assert sorted(re.findall(r"datasets/(\w+)/README\.md", "\n".join(rows))) == RECIPES
    shown = set()
    for row in rows:
        (reader,) = re.findall(r"`((?:simlearn|caption)\.data\.[\w.]+)`", row)
        assert pkgutil.resolve_name(reader)
        shown.add(reader.split(".")[2])
        assert row.count("|") == header.count("|"), row
        assert re.search(r"\| (run on real files|on a fixture only|made here)[^|]*\|$", row), row
    assert shown >= {*readers(), *OWN, "table", "digits", "rendered", "scenes"}


@pytest.mark.parametrize("name", RECIPES)
def test_without_data_a_script_ends_in_one_line(name, tmp_path, capsys):
    assert script(name).main(["--data", str(tmp_path), "--check"]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert shown.err.startswith(f"{tmp_path}/{name}")
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []


def test_scripts_say_their_options_and_import_no_tensorflow():
    # One process for all of them: each would take half a second.
    code = f"""
import importlib.util, sys
for name in {RECIPES}:
    spec = importlib.util.spec_from_file_location(name, f"datasets/{{name}}/prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        module.main(["--help"])
    except SystemExit as stop:
        assert stop.code == 0, name
    assert not {{"tensorflow", "keras", "pooch"}} & set(sys.modules), name
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("--data DIR") == 2 * len(RECIPES)
    assert done.stdout.count("$SIMLEARN_DATA") == len(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_downloaded_is_bounded_and_addressed(name):
    recipe = script(name).RECIPE
    assert recipe.name == name
    assert recipe.downloads or recipe.by_hand
    parts = {part.name for part in recipe.parts}
    assert set(recipe.usual) <= parts
    for download in recipe.downloads:
        assert set(download.parts) <= parts
        assert bool(download.folder) == bool(download.limit)
        assert all(re.match(r"https?://[\w.-]+/", url) for url in download.urls)
        assert re.fullmatch("[0-9a-f]{64}", download.sha256 or 64 * "0")
        assert re.fullmatch("[0-9a-f]{32}", download.md5 or 32 * "0")
        readme = (ROOT / "datasets" / name / "README.md").read_text()
        assert download.name in readme
        assert download.sha256 is None or download.sha256[:12] in readme


# READMEs.


@pytest.mark.parametrize("name", RECIPES)
def test_a_readme_has_its_parts_and_calls_what_exists(name):
    text = (ROOT / "datasets" / name / "README.md").read_text()
    for part in (f"datasets/{name}/prepare.py", "**Size**", "**Address**", "**Licence**"):
        assert part in text, part
    assert "## Layout" in text
    assert "## Use" in text
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.DOTALL)
    assert blocks
    for block in blocks:
        assert calls(block) > 0


def calls(code):
    """Check the imports and calls of some code without running it; returns how many calls."""
    names, count = {}, 0
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                names[alias.name] = getattr(module, alias.name, None) or pkgutil.resolve_name(full)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) in names:
            getattr(names[node.value.id], node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in names:
                function = getattr(names[owner.id], node.func.attr)
                keywords = {keyword.arg: None for keyword in node.keywords}
                inspect.signature(function).bind(*node.args, **keywords)
                count += 1
    return count


def test_a_wrong_snippet_is_found():
    good = "from simlearn.data import mnist\nmnist.load('DIR', split='train')\n"
    assert calls(good) == 1
    with pytest.raises(AttributeError, match="lode"):
        calls(good.replace("load", "lode"))
    with pytest.raises(TypeError, match="slit"):
        calls(good.replace("split", "slit"))
    with pytest.raises((ImportError, AttributeError), match="mnisd"):
        calls(good.replace("mnist", "mnisd"))


# What a recipe does, on data sets small enough to write down.


def picture(pixels=None):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((7, 5), np.uint8) if pixels is None else pixels).save(stream, "PNG")
    return stream.getvalue()


def written(root, contents):
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def zipped(contents):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as out:
        for name, content in contents.items():
            out.writestr(name, content)
    return stream.getvalue()


PETS = {"cat/1.png": picture(), "cat/2.png": picture(), "dog/1.png": picture()}
OFFICIAL = {"pictures": 3, "classes": 2}


def recipe(counts=OFFICIAL, needs="/[0-9]+.png$", **fields):
    read = lambda files: folders.load(files, name="pets-all")  # noqa: E731
    return Recipe("pets", "Pets", (Part("all", needs, read, counts),), **fields)


def test_a_complete_copy(tmp_path, capsys):
    written(tmp_path / "pets", PETS)
    assert run(recipe(), data=tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pets-all: 3 pictures, 2 classes with 1 to 2 pictures",
        f"{tmp_path}/pets: complete",
    ]


def test_a_difference_is_told(tmp_path, capsys):
    written(tmp_path / "pets", PETS | {"cat/2.png": b""})
    assert run(recipe({"pictures": 5, "classes": 2}), data=tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        "pets-all: 3 pictures, 2 classes with 1 to 2 pictures",
        "  differs: 3 pictures, officially 5",
        "  missing or empty: 1 file, the first cat/2.png",
        f"{tmp_path}/pets: incomplete, 2 differences from the official release; "
        "see datasets/pets/README.md",
    ]


def test_a_damaged_part_does_not_hide_the_others(tmp_path, capsys):
    def damaged(_):
        raise DatasetError("list.txt:3: expected\n  something else")

    written(tmp_path / "pets", PETS)
    whole = recipe().parts[0]
    parts = (Part("first", "png", damaged, {}), whole, Part("last", "absent", len, {}))
    assert run(recipe()._replace(parts=parts), data=tmp_path) == 2
    shown = capsys.readouterr()
    assert shown.err == "list.txt:3: expected something else\n"
    assert shown.out.splitlines()[:2] == [
        "pets-all: 3 pictures, 2 classes with 1 to 2 pictures",
        "pets-last: not there",
    ]
    assert run(recipe()._replace(parts=parts), "--part", "all", data=tmp_path) == 0
    assert run(recipe()._replace(parts=parts), "--part", "last", data=tmp_path) == 1


def test_usual_parts_and_those_that_are_there(tmp_path, capsys):
    written(tmp_path / "pets", PETS)
    other = Part("other", "absent", len, {})
    both = recipe()._replace(parts=(*recipe().parts, other))
    assert run(both._replace(usual=("all",)), data=tmp_path) == 0
    assert run(both._replace(usual=("other",)), data=tmp_path) == 1
    assert "pets-all: 3 pictures" in capsys.readouterr().out


def test_what_has_to_be_done_by_hand_is_said(tmp_path, capsys):
    by_hand = recipe(by_hand="\nAsk, and put it here:\n  DIR/pets/cat\n")
    assert run(by_hand, data=tmp_path) == 2
    shown = capsys.readouterr()
    assert shown.out == f"Ask, and put it here:\n  {tmp_path}/pets/cat\n"
    assert shown.err == (
        f"{tmp_path}/pets: expected the files of Pets, and found none; they have to be downloaded "
        "by hand, as said above\n"
    )
    written(tmp_path / "pets", {"notes.txt": b"none yet"})
    assert run(by_hand, "--check", data=tmp_path) == 2
    assert capsys.readouterr().out == ""


def test_what_has_to_be_done_by_hand_is_said_where_a_part_is_missing(tmp_path, capsys):
    written(tmp_path / "pets", PETS)
    whole, absent = recipe().parts[0], Part("last", "absent", len, {})
    by_hand = recipe(by_hand="\nAsk, and put it here:\n  DIR/pets/cat\n")
    partial = by_hand._replace(parts=(whole, absent))
    text = f"Ask, and put it here:\n  {tmp_path}/pets/cat\n"
    assert run(partial, data=tmp_path) == 1
    shown = capsys.readouterr().out
    assert f"pets-last: not there\n{text}{tmp_path}/pets: incomplete, 1 difference from" in shown
    # Not where it was not asked for, nor where nothing is missing.
    for recipe_of_it, arguments in (
        (partial, ["--check"]),
        (partial._replace(usual=("all",)), []),
        (partial, ["--part", "all"]),
        (by_hand, []),
        (by_hand._replace(parts=(whole._replace(counts={"pictures": 4}),)), []),
    ):
        run(recipe_of_it, *arguments, data=tmp_path)
        assert "Ask" not in capsys.readouterr().out, arguments


def test_an_error_that_several_parts_share_is_said_once(tmp_path, capsys):
    def fails(text):
        def read(_):
            raise DatasetError(text)

        return read

    written(tmp_path / "pets", PETS)
    parts = [
        Part(f"part{n}", "png", fails(text), {}) for n, text in enumerate(["one", "two", "one"])
    ]
    shared = recipe(by_hand="Ask.")._replace(parts=(*parts, recipe().parts[0]))
    assert run(shared, data=tmp_path) == 2
    shown = capsys.readouterr()
    assert shown.err == "one\ntwo\n"
    assert shown.out.splitlines() == [
        "pets-all: 3 pictures, 2 classes with 1 to 2 pictures",
        "Ask.",
    ]


def test_part_of_celeba_is_one_error_and_what_to_do(tmp_path, capsys):
    written(tmp_path / "celeba", {"list_eval_partition.txt": "000001.jpg 0\n"})
    assert script("celeba").main(["--data", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert shown.err.startswith(f"{tmp_path}/celeba: expected ")
    assert f"\n  {tmp_path}/celeba/identity_CelebA.txt\n" in shown.out


def test_files_that_are_not_the_published_ones_are_counted(tmp_path, capsys):
    written(tmp_path / "pets", PETS | {"a.zip": zipped({}), "b.zip": zipped({"x": b"x"})})
    downloads = [
        Download(f"{name}.zip", ("http://127.0.0.1/",), provides="png", **known)
        for name, known in (("a", {"md5": 32 * "0"}), ("b", {"sha256": 64 * "0"}), ("c", {}))
    ]
    assert run(recipe(downloads=tuple(downloads)), data=tmp_path) == 0
    first, second, _, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tmp_path}/pets/a.zip: expected the MD5 {32 * '0'}, as published")
    assert second.startswith(f"{tmp_path}/pets/b.zip: expected the SHA-256")
    assert last == f"{tmp_path}/pets: complete by count; 2 files are not the published ones"
    # Where counts differ, too, that is what is said.
    assert run(recipe({"pictures": 4}, downloads=tuple(downloads)), data=tmp_path) == 1
    assert "incomplete, 1 difference from" in capsys.readouterr().out.splitlines()[-1]


@pytest.fixture
def served(monkeypatch):
    """A web server, and the addresses that it was asked for."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    contents, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = contents[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", contents, asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_missing_is_downloaded_once(tmp_path, served, capsys):
    address, contents, asked = served
    contents |= {"/pets.zip": zipped({f"pets/{k}": v for k, v in PETS.items()})}
    packed = Download("pets.zip", (f"{address}/pets.zip",), provides=r"cat/1\.png$")
    assert run(recipe(downloads=(packed,)), "--check", data=tmp_path) == 2
    assert list(tmp_path.iterdir()) == []
    assert run(recipe(downloads=(packed,)), data=tmp_path) == 0
    assert run(recipe(downloads=(packed,)), data=tmp_path) == 0
    assert asked == ["/pets.zip"]
    assert [path.name for path in sorted((tmp_path / "pets").iterdir())] == [
        "pets.zip",
        "pets.zip.sha256",
    ]
    capsys.readouterr()
    # It was packed anew by its owner: other bytes, and the same pictures.
    (tmp_path / "pets" / "pets.zip").write_bytes(zipped(PETS))
    assert run(recipe(downloads=(packed,)), data=tmp_path) == 0
    note, _, last = capsys.readouterr().out.splitlines()
    assert re.match(
        r".*pets\.zip: expected the SHA-256 .*, as at .*, and found .*; it is read as it is$", note
    )
    assert last == f"{tmp_path}/pets: complete by count; 1 file is not the published one"


def test_an_archive_is_unpacked_where_its_reader_needs_it(tmp_path, served):
    address, contents, asked = served
    contents |= {"/a.zip": zipped(PETS), "/b.zip": zipped({"more/9.png": picture()})}
    fields = {"provides": r"cat/1\.png$", "folder": "pets", "limit": 10**6}
    packed = Download("a.zip", (f"{address}/a.zip",), parts=("all",), **fields)
    more = Download("b.zip", (f"{address}/b.zip",), provides="9.png", parts=("more",))
    whole = recipe(downloads=(packed._replace(unpacked=True), more), usual=("all",))
    written(tmp_path / "pets", {"mine.zip": zipped(PETS)})
    # Its content is there, but packed, which this reader cannot use.
    run(whole, data=tmp_path)
    assert (tmp_path / "pets" / "pets" / "dog" / "1.png").is_file()
    assert asked == ["/a.zip"]
    run(whole._replace(downloads=(packed, more)), data=tmp_path)
    assert asked == ["/a.zip"]


def test_a_download_that_fails_is_one_line_for_each_address(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,nowhere.invalid")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        urls = (f"http://127.0.0.1:{port}/a.zip", "https://nowhere.invalid/a.zip")
        assert run(recipe(downloads=(Download("a.zip", urls, "x"),)), data=tmp_path) == 2
    first, *answers = capsys.readouterr().err.splitlines()
    assert first == f"{tmp_path}/pets/a.zip: no address delivered this file"
    assert answers[0] == f"  {urls[0]}: Connection refused"
    assert re.fullmatch(rf"  {urls[1]}: [A-Z][a-z ]+", answers[1]), answers[1]
    assert len(answers) == 2


def test_a_script_wants_a_folder(monkeypatch, capsys, tmp_path):
    seen = []

    def prepare(root, options):
        assert isinstance(options, argparse.Namespace)
        seen.append(root)
        return 7

    monkeypatch.delenv("SIMLEARN_DATA", raising=False)
    with pytest.raises(SystemExit) as stopped:
        script_main("pets", prepare, [], description="")
    assert stopped.value.code == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .endswith("expected --data DIR or the variable SIMLEARN_DATA, and received neither")
    )
    monkeypatch.setenv("SIMLEARN_DATA", str(tmp_path))
    assert script_main("pets", prepare, [], description="") == 7
    assert seen == [tmp_path / "pets"]


# Each recipe on a data set of the official layout with a few pictures: everything is found, and
# what differs is the number. (The sets with real files are tried below.)

PICTURE = picture()
POINTS = "1 2 3 4 2 3 1 4 3 4"
META = io.BytesIO()
savemat(
    META,
    {
        "video_names": np.array([["Ann/0"], ["Bob/1"]], object),
        "Splits": np.array([[1.0, 2.0, 0.0]])[:, :, np.newaxis],
    },
)


def coco_like(name):
    return json.dumps(
        {
            "images": [{"id": 7, "file_name": name}],
            "annotations": [{"id": 1, "image_id": 7, "caption": "A dog."}],
        }
    )


def karpathy_like(splits):
    images = [
        {
            "filename": f"{number}.jpg",
            "split": split,
            "imgid": number,
            "sentences": [{"raw": "A dog.", "tokens": ["a", "dog"]}],
        }
        for number, split in enumerate(splits)
    ]
    return json.dumps({"images": images})


def msrvtt_like(*splits):
    videos = [{"video_id": f"video{n}", "split": split} for n, split in enumerate(splits)]
    sentences = [
        {"video_id": video["video_id"], "sen_id": n, "caption": "A dog."}
        for n, video in enumerate(videos)
    ]
    return json.dumps({"videos": videos, "sentences": sentences})


def tokens(*names):
    return "".join(f"{name}#{k}\tA dog .\n" for name in names for k in range(5))


FACES = "left_eye_center right_eye_center left_eye_inner_corner left_eye_outer_corner "
FACES += "right_eye_inner_corner right_eye_outer_corner left_eyebrow_inner_end "
FACES += "left_eyebrow_outer_end right_eyebrow_inner_end right_eyebrow_outer_end nose_tip "
FACES += "mouth_left_corner mouth_right_corner mouth_center_top_lip mouth_center_bottom_lip"
COLUMNS = ",".join(f"{name}_{axis}" for name in FACES.split() for axis in "xy")
PIXELS = " ".join(["7"] * 96 * 96)


def idx(magic, *shape):
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + bytes(math.prod(shape))


# Files, and what the script must print: a line for each part, with the pictures missing.
LAYOUTS = {
    "casia_webface": (
        {"CASIA-WebFace/0000045/001.jpg": PICTURE, "CASIA-WebFace/0166921/002.jpg": PICTURE},
        ["casia-webface: 2 pictures, 2 classes with 1 pictures?"],
    ),
    "celeba": (
        {
            "img_align_celeba.zip": zipped({"img_align_celeba/000001.jpg": PICTURE}),
            "Anno/list_landmarks_align_celeba.txt": "".join(
                f"00000{n}.jpg {POINTS}\n" for n in (1, 2, 3)
            ),
            "Anno/list_attr_celeba.txt": "".join(
                f"00000{n}.jpg {' -1  1' * 20}\n" for n in (1, 2, 3)
            ),
            "Anno/identity_CelebA.txt": "000001.jpg 8\n000002.jpg 9\n000003.jpg 8\n",
            "Eval/list_eval_partition.txt": "000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n",
            "MAFL/training.txt": "000001.jpg\n000003.jpg\n",
            "MAFL/testing.txt": "000002.jpg\n",
        },
        [
            "celeba-train: 1 pictures?, 5 landmarks,",
            "celeba-validation: 1 pictures?, .* missing or empty: 1 file",
            "celeba-test: 1 pictures?, .* missing or empty: 1 file",
            "celeba-identities: 3 pictures, 2 classes .* missing or empty: 2 files",
            "mafl-train: 2 pictures, .* missing or empty: 1 file",
            "mafl-test: 1 pictures?, .* missing or empty: 1 file",
        ],
    ),
    "coco": (
        {
            "annotations_trainval2014.zip": zipped(
                {
                    "annotations/captions_train2014.json": coco_like("COCO_train2014_7.jpg"),
                    "annotations/captions_val2014.json": coco_like("COCO_val2014_7.jpg"),
                }
            ),
            "train2014.zip": zipped({"train2014/COCO_train2014_7.jpg": PICTURE}),
            "captions_val2017-half.json": coco_like("000000000007.jpg"),
        },
        [
            "coco-train2014: 1 pictures?, 1 caption,",
            "coco-val2014: 1 pictures?, .* missing or empty: 1 file, the first val2014/COCO_val",
            "captions_val2017-half: 1 pictures?, .* missing or empty: 1 file",
        ],
    ),
    "fddb": (
        {
            f"FDDB-folds/FDDB-fold-{fold:02}-ellipseList.txt": f"2002/07/{fold}/big/img_1\n1\n"
            "9 7 1.5 30 20 1\n"
            for fold in range(1, 11)
        }
        | {"originalPics/2002/07/3/big/img_1.jpg": PICTURE},
        ["fddb: 10 pictures, 10 boxes .* missing or empty: 9 files, the first originalPics/2002"],
    ),
    "flickr30k": (
        {
            "results_20130124.token": tokens("1.jpg", "2.jpg"),
            "flickr30k-images/2.jpg": PICTURE,
        },
        ["flickr30k: 2 pictures, 10 captions, .* missing .* 1 file, the first flickr30k-images/1"],
    ),
    "flickr8k": (
        {
            "Flickr8k_text.zip": zipped(
                {
                    "Flickr8k.token.txt": tokens("1.jpg", "2.jpg", "3.jpg", "4.jpg.1"),
                    "Flickr_8k.trainImages.txt": "2.jpg\n",
                    "Flickr_8k.devImages.txt": "1.jpg\n",
                    "Flickr_8k.testImages.txt": "3.jpg\n",
                }
            ),
            "Flickr8k_Dataset.zip": zipped(
                {f"Flicker8k_Dataset/{n}.jpg": PICTURE for n in (1, 2, 3)}
            ),
        },
        [
            "flickr8k-train: 1 pictures?, 5 captions, 5 each differs: 1 pictures?, officially 6000",
            "flickr8k-dev: 1 pictures?, 5 captions, 5 each differs: 1 pictures?, officially 1000",
            "flickr8k-test: 1 pictures?, 5 captions, 5 each differs: 1 pictures?, officially 1000",
            # One is missing in the official archive too.
            "flickr8k-all: 4 pictures, 20 captions, 5 each differs: 4 pictures, officially 8092 "
            "differs: 20 captions, officially 40460$",
        ],
    ),
    "kaggle_keypoints": (
        {
            "facial-keypoints-detection.zip": zipped(
                {
                    "training.zip": zipped(
                        {"training.csv": f"{COLUMNS},Image\n{','.join(['9'] * 30)},{PIXELS}\n"}
                    ),
                    "test.zip": zipped({"test.csv": f"ImageId,Image\n1,{PIXELS}\n"}),
                    "IdLookupTable.csv": "RowId,ImageId,FeatureName,Location\n"
                    "1,1,nose_tip_x,\n2,1,nose_tip_y,\n",
                }
            )
        },
        [
            "kaggle-keypoints-train: 1 pictures?, 15 landmarks",
            "kaggle-keypoints-test: 1 pictures?, 15 landmarks",
            "kaggle_keypoints-wanted: 2 coordinates",
        ],
    ),
    "karpathy": (
        {
            "caption_datasets/dataset_coco.json": karpathy_like(
                ["train", "restval", "val", "test", "restval"]
            ),
            "caption_datasets/dataset_flickr8k.json": karpathy_like(["val", "train", "test"]),
        },
        [
            "coco-karpathy-train: 1 pictures?, 1 caption, 1 each differs: 1 pictures?, officially "
            "82783$",
            "coco-karpathy-restval: 2 pictures",
            "coco-karpathy-val: 1 pictures?",
            "coco-karpathy-test: 1 pictures?",
            "flickr8k-karpathy-train: 1 pictures?",
            "flickr8k-karpathy-val: 1 pictures?",
            "flickr8k-karpathy-test: 1 pictures?",
            "karpathy-flickr30k-train: not there",
            "karpathy-flickr30k-val: not there",
            "karpathy-flickr30k-test: not there",
        ],
    ),
    "lfw": (
        {f"{folder}/Ann/Ann_0001.jpg": PICTURE for folder in ("lfw", "lfw_funneled/lfw_funneled")}
        | {"lfw/Ann/Ann_0003.jpg": PICTURE, "pairs.txt": "1 1\nAnn 1 3\nAnn 1 Bob 2\n"},
        [
            "lfw: 2 pictures, 1 class",
            "lfw: 1 pictures?, 1 class",
            "lfw-view1-train: not there",
            "lfw-view1-test: not there",
            "lfw-view2: 2 pairs, .* missing or empty: 1 file, the first lfw/Bob/Bob_0002.jpg",
            "lfw-view2: 2 pairs, .* missing or empty: 2 files, the first lfw_funneled/lfw_funnele",
        ],
    ),
    "malf": (
        {"MALF/malf.txt": "picture x y width height\na.jpg 1 2 3 4\n", "MALF/a.jpg": PICTURE},
        ["malf: 1 pictures?, 1 boxes differs: 1 pictures?, officially 250$"],
    ),
    "mnist": (
        {
            "raw/train-images-idx3-ubyte.gz": gzip.compress(idx(2051, 2, 5, 7)),
            "raw/train-labels.idx1-ubyte": idx(2049, 2),
            "mine.zip": zipped({"t10k-images-idx3-ubyte": idx(2051, 3, 5, 7)}),
            "t10k-labels-idx1-ubyte.gz": gzip.compress(idx(2049, 3)),
        },
        [
            "mnist-train: 2 pictures of 5x7x1, .* differs: 2 pictures, officially 60000$",
            "mnist-test: 3 pictures of 5x7x1, .* differs: 3 pictures, officially 10000$",
        ],
    ),
    "msrvtt": (
        {
            "train_val_videodatainfo.json": msrvtt_like("train", "validate", "train"),
            "test_videodatainfo.json": msrvtt_like("test"),
            "TrainValVideo/video2.mp4": b"video",
            "frames/video0/1.jpg": PICTURE,
        },
        [
            "msrvtt-train: 2 videos, .* officially 6513 differs: 2 captions, officially 130260$",
            "msrvtt-validate: 1 videos, .* missing or empty: 1 file, the first video1.mp4",
            "msrvtt-test: 1 videos, 1 caption, 1 each differs: 1 videos, officially 2990",
        ],
    ),
    "vggface2": (
        {
            "train/n000002/0001_01.jpg": PICTURE,
            "test/n000001/0002_01.jpg": PICTURE,
            "identity_meta.csv": 'n000001, "Ann", 1, 0, f\nn000002, "Bob, B", 1, 1, m\n',
        },
        [
            "vggface2-train: 1 pictures?, 1 class",
            "vggface2-test: 1 pictures?, 1 class",
            "vggface2-identities: 2 people differs: 2 people, officially 9131",
        ],
    ),
    "wider_face": (
        {
            "wider_face_split.zip": zipped(
                {
                    f"wider_face_split/wider_face_{name}.txt": text
                    for name, text in {
                        "train_bbx_gt": "0--P/1.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n",
                        "val_bbx_gt": "0--P/2.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n",
                        "test_filelist": "0--P/3.jpg\n",
                    }.items()
                }
            ),
            "WIDER_train.zip": zipped({"WIDER_train/images/0--P/1.jpg": PICTURE}),
        },
        [
            "wider-face-train: 1 pictures?, 1 boxes differs: 1 pictures?, officially 12880$",
            "wider-face-validation: 1 pictures?, 0 boxes .* missing or empty: 1 file",
            "wider-face-test: 1 pictures?, 0 boxes .* missing or empty: 1 file",
        ],
    ),
    "youtube_faces": (
        {
            "meta_and_splits.mat": META.getvalue(),
            "frame_images_DB/Ann/0/0.1.jpg": PICTURE,
            "aligned_images_DB/Ann/0/aligned.1.jpg": PICTURE,
            "aligned_images_DB/Bob/1/aligned.1.jpg": PICTURE,
        },
        [
            "youtube-faces: 1 pairs, .* 2 videos with 2 frames .* officially 3425$",
            "youtube-faces: 1 pairs, .* 2 videos with 1 frames .* missing or empty: 1 file, "
            "the first Bob/1",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_recipe_reads_the_official_layout(name, tmp_path, capsys):
    contents, expected = LAYOUTS[name]
    written(tmp_path / name, contents)
    assert script(name).main(["--data", str(tmp_path), "--check"]) == 1
    shown = capsys.readouterr()
    assert shown.err == ""
    *lines, last = shown.out.splitlines()
    assert re.fullmatch(rf"{tmp_path}/{name}: incomplete, \d+ differences? from .*", last)
    parts = re.split(r"\n(?! )", "\n".join(line for line in lines if "as it is" not in line))
    assert len(parts) == len(expected), parts
    for part, pattern in zip(parts, expected, strict=True):
        assert re.match(pattern, " ".join(part.split())), part


# What the scripts say of the real files at hand, which are parts of their data sets.
REAL = {
    "coco": (
        1,
        [
            "captions_val2017-half: 2500 pictures, 12507 captions, 5 to 7 each",
            "differs: 2500 pictures, officially 5000",
            "differs: 12507 captions, officially 25014",
            "missing or empty: 2425 files",
        ],
    ),
    "flickr8k": (
        1,
        [
            "flickr8k-train: 753 pictures, 3765 captions, 5 each",
            "flickr8k-dev: 113 pictures, 565 captions, 5 each",
            "flickr8k-test: not there",
            "flickr8k-all: 875 pictures, 4375 captions, 5 each",
        ],
    ),
    "lfw": (
        1,
        [
            "lfw: 1549 pictures, 963 classes with 1 to 7 pictures",
            "lfw-view1-train: 2200 pairs, 1100 of one person, among 3443 pictures",
            "lfw-view1-test: 1000 pairs, 500 of one person, among 1549 pictures",
            "lfw-view2: 6000 pairs in 10 folds, 3000 of one person, among 7701 pictures",
        ],
    ),
    "mtfl": (
        1,
        [
            "mtfl-train: 9983 pictures, 5 landmarks, ",
            "differs: 9983 pictures, officially 10000",
            "mtfl-test: 1000 pictures, 5 landmarks, ",
            "differs: 1000 pictures, officially 2995",
            "incomplete, 2 differences from",
        ],
    ),
    "omniglot": (
        0,
        [
            "omniglot-background: 19280 pictures, 964 classes with 20 pictures",
            "omniglot-evaluation: 13180 pictures, 659 classes with 20 pictures",
            "omniglot-runs: 800 pictures",
            "omniglot: complete",
        ],
    ),
    "orl": (0, ["orl: 400 pictures, 40 classes with 10 pictures", "orl: complete"]),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_what_a_recipe_says_of_real_files(name, capsys):
    status, expected = REAL[name]
    assert script(name).main(["--data", os.environ["SIMLEARN_DATA"], "--check"]) == status
    shown = capsys.readouterr()
    assert shown.err == ""
    at = 0
    for line in expected:
        at = shown.out.index(line, at)


def test_every_recipe_is_tried_somewhere():
    assert set(LAYOUTS) | set(REAL) == set(RECIPES)
