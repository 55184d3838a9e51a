"""Which model a path means: a saved embedder, a run that made one, or published weights."""

import os
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from simlearn.errors import UserError
from simlearn.faces._embedder import FaceEmbedder
from simlearn.faces._placing import Aligned, Cropped

_SAVED: Final = "embedder.json"
# Where a run keeps what it made.
_RUN: Final = "embedder"


def load_embedder(path: str | os.PathLike[str]) -> FaceEmbedder:
    """The embedder that a path means.

    Args:
        path: a folder that `FaceEmbedder.save` wrote, or of a run that has one as `embedder/`; or
            published weights: an `.npz` of MobileFaceNet (faces aligned, 112x112) or of
            Inception-ResNet-v1, or a `.h5` of the latter (160x160, box and 12 pixels around it,
            pixels whitened per picture, as its common port was trained).

    Raises:
        UserError: it is none of these, or does not fit.
    """
    path = Path(path)
    for folder in (path, path / _RUN):
        if (folder / _SAVED).is_file():
            return FaceEmbedder.load(folder)
    if path.is_dir():
        raise UserError(
            f"{path}: expected a folder with {_SAVED} or {_RUN}/{_SAVED}, found neither"
        )
    if path.suffix == ".npz" and "conv_6dw7_7_conv2d/w" in _names(path):
        from simlearn.backbones import mobilefacenet

        return FaceEmbedder(mobilefacenet(weights=path), placing=Aligned())
    if path.suffix in (".npz", ".h5"):
        from simlearn.backbones import WhitenedPixels, inception_resnet_v1

        model = inception_resnet_v1(weights=path, preprocess=WhitenedPixels(), dim=_dim(path))
        return FaceEmbedder(model, placing=Cropped(margin=12))
    raise UserError(f"{path}: expected a model: a folder of an embedder or of a run, .npz or .h5")


def _names(path: Path) -> list[str]:
    """Of the arrays in an archive; none where it cannot be read, which the loader will say."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return list(archive.files)
    except (OSError, ValueError, zipfile.BadZipFile):
        return []


def _dim(path: Path) -> int:
    """Length of the embedding that a file of Inception-ResNet-v1 has; 128 where it says nothing."""
    import h5py

    sizes: list[int] = []

    def visit(name: str, item: object) -> None:
        if name.endswith("Bottleneck/kernel:0") and isinstance(item, h5py.Dataset):
            sizes.append(int(item.shape[-1]))

    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return len(archive["Bottleneck/w"])
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return 128
    return sizes[0] if sizes else 128
