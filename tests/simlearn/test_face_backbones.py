"""MobileFaceNet, Inception-ResNet-v1 and the files of weights that they read."""

import os
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from simlearn import backbones
from simlearn.backbones._layerwise import load_layers
from simlearn.errors import UserError

DATA = os.environ.get("SIMLEARN_DATA")


def small():
    """A convolution, a depthwise one, both with batch norm and slopes, and a dense layer."""
    layers = keras.layers
    pixels = keras.Input((5, 7, 3))
    features = layers.Conv2D(2, 3, use_bias=False, name="first_conv2d")(pixels)
    features = layers.BatchNormalization(name="first_batchnorm")(features)
    features = layers.PReLU(shared_axes=(1, 2), name="first_relu")(features)
    features = layers.DepthwiseConv2D(3, use_bias=False, name="second_conv2d")(features)
    features = layers.Dense(4, name="last")(layers.Flatten()(features))
    return keras.Model(pixels, features, name="small")


SHAPES = {
    "first_conv2d/w": (2, 3, 3, 3),
    "first_batchnorm/gamma": (2,),
    "first_batchnorm/beta": (2,),
    "first_batchnorm/mean": (2,),
    "first_batchnorm/var": (2,),
    "first_relu/a": (2,),
    "second_conv2d/w": (2, 1, 3, 3),
    "last/w": (4, 6),
    "last/b": (4,),
}


def arrays(seed=0):
    random = np.random.default_rng(seed)
    return {k: random.uniform(0.5, 1.5, shape).astype(np.float32) for k, shape in SHAPES.items()}


def naive(x, given):
    """The small model by loops over the file's own layout: kernels (out, in, height, width)."""
    first = np.zeros((3, 5, 2))
    for i, j, o in np.ndindex(first.shape):
        window = x[i : i + 3, j : j + 3]
        first[i, j, o] = sum(
            window[a, b, c] * given["first_conv2d/w"][o, c, a, b]
            for a, b, c in np.ndindex(window.shape)
        )
    spread = np.sqrt(given["first_batchnorm/var"] + 1e-3)
    first = (first - given["first_batchnorm/mean"]) / spread
    first = first * given["first_batchnorm/gamma"] + given["first_batchnorm/beta"]
    first = np.where(first > 0, first, given["first_relu/a"] * first)
    second = np.zeros((1, 3, 2))
    for i, j, c in np.ndindex(second.shape):
        window = first[i : i + 3, j : j + 3, c]
        second[i, j, c] = np.sum(window * given["second_conv2d/w"][c, 0])
    return given["last/w"] @ second.ravel() + given["last/b"]


def test_an_archive_by_hand(tmp_path):
    given = arrays()
    np.savez(tmp_path / "w.npz", **given)
    model = small()
    load_layers(model, tmp_path / "w.npz")
    x = np.random.default_rng(1).normal(size=(5, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(model(x[None])[0], naive(x, given), rtol=1e-4)


def write_h5(path, model, top=""):
    """As Keras 2 wrote it: `top/layer/layer/kernel:0`."""
    with h5py.File(path, "w") as file:
        file.create_group("optimizer_weights/training").create_dataset("m:0", data=np.ones(3))
        for layer in model.layers:
            for weight in layer.weights:
                name = f"{top}{layer.name}/{layer.name}/{weight.name}:0"
                file.create_dataset(name, data=np.asarray(weight))


@pytest.mark.parametrize("top", ["", "model_weights/"])
def test_a_file_of_keras_2(tmp_path, top):
    source, target = small(), small()
    write_h5(tmp_path / "w.h5", source, top)
    load_layers(target, tmp_path / "w.h5")
    for a, b in zip(source.weights, target.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("last/b"), "lacks last/bias and has none besides"),
        (lambda a: a.update({"other/w": np.ones(3, np.float32)}), "has other/kernel besides"),
        (lambda a: a.update({"last/b": np.ones(5, np.float32)}), r"last/bias of shape \(4,\), got"),
        (lambda a: a.update({"last/b": np.full(4, np.nan, np.float32)}), "finite"),
        (lambda a: a.update({"last/b": np.ones(4, np.int64)}), "finite numbers, got int64"),
    ],
)
def test_what_does_not_fit_is_one_error_and_changes_nothing(tmp_path, change, message):
    given = arrays()
    change(given)
    np.savez(tmp_path / "w.npz", **given)
    model = small()
    before = [np.asarray(w) for w in model.weights]
    with pytest.raises(UserError, match=message):
        load_layers(model, tmp_path / "w.npz")
    for a, b in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_pickle_in_an_archive_is_not_run(tmp_path):
    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    np.savez(tmp_path / "w.npz", **{"last/w": np.array([Harm()], object)})
    with pytest.raises(UserError, match=r"expected weights as \.npz"):
        load_layers(small(), tmp_path / "w.npz")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["w.npz", "w.h5", "w.bin"])
