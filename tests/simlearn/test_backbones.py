import os
import shutil
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from simlearn import backbones
from simlearn.errors import UserError

applications = keras.applications
SHAPE = (37, 43, 3)
# Function, Keras' model, Keras' preprocessing, features after pooling, smallest shape to test on.
TABLE = {
    "vgg16": (applications.VGG16, applications.vgg16, 512, SHAPE),
    "resnet50": (applications.ResNet50, applications.resnet50, 2048, SHAPE),
    "mobilenet_v2": (applications.MobileNetV2, applications.mobilenet_v2, 1280, SHAPE),
    "mobilenet_v3_small": (applications.MobileNetV3Small, applications.mobilenet_v3, 576, SHAPE),
    "mobilenet_v3_large": (applications.MobileNetV3Large, applications.mobilenet_v3, 960, SHAPE),
    "inception_v3": (applications.InceptionV3, applications.inception_v3, 2048, (75, 79, 3)),
    "efficientnet_b0": (applications.EfficientNetB0, applications.efficientnet, 1280, SHAPE),
}
SLOW = {"resnet50", "inception_v3", "mobilenet_v3_large"}
OWN = {
    "siamese_cnn": backbones.siamese_cnn,
    "conv4": backbones.conv4,
    "small_resnet": backbones.small_resnet,
}
# Batch norm divides by sqrt(1 + 0.001) in inference, before any training.
BATCH_NORM = np.sqrt(1.001)


@pytest.fixture
def mixed_float16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


