"""Train the embedding; it resumes where it was killed."""

import keras
import numpy as np
from numpy.typing import NDArray

from experiments.omniglot_oneshot.config import OmniglotSettings
from experiments.omniglot_oneshot.data import GROUND, Drawings
from simlearn import backbones, losses, models, optimizers, training
from simlearn.checkpoint import Progress
from simlearn.data import augment, pipeline
from simlearn.data.group_sampling import grouped_pk_batches
from simlearn.runs import Run


def embedding(config: OmniglotSettings) -> keras.Model:
    """The network, from drawings (0..255, ink is 0) to unit vectors."""
    training.seed_everything(config.seed)
    pictures = keras.Input((config.side, config.side, 1), name="drawings")
    # The convolutions pad with 0, which shall be the ground.
    ink = keras.layers.Rescaling(-1.0, offset=float(GROUND), name="ink")(pictures)
    encoder = backbones.small_resnet(
        (config.side, config.side, 1),
        widths=config.widths,
        blocks=config.blocks,
        stem_stride=2,
        pooling=_quarters,
    )
    return models.embedding(keras.Model(pictures, encoder(ink)), dim=config.dim)


def train(drawings: Drawings, config: OmniglotSettings, run: Run) -> tuple[keras.Model, Progress]:
    """Learn the characters; resumes where it was interrupted."""
    model = embedding(config)
    total = config.epochs * config.steps
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(total - config.steps, 1),
        warmup_target=config.learning_rate,
        warmup_steps=config.steps,
    )
    model.compile(
        optimizer=optimizers.Muon(schedule, weight_decay=config.weight_decay),
        loss=losses.SupConLoss(temperature=config.temperature),
    )
    change = augment.chain(
        quarter_turn,
        augment.affine(
            rotation=config.rotation, scale=config.scale, shift=config.shift, shear=config.shear
        ),
        augment.elastic(strength=config.elastic),
    )

    def plan(epoch: int) -> NDArray[np.int64]:
        return grouped_pk_batches(
            drawings.images.labels,
            drawings.alphabets,
            classes=config.classes_per_batch,
            per_class=config.samples_per_class,
            groups_per_batch=config.groups_per_batch,
            steps=config.steps,
            seed=config.seed,
            epoch=epoch,
        )

    progress = training.fit(
        model,
        lambda first_epoch: pipeline.embedding_batches(
            drawings.images,
            plan,
            seed=config.seed,
            first_epoch=first_epoch,
            augment=change,
            fill=GROUND,
        ),
        epochs=config.epochs,
        steps_per_epoch=config.steps,
        directory=run.directory,
    )
    return model, progress


def quarter_turn(random: np.random.Generator, count: int, size: tuple[int, int]) -> augment.Change:
    """One quarter turn, or none, for a whole batch of square pictures.

    A turned character is another character, and since a batch knows one turn only, no two of its
    characters have to be told apart by their turn alone.
    """
    sine, cosine = [(0, 1), (1, 0), (0, -1), (-1, 0)][random.integers(4)]
    centre = (size[0] - 1) / 2
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    matrix[:2, 2] = centre - matrix[:2, :2] @ [centre, centre]
    still = augment.Change.none(count)
    return augment.Change(np.tile(matrix, (count, 1, 1)), still.mirrored, None, still.holes)


def _quarters() -> keras.layers.Layer:
    """What is where matters in a character: averages of small squares, not of the whole."""
    return keras.Sequential([keras.layers.AveragePooling2D(2), keras.layers.Flatten()])
