"""Weights from a file of named arrays, layer by layer and shape by shape; nothing in it is run."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from simlearn.errors import UserError

Arrays: TypeAlias = Mapping[tuple[str, str], NDArray[Any]]
"""By name of the layer and of its variable, in Keras' layout."""

# What an archive calls a variable, and its name in Keras.
_NAMES: Final = {
    "w": "kernel", "b": "bias", "a": "alpha", "gamma": "gamma", "beta": "beta",
    "mean": "moving_mean", "var": "moving_variance",
}  # fmt: skip


def load_layers(model: keras.Model, path: Path) -> None:
    """Give every layer of a model its weights from a file.

    Args:
        model: whose layers have the names that the file has.
        path: an `.npz` with arrays `layer/w`, `layer/b` (kernels out, in, height, width),
            `layer/gamma`, `beta`, `mean`, `var` and `layer/a` (slopes of a PReLU); or a `.h5` of
            Keras 2, of weights or of a whole model, of which the arrays alone are read.

    Raises:
        UserError: the file is missing or of another kind, or an array is missing, of another shape
            or of no layer.
    """
    arrays = _read(path, model)
    wanted: dict[tuple[str, str], Any] = {}
    for layer in model.layers:
        # Not what counts a seed or such, which no file has.
        for variable in layer.weights:
            wanted[layer.name, variable.name.split("/")[-1]] = variable
    missing = ["/".join(key) for key in wanted if key not in arrays]
    extra = ["/".join(key) for key in arrays if key not in wanted]
    if missing or extra:
        raise UserError(
            f"{path}: expected the weights of {model.name}, got a file that lacks {_some(missing)} "
            f"and has {_some(extra)} besides"
        )
    for (name, kind), variable in wanted.items():
        given = arrays[name, kind]
        if given.shape != tuple(variable.shape):
            raise UserError(
                f"{path}: expected {name}/{kind} of shape {tuple(variable.shape)}, "
                f"got {given.shape}"
            )
        if given.dtype.kind != "f" or not np.isfinite(given).all():
            raise UserError(f"{path}: expected {name}/{kind} as finite numbers, got {given.dtype}")
    for key, variable in wanted.items():
        variable.assign(arrays[key])


def _some(names: list[str]) -> str:
    if not names:
        return "none"
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _read(path: Path, model: keras.Model) -> Arrays:
    readers: dict[str, Callable[[Path, keras.Model], Arrays]] = {".npz": _archive, ".h5": _tree}
    if path.suffix not in readers:
        raise UserError(f"{path}: expected weights as .npz or .h5, got {path.suffix or 'neither'}")
    if not path.is_file():
        raise UserError(f"expected a file of weights for {model.name}; {path} does not exist")
    try:
        return readers[path.suffix](path, model)
    except UserError:
        raise
    # A damaged or hostile file makes numpy and h5py raise nearly anything.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: expected weights as {path.suffix}, got {reason}") from error


def _archive(path: Path, model: keras.Model) -> Arrays:
    kinds = {layer.name: layer for layer in model.layers}
    found = {}
    with zipfile.ZipFile(path) as file:
        _require_size(sum(entry.file_size for entry in file.infolist()), model)
    with np.load(path, allow_pickle=False) as archive:
        for key in archive.files:
            name, _, short = key.rpartition("/")
            array = archive[key]
            kind = _NAMES.get(short, short)
            found[name, kind] = _keras_layout(array, kinds.get(name), kind)
    return found


def _require_size(size: int, model: keras.Model) -> None:
    """Refuse, unread, what would unpack to more than the weights can be, and fill the memory."""
    most = 16 * model.count_params() + 2**20
    if size > most:
        raise ValueError(f"{size} bytes of arrays where at most {most} are expected")


def _keras_layout(array: NDArray[Any], layer: Any, kind: str) -> NDArray[Any]:
    """From kernels as (out, in, height, width) to Keras' order."""
    if kind == "kernel" and array.ndim == 4:
        # Depthwise, `in` is 1 and `out` what Keras calls the channels of the input.
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        return array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    if kind == "kernel" and array.ndim == 2:
        return array.T
    return array[np.newaxis, np.newaxis] if kind == "alpha" and array.ndim == 1 else array


def _tree(path: Path, model: keras.Model) -> Arrays:
    import h5py

    found: dict[tuple[str, str], Any] = {}

    def visit(name: str, item: Any) -> None:
        parts = name.split("/")
        # A whole model's file holds the optimiser's variables too.
        if isinstance(item, h5py.Dataset) and parts[0] != "optimizer_weights" and len(parts) > 1:
            found[parts[-2], parts[-1].split(":")[0]] = item

    with h5py.File(path, "r") as file:
        file.visititems(visit)
        _require_size(sum(item.nbytes for item in found.values()), model)
        return {key: np.asarray(item) for key, item in found.items()}