def pictures(shape, *, count=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype("uint8")


def set_identity(model):
    """Every kernel passes its centre pixel on, summed over channels; biases and statistics stay."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = np.zeros(layer.kernel.shape)
            kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1
            layer.kernel.assign(kernel)
        if isinstance(layer, keras.layers.Dense):
            layer.kernel.assign(np.ones(layer.kernel.shape))


def test_every_backbone_is_in_a_table():
    aliases = {"Pooling", "Shape", "Weights"}
    layers = {"CaffePixels", "WhitenedPixels"}
    # Networks for landmarks and faces have tests of their own.
    others = {"landmark_cnn", "residual_pyramid", "inception_resnet_v1", "mobilefacenet"}
    assert {*TABLE, *OWN, *layers, *others, *aliases} == set(backbones.__all__)


# --- our own networks ---------------------------------------------------------------------------


def test_siamese_cnn_by_hand():
    # Centre-pixel kernels: the sum over 2x2 maxima of pixels / 255.
    model = backbones.siamese_cnn((4, 6, 1), filters=(1,), kernel_size=3, units=1)
    set_identity(model)
    x = pictures((4, 6, 1))
    maxima = [
        [x[n, i : i + 2, j : j + 2].max() for i in (0, 2) for j in (0, 2, 4)] for n in range(3)
    ]
    expected = np.sum(np.array(maxima) / 255, axis=1, keepdims=True)
    np.testing.assert_allclose(model(x), expected, rtol=1e-5)


def test_siamese_cnn_has_the_parameters_of_its_layers():
    # 5x5 kernels 1 -> 64 -> 128 with biases, then 7*7*128 -> 1024.
    expected = 64 * (25 + 1) + 128 * (25 * 64 + 1) + 1024 * (49 * 128 + 1)
    assert backbones.siamese_cnn((28, 28, 1)).count_params() == expected


def test_conv4_by_hand():
    # Centre-pixel kernels: the maximum of 16x16 pixels / 255, through four batch norms.
    model = backbones.conv4((16, 32, 1), filters=1)
    set_identity(model)
    x = pictures((16, 32, 1))
    maxima = np.stack([x[:, :, :16].max(axis=(1, 2, 3)), x[:, :, 16:].max(axis=(1, 2, 3))], axis=1)
    np.testing.assert_allclose(model(x), maxima / 255 / BATCH_NORM**4, rtol=1e-5)


def test_conv4_gives_the_features_of_the_papers():
    assert backbones.conv4((28, 28, 1)).output_shape == (None, 64)
    assert backbones.conv4((84, 84, 3)).output_shape == (None, 1600)
    # 3x3 kernels and biases, and four numbers a channel of batch norm.
    blocks = [64 * (9 * channels + 1) + 4 * 64 for channels in (1, 64, 64, 64)]
    assert backbones.conv4((28, 28, 1)).count_params() == sum(blocks)


@pytest.mark.parametrize(("side", "map_side"), [(1, 1), (8, 1), (15, 1), (28, 1), (33, 2)])
def test_conv4_stops_pooling_at_one_pixel(side, map_side):
    model = backbones.conv4((side, 16, 1), filters=5, pooling=None)
    assert model.output_shape == (None, map_side, 1, 5)


def test_small_resnet_by_hand():
    # s is one batch norm. The stem gives x/s; stage 1 adds x/s^2 of that; stage 2 keeps every
    # second pixel on both of its paths: with 1/s on the shortcut, 1/s^2 on the residual.
    model = backbones.small_resnet((4, 6, 1), widths=(1, 1), blocks=1, pooling=None)
    set_identity(model)
    x, s = pictures((4, 6, 1)), BATCH_NORM
    kept = x[:, ::2, ::2] / 255
    expected = kept / s * (1 + 1 / s**2) * (1 / s + 1 / s**2)
    np.testing.assert_allclose(model(x), expected, rtol=1e-5)


def test_small_resnet_is_compact():
    assert 0.5e6 < backbones.small_resnet().count_params() < 1e6
    deeper = backbones.small_resnet((32, 32, 1), widths=(8, 24), blocks=3)
    assert deeper.output_shape == (None, 24)
    adds = [layer for layer in deeper.layers if isinstance(layer, keras.layers.Add)]
    assert len(adds) == 2 * 3


@pytest.mark.parametrize("build", OWN.values(), ids=OWN)
@pytest.mark.parametrize("shape", [(8, 8, 1), (11, 13, 3)])
def test_own_backbones_take_small_pictures_as_bytes_or_floats(build, shape):
    model = build(shape)
    x = pictures(shape)
    features = np.asarray(model(x))
    assert features.shape == (3, model.output_shape[1])
    assert features.std(axis=0).max() > 0
    np.testing.assert_array_equal(model(x.astype("float32")), features)


@pytest.mark.parametrize("build", OWN.values(), ids=OWN)
def test_own_backbones_round_trip(build, tmp_path):
    model = build((8, 8, 1))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = pictures((8, 8, 1))
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-6)


@pytest.mark.parametrize("build", OWN.values(), ids=OWN)
@pytest.mark.usefixtures("mixed_float16")
def test_own_backbones_in_mixed_precision(build):
    mixed = build((8, 8, 1))
    keras.config.set_dtype_policy("float32")
    full = build((8, 8, 1))
    full.set_weights(mixed.get_weights())
    x = pictures((8, 8, 1))
    assert mixed(x).dtype == "float16"
    expected = np.asarray(full(x))
    np.testing.assert_allclose(mixed(x), expected, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize(
    "model",
    [
        lambda: backbones.siamese_cnn((8, 8, 1), filters=(3, 5), units=7),
        lambda: backbones.conv4((8, 8, 1), filters=5),
        pytest.param(
            lambda: backbones.small_resnet((8, 8, 1), widths=(3, 5), blocks=1),
            marks=pytest.mark.slow,
        ),
    ],
    ids=OWN,
)
def test_own_backbones_train_compiled(model):
    model = model()
    model.compile("adam", keras.losses.MeanSquaredError(), jit_compile=True)
    before = model.get_weights()
    model.fit(pictures((8, 8, 1)), np.ones((3, model.output_shape[1])), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.isfinite(new).all()
        # Biases before a batch norm have no gradient.
        assert old.ndim == 1 or np.abs(new - old).max() > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: backbones.siamese_cnn((3, 8, 1)), r"at least 4x4 pixels; got \(3, 8, 1\)"),
        (lambda: backbones.conv4((None, 8, 1)), r"at least 1x1 pixels; got \(None, 8, 1\)"),
        (lambda: backbones.small_resnet((8, 8)), r"\(height, width, channels\).*got \(8, 8\)"),
        (lambda: backbones.small_resnet(widths=()), r"at least one width, .*got widths=\(\)"),
        (lambda: backbones.small_resnet(blocks=0), "blocks=0"),
        (lambda: backbones.vgg16((31, 32, 3), weights=None), r"at least 32x32.*\(31, 32, 3\)"),
        (lambda: backbones.inception_v3((74, 75, 3), weights=None), "at least 75x75"),
        (lambda: backbones.vgg16((32, 32, 4), weights=None), r"1 or 3 channels.*\(32, 32, 4\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(make, message):
    with pytest.raises(UserError, match=message):
        make()


# --- networks of keras.applications -------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in TABLE]
)
def test_application_equals_keras_and_its_preprocessing(name):
    build, module, dim, shape = TABLE[name]
    plain = build(include_top=False, weights=None, input_shape=shape, pooling="avg")
    # Random statistics: with the initial ones some of these nets give almost equal features.
    rng = np.random.default_rng(5)
    plain.set_weights(
        [w * rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else w for w in plain.get_weights()]
    )
    ours = getattr(backbones, name)(shape, weights=None)
    ours.set_weights(plain.get_weights())
    x = pictures(shape, count=2)
    expected = np.asarray(plain(module.preprocess_input(x.astype("float32"))))
    scale = np.abs(expected).max()
    assert np.abs(expected[0] - expected[1]).max() > 1e-3 * scale
    features = np.asarray(ours(x))
    assert features.shape == (2, dim)
    np.testing.assert_allclose(features / scale, expected / scale, atol=1e-5)


def test_caffe_pixels_equal_keras_preprocessing(tmp_path):
    x = pictures((5, 7, 3))
    pixels = keras.Input((5, 7, 3))
    model = keras.Model(pixels, backbones.CaffePixels()(pixels))
    expected = applications.vgg16.preprocess_input(x.astype("float32"))
    np.testing.assert_allclose(model(x), expected, atol=1e-4)
    model.save(tmp_path / "caffe.keras")
    loaded = keras.models.load_model(tmp_path / "caffe.keras")
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2"])
@pytest.mark.usefixtures("mixed_float16")
def test_preprocessing_stays_in_float32(name):
    model = getattr(backbones, name)((32, 32, 3), weights=None)
    assert model.layers[1].output.dtype == "float32"
    assert model.output.dtype == "float16"


def test_grey_pictures_are_repeated():
    grey = backbones.mobilenet_v2((32, 35, 1), weights=None)
    colour = backbones.mobilenet_v2((32, 35, 3), weights=None)
    colour.set_weights(grey.get_weights())
    x = pictures((32, 35, 1))
    expected = np.asarray(colour(np.repeat(x, 3, axis=-1)))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(grey(x) / scale, expected / scale, atol=1e-5)
    # Random weights make small features: make sure that a channel more or less would be seen.
    without_blue = np.asarray(colour(np.repeat(x, 3, axis=-1) * np.array([1, 1, 0], "uint8")))
    assert np.abs(without_blue - expected).max() > 1e-3 * scale


def test_vgg16_gives_the_map_that_captioners_look_at():
    model = backbones.vgg16(weights=None, layer="block5_conv3", pooling=None)
    assert model.output_shape == (None, 14, 14, 512)
    assert model.layers[-1].name == "block5_conv3"


def test_any_size_and_pooling_of_your_own():
    model = backbones.mobilenet_v3_small(
        (None, None, 3), weights=None, pooling=keras.layers.GlobalMaxPooling2D
    )
    whole = backbones.mobilenet_v3_small((None, None, 3), weights=None, pooling=None)
    whole.set_weights(model.get_weights())
    for shape in ((65, 70, 3), (32, 97, 3)):
        x = pictures(shape, count=2)
        maps = np.asarray(whole(x))
        scale = np.abs(maps).max()
        np.testing.assert_allclose(model(x) / scale, maps.max(axis=(1, 2)) / scale, atol=1e-5)


def test_unknown_layer_is_named_with_what_resembles_it():
    with pytest.raises(UserError, match=r"'block5_conv3'.*; got 'block5_conv'"):
        backbones.vgg16((32, 32, 3), weights=None, layer="block5_conv")


@pytest.fixture(scope="module")
def plain_mobilenet():
    return applications.MobileNetV2(include_top=False, weights=None, input_shape=(35, 32, 3))


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_weights_of_the_keras_model_load_from_a_file(suffix, plain_mobilenet, tmp_path):
    path = tmp_path / f"mobilenet{suffix}"
    if suffix == ".weights.h5":
        plain_mobilenet.save_weights(path)
    elif suffix == ".keras":
        plain_mobilenet.save(path)
    else:
        from keras.src.legacy.saving import legacy_h5_format

        legacy_h5_format.save_model_to_hdf5(plain_mobilenet, path, include_optimizer=False)
    grey = backbones.mobilenet_v2((35, 32, 1), weights=path)
    for ours, theirs in zip(grey.get_weights(), plain_mobilenet.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_our_own_saved_weights_load(tmp_path):
    first = backbones.mobilenet_v3_small((32, 32, 1), weights=None)
    first.save_weights(tmp_path / "ours.weights.h5")
    second = backbones.mobilenet_v3_small((32, 32, 3), weights=str(tmp_path / "ours.weights.h5"))
    for ours, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_files_that_do_not_fit_are_named(plain_mobilenet, tmp_path):
    missing = tmp_path / "missing.weights.h5"
    with pytest.raises(UserError, match=r"missing\.weights\.h5 does not exist"):
        backbones.mobilenet_v2((32, 32, 3), weights=missing)
    text = tmp_path / "text.weights.h5"
    text.write_text("no weights at all")
    other = tmp_path / "other.weights.h5"
    plain_mobilenet.save_weights(other)
    cut = tmp_path / "cut.weights.h5"
    cut.write_bytes(other.read_bytes()[:-100_000])
    odd = tmp_path / "odd.zip"
    shutil.copy(other, odd)
    for path in (text, other, cut, odd):
        with pytest.raises(UserError, match=f"fit MobileNetV3Small .*{path.name} does not"):
            backbones.mobilenet_v3_small((32, 32, 3), weights=path)


def test_a_load_that_keras_only_warns_about_is_refused(monkeypatch, tmp_path):
    path = tmp_path / "partial.weights.h5"
    path.touch()

    def load_a_part(*_, **__):
        warnings.warn("Affected layers will retain their weights.", stacklevel=1)

    monkeypatch.setattr("keras.Model.load_weights", load_a_part)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with pytest.raises(UserError, match=r"partial\.weights\.h5 does not: Affected layers"):
            backbones.mobilenet_v3_small((32, 32, 3), weights=path)


def test_failed_download_is_a_user_error(monkeypatch):
    def fail(*_, **__):
        raise Exception("URL fetch failure on https://example.org: no network")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fail)
    with pytest.raises(UserError, match=r"ImageNet weights of VGG16; URL fetch failure.*file"):
        backbones.vgg16((32, 32, 3))


def test_efficientnet_file_gives_the_features_of_the_download(monkeypatch, tmp_path):
    # What Keras publishes: means, and standard deviations in the place of the variances.
    source = applications.EfficientNetB0(include_top=False, weights=None, input_shape=(32, 35, 3))
    normalization = next(
        layer for layer in source.layers if isinstance(layer, keras.layers.Normalization)
    )
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normalization.set_weights([mean, deviation, np.array(0)])
    path = tmp_path / "efficientnet.weights.h5"
    source.save_weights(path)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(path))
    downloaded = applications.EfficientNetB0(
        include_top=False, weights="imagenet", input_shape=(32, 35, 3), pooling="avg"
    )
    x = pictures((32, 35, 3))
    expected = np.asarray(downloaded(x.astype("float32")))
    scale = np.abs(expected).max()
    from_file = backbones.efficientnet_b0((32, 35, 3), weights=path)
    np.testing.assert_allclose(from_file(x) / scale, expected / scale, atol=1e-5)
    # Saved again, it holds variances and must not be corrected twice.
    from_file.save_weights(tmp_path / "again.weights.h5")
    again = backbones.efficientnet_b0((32, 35, 3), weights=tmp_path / "again.weights.h5")
    np.testing.assert_allclose(again(x) / scale, expected / scale, atol=1e-5)


@pytest.mark.real_data
def test_published_mobilenet_weights_load():
    root = Path(os.environ["SIMLEARN_DATA"])
    path = root / "weights" / "mobilenetv2_1.00_224_notop.weights.h5"
    plain = applications.MobileNetV2(
        include_top=False, weights=str(path), input_shape=(224, 224, 3), pooling="avg"
    )
    x = pictures((224, 224, 3))
    ours = backbones.mobilenet_v2(weights=path)
    expected = plain.predict(
        applications.mobilenet_v2.preprocess_input(x.astype("float32")), verbose=0
    )
    assert expected.std() > 0.1
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, atol=1e-5)
