"""The training: a warm start, then triplets, the best epoch of each by validation people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from experiments.facenet.config import FacenetSettings
from simlearn import backbones, faces, losses, metrics, mining, models, telemetry, training
from simlearn._files import open_atomically
from simlearn._typing import Tensor
from simlearn.checkpoint import Progress
from simlearn.data import LabelledImages, augment, pipeline, sampling
from simlearn.faces import EYES, MOUTH, WHOLE

_BATCH: Final = 64
_BEST: Final = "best.weights.h5"
_CROPS: Final = (WHOLE, EYES, MOUTH)


@keras.saving.register_keras_serializable(package="experiments")
class InterleavedTriplets(losses.TripletLoss):
    """`TripletLoss` on a batch of anchor, positive, negative, anchor, ...: `(3 n, dim)`."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One value a triplet."""
        return super().call(y_true, ops.reshape(y_pred, (-1, 3, y_pred.shape[-1])))


def network(config: FacenetSettings) -> keras.Model:
    """The embedding model, of unit length."""
    side = config.size if config.crops == 1 else max(config.size // 2, 24)
    builders: dict[str, Callable[[int], keras.Model]] = {
        "small": lambda size: backbones.small_resnet((size, size, 3), stem_stride=2),
        "mobilefacenet": lambda size: backbones.mobilefacenet(size=size),
        "inception-resnet": lambda size: backbones.inception_resnet_v1(size=size),
    }
    build = builders[config.backbone]
    if config.crops == 1:
        return models.embedding(build(config.size), dim=config.dim)
    sides = (config.size, *[max(side, 75) if "inception" in config.backbone else side] * 2)
    encoders = [(build(size), box) for size, box in zip(sides, _CROPS, strict=True)]
    together = faces.multi_crop(encoders, size=(config.size, config.size))
    return models.embedding(together, dim=config.dim)


def train(
    model: keras.Model,
    people: LabelledImages,
    validation: LabelledImages,
    config: FacenetSettings,
    directory: Path,
) -> dict[str, Progress]:
    """Train in place; returns the progress of both parts."""
    progress = {}
    if config.warm_epochs:
        print("warm start: softmax with margin over the people", flush=True)
        progress["warm start"] = _warm(model, people, validation, config, directory / "warm")
    if config.epochs:
        print(f"triplets: {config.mining}", flush=True)
        progress["triplets"] = _triplets(model, people, validation, config, directory / "triplets")
    return progress


def embed(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embeddings of pictures in memory."""
    # Not `predict`, which traces anew for each batch size, and TensorFlow warns of that.
    parts = [
        np.asarray(model(images[i : i + _BATCH], training=False), np.float32)
        for i in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts)


class _KeepsBest(keras.callbacks.Callback):
    """Scores validation people after each epoch, and keeps the weights of the best one on disk."""

    def __init__(self, model: keras.Model, validation: LabelledImages, path: Path) -> None:
        super().__init__()
        self._embedder = model
        self._validation = validation
        self._path = path
        self.best = -1.0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        vectors = embed(self._embedder, self._validation.images)
        auc = metrics.auc(*metrics.pair_distances(vectors, self._validation.labels))
        if logs is not None:
            logs["validation_auc"] = auc
        print(f"epoch {epoch + 1}: AUC {auc:.4f} on validation people", flush=True)
        if auc > self.best:
            self.best = auc
            temporary = self._path.with_name(f".partial.{self._path.name}")
            self._embedder.save_weights(temporary)
            temporary.replace(self._path)


def _warm(
    model: keras.Model,
    people: LabelledImages,
    validation: LabelledImages,
    config: FacenetSettings,
    directory: Path,
) -> Progress:
    # A softmax wants classes from 0 without gaps.
    names, codes = np.unique(people.labels, return_inverse=True)
    coded = LabelledImages(
        images=people.images, labels=codes.astype(np.int64), ids=people.ids, name=people.name
    )
    plan = _plan(coded, config)
    steps = len(plan(0))
    classifier = models.proxy_classifier(model, len(names))
    classifier.compile(
        optimizer=_optimizer(config.learning_rate, config.warm_epochs * steps),
        loss=losses.CosFaceLoss(margin=config.softmax_margin, scale=config.softmax_scale),
    )
    return _fit(
        classifier, model, lambda first: _batches(coded, plan, config, first), validation,
        epochs=config.warm_epochs, steps=steps, directory=directory,
    )  # fmt: skip


def _triplets(
    model: keras.Model,
    people: LabelledImages,
    validation: LabelledImages,
    config: FacenetSettings,
    directory: Path,
) -> Progress:
    offline = config.mining == "offline"
    plan = _Mined(model, people, config, directory) if offline else _plan(people, config)
    chosen: dict[str, Callable[[], keras.losses.Loss]] = {
        "semi-hard": lambda: losses.TripletSemiHardLoss(margin=config.margin),
        "batch-hard": lambda: losses.TripletHardLoss(margin=config.margin),
        "offline": lambda: InterleavedTriplets(margin=config.margin),
    }
    steps = plan.steps if isinstance(plan, _Mined) else len(plan(0))
    model.compile(
        optimizer=_optimizer(config.learning_rate / 3, config.epochs * steps),
        loss=chosen[config.mining](),
        metrics=[telemetry.EmbeddingSpread()],
    )
    # What is mined depends on the weights, so that each epoch is a call of its own; as in one call,
    # all is in the checkpoint.
    ends = range(1, config.epochs + 1) if offline else [config.epochs]
    for end in ends:
        progress = _fit(
            model, model, lambda first: _batches(people, plan, config, first), validation,
            epochs=end, steps=steps, directory=directory, alarm=True,
        )  # fmt: skip
    return progress


def _fit(
    trained: keras.Model,
    model: keras.Model,
    batches: Callable[[int], Any],
    validation: LabelledImages,
    *,
    epochs: int,
    steps: int,
    directory: Path,
    alarm: bool = False,
) -> Progress:
    directory.mkdir(parents=True, exist_ok=True)
    best = _KeepsBest(model, validation, directory / _BEST)
    # Embeddings that are all one stay so: better to end, and say so, than to train on.
    alarms = [telemetry.CollapseAlarm(stop=True)] if alarm else []
    progress = training.fit(
        trained,
        batches,
        epochs=epochs,
        steps_per_epoch=steps,
        directory=directory,
        callbacks=[best, *alarms],
    )
    model.load_weights(directory / _BEST)
    return progress


class _Mined:
    """A plan from the hardest triplets of the whole set, mined before each epoch, kept on disk.

    A resumed run finds what its epoch was given before.
    """

    def __init__(
        self, model: keras.Model, people: LabelledImages, config: FacenetSettings, directory: Path
    ) -> None:
        self._model, self._people = model, people
        self._config, self._directory = config, directory
        self._triplets = max(1, config.people_per_batch * config.pictures_per_person // 3)
        _, counts = np.unique(people.labels, return_counts=True)
        anchors = int(counts[counts > 1].sum())
        self.steps = max(1, anchors // self._triplets)

    def __call__(self, epoch: int) -> NDArray[np.int64]:
        path = self._directory / "mined" / f"{epoch:04d}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with open_atomically(path) as file:
                np.save(file, self._mine(epoch))
        return np.asarray(np.load(path, allow_pickle=False))

    def _mine(self, epoch: int) -> NDArray[np.int64]:
        found = mining.mine_corpus(
            embed(self._model, self._people.images), self._people.labels, negatives=1
        )
        rows = np.stack([found.anchor, found.positive, found.negatives[:, 0]], axis=1)
        order = np.random.default_rng((self._config.seed, epoch)).permutation(len(rows))
        wanted = np.resize(order, self.steps * self._triplets)
        return rows[wanted].reshape(self.steps, -1).astype(np.int64)


def _plan(people: LabelledImages, config: FacenetSettings) -> pipeline.Plan:
    classes = min(config.people_per_batch, len(np.unique(people.labels)))
    return lambda epoch: sampling.pk_batches(
        people.labels,
        classes=classes,
        per_class=config.pictures_per_person,
        seed=config.seed,
        epoch=epoch,
    )


def _batches(
    people: LabelledImages, plan: pipeline.Plan, config: FacenetSettings, first: int
) -> Any:
    change = augment.chain(
        augment.flip(),
        augment.affine(rotation=8.0, scale=0.1, shift=0.05),
        augment.colour(brightness=0.15, contrast=0.2),
    )
    return pipeline.embedding_batches(
        people, plan, seed=config.seed, first_epoch=first, augment=change
    )


def _optimizer(learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, max(steps, 1), alpha=0.02)
    return keras.optimizers.AdamW(schedule, weight_decay=1e-3)
