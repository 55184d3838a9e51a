"""Scores of what a captioner writes, while it trains."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras

from caption import decoding
from caption.batches import Features
from caption.metrics import CaptionScorer
from caption.models import Captioner
from caption.vocabulary import Vocabulary
from caption.writing import Decoder, Writer
from simlearn.errors import UserError


class DecodedScores(keras.callbacks.Callback):
    """Writes captions of validation pictures after every epoch, and scores them.

    Teacher forcing hides what a captioner does with its own words; decoded captions show it. The
    scores stand among the validation metrics, as `val_cider_d` and `val_bleu_4`, so that callbacks
    later in the list can watch them: `EarlyStopping(monitor="val_cider_d", mode="max")`.

    Args:
        features: of the validation pictures.
        references: their captions, as text.
        vocabulary: of the captioner.
        decode: by default greedy.
        longest: words of a caption at most, where it is greedy.
        captioner: that writes, where the model that is trained is something around it.
        every: epochs from one score to the next, the first epoch having one; what was scored last
            stands in between.
        metrics: as of `CaptionScorer`.
        show: called with the epoch and the captions, to show some of them.

    Raises:
        UserError: `every` is below 1; in the first epoch, if features and references are not of
            the same number of pictures.
    """

    def __init__(
        self,
        features: Features,
        references: Sequence[Sequence[str]],
        vocabulary: Vocabulary,
        *,
        decode: Decoder | None = None,
        longest: int = 20,
        captioner: Captioner | None = None,
        every: int = 1,
        metrics: Sequence[str] = ("bleu", "cider_d"),
        show: Callable[[int, list[Any]], None] | None = None,
    ) -> None:
        super().__init__()
        if every < 1:
            raise UserError(f"every: expected at least 1 epoch, got {every}")
        self.features = features
        self.vocabulary = vocabulary
        self.decode = decode or partial(decoding.greedy, max_length=longest)
        self.captioner = captioner
        self.every = every
        self.show = show
        self.scorer = CaptionScorer([list(texts) for texts in references], metrics=metrics)
        self._writer: Writer | None = None
        self.last: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write, score, and put the scores beside the loss."""
        if epoch % self.every == 0 or not self.last:
            self.last = dict(self._scored(epoch))
        if logs is not None:
            logs.update(self.last)

    def _scored(self, epoch: int) -> Mapping[str, float]:
        if self._writer is None:
            model = self.captioner or self.model
            self._writer = Writer(model, self.vocabulary, decode=self.decode)
        written = self._writer(self.features)
        if self.show is not None:
            self.show(epoch, written)
        found = self.scorer.score_tokens([captions[0].words for captions in written])
        return {f"val_{name}": float(value) for name, value in found.corpus.items()}
