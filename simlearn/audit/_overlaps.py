"""Which pictures of LFW MTFL trains on, known beforehand: their names, hashed."""

import functools
import hashlib
import importlib.resources
import io
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simlearn.data.records import LandmarkPictures, PicturePairs, StoredPictures
from simlearn.errors import UserError

MTFL_IN_LFW: Final = MappingProxyType(
    {"pictures": 4_151, "pictures_of_view2": 2_909, "pairs_of_view2": 3_616}
)
"""How many pictures of LFW the official MTFL trains on, how many of those are in `pairs.txt`, and
how many of its 6,000 pairs they touch. The hashes that are shipped lack one of these pictures."""

_TABLE: Final = "mtfl_in_lfw.npy"
_LFW_FOLDER: Final = "lfw_5590/"


def hashed_names(paths: Iterable[str]) -> NDArray[np.uint64]:
    """The names of picture files as numbers: the first 8 bytes, big-endian, of their SHA-256.

    Folders are left out and so is the case of letters, as copies differ in both.

    Args:
        paths: with slashes, such as `lfw/Ann/Ann_0001.jpg`.

    Returns:
        uint64 `(n,)`, in the order of the paths.

    Examples:
        >>> hashed_names(["lfw/Ann/Ann_0001.jpg", "Ann_0001.jpg"])
        array([7344230645755307910, 7344230645755307910], dtype=uint64)
    """
    names = (path.rpartition("/")[2].lower().encode("utf-8", "surrogatepass") for path in paths)
    digests = b"".join(hashlib.sha256(name).digest()[:8] for name in names)
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def lfw_names_of_mtfl(train: LandmarkPictures) -> NDArray[np.uint64]:
    """The hashed names, ascending, of the LFW pictures in MTFL's training list.

    Made from a copy of MTFL, this is the table that is shipped.

    Args:
        train: `simlearn.data.mtfl.load(root, "train")`.

    Raises:
        UserError: The record holds no picture of `lfw_5590`.
    """
    pictures = train.pictures
    paths = pictures.paths if isinstance(pictures, StoredPictures) else ()
    found = [path for path in paths if _LFW_FOLDER in path]
    if not found:
        raise UserError(f"{train.name}: expected pictures in {_LFW_FOLDER}, and found none")
    return np.unique(hashed_names(found))


def in_mtfl(paths: Iterable[str], *, names: NDArray[np.uint64] | None = None) -> NDArray[np.bool_]:
    """Which pictures of LFW MTFL trains on.

    Args:
        paths: of pictures of LFW; only the names of files count.
        names: from `lfw_names_of_mtfl` of your own copy. By default those that are shipped, made
            from a copy with 4,150 of the official 4,151 pictures: one is not known here.

    Returns:
        Booleans `(n,)`.

    Examples:
        >>> in_mtfl(["lfw/Aaron_Eckhart/Aaron_Eckhart_0001.jpg", "lfw/Ann/Ann_0001.jpg"])
        array([ True, False])
    """
    return np.isin(hashed_names(paths), _shipped() if names is None else names)


def pairs_in_mtfl(
    pairs: PicturePairs, *, names: NDArray[np.uint64] | None = None
) -> NDArray[np.bool_]:
    """Which pairs of LFW hold a picture that MTFL trains on.

    A model trained on MTFL may claim a score on the other pairs alone, and must say so.

    Args:
        pairs: from `simlearn.data.lfw`.
        names: as for `in_mtfl`.

    Returns:
        Booleans `(m,)`.
    """
    seen = in_mtfl(pairs.pictures.paths, names=names)
    return seen[pairs.left] | seen[pairs.right]


@functools.cache
def _shipped() -> NDArray[np.uint64]:
    content = importlib.resources.files(__package__).joinpath(_TABLE).read_bytes()
    names: NDArray[np.uint64] = np.load(io.BytesIO(content)).astype(np.uint64)
    return names
