"""Unknown people: folds of people, a network trained for each, classical methods beside it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from experiments.orl_faces.config import OrlSettings
from experiments.orl_faces.methods import Method
from experiments.orl_faces.score import Scored, score
from simlearn import backbones, losses, models, search, training
from simlearn.checkpoint import Progress
from simlearn.data import LabelledImages, augment, pipeline, sampling
from simlearn.runs import Run

NETWORK = "triplet network"

_STREAM = 212


class Fold(NamedTuple):
    """People to train on, to choose the threshold and to test; no one is in two of them."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages


class Outcome(NamedTuple):
    """One fold's test pictures, its scores by method and how its training went."""

    test: LabelledImages
    scored: dict[str, Scored]
    progress: Progress


def folds(faces: LabelledImages, config: OrlSettings) -> list[Fold]:
    """Every person is tested in one fold; the next people in a random order validate."""
    people = np.random.default_rng((_STREAM, config.seed)).permutation(np.unique(faces.labels))
    found = []
    for number, tested in enumerate(np.array_split(people, config.folds)):
        start = int(np.flatnonzero(people == tested[0])[0])
        validating = np.roll(people, -(start + len(tested)))[: config.validation_people]
        parts = {
            "train": np.setdiff1d(people, np.concatenate([tested, validating])),
            "validation": validating,
            "test": tested,
        }
        found.append(
            Fold(
                **{
                    part: faces.take(np.isin(faces.labels, members), name=f"{part} {number + 1}")
                    for part, members in parts.items()
                }
            )
        )
    return found


def outcomes(
    faces: LabelledImages,
    small: LabelledImages,
    methods: Mapping[str, Method],
    config: OrlSettings,
    run: Run,
) -> list[Outcome]:
    """Train on each fold, and score the network and the classical methods on its test people.

    Args:
        faces: for the classical methods, which are fitted on the same people.
        small: the same pictures, as the network takes them.
        methods: the classical ones.
        config: the settings.
        run: the open run.
    """
    found = []
    both = zip(folds(faces, config), folds(small, config), strict=True)
    for number, (fold, shrunk) in enumerate(both, start=1):
        print(f"fold {number} of {config.folds}", flush=True)
        directory = run.directory / f"fold{number}"
        model, progress = _train(shrunk, config, directory)
        training.save_model(model, directory / "embedding.keras")
        scored = {
            name: score(
                method.fit(fold.train.images, fold.train.labels),
                fold.validation,
                fold.test,
                distance=method.distance,
                far=config.far,
            )
            for name, method in methods.items()
        }
        scored[NETWORK] = score(
            lambda images, model=model: model.predict(images, batch_size=256, verbose=0),  # type: ignore[misc]
            shrunk.validation,
            shrunk.test,
            distance=search.euclidean,
            far=config.far,
        )
        found.append(Outcome(fold.test, scored, progress))
    return found


def check(faces: LabelledImages, config: OrlSettings) -> None:
    """Plan one batch of every fold, so that a wrong setting is noticed before any training."""
    for fold in folds(faces, config):
        _plan(fold.train, config)(0)
        _plan(fold.validation, config)(0)


def _train(fold: Fold, config: OrlSettings, directory: Any) -> tuple[keras.Model, Progress]:
    training.seed_everything(config.seed)
    encoder = backbones.conv4(fold.train.images.shape[1:], filters=config.filters)
    model = models.embedding(encoder, dim=config.dim)
    steps = len(_plan(fold.train, config)(0))
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=losses.TripletHardLoss(margin=config.triplet_margin),
    )

    def batches(part: LabelledImages, **options: Any) -> Any:
        plan = _plan(part, config)
        return pipeline.embedding_batches(part, plan, seed=config.seed, **options)

    progress = training.fit(
        model,
        lambda first_epoch: batches(
            fold.train, first_epoch=first_epoch, augment=_augmentation(config)
        ),
        epochs=config.epochs,
        steps_per_epoch=steps,
        directory=directory,
        validation_data=batches(fold.validation, epochs=1),
    )
    return model, progress


def _plan(part: LabelledImages, config: OrlSettings) -> pipeline.Plan:
    # Fewer people validate than fill a training batch.
    classes = min(config.people_per_batch, len(np.unique(part.labels)))
    return lambda epoch: sampling.pk_batches(
        part.labels,
        classes=classes,
        per_class=config.pictures_per_person,
        seed=config.seed,
        epoch=epoch,
    )


def _augmentation(config: OrlSettings) -> augment.Augmentation:
    return augment.chain(
        augment.flip(),
        augment.affine(rotation=config.rotation, scale=config.scale, shift=config.shift),
        augment.colour(brightness=0.1, contrast=0.2),
    )