def test_a_damaged_file_and_another_kind(tmp_path, name):
    with pytest.raises(UserError, match=r"does not exist|as \.npz or \.h5"):
        load_layers(small(), tmp_path / name)
    (tmp_path / name).write_bytes(b"no weights at all")
    with pytest.raises(UserError, match="expected weights as"):
        load_layers(small(), tmp_path / name)


def test_what_unpacks_to_more_than_the_weights_is_refused_unread(tmp_path):
    given = arrays() | {"last/b": np.zeros(2**19, np.float32)}
    np.savez_compressed(tmp_path / "w.npz", **given)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        # 4 TB of zeros that nobody wrote: the file has a few kilobytes.
        file.create_dataset("last/last/bias:0", shape=(10**12,), dtype="f4", chunks=True)
    for name in ("w.npz", "w.h5"):
        assert (tmp_path / name).stat().st_size < 2**16
        with pytest.raises(UserError, match=rf"{name}: expected weights as .*bytes of arrays"):
            load_layers(small(), tmp_path / name)


def test_an_archive_of_one_bare_array_and_one_that_is_cut(tmp_path):
    with open(tmp_path / "bare.npz", "wb") as file:
        np.save(file, np.zeros(3))
    np.savez_compressed(tmp_path / "whole.npz", **arrays())
    content = bytearray((tmp_path / "whole.npz").read_bytes())
    content[60:120] = bytes(60)  # Within the first array's compressed bytes.
    (tmp_path / "damaged.npz").write_bytes(content)
    for name in ("bare.npz", "damaged.npz"):
        with pytest.raises(UserError, match=rf"{name}: expected weights as \.npz"):
            load_layers(small(), tmp_path / name)


def test_whitened_pixels_by_hand():
    # Mean 4, deviation sqrt((9 + 1 + 1 + 9) / 4); a blank picture becomes 0, not NaN.
    pixels = np.array([[[[1.0], [3.0]], [[5.0], [7.0]]], [[[8.0], [8.0]], [[8.0], [8.0]]]])
    found = np.asarray(backbones.WhitenedPixels()(pixels))
    np.testing.assert_allclose(found[0].ravel(), np.array([-3, -1, 1, 3]) / np.sqrt(5), rtol=1e-6)
    np.testing.assert_array_equal(found[1], 0)


def test_mobilefacenet_has_the_parameters_of_its_table():
    def conv(kernel, inputs, outputs, slopes=True):
        return kernel * inputs * outputs + (5 if slopes else 4) * outputs

    def bottleneck(inputs, inner, outputs):
        return conv(1, inputs, inner) + conv(9, 1, inner) + conv(1, inner, outputs, False)

    expected = conv(9, 3, 64) + conv(9, 1, 64)
    expected += bottleneck(64, 128, 64) * 5
    expected += bottleneck(64, 256, 128) + 6 * bottleneck(128, 256, 128)
    expected += bottleneck(128, 512, 128) + 2 * bottleneck(128, 256, 128)
    expected += conv(1, 128, 512) + conv(49, 1, 512, False) + 512 * 128 + 128 + 4 * 128
    assert backbones.mobilefacenet().count_params() == expected


def test_mobilefacenet_standardises_its_pixels():
    model = backbones.mobilefacenet()
    found = np.asarray(model.get_layer("fixed_pixels")(np.array([0.0, 127.5, 255.0])))
    np.testing.assert_allclose(found, np.array([-127.5, 0, 127.5]) / 128, atol=1e-6)


@pytest.mark.slow
def test_inception_resnet_reads_what_a_port_wrote(tmp_path):
    source = backbones.inception_resnet_v1(size=75)
    target = backbones.inception_resnet_v1(size=75, preprocess=backbones.WhitenedPixels())
    # Published: 22.8 million with 128 numbers (without the classifier).
    assert round(source.count_params() / 1e6, 1) == 22.8
    write_h5(tmp_path / "facenet_keras.h5", source, "model_weights/")
    load_layers(target, tmp_path / "facenet_keras.h5")
    for a, b in zip(source.weights, target.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(UserError, match=r"Bottleneck/kernel of shape \(1792, 512\)"):
        backbones.inception_resnet_v1(size=75, dim=512, weights=tmp_path / "facenet_keras.h5")


def test_inception_resnet_refuses_what_is_too_small():
    with pytest.raises(UserError, match="at least 75"):
        backbones.inception_resnet_v1(size=74)


@pytest.mark.real_data
@pytest.mark.skipif(DATA is None, reason="needs SIMLEARN_DATA")
def test_the_published_weights_fit():
    path = Path(DATA or "") / "weights" / "mobilefacenet.npz"
    model = backbones.mobilefacenet(weights=path)
    with np.load(path) as archive:
        assert len(archive.files) == len(model.weights)
