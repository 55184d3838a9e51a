"""Train the embedding; it resumes where it was killed."""

import keras

from experiments.omniglot_oneshot.config import OmniglotSettings
from experiments.omniglot_oneshot.data import GROUND, Drawings, quarter_turns
from simlearn import backbones, losses, models, training
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
        (config.side, config.side, 1), widths=config.widths, blocks=config.blocks, stem_stride=2
    )
    return models.embedding(keras.Model(pictures, encoder(ink)), dim=config.dim)


def train(drawings: Drawings, config: OmniglotSettings, run: Run) -> tuple[keras.Model, Progress]:
    """Learn the characters, each quarter turn of one being another character."""
    model = embedding(config)
    total = config.epochs * config.steps
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(total - config.steps, 1),
        warmup_target=config.learning_rate,
        warmup_steps=config.steps,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay),
        loss=losses.SupConLoss(temperature=config.temperature),
    )
    turned = quarter_turns(drawings)
    change = augment.chain(
        augment.affine(
            rotation=config.rotation, scale=config.scale, shift=config.shift, shear=config.shear
        ),
        augment.elastic(strength=config.elastic),
    )

    def plan(epoch: int):  # type: ignore[no-untyped-def]
        return grouped_pk_batches(
            turned.images.labels,
            turned.alphabets,
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
            turned.images,
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
