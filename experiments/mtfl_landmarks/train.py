"""Train the networks; both resume where they were killed."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from experiments.mtfl_landmarks import data
from experiments.mtfl_landmarks.config import LandmarkSettings
from experiments.mtfl_landmarks.data import Parts
from simlearn import backbones, losses, models, optimizers, training
from simlearn._typing import Tensor
from simlearn.checkpoint import Progress
from simlearn.data import LandmarkPictures, augment, pipeline
from simlearn.data.alignment import Placed, mean_shape, placed_shape, similarities, upright
from simlearn.data.frames import Frame, Inside
from simlearn.landmarks import Crop, Plan, Predictor, Stage
from simlearn.models import POINTS
from simlearn.runs import Run

_EPOCH: Final = 100
_VALIDATION_BATCH: Final = 50
_ADAM: Final = 1e-3
# How many sizes of the mean shape AFLW's crops span, as MTFL has them; training faces are smaller.
_AFLW_EXTENT: Final = 5.34
_MEASURED: Final = 500
FINE: Final = Stage(
    side=48,
    channels=3,
    extent=4.36,
    looks=(
        Crop(),
        Crop(x=0.03, scale=0.95, turn=5.0),
        Crop(x=-0.03, scale=1.05, turn=-5.0),
        Crop(y=0.03, scale=1.05, turn=-5.0),
        Crop(y=-0.03, scale=0.95, turn=5.0),
    ),
    rounds=2,
)
_LIGHT: Final = {"brightness": 0.15, "contrast": 0.4, "saturation": 0.4}
# What of a test face the training must know: the first network gets it as its picture has it, the
# second as the first one's points lay it.
_COARSE_CHANGE: Final = augment.chain(
    augment.affine(rotation=25, scale=0.22, shift=0.1), augment.colour(**_LIGHT)
)
_FINE_CHANGE: Final = augment.chain(
    augment.affine(rotation=12, scale=0.14, shift=0.06), augment.colour(**_LIGHT)
)
_LOSSES: Final[Mapping[str, Callable[[], losses.LandmarkSquaredLoss]]] = {
    "squared": losses.LandmarkSquaredLoss,
    "l1": losses.LandmarkL1Loss,
    "smooth_l1": losses.LandmarkSmoothL1Loss,
    "wing": losses.LandmarkWingLoss,
}


class Trained(NamedTuple):
    """What came out: a predictor for new pictures, and how each training went."""

    predictor: Predictor
    progress: dict[str, Progress]


def train(parts: Parts, config: LandmarkSettings, run: Run) -> Trained:
    """Learn both networks, or the first alone; resumes where it was interrupted."""
    parts = parts._replace(
        training=data.in_memory(parts.training), validation=data.in_memory(parts.validation)
    )
    shape = mean_shape(parts.training.points, parts.training.visible)
    told = data.attributes(parts.training, config)
    values = {one.name: len(one.values) for one in told}
    training.seed_everything(config.seed)
    points = len(parts.training.landmarks)
    first = Stage(side=40, channels=1, extent=_extent(parts.training, shape, config))
    encoder = backbones.landmark_cnn((first.side, first.side, first.channels))
    coarse = models.landmarks(encoder, points, attributes=values)
    progress = {"coarse": _fit("coarse", coarse, first, shape, parts, config, run)}
    fine = None
    if config.network == "cascade":
        training.seed_everything(config.seed)
        pyramid = backbones.residual_pyramid(
            (FINE.side, FINE.side, FINE.channels),
            widths=config.widths,
            blocks=config.blocks,
            merged=config.merged,
        )
        fine = models.heatmap_landmarks(pyramid, points, attributes=values)
        progress["fine"] = _fit("fine", fine, FINE, shape, parts, config, run)
    plan = Plan(
        landmarks=parts.training.landmarks,
        attributes=told,
        shape=tuple((float(x), float(y)) for x, y in shape),
        coarse=first,
        fine=None if fine is None else FINE,
        flip=config.mirror,
    )
    return Trained(Predictor(plan, coarse, fine), progress)


def multi_task(
    network: keras.Model, record: LandmarkPictures, config: LandmarkSettings
) -> models.MultiTask:
    """The network with a loss and a measure of each task."""
    told = [one.name for one in data.attributes(record, config)]
    left, right = data.scale(record, config)
    error = losses.LandmarkNormalizedLoss(left=left, right=right)
    of_points = _LOSSES.get(config.loss)
    by_task = {POINTS: error if of_points is None else of_points()} | {
        name: losses.AttributeLoss() for name in told
    }
    weighting: keras.layers.Layer = models.FixedWeights(
        {POINTS: 1.0} | dict.fromkeys(told, config.attribute_weight)
    )
    if config.weighting == "uncertainty":
        weighting = models.UncertaintyWeights([POINTS, *told], regressions=[POINTS])
    measures = {POINTS: {"error": error}}
    return models.MultiTask(
        network,
        by_task,
        weighting,
        measures=measures | {name: {"accuracy": _accuracy} for name in told},
    )


def _fit(
    name: str,
    network: keras.Model,
    stage: Stage,
    shape: NDArray[np.float64],
    parts: Parts,
    config: LandmarkSettings,
    run: Run,
) -> Progress:
    coarse = name == "coarse"
    whole = coarse and config.frame == "whole"
    steps, batch = (
        (config.coarse_steps, config.coarse_batch)
        if coarse
        else (config.fine_steps, config.fine_batch)
    )
    per_epoch = min(_EPOCH, steps)
    epochs = steps // per_epoch
    model = multi_task(network, parts.training, config)
    rate = config.coarse_learning_rate if coarse else config.fine_learning_rate
    model.compile(_optimizer(config, rate, epochs * per_epoch, per_epoch))
    chances = data.shares(parts.training, config)

    def plan(epoch: int) -> NDArray[np.int64]:
        random = np.random.default_rng((config.seed, epoch))
        return random.choice(len(parts.training), (per_epoch, batch), p=chances)

    def batches(record: LandmarkPictures, plan: pipeline.Plan, **options: Any) -> Any:
        frame = _frame(record, stage, shape, upright_only=coarse, whole=whole)
        made = pipeline.landmark_batches(
            record, plan, seed=config.seed, frame=frame, channels=stage.channels, **options
        )
        return made.map(lambda pictures, labels: (pictures, pipeline.landmark_targets(labels)))

    change = augment.chain() if whole else _COARSE_CHANGE if coarse else _FINE_CHANGE
    if config.mirror:
        # Also of whole pictures: the predictor looks at mirrored ones.
        change = augment.chain(augment.flip(), change)
    size = min(_VALIDATION_BATCH, len(parts.validation))
    rows = np.arange(len(parts.validation) // size * size).reshape(-1, size)
    print(f"{name}: {epochs} epochs of {per_epoch} batches of {batch} faces", flush=True)
    return training.fit(
        model,
        lambda first: batches(parts.training, plan, first_epoch=first, augment=change),
        epochs=epochs,
        steps_per_epoch=per_epoch,
        directory=run.directory / name,
        callbacks=_callbacks(model, config),
        validation_data=batches(parts.validation, lambda epoch: rows, epochs=1, augment=change),
    )


def _callbacks(model: models.MultiTask, config: LandmarkSettings) -> list[keras.callbacks.Callback]:
    if config.weighting != "early_stopping":
        return []
    return [training.TaskWiseStopping(model.weighting, main=POINTS)]


def _optimizer(
    config: LandmarkSettings, rate: float, steps: int, warm_up: int
) -> keras.optimizers.Optimizer:
    alone = config.network == "tutorial"
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(steps - warm_up, 1),
        warmup_target=_ADAM if alone else rate,
        warmup_steps=warm_up,
    )
    if alone:
        return keras.optimizers.Adam(schedule)
    return optimizers.Muon(schedule, weight_decay=config.weight_decay)


def _extent(
    record: LandmarkPictures, shape: NDArray[np.float64], config: LandmarkSettings
) -> float:
    """How many sizes of the mean shape the whole picture of a face to be scored spans."""
    if config.data is None or config.data_set == "mtfl":
        return _AFLW_EXTENT
    # The other data sets' parts are alike: as the training pictures do.
    rows = np.linspace(0, len(record) - 1, min(len(record), _MEASURED)).astype(np.int64)
    matrices = similarities(shape, record.points[rows], record.visible[rows])
    sizes = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    sides = np.array([max(record.pictures.size(int(row))) for row in rows])
    return round(float(np.median(sides / sizes)), 3)


def _frame(
    record: LandmarkPictures,
    stage: Stage,
    shape: NDArray[np.float64],
    *,
    upright_only: bool,
    whole: bool,
) -> Frame:
    size = (stage.side, stage.side)
    if whole:
        return Inside(size)
    target = placed_shape(shape, side=stage.side, extent=stage.extent)
    matrices = similarities(record.points, target, record.visible)
    return Placed(size, upright(matrices, side=stage.side) if upright_only else matrices)


def _accuracy(labels: Tensor, logits: Tensor) -> Tensor:
    """Share of the known values that are told right."""
    known = ops.not_equal(labels, -1)
    right = ops.logical_and(known, ops.equal(ops.argmax(logits, axis=-1), labels))
    count = ops.maximum(ops.sum(ops.cast(known, "float32")), 1.0)
    return ops.sum(ops.cast(right, "float32")) / count
