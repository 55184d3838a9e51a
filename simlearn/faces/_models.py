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
# Lengths of an embedding of Inception-ResNet-v1: what is supposed, from where on pixels are not
# whitened, and the most that a file is believed.
_DIM: Final = 128
_FIXED_FROM: Final = 512
_MOST: Final = 4096


def load_embedder(path: str | os.PathLike[str]) -> FaceEmbedder:
    """The embedder that a path means.

    Args:
        path: a folder that `FaceEmbedder.save` wrote, or of a run that has one as `embedder/`; or
            published weights, of which the file says neither how pixels were standardised nor how
            faces lay, so that both are supposed: an `.npz` of MobileFaceNet (faces aligned,
            112x112, `(x - 127.5) / 128`); an `.npz` or `.h5` of Inception-ResNet-v1 (160x160, box
            and 12 pixels of the 160 around it, about what FaceNet's 32 pixels of the picture come
            to), pixels whitened per picture where embeddings have 128 numbers, as of 2017, and
            `(x - 127.5) / 128` where they have 512, as of 2018. For weights that were trained
            otherwise make the `FaceEmbedder`, and save it.

    Raises:
        UserError: it is none of these, or does not fit.

    Reference:
        facenet's wiki, "Training using the VGGFace2 dataset", and github.com/davidsandberg/facenet
        issue 1050, for the standardisation of the weights of 2018.
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

        dim = _dim(path)
        whitened = WhitenedPixels() if dim < _FIXED_FROM else None
        model = inception_resnet_v1(weights=path, preprocess=whitened, dim=dim)
        return FaceEmbedder(model, placing=Cropped(margin=12))
    raise UserError(f"{path}: expected a model: a folder of an embedder or of a run, .npz or .h5")


def _names(path: Path) -> list[str]:
    """Of the arrays in an archive; none where it cannot be read, which the loader will say."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except Exception:  # A damaged file can make it raise nearly anything.
        return []


def _dim(path: Path) -> int:
    """Length of the embedding that a file of Inception-ResNet-v1 has; 128 where it says nothing."""
    try:
        found = _archived_dim(path) if path.suffix == ".npz" else _stored_dim(path)
    except Exception:  # As above.
        return _DIM
    return found if 1 <= found <= _MOST else _DIM


def _archived_dim(path: Path) -> int:
    with zipfile.ZipFile(path) as archive, archive.open("Bottleneck/w.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, _ = np.lib.format.read_array_header_1_0(file)
    return int(shape[0])


def _stored_dim(path: Path) -> int:
    import h5py

    sizes: list[int] = []

    def visit(name: str, item: object) -> None:
        if name.endswith("Bottleneck/kernel:0") and isinstance(item, h5py.Dataset):
            sizes.append(int(item.shape[-1]))

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return sizes[0]
