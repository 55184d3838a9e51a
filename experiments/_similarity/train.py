"""Train the two embeddings; both resume where they were killed."""

from collections.abc import Callable
from typing import Any

import keras

from experiments._similarity.config import SimilaritySettings
from simlearn import backbones, heads, losses, models, training
from simlearn.checkpoint import Progress
from simlearn.data import LabelledImages, Splits, augment, pipeline, sampling
from simlearn.runs import Run


def check(data: Splits, config: SimilaritySettings) -> None:
    """Plan every kind of batch once, so that a wrong setting is noticed before any training.

    Raises:
        UserError: a setting does not fit the data, or is out of its range.
    """
    _augmentation(config)
    for part in (data.train, data.validation):
        _pairs(part, config)(0)
        _classes(part, config)(0)


def siamese(data: Splits, config: SimilaritySettings, run: Run) -> tuple[keras.Model, Progress]:
    """Two towers with shared weights and the contrastive loss on their distance.

    Returns:
        The embedding model, and how its training went.
    """
    embedding = _embedding(data.train, config)
    model = models.siamese(embedding, heads.DistanceHead())
    model.compile(
        optimizer=_optimizer(config, steps := len(_pairs(data.train, config)(0).left)),
        loss=losses.ContrastiveLoss(margin=config.contrastive_margin),
    )

    def batches(part: LabelledImages, **options: Any) -> Any:
        return pipeline.siamese_batches(part, _pairs(part, config), seed=config.seed, **options)

    return embedding, _fit("siamese", model, batches, steps, data, config, run)


def triplet(data: Splits, config: SimilaritySettings, run: Run) -> tuple[keras.Model, Progress]:
    """One tower and the triplet loss with semi-hard negatives, mined in P x K batches.

    Returns:
        The embedding model, and how its training went.
    """
    embedding = _embedding(data.train, config)
    embedding.compile(
        optimizer=_optimizer(config, steps := len(_classes(data.train, config)(0))),
        loss=losses.TripletSemiHardLoss(margin=config.triplet_margin),
    )

    def batches(part: LabelledImages, **options: Any) -> Any:
        return pipeline.embedding_batches(part, _classes(part, config), seed=config.seed, **options)

    return embedding, _fit("triplet", embedding, batches, steps, data, config, run)


def _pairs(part: LabelledImages, config: SimilaritySettings) -> pipeline.PairPlanner:
    return lambda epoch: sampling.pair_batches(
        part.labels, batch=config.pairs_per_batch, seed=config.seed, epoch=epoch
    )


def _classes(part: LabelledImages, config: SimilaritySettings) -> pipeline.Plan:
    return lambda epoch: sampling.pk_batches(
        part.labels,
        classes=config.classes_per_batch,
        per_class=config.samples_per_class,
        seed=config.seed,
        epoch=epoch,
    )


def _embedding(data: LabelledImages, config: SimilaritySettings) -> keras.Model:
    training.seed_everything(config.seed)
    height, width, channels = data.images.shape[1:]
    larger = (height * config.enlarge, width * config.enlarge)
    pictures = keras.Input((height, width, channels), name="pictures")
    encoder = backbones.siamese_cnn((*larger, channels), filters=config.filters)
    features = encoder(keras.layers.Resizing(*larger, name="enlarge")(pictures))
    return models.embedding(keras.Model(pictures, features), dim=config.dim)


def _augmentation(config: SimilaritySettings) -> augment.Augmentation:
    return augment.affine(rotation=config.rotation, scale=config.scale, shift=config.shift)


def _optimizer(config: SimilaritySettings, steps: int) -> keras.optimizers.Optimizer:
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * steps)
    return keras.optimizers.Adam(schedule)


def _fit(
    name: str,
    model: keras.Model,
    batches: Callable[..., Any],
    steps: int,
    data: Splits,
    config: SimilaritySettings,
    run: Run,
) -> Progress:
    print(f"{name}: {config.epochs} epochs of {steps} batches", flush=True)
    return training.fit(
        model,
        lambda first_epoch: batches(
            data.train, first_epoch=first_epoch, augment=_augmentation(config)
        ),
        epochs=config.epochs,
        steps_per_epoch=steps,
        directory=run.directory / name,
        validation_data=batches(data.validation, epochs=1),
    )
