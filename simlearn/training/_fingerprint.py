"""Which model made a vector."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from simlearn.errors import UserError

# What describes how a model was, or will be, trained or built, not what it computes.
_TRAINING = frozenset({"build_config", "build_input_shape", "compile_config", "trainable"})
# Where one layer of a config points to others by their names.
_REFERENCES = frozenset({"keras_history", "input_layers", "output_layers"})


def model_fingerprint(model: keras.Model) -> str:
    """SHA-256 of what a model computes: its architecture and its weights.

    Vectors of models with different fingerprints must not be compared. The fingerprint is the same
    for the model that `keras.saving.load_model` reads from its `.keras` file, in any process, and
    for one built by the same code with the same weights, whatever Keras numbered its layers. It
    differs when any weight does, batch normalisation's averages included.

    Names of layers do not count, nor does what concerns training alone: optimizer, loss, which
    layers are frozen, state of dropout's generators. Preprocessing counts where it is part of the
    model, and nothing else can: what is done to pictures before the model sees them is not in here.

    Args:
        model: built, and of a kind that Keras can save.

    Returns:
        64 hexadecimal digits.

    Raises:
        UserError: the model has no weights yet because it was never built, or it cannot describe
            itself (a subclass without `get_config`).

    Examples:
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
        >>> fingerprint = model_fingerprint(model)
        >>> len(fingerprint), fingerprint == model_fingerprint(model)
        (64, True)
        >>> model.layers[1].bias.assign([0.0, 1e-30]) is None
        False
        >>> fingerprint == model_fingerprint(model)
        False
    """
    if not model.built:
        raise UserError(f"model: expected one that is built, got {model.name!r} that is not")
    digest = hashlib.sha256()
    for part in (_architecture(model), *_weights(model)):
        # Each with its length, so that no two lists of parts give the same bytes.
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _architecture(model: keras.Model) -> bytes:
    try:
        config = _canonical(keras.saving.serialize_keras_object(model), {})
        return json.dumps(config, sort_keys=True).encode()
    except (NotImplementedError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"model: expected one that can be saved, got {type(model).__name__}: {error}"
        ) from error


def _weights(model: keras.Model) -> Iterator[bytes]:
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight)
        # The last name only: the path before it holds names of layers.
        yield f"{weight.name} {weight.dtype} {values.shape}".encode()
        little = values.dtype.newbyteorder("<") if values.dtype.kind in "fiu" else values.dtype
        yield np.ascontiguousarray(values, dtype=little).tobytes()


def _canonical(config: Any, places: dict[str, int]) -> Any:
    """The config without names of layers and without what concerns training.

    Where layers refer to others by name, `places` has the place of each in its model.
    """
    if isinstance(config, list | tuple):
        return [_canonical(value, places) for value in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "Sequential" and isinstance(config.get("config"), dict):
        # The type of the chain itself: nothing is computed in it, and Keras does not restore it.
        inner = {key: value for key, value in config["config"].items() if key != "dtype"}
        config = {**config, "config": inner}
    if isinstance(config.get("layers"), list):
        places = {_name_of(layer): place for place, layer in enumerate(config["layers"])}
    dropped = _TRAINING
    # Other things with a name, such as a dtype policy, say something by it.
    if "trainable" in config or "batch_shape" in config or "inbound_nodes" in config:
        dropped = dropped | {"name"}
    return {
        key: _placed(value, places) if key in _REFERENCES else _canonical(value, places)
        for key, value in config.items()
        if key not in dropped
    }


def _name_of(layer: Any) -> str:
    return str(layer["config"]["name"])


def _placed(value: Any, places: dict[str, int]) -> Any:
    """References with places for names wherever they stand."""
    if isinstance(value, dict):
        return {key: _placed(one, places) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_placed(one, places) for one in value]
    return places.get(value, value) if isinstance(value, str) else value
