"""A captioner from nothing: a language model, captions of pictures, then their scores."""

from collections.abc import Iterator
from typing import Any, Final

import keras
import numpy as np

from caption import models
from caption.batches import Batch, Captions, caption_batches
from caption.losses import CaptionCrossentropy
from caption.self_critical import CiderReward, SelfCritical
from caption.tensorboard import CaptionBoard
from caption.training import DecodedScores
from caption.visual_words import VisualWords, VisualWordsLoss
from experiments._captioning.config import CaptioningSettings
from experiments._captioning.prepare import Prepared
from experiments._captioning.words import first_vectors
from simlearn import training
from simlearn.checkpoint import Progress
from simlearn.optimizers import Muon
from simlearn.runs import Run

MODELS: Final[dict[str, type[models.Captioner]]] = {
    "show_and_tell": models.ShowAndTell,
    "lrcn": models.LRCN,
    "m_rnn": models.MultimodalRNN,
    "soft": models.SoftAttention,
    "hard": models.HardAttention,
    "spatial": models.SpatialAttention,
    "adaptive": models.AdaptiveAttention,
}
Model = models.Captioner | models.FineTuned

_CLIP = 5.0
_CORPUS_BATCH = 128
_CORPUS_RATE = 2e-3
_VISUAL_BATCH = 16
_VISUAL_RATE = 0.02
_SHOWN = 4


def build(config: CaptioningSettings, prepared: Prepared) -> Model:
    """A captioner with weights of its own."""
    training.seed_everything(config.seed)
    captioner = MODELS[config.model](
        len(prepared.vocabulary),
        width=config.width,
        word_width=config.word_width,
        dropout=config.dropout,
        scheduled=config.scheduled_sampling > 0,
    )
    model: Model = captioner
    if prepared.fine_tuned:
        prepared.encoder.model.trainable = True
        model = models.FineTuned(prepared.encoder.model, captioner)
    features = np.asarray(prepared.train.features[np.arange(1)], np.float32)
    model({"features": features, "tokens": prepared.captions.tokens[:1]})
    if (start := first_vectors(config, prepared)) is not None:
        captioner.words.embeddings.assign(start.matrix)
    captioner.words.trainable = not config.frozen_words
    return model


def train(
    config: CaptioningSettings, prepared: Prepared, run: Run
) -> tuple[Model, dict[str, Progress]]:
    """Train in as many stages as are asked for; each resumes where it was interrupted."""
    captioner = build(config, prepared)
    stages: dict[str, Progress] = {}
    if isinstance(captioner, models.FineTuned) and config.visual_epochs:
        stages["visual_words"] = _learn_words(captioner.encoder, config, prepared, run)
    if prepared.corpus and config.corpus_epochs:
        inner = captioner.captioner if isinstance(captioner, models.FineTuned) else captioner
        stages["corpus"] = _read_corpus(inner, config, prepared, run)
    stages["captions"] = _learn_captions(captioner, config, prepared, run)
    if config.self_critical_epochs:
        before = captioner.get_weights()
        stages["self_critical"] = _learn_scores(captioner, config, prepared, run)
        if _best(stages["self_critical"]) < _best(stages["captions"]):
            print("training on scores helped no validation caption: it is left out", flush=True)
            captioner.set_weights(before)
    return captioner, stages


def _read_corpus(
    captioner: models.Captioner, config: CaptioningSettings, prepared: Prepared, run: Run
) -> Progress:
    """Captions alone, the picture being one dark location."""
    captions = Captions.of(
        [[words] for words in prepared.corpus], prepared.vocabulary, longest=config.longest
    )
    channels = prepared.encoder.shape[-1]
    nothing = np.broadcast_to(
        np.zeros((1, 1, channels), np.float16), (len(captions.tokens), 1, channels)
    )
    size = min(_CORPUS_BATCH, len(nothing))
    captioner.compile(
        keras.optimizers.AdamW(_CORPUS_RATE, weight_decay=config.weight_decay, clipnorm=_CLIP),
        loss=CaptionCrossentropy(label_smoothing=config.label_smoothing),
    )
    return training.fit(
        captioner,
        caption_batches(nothing, captions, batch_size=size, seed=config.seed),
        epochs=config.corpus_epochs,
        steps_per_epoch=len(nothing) // size,
        directory=run.directory / "corpus",
    )


