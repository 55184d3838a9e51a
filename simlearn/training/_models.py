"""What is done with a model beside training it: embed, save."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from simlearn.errors import RunError, UserError


def embed(
    model: keras.Model, batches: Iterable[tuple[Any, Any]]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The embeddings of pictures, and which pictures they are of.

    Args:
        model: From pictures to embeddings `(batch, dim)`.
        batches: (pictures, rows), as `simlearn.data.pipeline.picture_batches` gives them. Pictures
            that could not be read are not in there, so the rows must be asked for labels:
            `labels[rows]`.

    Returns:
        Embeddings float32 `(n, dim)` and rows int64 `(n,)`.

    Raises:
        UserError: There is no batch.
    """
    embeddings, rows = [], []
    for pictures, positions in batches:
        embeddings.append(np.asarray(model.predict_on_batch(pictures), np.float32))
        rows.append(np.asarray(positions, np.int64))
    if not rows:
        raise UserError("expected batches of pictures, and received none")
    return np.concatenate(embeddings), np.concatenate(rows)


def save_model(model: keras.Model, path: str | Path) -> None:
    """Save a model as Keras does, but whole or not at all.

    Args:
        model: any model.
        path: of the file, ending in `.keras`; a file that is there is replaced.

    Raises:
        RunError: the file cannot be written; an old one stays as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.partial.keras")
    try:
        model.save(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
