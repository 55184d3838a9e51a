"""`python -m caption`, as a stranger types it, and the folder that it reads."""

import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from caption import _command
from caption.data import scenes
from caption.encoder import Encoder
from caption.models import AdaptiveAttention
from caption.trained import TrainedCaptioner
from caption.vocabulary import Vocabulary
from simlearn import backbones
from simlearn.errors import UserError

WORDS = ("a", "ball", "cube", "on", "red", "snow", "star")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a captioner that learned nothing."""
    keras.utils.set_random_seed(3)
    encoder = Encoder(backbones.small_resnet((32, 32, 3), widths=(5,), blocks=1, pooling=None))
    captioner = AdaptiveAttention(4 + len(WORDS), width=7, word_width=5)
    seen = np.zeros((1, *encoder.shape), np.float32)
    captioner({"features": seen, "tokens": np.ones((1, 1, 3), np.int32)})
    folder = tmp_path_factory.mktemp("runs") / "made" / "by save"
    TrainedCaptioner(captioner, encoder, Vocabulary(WORDS), longest=3).save(folder)
    return folder


@pytest.fixture
def pictures(tmp_path):
    """Three pictures of one name."""
    drawn = scenes.render(3, seed=0, size=(64, 64)).pictures
    for row, name in enumerate(("x.png", "a/x.png", "b/x.jpg")):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn.open(row).save(path)
    return tmp_path / "pictures"


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run, tmp_path / "copy")


@pytest.fixture
def call(capsys):
    """Runs the command: exit status, lines of stdout, lines of stderr."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            _command.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out.splitlines(), said.err.splitlines()

    return call


def test_pictures_of_one_name_each_get_an_attention_picture(run, pictures, call, tmp_path):
    looked = tmp_path / "looked"
    status, lines, errors = call(run, pictures, "--json", "--attention", looked)
    assert (status, errors) == (0, [])
    answers = [json.loads(line) for line in lines]
    assert [answer["image"] for answer in answers] == [
        str(pictures / name) for name in ("a/x.png", "b/x.jpg", "x.png")
    ]
    written = [answer["attention"] for answer in answers]
    names = ("x.attention.png", "x-2.attention.png", "x-3.attention.png")
    assert written == [str(looked / name) for name in names]
    assert sorted(path.name for path in looked.iterdir()) == sorted(names)
    # A second call replaces its own pictures.
    assert json.loads(call(run, pictures / "x.png", "--json", "--attention", looked)[1][0])[
        "attention"
    ] == str(looked / "x.attention.png")


def test_what_is_not_there_is_said_and_the_rest_is_captioned(run, pictures, call):
    (pictures / "none").mkdir()
    (pictures / "folder.jpg").mkdir()
    given = (pictures / "missing.png", pictures / "none", pictures)
    status, lines, errors = call(run, *given)
    assert status == 2
    assert [line.split("\t")[0].split("/")[-1] for line in lines] == ["x.png", "x.jpg", "x.png"]
    assert errors == [
        f"{pictures / 'missing.png'}: expected a picture or a folder of pictures, found nothing",
        f"{pictures / 'none'}: expected pictures, found none",
    ]
    status, lines, errors = call(run, *given[:2])
    assert (status, lines, len(errors)) == (2, [], 2)


def test_options_that_cannot_be_are_said(run, pictures, call):
    for options, message in (
        (("--beams", 0), "--beams: expected at least 1, got 0"),
        (("--captions", 4), "--captions: expected 1 to 3, the beams, got 4"),
    ):
        assert call(run, pictures, *options) == (2, [], [message])


def test_a_captioner_of_no_numbers_writes_no_json_that_is_none(run, copy, pictures, call):
    trained = TrainedCaptioner.load(copy)
    weights = [np.full_like(weight, np.nan) for weight in trained.captioner.get_weights()]
    trained.captioner.set_weights(weights)
    trained.save(copy)
    status, lines, errors = call(copy, pictures / "x.png", "--json")
    assert (status, lines) == (2, [])
    assert errors == [
        f"{pictures / 'x.png'}: expected scores of words, and the captioner's are no numbers"
    ]


def test_more_captions_than_there_can_be(copy, pictures, call):
    (copy / "trained.json").write_text('{"format": "trained captioner 1", "longest": 1}')
    options = ("--json", "--beams", 60, "--captions", 60)
    status, lines, _ = call(copy, pictures / "x.png", *options)
    assert status == 0
    # Of seven words: none, one and its end, or two without an end, as two tokens are the most.
    captions = json.loads(lines[0], parse_constant=pytest.fail)["captions"]
    assert len({caption["caption"] for caption in captions}) == 57


def damaged(path, share):
    """Some bytes turned around."""
    content = bytearray(path.read_bytes())
    at = int(share * len(content))
    content[at : at + 40] = bytes(255 - byte for byte in content[at : at + 40])
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["captioner.keras", "encoder.keras"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_damaged_model_is_named(copy, name, share):
    damaged(copy / name, share)
    with pytest.raises(UserError, match=f"{name}: expected a model of Keras, got "):
        TrainedCaptioner.load(copy)


@pytest.mark.parametrize("name", ["captioner.keras", "encoder.keras"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_part_of_a_model_is_none(copy, name, share):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: int(share * len(content))])
    size = int(share * len(content))
    with pytest.raises(UserError, match=f"{name}: expected a whole model .* got {size} bytes"):
        TrainedCaptioner.load(copy)


@pytest.mark.parametrize(
    "settings",
    ["[]", "{", "", '{"format": "trained captioner 2", "longest": 3}', "\xff"]
    + [f'{{"format": "trained captioner 1", "longest": {n}}}' for n in ("-3", "1e999", '"x"')],
)
def test_damaged_settings_are_named(copy, settings):
    (copy / "trained.json").write_text(settings, encoding="latin-1")
    with pytest.raises(UserError, match=r"trained.json: expected the settings of a trained capt"):
        TrainedCaptioner.load(copy)


def test_another_model_is_no_captioner(copy):
    places = keras.Input((4,))
    other = keras.Model(places, keras.layers.Dense(3)(places))
    whole = (copy / "captioner.keras").read_bytes()
    other.save(copy / "captioner.keras")
    with pytest.raises(UserError, match=r"captioner.keras: expected a captioner, got Functional"):
        TrainedCaptioner.load(copy)
    (copy / "captioner.keras").write_bytes(whole)
    other.save(copy / "encoder.keras")
    with pytest.raises(UserError, match=r"encoder.keras: expected an encoder: No such layer: pl"):
        TrainedCaptioner.load(copy)


@pytest.mark.parametrize("name", ["captioner.keras", "encoder.keras"])
def test_code_in_a_model_never_runs(copy, name, tmp_path):
    mark = tmp_path / "ran"
    path = str(mark)
    pixels = keras.Input((32, 32, 3))
    code = keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1])
    keras.Model(pixels, code(pixels)).save(copy / name)
    mark.unlink()
    with pytest.raises(UserError, match=f"{name}: expected a model of Keras, got "):
        TrainedCaptioner.load(copy)
    assert not mark.exists()
    keras.saving.load_model(copy / name, safe_mode=False)
    assert mark.exists()


def test_a_pixel_and_a_long_strip_are_captioned(run, tmp_path, call):
    Image.new("RGB", (1, 1), (9, 200, 3)).save(tmp_path / "pixel.png")
    Image.new("RGB", (20_000, 3), (9, 200, 3)).save(tmp_path / "strip.png")
    status, lines, errors = call(run, tmp_path, "--attention", tmp_path / "looked")
    assert (status, len(lines), errors) == (0, 2, [])