def _learn_words(
    encoder: keras.Model, config: CaptioningSettings, prepared: Prepared, run: Run
) -> Progress:
    """Which words a picture shows."""
    size = min(_VISUAL_BATCH, len(prepared.captions.tokens))
    steps = len(prepared.captions.tokens) // size
    words = VisualWords(encoder, len(prepared.vocabulary))
    words({"features": np.asarray(prepared.train.features[np.arange(1)], np.float32)})
    rate = keras.optimizers.schedules.CosineDecay(_VISUAL_RATE, steps * config.visual_epochs)
    words.compile(Muon(rate), loss=VisualWordsLoss())
    return training.fit(
        words,
        caption_batches(
            prepared.train.features, prepared.captions, batch_size=size, seed=config.seed
        ),
        epochs=config.visual_epochs,
        steps_per_epoch=steps,
        directory=run.directory / "visual_words",
    )


def _learn_captions(
    captioner: Model, config: CaptioningSettings, prepared: Prepared, run: Run
) -> Progress:
    size = min(config.batch, len(prepared.captions.tokens))
    steps = len(prepared.captions.tokens) // size
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate, steps * config.epochs, alpha=0.02
    )
    optimizer = (
        Muon(rate, weight_decay=config.weight_decay)
        if config.optimizer == "muon"
        else keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, clipnorm=_CLIP)
    )
    captioner.compile(optimizer, loss=CaptionCrossentropy(label_smoothing=config.label_smoothing))
    callbacks = [_scores(config, prepared, run, "captions"), _early(config.patience)]
    if config.scheduled_sampling:
        inner = captioner.captioner if isinstance(captioner, models.FineTuned) else captioner
        callbacks.insert(0, _RisingSampling(inner, config.scheduled_sampling, config.epochs))
    return training.fit(
        captioner,
        caption_batches(
            prepared.train.features, prepared.captions, batch_size=size, seed=config.seed
        ),
        epochs=config.epochs,
        steps_per_epoch=steps,
        directory=run.directory / "captions",
        callbacks=callbacks,
    )


def _learn_scores(
    captioner: Model, config: CaptioningSettings, prepared: Prepared, run: Run
) -> Progress:
    trainer = SelfCritical(
        captioner,
        CiderReward(prepared.train.words, prepared.vocabulary),
        samples=config.samples,
        longest=config.longest,
        seed=config.seed,
    )
    trainer.compile(keras.optimizers.Adam(config.self_critical_rate, clipnorm=_CLIP))
    features = prepared.train.features
    size = min(config.batch, len(features))
    rows = Captions(*(np.arange(len(features), dtype=np.int32)[:, None, None],) * 2)

    def batches(epoch: int) -> Iterator[tuple[dict[str, Any], Any]]:
        # The pictures' rows go where captions go, so that the orders are those of any training.
        found: Iterator[Batch] = caption_batches(
            features, rows, batch_size=size, seed=config.seed + 1
        )(epoch)
        for seen, targets in found:
            yield {"features": seen["features"], "rows": targets[:, 0, 0].astype(np.int64)}, targets

    return training.fit(
        trainer,
        batches,
        epochs=config.self_critical_epochs,
        steps_per_epoch=len(features) // size,
        directory=run.directory / "self_critical",
        callbacks=[
            _scores(config, prepared, run, "self_critical", captioner),
            _early(config.patience),
        ],
    )


def _scores(
    config: CaptioningSettings,
    prepared: Prepared,
    run: Run,
    stage: str,
    captioner: Model | None = None,
) -> DecodedScores:
    """Scores of decoded validation captions, and some of them for TensorBoard."""
    held = prepared.validation
    show = CaptionBoard(
        run.directory / stage / "logs" / "captions",
        held.record.pictures,
        held.record.captions,
        grid=prepared.encoder.grid,
        rows=range(min(_SHOWN, len(held.record))),
    )
    return DecodedScores(
        held.features,
        held.record.captions,
        prepared.vocabulary,
        longest=config.longest,
        captioner=captioner,
        show=show,
    )


def _best(progress: Progress) -> float:
    return max(progress.history["val_cider_d"])


def _early(patience: int) -> keras.callbacks.EarlyStopping:
    return keras.callbacks.EarlyStopping(
        monitor="val_cider_d", mode="max", patience=patience, restore_best_weights=True
    )


class _RisingSampling(keras.callbacks.Callback):
    """Raises the share of the model's own words from 0 to the most, epoch by epoch."""

    def __init__(self, captioner: models.Captioner, most: float, epochs: int) -> None:
        super().__init__()
        self.captioner, self.most, self.epochs = captioner, most, epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.captioner.sampling_rate.assign(self.most * epoch / max(1, self.epochs - 1))
