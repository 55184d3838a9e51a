"""Embeddings of all things in a list of pairs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments import _faces
from experiments.lfw_verification.config import Laying, VerificationSettings
from experiments.lfw_verification.pairs import Pairs
from simlearn import faces
from simlearn.data.frames import Frame
from simlearn.data.loading import Skipped


class Embedded(NamedTuple):
    """What a model makes of the things.

    Attributes:
        vectors: `(things, dim)`, of unit length; 0 for one without a picture.
        missing: `(things,)`, whether none of its pictures could be read.
        unfound: pictures in which no face was found, laid as a face usually lies.
        embedder: how they were made.
        frame: of each picture.
    """

    vectors: NDArray[np.float32]
    missing: NDArray[np.bool_]
    unfound: int
    embedder: faces.FaceEmbedder
    frame: Frame


def embed(
    pairs: Pairs,
    embedder: faces.FaceEmbedder,
    found: faces.FoundFaces | None,
    laying: Laying,
    config: VerificationSettings,
    cache: Path,
) -> Embedded:
    """Lay every picture's face into the model's pixels and embed it; the mean, of videos.

    Args:
        pairs: the pairs.
        embedder: what sees the faces; its own way of laying them is not used.
        found: their faces, one a picture at most; None where `laying` is fixed.
        laying: how faces are laid.
        config: the settings.
        cache: folder to keep embeddings in.
    """
    placing = faces.Cropped(config.margin) if laying == "cropped" else faces.Aligned()
    used = faces.FaceEmbedder(embedder.model, placing=placing, flip=config.flip)
    frame: Frame = faces.FixedBox(used.size, share=config.fixed_share, shift=config.fixed_shift)
    unfound = 0
    if found is not None:
        unfound = len(pairs.pictures) - len(found)
        frame = placing.frame(used.size, _faces.one_each(found))
    vectors, good = faces.embed_faces(
        pairs.pictures, frame, used, skipped=Skipped(limit=1.0), cache=cache
    )
    things = int(max(pairs.thing.max(), pairs.left.max(), pairs.right.max())) + 1
    summed = np.zeros((things, used.dim))
    np.add.at(summed, pairs.thing[good], vectors[good])
    lengths = np.linalg.norm(summed, axis=1, keepdims=True)
    pooled = (summed / np.maximum(lengths, 1e-12)).astype(np.float32)
    return Embedded(pooled, lengths[:, 0] < 1e-9, unfound, used, frame)


def find(pairs: Pairs, config: VerificationSettings, cache: Path) -> faces.FoundFaces:
    """The face nearest to the middle of each picture, where there is one."""
    return _faces.most_central(pairs.pictures, min_face=config.min_face, cache=cache)
