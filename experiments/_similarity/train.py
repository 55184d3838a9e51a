"""Train the two embeddings; both resume where they were killed."""

from collections.abc import Callable
from typing import Any

import keras

from experiments._similarity.config import SimilaritySettings
from simlearn import backbones, heads, losses, models, training
from simlearn.checkpoint import Progress
from simlearn.data import LabelledImages, Splits, augment, pipeline, sampling
from simlearn.runs import Run


def siamese(data: Splits, config: SimilaritySettings, run: Run) -> tuple[keras.Model, Progress]:
    """Two towers with shared weights and the contrastive loss on their distance.

    Returns:
        The embedding model, and how its training went.
    """
    embedding = _embedding(data.train, config)
    model = models.siamese(embedding, heads.DistanceHead())

    def plan(part: LabelledImages, epoch: int, seed: int) -> sampling.PairPlan:
        return sampling.pair_batches(
            part.labels, batch=config.pairs_per_batch, seed=seed, epoch=epoch
        )

    def batches(first_epoch: int) -> Any:
        return pipeline.siamese_batches(
            data.train,
            lambda epoch: plan(data.train, epoch, config.seed),
            seed=config.seed,
            first_epoch=first_epoch,
            augment=_augmentation(config),
        )

    validation = pipeline.siamese_batches(
        data.validation, lambda epoch: plan(data.validation, epoch, config.seed), seed=0, epochs=1
    )
    steps = len(plan(data.train, 0, config.seed).left)
    loss = losses.ContrastiveLoss(margin=config.contrastive_margin)
    progress = _fit(model, loss, batches, validation, steps, config, run, "siamese")
    return embedding, progress


def triplet(data: Splits, config: SimilaritySettings, run: Run) -> tuple[keras.Model, Progress]:
    """One tower and the triplet loss with semi-hard negatives, mined in P x K batches.

    Returns:
        The embedding model, and how its training went.
    """
    model = _embedding(data.train, config)

    def plan(part: LabelledImages, epoch: int) -> Any:
        return sampling.pk_batches(
            part.labels,
            classes=config.classes_per_batch,
            per_class=config.samples_per_class,
            seed=config.seed,
            epoch=epoch,
        )

    def batches(first_epoch: int) -> Any:
        return pipeline.embedding_batches(
            data.train,
            lambda epoch: plan(data.train, epoch),
            seed=config.seed,
            first_epoch=first_epoch,
            augment=_augmentation(config),
        )

    validation = pipeline.embedding_batches(
        data.validation, lambda epoch: plan(data.validation, epoch), seed=0, epochs=1
    )
    steps = len(plan(data.train, 0))
    loss = losses.TripletSemiHardLoss(margin=config.triplet_margin)
    return model, _fit(model, loss, batches, validation, steps, config, run, "triplet")


def _embedding(data: LabelledImages, config: SimilaritySettings) -> keras.Model:
    training.seed_everything(config.seed)
    encoder = backbones.siamese_cnn(data.images.shape[1:])
    return models.embedding(encoder, dim=config.dim)


def _augmentation(config: SimilaritySettings) -> augment.Augmentation:
    return augment.affine(rotation=config.rotation, scale=config.scale, shift=config.shift)


def _fit(
    model: keras.Model,
    loss: keras.losses.Loss,
    batches: Callable[[int], Any],
    validation: Any,
    steps: int,
    config: SimilaritySettings,
    run: Run,
    name: str,
) -> Progress:
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * steps)
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss=loss)
    print(f"{name}: {config.epochs} epochs of {steps} batches", flush=True)
    return training.fit(
        model,
        batches,
        epochs=config.epochs,
        steps_per_epoch=steps,
        directory=run.directory / name,
        validation_data=validation,
    )
