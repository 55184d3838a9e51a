"""Predictors: with networks that find bright discs, every step can be followed."""

import json

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from simlearn import landmarks
from simlearn.data import frames
from simlearn.data.alignment import mean_shape
from simlearn.data.records import Attribute, Landmark, PictureArray
from simlearn.errors import UserError
from simlearn.landmarks import Crop, Plan, Prediction, Predictor, Stage, _predictor
from simlearn.landmarks._command import run
from simlearn.landmarks._decoded import Decoded
from simlearn.landmarks._predictor import look_matrix

SHAPE = np.array([[-8.0, -6.0], [8.0, -6.0], [0.0, 8.0]])
POINTS = (Landmark("left_eye", 1), Landmark("right_eye", 0), Landmark("nose", 2))
SIDE_SEEN = Attribute("side", ("left", "right"), (1, 0))
COLOURS = np.eye(3) * 255


@keras.saving.register_keras_serializable("tests")
class Discs(keras.layers.Layer):
    """Centre of the brightness of each channel, and where the first lies as logits.

    The eyes are told apart by their side, not their colour, as those of a face are.
    """

    def call(self, pictures):
        bright = ops.square(pictures / 255.0)
        side = pictures.shape[1]
        grid = ops.arange(side, dtype="float32")
        total = ops.sum(bright, axis=(1, 2)) + 1e-6
        x = ops.einsum("byxc,x->bc", bright, grid) / total
        y = ops.einsum("byxc,y->bc", bright, grid) / total
        swapped = (x[:, 0] > x[:, 1])[:, None]
        x = ops.where(swapped, ops.stack([x[:, 1], x[:, 0], x[:, 2]], axis=1), x)
        y = ops.where(swapped, ops.stack([y[:, 1], y[:, 0], y[:, 2]], axis=1), y)
        shown = ops.cast(swapped, "float32") * 4.0 - 2.0
        return ops.stack([x, y], axis=-1), ops.concatenate([-shown, shown], axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], 3, 2), (shape[0], 2)


def network(side):
    pictures = keras.Input((side, side, 3))
    points, told = Discs()(pictures)
    return keras.Model(pictures, {"points": points, "side": told})


def plan(**changes):
    shape = mean_shape(SHAPE[None])
    settings = {
        "landmarks": POINTS,
        "attributes": (SIDE_SEEN,),
        "shape": tuple(map(tuple, shape.tolist())),
        "coarse": Stage(side=32, channels=3, extent=6.0),
        "fine": Stage(
            side=48, channels=3, extent=5.0, looks=(Crop(), Crop(0.05, -0.03, 1.1, 9.0)), rounds=2
        ),
    }
    return Plan(**{**settings, **changes})


def predictor(**changes):
    made = plan(**changes)
    fine = None if made.fine is None else network(made.fine.side)
    return Predictor(made, network(made.coarse.side), fine)


def picture(angle=0.4, scale=1.3, shift=(52.0, 47.0), size=(101, 93)):
    """Three discs on black, and where they are."""
    cosine, sine = np.cos(angle), np.sin(angle)
    points = scale * SHAPE @ np.array([[cosine, sine], [-sine, cosine]]) + shift
    y, x = np.mgrid[: size[1], : size[0]]
    image = np.zeros((size[1], size[0], 3))
    for place, (u, v) in enumerate(points):
        image[..., place] += 255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 3.0**2))
    return np.clip(image, 0, 255).astype(np.uint8), points


@pytest.mark.parametrize("fine", [True, False], ids=["two stages", "one stage"])
def test_points_come_back_in_pixels_of_the_picture(fine):
    changes = {} if fine else {"fine": None}
    pairs = [picture(), picture(angle=-0.3, scale=0.9, shift=(45.0, 50.0))]
    found = predictor(**changes).predict(PictureArray(np.stack([one for one, _ in pairs])))
    for row, (_, points) in enumerate(pairs):
        np.testing.assert_allclose(found.points[row], points, atol=0.25 if fine else 1.5)
    # Red, the first channel, is the left one: seen plainly, and mirrored turned back.
    shares = np.exp([2.0, -2.0]) / np.exp([2.0, -2.0]).sum()
    np.testing.assert_allclose(found.attributes["side"], np.tile(shares, (2, 1)), rtol=1e-5)
    assert (found.spread >= 0).all()
    assert (found.spread < 0.1).all()


def test_large_pictures_are_decoded_a_few_at_a_time(monkeypatch):
    image, points = picture()
    monkeypatch.setattr(_predictor, "_MOST_BYTES", 2 * image.size)
    looked = []
    monkeypatch.setattr(
        _predictor, "Decoded", lambda images: looked.append(images) or Decoded(images)
    )
    found = predictor().predict(PictureArray(np.stack([image] * 5)))
    assert [len(images) for images in looked] == [2, 2, 1]
    np.testing.assert_allclose(found.points, np.tile(points, (5, 1, 1)), atol=0.25)


