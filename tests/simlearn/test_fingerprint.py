"""The fingerprint is of what a model computes, and of nothing else."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from simlearn import heads, models
from simlearn.errors import UserError
from simlearn.training import model_fingerprint


def branching(names=None, activation="relu", dropout=0.5):
    """Two branches, a nested model, statistics, a layer shared by two inputs, two outputs."""
    name = iter(names or [None] * 20)
    one = keras.Input((8, 8, 3), name=next(name))
    two = keras.Input((8, 8, 3), name=next(name))
    shared = keras.layers.Conv2D(4, 3, activation=activation, name=next(name))
    left = shared(one)
    right = keras.layers.Conv2D(4, 3, name=next(name))(two)
    joined = keras.layers.Add(name=next(name))([left, right, shared(two)])
    joined = keras.layers.BatchNormalization(name=next(name))(joined)
    joined = keras.layers.Dropout(dropout, name=next(name))(joined)
    inner = keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name=next(name)),
            heads.L2Normalize(),
        ],
        name=next(name),
    )
    return keras.Model([one, two], [inner(joined), keras.layers.Flatten()(left)], name=next(name))


def sequential():
    return keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
    )


def lazily_built():
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)])
    model(np.zeros((7, 5), "float32"))
    return model


def embedding():
    encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    return models.embedding(encoder, dim=3)


def halves():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return sequential()
    finally:
        keras.config.set_dtype_policy("float32")


BUILDERS = [branching, sequential, lazily_built, embedding, halves]
over_builders = pytest.mark.parametrize("build", BUILDERS, ids=lambda b: b.__name__)


def test_the_same_in_another_process_that_loads_the_file(tmp_path):
    expected = []
    for build in BUILDERS:
        # So that Keras numbers layers differently here than where the file is read.
        keras.layers.Dense(1)
        model = build()
        model.save(tmp_path / f"{build.__name__}.keras")
        expected.append(model_fingerprint(model))
    code = (
        "import json, sys, keras\n"
        "from simlearn import heads\n"
        "from simlearn.training import model_fingerprint\n"
        "print(json.dumps([model_fingerprint(keras.saving.load_model(p)) for p in sys.argv[1:]]))"
    )
    paths = [str(tmp_path / f"{build.__name__}.keras") for build in BUILDERS]
    result = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout.splitlines()[-1]) == expected
    assert len(set(expected)) == len(BUILDERS)


@over_builders
def test_built_twice_with_the_same_weights(build):
    first, second = build(), build()
    assert [x.name for x in first.layers] != [x.name for x in second.layers]
    second.set_weights(first.get_weights())
    assert model_fingerprint(first) == model_fingerprint(second)


def test_names_do_not_count():
    first = branching()
    # Names in another order than the layers, and some that mean something elsewhere.
    second = branching(["z", "y", "relu", "float32", "valid", "c", "b", "dense", "a", "0"])
    second.set_weights(first.get_weights())
    assert model_fingerprint(first) == model_fingerprint(second)


@over_builders
def test_any_weight_counts(build):
    model = build()
    seen = {model_fingerprint(model)}
    for weight in model.weights:
        values = np.array(weight)
        values.flat[-1] = values.flat[-1] * 1.001 + 1e-6
        weight.assign(values)
        seen.add(model_fingerprint(model))
    assert len(seen) == len(model.weights) + 1


def test_equal_weights_in_another_architecture():
    model = branching()
    others = [branching(activation="tanh"), branching(dropout=0.25)]
    for other in others:
        other.set_weights(model.get_weights())
    swapped = keras.Model(model.inputs[::-1], model.outputs)
    reordered = keras.Model(model.inputs, model.outputs[::-1])
    prints = [model_fingerprint(m) for m in (model, *others, swapped, reordered)]
    assert len(set(prints)) == 5


def test_which_branch_a_layer_is_on_counts():
    """The same layers with the same weights, differently connected."""

    def build(swap):
        x = keras.Input((3,))
        a = keras.layers.Dense(3, activation="relu", kernel_initializer="ones")(x)
        b = keras.layers.Dense(3, activation="relu", kernel_initializer="ones")(a if swap else x)
        return keras.Model(x, keras.layers.Subtract()([a, b]))

    assert model_fingerprint(build(False)) != model_fingerprint(build(True))


def test_training_and_compiling_do_not_count():
    model = sequential()
    before = model_fingerprint(model)
    model.compile(optimizer=keras.optimizers.Adam(0.0), loss="mse", metrics=["mae"])
    assert model_fingerprint(model) == before
    weights = model.get_weights()
    model.fit(np.ones((4, 5)), np.ones((4, 3)), verbose=0)
    assert model_fingerprint(model) != before  # Batch normalisation's averages moved.
    model.set_weights(weights)
    model.trainable = False
    assert model_fingerprint(model) == before


def test_draws_of_dropout_do_not_count():
    model = branching()
    before = model_fingerprint(model)
    (dropout,) = (x for x in model.layers if isinstance(x, keras.layers.Dropout))
    state = np.array(dropout.seed_generator.state)
    dropout(np.ones((2, 6, 6, 4), "float32"), training=True)
    assert not np.array_equal(state, dropout.seed_generator.state)
    assert model_fingerprint(model) == before


class Undescribed(keras.Model):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.dense = keras.layers.Dense(2)

    def call(self, inputs):
        return self.function(self.dense(inputs))


def test_refuses_what_has_no_weights_or_no_description():
    with pytest.raises(UserError, match="expected one that is built, got 'sequential"):
        model_fingerprint(keras.Sequential([keras.layers.Dense(3)]))
    model = Undescribed(lambda x: x)
    model(np.zeros((1, 3), "float32"))
    with pytest.raises(UserError, match="expected one that can be saved, got Undescribed"):
        model_fingerprint(model)
