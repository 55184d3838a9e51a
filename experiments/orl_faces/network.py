"""The small network: trained with each triplet loss, and the one that validation prefers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from experiments.orl_faces.config import OrlSettings, Training
from simlearn import backbones, losses, metrics, models, telemetry, training
from simlearn._typing import FloatArray
from simlearn.checkpoint import Progress
from simlearn.data import LabelledImages, augment, pipeline, sampling

_LOSSES: Mapping[Training, Callable[[float], keras.losses.Loss]] = {
    "soft-margin": lambda margin: losses.TripletSoftMarginLoss(),
    "semi-hard": lambda margin: losses.TripletSemiHardLoss(margin=margin),
    "batch-hard": lambda margin: losses.TripletHardLoss(margin=margin),
    "batch-all": lambda margin: losses.TripletBatchAllLoss(margin=margin),
}

_BLOCK = 256


class Trained(NamedTuple):
    """A fold's network.

    Attributes:
        embed: pictures to vectors.
        loss: that it was trained with.
        validation_auc: of each loss, on the validation people.
        progress: of the trainings, by loss.
    """

    embed: Callable[[NDArray[np.uint8]], FloatArray]
    loss: Training
    validation_auc: dict[Training, float]
    progress: dict[Training, Progress]


def train(
    people: LabelledImages, validation: LabelledImages, config: OrlSettings, directory: Path
) -> Trained:
    """Train with each loss and keep what separates the validation people best, by AUC.

    Args:
        people: to train on.
        validation: people to choose by, none of them in training.
        config: the settings.
        directory: of the fold; each loss has a folder of its own in it.
    """
    networks, progress, auc = {}, {}, {}
    for loss in config.losses:
        print(f"training with {loss}", flush=True)
        steps = config.epochs * len(plan(people, config)(0))
        model = _compiled(_shape(people), loss, steps, config)
        progress[loss] = _fit(model, people, validation, config, directory / loss)
        pairs = metrics.pair_distances(_embedding(model)(validation.images), validation.labels)
        networks[loss], auc[loss] = model, metrics.auc(*pairs)
        print(f"{loss}: AUC {auc[loss]:.4f} on the validation people", flush=True)
    best = max(config.losses, key=auc.__getitem__)
    training.save_model(networks[best], directory / "embedding.keras")
    return Trained(_embedding(networks[best]), best, auc, progress)


def plan(part: LabelledImages, config: OrlSettings) -> pipeline.Plan:
    """Batches of people, each with several pictures."""
    # Fewer people validate than fill a training batch.
    classes = min(config.people_per_batch, len(np.unique(part.labels)))
    return lambda epoch: sampling.pk_batches(
        part.labels,
        classes=classes,
        per_class=config.pictures_per_person,
        seed=config.seed,
        epoch=epoch,
    )


def _shape(part: LabelledImages) -> tuple[int, int, int]:
    _, height, width, channels = part.images.shape
    return height, width, channels


def _embedding(model: keras.Model) -> Callable[[NDArray[np.uint8]], FloatArray]:
    # Not `predict`, which traces anew for each of the networks, and TensorFlow warns of that.
    def embed(images: NDArray[np.uint8]) -> FloatArray:
        blocks = np.array_split(images, -(-len(images) // _BLOCK))
        return np.concatenate(
            [keras.ops.convert_to_numpy(model(block, training=False)) for block in blocks]
        )

    return embed


def _compiled(
    shape: tuple[int, int, int], loss: Training, steps: int, config: OrlSettings
) -> keras.Model:
    training.seed_everything(config.seed)
    encoder = backbones.conv4(shape, filters=config.filters)
    # At unit length no difference of distances is below -2: the soft margin could not come near 0.
    model = models.embedding(encoder, dim=config.dim, normalize=loss != "soft-margin")
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=_LOSSES[loss](config.triplet_margin),
        metrics=[telemetry.EmbeddingSpread()],
    )
    return model


def _fit(
    model: keras.Model,
    people: LabelledImages,
    validation: LabelledImages,
    config: OrlSettings,
    directory: Path,
) -> Progress:
    def batches(part: LabelledImages, **options: Any) -> Any:
        return pipeline.embedding_batches(part, plan(part, config), seed=config.seed, **options)

    return training.fit(
        model,
        lambda first_epoch: batches(people, first_epoch=first_epoch, augment=_augmentation(config)),
        epochs=config.epochs,
        steps_per_epoch=len(plan(people, config)(0)),
        directory=directory,
        validation_data=batches(validation, epochs=1),
    )


def _augmentation(config: OrlSettings) -> augment.Augmentation:
    return augment.chain(
        augment.flip(),
        augment.affine(rotation=config.rotation, scale=config.scale, shift=config.shift),
        augment.colour(brightness=0.1, contrast=0.2),
    )