def test_boxes_say_where_the_face_is():
    image, points = picture(scale=0.5, shift=(30.0, 60.0), angle=0.0)
    image[10:20, 80:95] = 255  # Something bright elsewhere, outside the box.
    box = [[12.0, 42.0, 48.0, 78.0]]
    found = predictor().predict(PictureArray(image[None]), boxes=box)
    np.testing.assert_allclose(found.points[0], points, atol=0.4)
    for bad in ([[1, 2, 3]], [[5, 5, 5, 9]], [[0, 0, np.nan, 4]]):
        with pytest.raises(UserError, match=r"expected boxes \(1, 4\)"):
            predictor().predict(PictureArray(image[None]), boxes=bad)


def test_a_box_lies_in_the_middle_of_the_frame():
    # As the pipeline's frame for boxes lays it, edges half a pixel before the first centre.
    boxes = np.array([[0.0, 0.0, 8.0, 4.0], [3.0, 5.0, 10.0, 31.0]])
    crop = frames.Crop((32, 32), boxes)
    expected = [crop.matrix(99, 77, row) for row in range(2)]
    np.testing.assert_allclose(_predictor._framed(boxes, 32), expected)


def test_a_look_moves_scales_and_turns_about_the_middle():
    matrix = look_matrix(Crop(x=0.1, y=-0.2, scale=2.0, turn=90.0), 21)
    # The middle moves by shares of the side; 1 right of it turns clockwise to 2 below.
    np.testing.assert_allclose(
        frames.move([[10, 10], [11, 10]], matrix), [[12.1, 5.8], [12.1, 7.8]]
    )


def test_a_saved_predictor_is_the_same_and_needs_no_settings(tmp_path):
    made = predictor()
    landmarks.save(made, tmp_path / "discs.landmarks")
    again = landmarks.load(tmp_path / "discs.landmarks")
    assert again.plan == made.plan
    pictures = PictureArray(picture()[0][None])
    first, second = made.predict(pictures), again.predict(pictures)
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.attributes["side"], second.attributes["side"])
    assert [path.name for path in tmp_path.iterdir()] == ["discs.landmarks"]


