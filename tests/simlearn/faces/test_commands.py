"""`simlearn faces ...`, with a stand-in for the model and, mostly, for the detector."""

import json

import keras
import numpy as np
import pytest
from PIL import Image
from skimage import data

from simlearn import cli, metrics, search
from simlearn.errors import UserError
from simlearn.faces import (
    Cropped,
    FaceEmbedder,
    FaceModel,
    FoundFaces,
    Gallery,
    Identified,
    calibrate,
)
from simlearn.faces._commands import _people, _seeing
from simlearn.faces._commands._cluster import grouped

COLOURS = {"ann": (200, 40, 40), "bob": (40, 200, 40), "cid": (40, 40, 200)}


def person(name, shade=0, size=(60, 60)):
    """A face is a patch of its person's colour, shaded anew in each picture."""
    colour = np.clip(np.array(COLOURS[name]) + shade, 0, 255).astype(np.uint8)
    return np.tile(colour, (*size, 1))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Embeds a face as its mean colour, off grey."""
    pixels = keras.Input((8, 8, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 128, -0.7)(pixels))
    embedder = FaceEmbedder(keras.Model(pixels, mean), placing=Cropped())
    given = {
        "distance": search.cosine,
        "data": "patches",
        "model_fingerprint": embedder.fingerprint,
    }
    distances, same = [0.01, 0.05, 0.1, 0.9, 1.2, 1.5], [True] * 3 + [False] * 3
    folder = tmp_path_factory.mktemp("model")
    threshold = metrics.choose_threshold(distances, same, metrics.best_accuracy_threshold, **given)
    FaceModel(embedder, threshold, calibrate(distances, same, **given)).save(folder)
    return folder


class Patches:
    """A detector that finds every patch of a colour on black, left to right."""

    fingerprint = "patches"

    def __init__(self, **settings):
        self.settings = settings

    def find(self, pictures):
        return FoundFaces.gathered([self._one(np.asarray(p)) for p in pictures])

    def _one(self, picture):
        lit = picture.sum(axis=2) > 30
        columns = np.flatnonzero(np.diff(np.pad(lit.any(axis=0).astype(int), 1)))
        rows = []
        for left, right in columns.reshape(-1, 2):
            tall = np.flatnonzero(lit[:, left:right].any(axis=1))
            box = [left, tall[0], right, tall[-1] + 1]
            rows.append([*box, 0.9, *np.arange(10.0)])
        return np.array(rows).reshape(-1, 15)


@pytest.fixture
def patches(monkeypatch):
    monkeypatch.setattr(_seeing, "MtcnnDetector", Patches)


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["faces", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return ended.value.code, out, err


def write(path, *faces, gap=20):
    """Faces side by side on black."""
    height = max(face.shape[0] for face in faces) + 20
    canvas = np.zeros((height, sum(face.shape[1] + gap for face in faces) + gap, 3), np.uint8)
    left = gap
    for face in faces:
        canvas[10 : 10 + face.shape[0], left : left + face.shape[1]] = face
        left += face.shape[1] + gap
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(canvas).save(path)
    return path


def album(folder, names=("ann", "bob", "cid"), count=4):
    for name in names:
        for number in range(count):
            write(folder / name / f"{number}.png", person(name, 5 * number))
    return folder


def test_two_pictures_of_one_person_and_of_two(tmp_path, model, patches, capsys):
    left = write(tmp_path / "ä 1.png", person("ann"))
    right = write(tmp_path / "ä 2.png", person("ann", 20))
    status, out, err = call(capsys, "verify", left, right, "--model", model)
    assert (status, err) == (0, "")
    assert "same person" in out
    assert "best_accuracy_threshold" in out
    assert "patches" in out
    assert "6 pairs of patches" in out
    other = write(tmp_path / "b.png", person("bob"))
    status, out, _ = call(capsys, "verify", left, other, "--model", model, "--json")
    found = json.loads(out)
    assert (status, found["same"]) == (0, False)
    vectors = [np.array(COLOURS[n]) / 128 - 0.7 for n in ("ann", "bob")]
    expected = 1 - vectors[0] @ vectors[1] / np.prod([np.linalg.norm(v) for v in vectors])
    assert found["distance"] == pytest.approx(expected, abs=0.02)
    assert found["probability"] < 0.5


def test_a_given_threshold_says_so_and_none_decides_nothing(tmp_path, model, patches, capsys):
    left = write(tmp_path / "1.png", person("ann"))
    right = write(tmp_path / "2.png", person("bob"))
    _, out, _ = call(capsys, "verify", left, right, "--model", model, "--threshold", 1.9)
    assert "same person" in out
    assert "given with --threshold" in out
    bare = tmp_path / "bare"
    FaceModel(FaceModel.load(model).embedder).save(bare)
    status, out, _ = call(capsys, "verify", left, right, "--model", bare)
    assert status == 0
    assert "undecided" in out
    assert "lfw_verification" in out


def test_several_faces_are_refused_until_it_is_said_which(tmp_path, model, patches, capsys):
    group = write(tmp_path / "group.png", person("bob"), person("ann"))
    single = write(tmp_path / "single.png", person("ann"))
    status, out, err = call(capsys, "verify", single, group, "--model", model)
    assert (status, out) == (2, "")
    assert "expected one face, found 2" in err
    assert "--right-face" in err
    for number, told in ((0, "different people"), (1, "same person")):
        _, out, _ = call(capsys, "verify", single, group, "--model", model, "--right-face", number)
        assert told in out
    status, out, _ = call(capsys, "verify", single, group, "--model", model, "--every", "--json")
    found = json.loads(out)
    # All pairs, and no verdict for the whole: never the nearest of them.
    assert [pair["same"] for pair in found["pairs"]] == [False, True]
    assert "same" not in found
    status, _, err = call(capsys, "verify", single, group, "--model", model, "--right-face", 2)
    assert (status, "from 0 to 1" in err) == (2, True)


def test_no_face_a_tiny_one_and_bad_pictures_are_said(tmp_path, model, patches, capsys):
    single = write(tmp_path / "single.png", person("ann"))
    blank = tmp_path / "blank.png"
    Image.new("RGB", (90, 90)).save(blank)
    status, _, err = call(capsys, "verify", single, blank, "--model", model)
    assert status == 2
    assert "no face found" in err
    tiny = write(tmp_path / "tiny.png", person("ann", size=(24, 24)))
    status, _, err = call(capsys, "verify", single, tiny, "--model", model)
    assert status == 0
    assert "a face of 24 pixels" in err
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(single.read_bytes()[:60])
    status, _, err = call(capsys, "verify", single, damaged, "--model", model)
    assert (status, "left out" in err) == (2, True)
    bomb = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(bomb)
    status, _, err = call(capsys, "verify", single, bomb, "--model", model)
    assert (status, "left out" in err) == (2, True)
    for wrong in (tmp_path / "gone.png", tmp_path):
        status, _, err = call(capsys, "verify", single, wrong, "--model", model)
        assert (status, err.count("\n")) == (2, 1)


def test_boxes_are_drawn_on_request(tmp_path, model, patches, capsys):
    left = write(tmp_path / "1.png", person("ann"))
    right = write(tmp_path / "2.png", person("ann"), person("bob"))
    before = left.read_bytes()
    call(capsys, "verify", left, right, "--model", model, "--every", "--draw", tmp_path / "drawn")
    drawn = sorted((tmp_path / "drawn").iterdir())
    assert [path.name for path in drawn] == ["0000_1.png", "0001_2.png"]
    pixels = np.asarray(Image.open(drawn[0]))
    assert pixels[10, 20].tolist() == [255, 64, 0]
    assert left.read_bytes() == before


def test_people_are_enrolled_identified_and_removed(tmp_path, model, patches, capsys):
    gallery = tmp_path / "gallery"
    known = album(tmp_path / "known", ("ann", "bob"))
    status, out, _ = call(capsys, "enrol", known, "--gallery", gallery, "--model", model)
    assert (status, "8 faces of 2 people" in out) == (0, True)
    # Again: the same pictures are not counted twice.
    _, out, _ = call(capsys, "enrol", known, "--gallery", gallery, "--model", model)
    assert "8 faces of 2 people" in out
    photo = write(tmp_path / "photo.png", person("bob", 7), person("cid"), person("ann"))
    _, out, _ = call(capsys, "identify", photo, "--gallery", gallery, "--model", model, "--json")
    assert [face["name"] for face in json.loads(out)["faces"]] == ["bob", None, "ann"]
    _, out, _ = call(
        capsys, "identify", photo, "--gallery", gallery, "--model", model, "--method", "classifier"
    )
    assert [line.split("\t")[1].split(" ")[0] for line in out.splitlines()[:3]] == [
        "bob", "unknown", "ann",
    ]  # fmt: skip
    status, out, _ = call(
        capsys, "enrol", "--gallery", gallery, "--model", model, "--remove", "ann"
    )
    assert "4 faces of 1 people" in out
    _, out, _ = call(capsys, "identify", photo, "--gallery", gallery, "--model", model, "--json")
    assert [face["name"] for face in json.loads(out)["faces"]] == ["bob", None, None]


def test_who_is_enrolled_meanwhile_stays(tmp_path, model, patches, capsys, monkeypatch):
    gallery = ["--gallery", tmp_path / "g", "--model", model]
    ann = write(tmp_path / "ann.png", person("ann"))
    bob = write(tmp_path / "bob.png", person("bob"))
    slow = _people.see

    def see(*arguments):
        # Another command comes to its end while this one looks at its pictures.
        monkeypatch.setattr(_people, "see", slow)
        call(capsys, "enrol", bob, "--name", "bob", *gallery)
        return slow(*arguments)

    monkeypatch.setattr(_people, "see", see)
    status, out, _ = call(capsys, "enrol", ann, "--name", "ann", *gallery)
    assert (status, "2 faces of 2 people" in out) == (0, True)


def test_open_set_figures_of_labelled_pictures(tmp_path, model, patches, capsys):
    gallery = tmp_path / "gallery"
    call(
        capsys, "enrol", album(tmp_path / "known", ("ann", "bob")), "--gallery", gallery,
        "--model", model,
    )  # fmt: skip
    seen = album(tmp_path / "seen", count=2)
    _, out, _ = call(
        capsys, "identify", seen, "--gallery", gallery, "--model", model, "--labelled", "--json"
    )
    scores = json.loads(out)["scores"]
    assert scores["pictures of known people"] == 4
    assert scores["pictures of strangers"] == 2
    assert scores["rank-1 rate"] == scores["detection and identification rate"] == 1
    assert scores["false alarm rate"] == 0


def test_rates_are_those_of_the_method_that_answered():
    gallery = Gallery(["ann", "bob"], ["1", "2"], np.eye(2, 3, dtype=np.float32), "f")
    # Who it is, and whether that is near enough: right, right but too far, wrong, two strangers.
    told = [
        Identified("ann", "ann", 0.1), Identified("", "ann", 0.9), Identified("bob", "bob", 0.2),
        Identified("bob", "bob", 0.3), Identified("", "ann", 0.8),
    ]  # fmt: skip
    found = _people._scores(told, ["ann", "ann", "ann", "cid", "dan"], gallery)
    assert found == {
        "pictures of known people": 3,
        "rank-1 rate": 2 / 3,
        "detection and identification rate": 1 / 3,
        "pictures of strangers": 2,
        "false alarm rate": 1 / 2,
    }


def test_a_group_photo_enrols_nobody_unless_told(tmp_path, model, patches, capsys):
    group = write(tmp_path / "group.png", person("bob"), person("ann", size=(90, 90)))
    status, _, err = call(
        capsys, "enrol", group, "--name", "ann", "--gallery", tmp_path / "g", "--model", model
    )
    assert status == 1
    assert "2 faces" in err
    assert not (tmp_path / "g").exists()
    status, out, _ = call(
        capsys, "enrol", group, "--name", "ann", "--gallery", tmp_path / "g", "--model", model,
        "--largest",
    )  # fmt: skip
    assert (status, "1 faces of 1 people" in out) == (0, True)


def test_what_cannot_be_enrolled(tmp_path, model, patches, capsys):
    single = write(tmp_path / "single.png", person("ann"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    for arguments in (
        [single, "--gallery", tmp_path / "g"],
        [single, "--name", " ", "--gallery", tmp_path / "g"],
        ["--gallery", tmp_path / "g"],
        [single, "--name", "ann", "--gallery", tmp_path / "full"],
    ):
        status, _, err = call(capsys, "enrol", *arguments, "--model", model)
        assert (status, err.count("\n")) == (2, 1)


def test_clusters_as_json_folders_and_a_sheet(tmp_path, model, patches, capsys):
    pictures = album(tmp_path / "album", count=3)
    write(pictures / "ann" / "with bob.png", person("bob"), person("ann", size=(80, 80)))
    status, out, _ = call(
        capsys, "cluster", pictures, "--model", model, "--json", "--labelled",
        "--folders", tmp_path / "out", "--sheet", tmp_path / "sheet.html",
    )  # fmt: skip
    found = json.loads(out)
    assert status == 0
    assert sorted(map(len, found["people"])) == [3, 4, 4]
    calibration = FaceModel.load(model).calibration
    assert found["threshold"] == pytest.approx(calibration.prior(0.1).threshold())
    assert "0.1 of all pairs" in found["threshold_from"]
    assert found["scores"]["B-cubed F"] == 1
    assert found["scores"]["people"] == 3
    assert found["scores"]["pictures scored"] == 10
    assert found["scores"]["pictures without a face"] == 0
    folders = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert folders == ["person_0001", "person_0002", "person_0003"]
    assert len(list((tmp_path / "out").glob("*/*with bob.png"))) == 2
    page = (tmp_path / "sheet.html").read_text()
    assert page.count("<img") == 11
    assert "Person 3: 3 faces" in page
    status, _, err = call(
        capsys, "cluster", pictures, "--model", model, "--folders", tmp_path / "out"
    )
    assert (status, "new or empty" in err) == (2, True)


def test_cropped_pictures_need_no_detector(tmp_path, model, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    folder = tmp_path / "cropped"
    for name in COLOURS:
        for number in range(2):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(person(name, 4 * number)).save(folder / name / f"{number}.png")
    status, _, err = call(capsys, "cluster", folder, "--model", model)
    assert status == 2
    assert "simlearn[faces]" in err
    assert "--cropped" in err
    status, out, err = call(
        capsys, "cluster", folder, "--model", model, "--cropped", "--labelled", "--json"
    )
    assert (status, err) == (0, "")
    assert json.loads(out)["scores"]["B-cubed F"] == 1
    left, right = (folder / "ann" / f"{n}.png" for n in range(2))
    status, out, _ = call(capsys, "verify", left, right, "--model", model, "--cropped")
    assert "same person" in out
    status, out, _ = call(
        capsys, "enrol", folder, "--gallery", tmp_path / "g", "--model", model, "--cropped"
    )
    assert "6 faces of 3 people" in out
    status, out, _ = call(
        capsys, "identify", left, "--gallery", tmp_path / "g", "--model", model, "--cropped"
    )
    assert "ann" in out


def test_clustering_needs_a_threshold(tmp_path, model, patches, capsys):
    bare = tmp_path / "bare"
    FaceModel(FaceModel.load(model).embedder).save(bare)
    pictures = album(tmp_path / "album")
    status, _, err = call(capsys, "cluster", pictures, "--model", bare)
    assert (status, "expected a threshold" in err) == (2, True)
    assert len(grouped(np.empty((0, 3), np.float32), 0.5)) == 0


def test_a_real_face_through_the_real_detector(tmp_path, model, capsys):
    face = data.astronaut()
    # The whole photograph, in which a fold of the suit looks like a small face to 0.89.
    Image.fromarray(face).save(tmp_path / "1.png")
    Image.fromarray(face[:250, 100:350]).save(tmp_path / "2.jpg", quality=80)
    pictures = [tmp_path / "1.png", tmp_path / "2.jpg", "--model", model]
    status, out, err = call(capsys, "verify", *pictures)
    assert (status, err) == (0, "")
    assert "same person" in out
    status, _, err = call(capsys, "verify", *pictures, "--sure", 0.8)
    assert (status, "expected one face, found 2" in err) == (2, True)


def test_another_models_gallery_is_refused(tmp_path, model, patches, capsys):
    single = write(tmp_path / "single.png", person("ann"))
    arguments = ["--gallery", tmp_path / "g", "--model"]
    call(capsys, "enrol", single, "--name", "ann", *arguments, model)
    embedder = FaceModel.load(model).embedder
    FaceModel(FaceEmbedder(embedder.model, flip=True)).save(tmp_path / "other")
    for command in (["identify", single, "--threshold", 1], ["enrol", single, "--name", "ann"]):
        status, _, err = call(capsys, *command, *arguments, tmp_path / "other")
        assert (status, "anew" in err) == (2, True)


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("verify", "--threshold", "nan"),
        ("verify", "--threshold", "-0.1"),
        ("identify", "--threshold", "2.5"),
        ("verify", "--sure", "1"),
        ("verify", "--min-face", "3"),
        ("enrol", "--share", "0"),
        ("verify", "--shift", "inf"),
        ("cluster", "--prior", "1"),
        ("cluster", "--sheet", "."),
    ],
)
def test_settings_out_of_range_are_named(tmp_path, capsys, command, option, value):
    # Said before a model is looked for: there is none.
    arguments = ["a.png", "b.png", "--model", tmp_path / "none"]
    gallery = ["--gallery", tmp_path / "g"] if command in ("enrol", "identify") else []
    status, out, err = call(capsys, command, *arguments, *gallery, option, value)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"expected {option} " in err


def test_pictures_without_a_face_are_nobody_by_either_method(tmp_path, model, patches, capsys):
    gallery = ["--gallery", tmp_path / "g", "--model", model]
    call(capsys, "enrol", album(tmp_path / "known"), *gallery)
    (tmp_path / "seen" / "ann").mkdir(parents=True)
    Image.new("RGB", (90, 90)).save(tmp_path / "seen" / "ann" / "blank.png")
    for method in ("nearest", "classifier"):
        status, out, err = call(
            capsys, "identify", tmp_path / "seen", *gallery, "--method", method, "--labelled"
        )
        assert (status, "no face found" in err) == (0, True)
        assert "rank-1 rate: none, for want of such pictures" in out
    status, out, err = call(capsys, "cluster", tmp_path / "seen", "--model", model, "--labelled")
    assert (status, out) == (2, "")
    assert "expected faces to score, found none" in err


def test_a_tiny_cropped_face_is_said(tmp_path, model, capsys):
    left, right = tmp_path / "1.png", tmp_path / "2.png"
    Image.fromarray(person("ann", size=(1, 1))).save(left)
    Image.fromarray(person("ann")).save(right)
    status, _, err = call(capsys, "verify", left, right, "--model", model, "--cropped")
    assert (status, err) == (0, f"{left}: a face of 1 pixels, which is small to tell by\n")
    # Of the larger one, half is looked at.
    _, _, err = call(capsys, "verify", left, right, "--model", model, "--cropped", "--share", 0.5)
    assert f"{right}: a face of 30 pixels" in err


def test_names_of_strangers_move_no_cursor(tmp_path, model, patches, capsys):
    gallery = ["--gallery", tmp_path / "g", "--model", model]
    name = "Zoë 🙂\x1b[2J\r\nevil"
    single = write(tmp_path / "sin\ngle.png", person("ann"))
    call(capsys, "enrol", single, "--name", name, *gallery)
    status, out, _ = call(capsys, "identify", single, *gallery)
    assert status == 0
    assert out.splitlines()[0] == f"{tmp_path}/sin\\ngle.png\tZoë 🙂\\x1b[2J\\r\\nevil\t0.0000"
    _, out, _ = call(capsys, "identify", single, *gallery, "--json")
    assert json.loads(out)["faces"][0]["name"] == name


def test_results_that_cannot_be_written_end_in_one_line(tmp_path, model, patches, capsys):
    single = write(tmp_path / "single.png", person("ann"))
    for options in (["--draw", single], ["--cache", single], ["--sheet", single / "page.html"]):
        status, out, err = call(capsys, "cluster", single, "--model", model, *options)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert str(single) in err


def test_what_folders_do_not_say_is_asked_for(tmp_path, model, patches, capsys):
    pictures = album(tmp_path / "album", ("ann",))
    for command, given, otherwise in (
        (["cluster", "--labelled"], pictures / "ann" / "0.png", "without --labelled"),
        (["cluster", "--labelled"], pictures / "ann", "without --labelled"),
        (["enrol", "--gallery", tmp_path / "g"], pictures / "ann", "or give --name"),
    ):
        status, _, err = call(capsys, *command, given, "--model", model)
        assert (status, err.count("\n"), otherwise in err) == (2, 1, True)


def test_notes_of_a_picture_are_one_line(capsys):
    told = _seeing._Told(limit=1.0)
    told.add("a", "b\nc", total=1)
    told.add("a", "again", total=1)
    assert capsys.readouterr().err == "a: left out: b c\n"
    with pytest.raises(UserError, match="limit"):
        _seeing._Told(limit=2.0)
