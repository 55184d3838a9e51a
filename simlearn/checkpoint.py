"""Everything a training run is at the end of an epoch, in one file.

Weights, optimiser, the states of random generators (dropout, miners), the counters of callbacks
and the history so far. A run that goes on from a checkpoint ends with the same weights, bit for
bit, as one that was never interrupted. Called by simlearn.training.
"""

import inspect
import json
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops, tree
from numpy.typing import NDArray

from simlearn._files import open_atomically
from simlearn.errors import RunError

__all__ = ["Progress", "Stored", "load", "save"]

# What numpy and the modules below it raise on bytes that are not what they should be.
_DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epochs: finished epochs.
        history: one list a metric, one entry an epoch.
        seconds: spent on the finished epochs.
        stopped: a callback asked to train no further.
        complete: nothing is left to do; the weights are the final ones.
    """

    epochs: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: bool = False
    complete: bool = False


def save(
    path: Path,
    model: keras.Model,
    progress: Progress,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> None:
    """Write the checkpoint; the file is the old one or the new one, never half of either.

    Args:
        path: of the file.
        model: compiled and built.
        progress: where the run stands.
        callbacks: whose counters and weights (an early stopper's best, say) are kept: attributes
            that are arrays, lists of arrays or what JSON can hold, and neither strings nor named
            like an argument of the constructor.

    Raises:
        RunError: the file cannot be written.
    """
    arrays = {f"variable/{i}": _to_numpy(v.value) for i, v in enumerate(_variables(model))}
    states = []
    for place, callback in enumerate(callbacks):
        values, tensors = _callback_state(callback)
        states.append({"class": type(callback).__name__, "values": values})
        for name, array in tensors.items():
            arrays |= {f"callback/{place}/{name}": array}
    meta = {"progress": vars(progress), "callbacks": states, "variables": _kinds(model)}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    try:
        with open_atomically(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub takes names for flags
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error


def load(path: Path, model: keras.Model) -> "Stored | None":
    """Put model, optimiser and random generators back where the checkpoint left them.

    Args:
        path: of the file.
        model: compiled and built, of the same architecture.

    Returns:
        Where the run stood and what its callbacks knew, or None where there is no file.

    Raises:
        RunError: the file is damaged or belongs to another model.
    """
    if not path.exists():
        return None
    stored, kinds = _read(path)
    variables = _variables(model)
    if kinds != _kinds(model):
        raise RunError(f"the checkpoint {path} was made by another model; choose another folder")
    for i, variable in enumerate(variables):
        variable.assign(stored.arrays[f"variable/{i}"])
    return stored


@dataclass(frozen=True)
class Stored:
    """What a checkpoint held beside the model.

    Attributes:
        progress: where the run stood.
        callbacks: class and numbers of each callback.
        arrays: all arrays by name.
    """

    progress: Progress
    callbacks: list[dict[str, Any]]
    arrays: dict[str, NDArray[Any]]

    def restore(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Give callbacks their counters and weights back.

        To be called once they have begun their training: many reset themselves there.

        Raises:
            RunError: they are not those of the checkpoint, in its order (more may follow them).
        """
        given = [type(callback).__name__ for callback in callbacks]
        known = [state["class"] for state in self.callbacks]
        common = min(len(given), len(known))
        if given[:common] != known[:common]:
            raise RunError(
                f"expected the callbacks of the interrupted run, {', '.join(known)}, "
                f"received {', '.join(given)}"
            )
        for place, (callback, state) in enumerate(zip(callbacks, self.callbacks, strict=False)):
            vars(callback).update(state["values"])
            vars(callback).update(_tensors(self.arrays, f"callback/{place}/"))


def _read(path: Path) -> tuple[Stored, list[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
        meta = json.loads(arrays.pop("meta").tobytes())
        progress = Progress(**meta["progress"])
        return Stored(progress, list(meta["callbacks"]), arrays), list(meta["variables"])
    except (*_DAMAGE, OSError) as error:
        raise RunError(
            f"cannot read the checkpoint {path} ({error}); delete it to train afresh"
        ) from error


def _variables(model: keras.Model) -> list[Any]:
    """All state of model, optimiser and loss; Keras' own backup forgets the random ones."""
    if not model.optimizer.built:  # building a loss-scaling optimiser again forgets its scale
        model.optimizer.build(model.trainable_variables)
    generators = [
        generator
        for loss in tree.flatten(model.loss)
        for generator in getattr(loss, "seed_generators", ())
    ]
    variables = [*model.variables, *model.optimizer.variables, *(g.state for g in generators)]
    return list({id(variable): variable for variable in variables}.values())


def _kinds(model: keras.Model) -> list[list[Any]]:
    # Not the names: Keras numbers layers by what else the process has built.
    return [[list(v.shape), str(v.dtype)] for v in _variables(model)]


def _to_numpy(value: Any) -> NDArray[Any]:
    array = np.asarray(ops.convert_to_numpy(value))
    # numpy's files know no bfloat16; float32 holds each of its values exactly.
    return array.astype("float32") if "bfloat16" in str(array.dtype) else array


def _callback_state(
    callback: keras.callbacks.Callback,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a callback has counted and collected: plain values, and arrays.

    Left out are settings, and strings: they are paths, and a folder may be moved.
    """
    settings = {
        parameter
        for kind in type(callback).__mro__
        if "__init__" in vars(kind)
        for parameter in inspect.signature(vars(kind)["__init__"]).parameters
    }
    plain: dict[str, Any] = {}
    tensors: dict[str, NDArray[Any]] = {}
    for name, value in vars(callback).items():
        # Some callbacks turn a setting around when they start (`min_delta` changes its sign), so
        # a setting put back would be turned twice.
        if name in settings or name in vars(keras.callbacks.Callback()):
            continue
        if isinstance(value, np.number):
            plain[name] = value.item()
        elif isinstance(value, np.ndarray):
            tensors[name] = value
        elif isinstance(value, list) and value and all(map(_is_array, value)):
            tensors |= {f"{name}/{i}": np.asarray(array) for i, array in enumerate(value)}
        elif isinstance(value, bool | int | float | list | dict) and _is_json(value):
            plain[name] = value
    return plain, tensors


def _is_array(value: Any) -> bool:
    """A weight without axes comes as a number of NumPy's, not as an array."""
    return isinstance(value, np.ndarray | np.generic)


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError):
        return False


def _tensors(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, Any]:
    """Arrays, and lists of arrays, whose names begin with `prefix`."""
    found: dict[str, Any] = {}
    for key in arrays:
        if key.startswith(prefix):
            name, _, place = key.removeprefix(prefix).partition("/")
            if place:
                found.setdefault(name, []).append(arrays[key])
            else:
                found[name] = arrays[key].copy()
    return found