def test_what_is_no_predictor_is_refused(tmp_path):
    path = tmp_path / "x.landmarks"
    with pytest.raises(UserError, match="expected a landmark predictor"):
        landmarks.load(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(UserError, match="expected a landmark predictor"):
        landmarks.load(path)
    value = plan().as_json()
    for bad in ({**value, "version": 2}, {**value, "shape": [[1.0]]}, [], {"version": 1}):
        with pytest.raises(UserError, match="expected a"):
            Plan.from_json(bad)
    assert Plan.from_json(json.loads(json.dumps(value))) == plan()


def test_networks_that_do_not_fit_the_plan_are_refused():
    for call in (
        lambda: Predictor(plan(fine=None), network(40)),
        lambda: Predictor(plan(fine=None, attributes=()), network(32), network(48)),
        lambda: Predictor(plan(), network(32)),
        lambda: Predictor(
            plan(fine=None, attributes=(Attribute("smile", ("yes", "no")),)), network(32)
        ),
        lambda: plan(shape=((0.0, 0.0),)),
        lambda: plan(shape=((0.0, 0.0),) * 3),
        lambda: plan(shape=((0.0, 0.0), (1.0, float("nan")), (2.0, 2.0))),
        lambda: plan(landmarks=(Landmark("a", 1), Landmark("b", 2), Landmark("c", 0))),
        lambda: plan(landmarks=(Landmark("a", 0), Landmark("b", 1), Landmark("c", 9))),
        lambda: plan(landmarks=(Landmark("a", 0), Landmark("b", 1), Landmark("c", "2"))),
        lambda: plan(attributes=(Attribute("side", ("left", "right"), (7, 9)),)),
        lambda: plan(attributes=(Attribute("side", ("left", "right"), (1,)),)),
        lambda: Stage(side=4, channels=3, extent=1.0, rounds=1.5),
        lambda: Stage(side=0, channels=3, extent=1.0),
        lambda: Stage(side=4, channels=3, extent=1.0, looks=()),
    ):
        with pytest.raises(UserError, match="expected"):
            call()


@pytest.fixture
def files(tmp_path):
    image, points = picture()
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(image[:, ::-1].copy()).save(tmp_path / "b.png")
    landmarks.save(predictor(), tmp_path / "discs.landmarks")
    return tmp_path, points


def test_the_command_prints_json_or_csv_and_draws(files, capsys):
    folder, points = files
    model = ["--model", str(folder / "discs.landmarks")]
    status = run([str(folder), *model, "--draw", str(folder / "drawn")], prog="simlearn landmarks")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 0
    assert [row["image"] for row in rows] == [str(folder / "a.png"), str(folder / "b.png")]
    np.testing.assert_allclose(rows[0]["points"]["nose"], points[2], atol=0.3)
    np.testing.assert_allclose(
        rows[1]["points"]["nose"], [100 - points[2][0], points[2][1]], atol=0.3
    )
    assert [row["attributes"]["side"]["value"] for row in rows] == ["left", "right"]
    drawn = np.asarray(Image.open(folder / "drawn" / "a.png.points.png"))
    x, y = np.rint((points[2] + 0.5) * 3).astype(int)
    assert drawn.shape == (279, 303, 3)
    assert drawn[y, x].tolist() == [255, 214, 10]

    status = run([str(folder / "a.png"), *model, "--format", "csv"], prog="simlearn landmarks")
    header, row = capsys.readouterr().out.splitlines()
    assert header == "image,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,side"
    assert row.split(",")[-1] == "left"
    assert float(row.split(",")[5]) == pytest.approx(points[2][0], abs=0.3)


def test_the_command_takes_boxes_and_says_what_is_wrong(files, capsys):
    folder, points = files
    model = ["--model", str(folder / "discs.landmarks")]
    boxes = folder / "boxes.csv"
    boxes.write_text("image,left,top,right,bottom\na.png,10,5,95,90\n")
    assert run([str(folder / "a.png"), *model, "--boxes", str(boxes)], prog="x") == 0
    found = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(found["points"]["nose"], points[2], atol=0.4)
    for text, message in (
        ("image,left\na.png,1\n", "line 2: expected the columns"),
        ("image,left,top,right,bottom\na.png,1,2,x,4\n", "line 2: expected four numbers"),
        ("image,left,top,right,bottom\n", "expected a box for"),
        ("image,left,top,right,bottom\na.png,1,2,nan,4\n", "line 2: expected left, top, right"),
        ("image,left,top,right,bottom\na.png,9,2,9,4\n", "line 2: expected left, top, right"),
    ):
        boxes.write_text(text)
        with pytest.raises(UserError, match=message):
            run([str(folder / "a.png"), *model, "--boxes", str(boxes)], prog="x")
    with pytest.raises(UserError, match="expected a picture or a folder"):
        run([str(folder / "none.png"), *model], prog="x")


def test_a_picture_that_cannot_be_read_is_said_and_the_others_are_found(files, capsys):
    folder, _ = files
    (folder / "aa.png").write_bytes(b"no picture")
    status = run([str(folder), "--model", str(folder / "discs.landmarks")], prog="x")
    shown = capsys.readouterr()
    assert status == 2
    assert len(shown.out.splitlines()) == 2
    assert "aa.png" in shown.err
    assert shown.err.count("\n") == 1


def test_pictures_of_one_name_are_drawn_apart(files):
    folder, _ = files
    names = ("a/x.png", "b/x.png", "b/.hidden.png", "c/x.png")
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (300, 300), (60 * number, 0, 0)).save(folder / name)
    (folder / "a" / "folder.png").mkdir()
    drawn = folder / "a" / "drawn"
    given = [folder / "a", folder / "b", folder / "c" / "x.png", folder / "b" / "x.png"]
    for _ in range(2):  # What was drawn before is no picture to look at.
        arguments = [*map(str, given), "--model", str(folder / "discs.landmarks")]
        assert run([*arguments, "--draw", str(drawn)], prog="x") == 0
    shades = {one.name: np.asarray(Image.open(one))[0, 0, 0] for one in drawn.iterdir()}
    # Nobody is drawn twice, and nobody over another.
    assert shades == {"x.png.points.png": 0, "x.png.2.points.png": 60, "x.png.3.points.png": 180}
    arguments = [str(folder), "--model", str(folder / "discs.landmarks")]
    assert run([*arguments, "--draw", str(folder / "all")], prog="x") == 0
    assert (folder / "all" / "b" / "x.png.points.png").is_file()
    assert (folder / "all" / "a.png.points.png").is_file()


def test_a_strip_is_drawn_as_it_is():
    assert landmarks.draw(Image.new("L", (1, 5000)), [[0.0, 9.0]]).shape == (5000, 1, 3)
    assert landmarks.draw(Image.new("L", (2, 500)), [[0.0, 9.0]]).shape == (4000, 16, 3)


def test_drawing_refuses_what_does_not_fit():
    image = Image.new("RGB", (300, 300))
    assert landmarks.draw(image, [[np.nan, 1.0], [5.0, 5.0]]).shape == (300, 300, 3)
    for points, true in (([1.0, 2.0], None), ([[1.0, 2.0]], [[1.0, 2.0]] * 2)):
        with pytest.raises(UserError, match="expected"):
            landmarks.draw(image, points, true=true)


def test_a_prediction_names_its_parts():
    assert Prediction._fields == ("points", "attributes", "spread")
