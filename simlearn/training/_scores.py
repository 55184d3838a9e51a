"""Scores of a gallery after every epoch, where the loss is shown."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import metrics
from simlearn.errors import UserError
from simlearn.training._models import embed

Score: TypeAlias = Callable[[NDArray[np.float32], NDArray[Any], NDArray[Any]], Mapping[str, float]]
"""Embeddings `(n, dim)`, labels `(n,)` and ids `(n,)` to scores by name."""


def _retrieval(
    embeddings: NDArray[np.float32], labels: NDArray[Any], ids: NDArray[Any]
) -> Mapping[str, float]:
    scores = metrics.retrieval_scores(embeddings, labels, ids=ids, ks=(1,))
    return {name: scores[name] for name in ("recall_at_1", "map_at_r")}


class GalleryScores(keras.callbacks.Callback):
    """Scores a gallery after every epoch: in the progress bar, the history and TensorBoard.

    A loss says how the batches went; this says how new pictures are told apart. The scores stand
    among the validation metrics, as `val_recall_at_1`, so callbacks that come later in the list
    can watch them: `EarlyStopping(monitor="val_recall_at_1", mode="max")`.

    Args:
        batches: (pictures, rows), which can be gone through again and again, as
            `simlearn.data.pipeline.picture_batches` gives them.
        labels: `(n,)` integers or strings of all pictures, those included that cannot be read.
        ids: `(n,)` integers or strings; pictures that share one do not find each other. Every
            picture is its own by default.
        score: from embeddings, labels and ids to numbers by name; by default `recall_at_1` and
            `map_at_r` of `simlearn.metrics.retrieval_scores`.
        encoder: what embeds the pictures, where the model that is trained takes something else, as
            a Siamese one takes pairs.

    Raises:
        UserError: labels and ids have different lengths; in the first epoch, if what the score
            gives is no mapping to numbers.

    Examples:
        >>> import numpy as np
        >>> from simlearn.data import digits, pipeline
        >>> test = digits.splits().test
        >>> scores = GalleryScores(pipeline.picture_batches(test.pictures, batch=256), test.labels)
        >>> layers = [keras.layers.Flatten(), keras.layers.Dense(16)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
        >>> model.compile("sgd", "mse")
        >>> pictures, targets = test.images / 255, np.zeros((len(test), 16))
        >>> sorted(model.fit(pictures, targets, callbacks=[scores], verbose=0).history)
        ['loss', 'val_map_at_r', 'val_recall_at_1']
    """

    def __init__(
        self,
        batches: Iterable[tuple[Any, Any]],
        labels: ArrayLike,
        *,
        ids: ArrayLike | None = None,
        score: Score = _retrieval,
        encoder: keras.Model | None = None,
    ) -> None:
        super().__init__()
        # Named as the arguments: simlearn.checkpoint keeps what a callback collects, not these.
        self.batches = batches
        self.labels = np.asarray(labels)
        self.ids = np.arange(len(self.labels)) if ids is None else np.asarray(ids)
        self.score = score
        self.encoder = encoder
        if self.labels.shape != self.ids.shape:
            raise UserError(
                f"labels and ids: expected one shape, got {self.labels.shape} and {self.ids.shape}"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Embed the gallery and put its scores beside the loss."""
        model = self.model if self.encoder is None else self.encoder
        embeddings, rows = embed(model, self.batches)
        if rows.max() >= len(self.labels):
            raise UserError(
                f"labels: expected one for each picture, got {len(self.labels)} and a picture "
                f"in row {rows.max()}"
            )
        scores = self.score(embeddings, self.labels[rows], self.ids[rows])
        if not isinstance(scores, Mapping):
            raise UserError(f"score: expected numbers by name, got a {type(scores).__name__}")
        if logs is not None:
            logs.update({f"val_{name}": float(value) for name, value in scores.items()})
