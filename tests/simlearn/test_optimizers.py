"""Muon: which weights go which way, the size of a step, state and configuration."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from simlearn import optimizers
from simlearn.errors import UserError


def network():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(5, 3, use_bias=False, name="convolution"),
            layers.BatchNormalization(name="normalization"),
            layers.DepthwiseConv2D(3, use_bias=False, name="depthwise"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(7, name="dense"),
        ]
    )


def moved(optimizer, model, seed=0):
    """What one step with random gradients adds to each variable, and those gradients, by path."""
    random = np.random.default_rng(seed)
    before = [ops.convert_to_numpy(variable) for variable in model.trainable_variables]
    gradients = [random.normal(size=value.shape).astype("float32") for value in before]
    optimizer.apply([ops.convert_to_tensor(value) for value in gradients])
    paths = [variable.path.split("/", 1)[1] for variable in model.trainable_variables]
    after = [ops.convert_to_numpy(variable) for variable in model.trainable_variables]
    changes = [new - old for new, old in zip(after, before, strict=True)]
    return dict(zip(paths, zip(changes, gradients, strict=True), strict=True))


def started(model, **settings):
    optimizer = optimizers.Muon(weight_decay=0.0, **settings)
    optimizer.build(model.trainable_variables)
    return optimizer


@pytest.mark.parametrize(("path", "shape"), [("convolution", (27, 5)), ("dense", (5, 7))])
def test_kernels_move_by_an_orthogonal_matrix(path, shape):
    model = network()
    change, gradient = moved(started(model, learning_rate=0.5), model)[f"{path}/kernel"]
    # The nearest orthogonal matrix by singular value decomposition; the five steps leave singular
    # values within 0.7 and 1.2 of its ones, in the same directions.
    left, _, right = np.linalg.svd(gradient.reshape(shape), full_matrices=False)
    along = left.T @ (-change.reshape(shape) / (0.5 * 0.2 * max(shape) ** 0.5)) @ right.T
    values = np.diag(along)
    assert 0.65 < values.min() <= values.max() < 1.25
    np.testing.assert_allclose(along, np.diag(values), atol=1e-4)


def test_the_rest_moves_as_by_adamw():
    model, twin = network(), network()
    twin.set_weights(model.get_weights())
    adamw = keras.optimizers.AdamW(0.5 * 0.3, weight_decay=0.0)
    adamw.build(twin.trainable_variables)
    ours, theirs = started(model, learning_rate=0.5, adam_ratio=0.3), adamw
    for seed in range(3):
        found, expected = moved(ours, model, seed), moved(theirs, twin, seed)
        for path in found:
            if path not in ("convolution/kernel", "dense/kernel"):
                np.testing.assert_allclose(found[path][0], expected[path][0], atol=1e-7)
    assert "depthwise/kernel" in found
    assert not np.allclose(found["dense/kernel"][0], expected["dense/kernel"][0], atol=1e-2)


def test_momentum_adds_up_what_came_before():
    model, twin = network(), network()
    twin.set_weights(model.get_weights())
    ours, still = started(model, momentum=0.5), started(twin, momentum=0.0)
    first = moved(ours, model, 1)["dense/kernel"][1]
    second, gradient = moved(ours, model, 2)["dense/kernel"]
    # M = 0.5 G1 + G2, and Nesterov looks ahead: G2 + 0.5 M.
    ahead = gradient + 0.5 * (0.5 * first + gradient)
    position = [variable.path.split("/", 1)[1] for variable in twin.trainable_variables].index(
        "dense/kernel"
    )
    gradients = [np.zeros(variable.shape, "float32") for variable in twin.trainable_variables]
    gradients[position] = ahead
    before = ops.convert_to_numpy(twin.trainable_variables[position])
    still.apply([ops.convert_to_tensor(value) for value in gradients])
    alone = ops.convert_to_numpy(twin.trainable_variables[position]) - before
    np.testing.assert_allclose(second, alone, atol=1e-5)


def test_weight_decay_takes_its_share_of_the_learning_rate():
    model = network()
    optimizer = optimizers.Muon(0.5, weight_decay=0.1)
    optimizer.build(model.trainable_variables)
    kernel = model.get_layer("dense").kernel
    before = ops.convert_to_numpy(kernel)
    optimizer.apply([ops.zeros(variable.shape) for variable in model.trainable_variables])
    np.testing.assert_allclose(ops.convert_to_numpy(kernel), before * (1 - 0.05), rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-20, 1e-3, 1e10])
def test_the_size_of_gradients_does_not_matter(factor):
    matrix = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    step = ops.convert_to_numpy(optimizers.orthogonalized(ops.convert_to_tensor(factor * matrix)))
    if factor < 1e-7:  # as good as none: a step as small
        assert np.abs(step).max() < 1e-8
    else:
        assert np.linalg.svd(step)[1].min() > 0.65


def test_a_saved_model_goes_on_as_if_it_had_not_stopped(tmp_path):
    random = np.random.default_rng(0)
    pictures = random.normal(size=(11, 8, 8, 3)).astype("float32")
    goals = random.normal(size=(11, 7)).astype("float32")
    model = network()
    model.compile(optimizers.Muon(0.03, momentum=0.8, adam_ratio=0.2), "mse")
    model.fit(pictures, goals, batch_size=11, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for one in (model, again):
        one.fit(pictures, goals, batch_size=11, epochs=2, verbose=0)
    for value, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(value, other, atol=1e-6)


def test_it_learns_faster_than_adamw():
    random = np.random.default_rng(0)
    pictures = random.normal(size=(64, 8, 8, 3)).astype("float32")
    goals = random.normal(size=(64, 7)).astype("float32")
    start, losses = network().get_weights(), {}
    for name, optimizer in {
        "muon": optimizers.Muon(0.03),
        "adamw": keras.optimizers.AdamW(0.003, weight_decay=0.004),
    }.items():
        model = network()
        model.set_weights(start)
        model.compile(optimizer, "mse")
        model.fit(pictures, goals, batch_size=64, epochs=25, shuffle=False, verbose=0)
        losses[name] = model.evaluate(pictures, goals, verbose=0)
    assert losses["muon"] < losses["adamw"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 1.0}, r"momentum in \[0, 1\); got 1.0"),
        ({"momentum": -0.1}, "got -0.1"),
        ({"adam_ratio": 0.0}, "adam_ratio above 0; got 0.0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        optimizers.Muon(**settings)
