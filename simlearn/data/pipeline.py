"""From a plan of batches to a `tf.data.Dataset` that feeds `fit`.

A plan is a function of the epoch, as `simlearn.data.sampling` makes them, and each augmentation is
seeded by (seed, epoch, step). A dataset started at a later epoch is therefore the tail of the one
started at 0, bit for bit: resuming a run needs no state but the number of the epoch.

Pictures in files are decoded in threads while the model trains. One that cannot be read is left out
of its batch, with its labels, and listed (`simlearn.data.loading.Skipped`).
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from simlearn.data._dataset import Span, Steps, dataset
from simlearn.data._exiting import until_exit
from simlearn.data.augment import Augmentation
from simlearn.data.decode import Channels
from simlearn.data.frames import Frame
from simlearn.data.landmarks import framed_labels
from simlearn.data.loading import Loaded, Loader, Skipped
from simlearn.data.records import (
    LabelledFiles,
    LabelledImages,
    LandmarkPictures,
    Pictures,
)
from simlearn.data.sampling import PairPlan
from simlearn.errors import UserError

Plan: TypeAlias = Callable[[int], NDArray[np.int64]]
"""Epoch -> positions `(steps, batch)`, of the same shape in every epoch."""

PairPlanner: TypeAlias = Callable[[int], PairPlan]
"""Epoch -> positions of both sides and whether they match, of the same shape in every epoch."""

Labelled: TypeAlias = LabelledImages | LabelledFiles


def embedding_batches(
    data: Labelled,
    plan: Plan,
    *,
    seed: int,
    first_epoch: int = 0,
    epochs: int | None = None,
    augment: Augmentation | None = None,
    frame: Frame | None = None,
    channels: Channels | None = None,
    fill: int = 0,
    skipped: Skipped | None = None,
) -> tf.data.Dataset:
    """Batches of pictures with their labels, for losses that mine within the batch.

    Args:
        data: The pictures.
        plan: Epoch -> positions in `data`, int64 `(steps, batch)`.
        seed: Non-negative; seeds the augmentation (the plan has its own).
        first_epoch: The epoch to begin with, as `initial_epoch` of `fit`.
        epochs: The epoch to stop before, as `epochs` of `fit`; by default it never stops. Either
            way `fit` needs `steps_per_epoch`, the plan's number of steps, to tell epochs apart,
            and `shuffle=False`, or it warns.
        augment: Changes each picture.
        frame: Brings pictures in files to one size; pictures in memory have one already.
        channels: 1 for grey, 3 for RGB; by default as in memory, and 3 for files.
        fill: Value where there is no picture, 0 to 255.
        skipped: Where pictures that cannot be read are listed; by default they are only logged,
            and more than 1 % of them stop the run.

    Returns:
        A dataset of (images, labels): float32 `(batch, height, width, channels)` in [0, 255] and
        int64 `(batch,)`. From memory the batch is static; from files it is None, since a batch
        with a bad picture is shorter.

    Raises:
        UserError: The plan's first epoch has the wrong type or shape or a position outside the
            data, or an argument is out of range. (What is wrong with a later epoch or a picture,
            TensorFlow reports as an InvalidArgumentError with the same text when it gets there.)

    Examples:
        >>> from simlearn.data import digits, sampling
        >>> train = digits.splits().train
        >>> def plan(epoch):
        ...     options = dict(classes=5, per_class=4, seed=0)
        ...     return sampling.pk_batches(train.labels, epoch=epoch, **options)
        >>> batches = embedding_batches(train, plan, seed=0, epochs=2)
        >>> batches.element_spec[0].shape.as_list(), batches.cardinality().numpy().item()
        ([20, 8, 8, 1], 102)
    """
    _require(data, LabelledImages, LabelledFiles)

    def steps(epoch: int) -> Steps:
        positions = _checked_positions(_planned(plan, epoch), len(data), epoch)
        return Steps((positions,), data.labels[positions])

    loader = Loader(data.pictures, frame=frame, channels=channels, fill=fill, skipped=skipped)
    span = Span(first_epoch, epochs, seed)
    return dataset(loader, steps, span, augment).map(lambda images, truth: (images[0], truth))


def siamese_batches(
    data: Labelled,
    plan: PairPlanner,
    *,
    seed: int,
    first_epoch: int = 0,
    epochs: int | None = None,
    augment: Augmentation | None = None,
    frame: Frame | None = None,
    channels: Channels | None = None,
    fill: int = 0,
    skipped: Skipped | None = None,
) -> tf.data.Dataset:
    """Batches of pairs of pictures, for losses on pairs.

    Args:
        data: The pictures.
        plan: Epoch -> positions of both sides in `data` and whether they match, each
            `(steps, batch)`.
        seed: Non-negative; seeds the augmentation (the plan has its own).
        first_epoch: As in `embedding_batches`.
        epochs: Likewise.
        augment: Changes each side of each pair on its own.
        frame: As in `embedding_batches`.
        channels: Likewise.
        fill: Likewise.
        skipped: Likewise; with a bad picture, its pair is left out.

    Returns:
        A dataset of ((left, right), same): twice float32 `(batch, height, width, channels)` in
        [0, 255], and float32 `(batch,)`, 1 for pairs of one class and 0 for pairs of two; static
        or not as in `embedding_batches`.

    Raises:
        UserError: As `embedding_batches`.

    Examples:
        >>> from simlearn.data import digits, sampling
        >>> train = digits.splits().train
        >>> def plan(epoch):
        ...     return sampling.pair_batches(train.labels, batch=32, seed=0, epoch=epoch)
        >>> batches = siamese_batches(train, plan, seed=0)
        >>> (left, right), same = next(iter(batches))
        >>> left.shape.as_list(), same.numpy().mean().item()
        ([32, 8, 8, 1], 0.5)
    """
    _require(data, LabelledImages, LabelledFiles)

    def steps(epoch: int) -> Steps:
        left, right, same = _planned(plan, epoch)
        sides = tuple(_checked_positions(side, len(data), epoch) for side in (left, right))
        if not left.shape == right.shape == same.shape:
            raise UserError(
                "the plan must give both sides and their truth in one shape, and those of epoch "
                f"{epoch} came as {left.shape}, {right.shape} and {same.shape}"
            )
        return Steps(sides, same.astype(np.float32))

    loader = Loader(data.pictures, frame=frame, channels=channels, fill=fill, skipped=skipped)
    return dataset(loader, steps, Span(first_epoch, epochs, seed), augment)


def landmark_batches(
    data: LandmarkPictures,
    plan: Plan,
    *,
    seed: int,
    first_epoch: int = 0,
    epochs: int | None = None,
    augment: Augmentation | None = None,
    frame: Frame | None = None,
    channels: Channels | None = None,
    fill: int = 0,
    skipped: Skipped | None = None,
) -> tf.data.Dataset:
    """Batches of pictures with landmarks and attributes, moved and swapped with the picture.

    Args:
        data: The pictures.
        plan: Epoch -> positions in `data`, int64 `(steps, batch)`.
        seed: As in `embedding_batches`.
        first_epoch: Likewise.
        epochs: Likewise.
        augment: Changes each picture and its points; a mirrored one has its paired points
            exchanged, and attributes such as pose turned round.
        frame: As in `embedding_batches`.
        channels: Likewise.
        fill: Likewise.
        skipped: Likewise.

    Returns:
        A dataset of (images, labels): float32 `(batch, height, width, channels)` in [0, 255], and
        a dictionary with `points`, float32 `(batch, p, 2)` in pixels of the image, `visible`,
        booleans `(batch, p)`, and each attribute by name, int64 `(batch,)`. A point may come to
        lie outside the image; a missing one stays missing. Static or not as in
        `embedding_batches`.

    Raises:
        UserError: As `embedding_batches`.
    """
    _require(data, LandmarkPictures)
    if augment is not None and augment(np.random.default_rng(0), 1, (8, 8)).offsets is not None:
        raise UserError("augment: expected no elastic warp, which landmarks cannot follow, got one")

    def steps(epoch: int) -> Steps:
        positions = _checked_positions(_planned(plan, epoch), len(data), epoch)
        return Steps((positions,), positions)

    def truth(rows: NDArray[np.int64], loaded: Loaded) -> dict[str, NDArray[Any]]:
        return framed_labels(data, rows, loaded.matrices, loaded.mirrored)

    loader = Loader(data.pictures, frame=frame, channels=channels, fill=fill, skipped=skipped)
    span = Span(first_epoch, epochs, seed)
    batches = dataset(loader, steps, span, augment, truth=truth)
    return batches.map(lambda images, labels: (images[0], labels))


def landmark_targets(labels: dict[str, Any]) -> dict[str, Any]:
    """Labels of `landmark_batches` as the losses of landmarks and attributes take them.

    Args:
        labels: As `landmark_batches` gives them; `batches.map(lambda x, y: (x, f(y)))` applies it.

    Returns:
        `points`, float32 `(batch, p, 3)`, the third column 1 where the point is known, else 0; and
        each attribute as it was.
    """
    known = tf.cast(labels["visible"], tf.float32)[..., tf.newaxis]
    others = {name: values for name, values in labels.items() if name != "visible"}
    return {**others, "points": tf.concat([labels["points"], known], axis=-1)}


def picture_batches(
    pictures: Pictures,
    *,
    batch: int,
    frame: Frame | None = None,
    channels: Channels | None = None,
    fill: int = 0,
    skipped: Skipped | None = None,
) -> tf.data.Dataset:
    """Every picture once, in order, to be embedded or looked at.

    Args:
        pictures: Where they are, as a record's `pictures`.
        batch: Pictures in a batch, at least 1; the last may be shorter.
        frame: As in `embedding_batches`.
        channels: Likewise.
        fill: Likewise.
        skipped: Likewise.

    Returns:
        A dataset of (images, rows): float32 `(batch, height, width, channels)` in [0, 255], and
        int64 `(batch,)`, the position of each in `pictures`; the batch is None.

    Raises:
        UserError: An argument is out of range.

    Examples:
        >>> from simlearn.data.records import PictureArray
        >>> pictures = PictureArray(np.zeros((5, 4, 6, 1), np.uint8))
        >>> [rows.numpy().tolist() for _, rows in picture_batches(pictures, batch=3)]
        [[0, 1, 2], [3, 4]]
    """
    if batch < 1:
        raise UserError(f"batch must be at least 1, and came as {batch}")
    loader = Loader(pictures, frame=frame, channels=channels, fill=fill, skipped=skipped)
    starts = range(0, len(pictures), batch)

    def generate() -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        requests = [np.arange(start, min(start + batch, len(pictures))) for start in starts]
        stream = loader.stream((rows, None) for rows in requests)
        for rows, loaded in zip(requests, stream, strict=True):
            yield loaded.images[loaded.good], rows[loaded.good]

    images = tf.TensorSpec((None, *loader.size, loader.channels), tf.uint8)
    rows = tf.TensorSpec((None,), tf.int64)
    batches = tf.data.Dataset.from_generator(
        lambda: until_exit(generate()), output_signature=(images, rows)
    )
    batches = batches.apply(tf.data.experimental.assert_cardinality(len(starts)))
    return batches.map(lambda images, rows: (tf.cast(images, tf.float32), rows)).prefetch(1)


def _planned(plan: Callable[[int], Any], epoch: int) -> Any:
    if not callable(plan):
        raise UserError(
            "expected plan as a function of the epoch, as `lambda epoch: positions`, "
            f"and received a {type(plan).__name__}"
        )
    return plan(epoch)


def _checked_positions(positions: Any, length: int, epoch: int) -> NDArray[np.int64]:
    positions = np.asarray(positions)
    if positions.ndim != 2 or not np.issubdtype(positions.dtype, np.integer):
        raise UserError(
            "the plan must give integers of shape (steps, batch), "
            f"and that of epoch {epoch} came as {positions.dtype} of shape {positions.shape}"
        )
    if not positions.size or positions.min() < 0 or positions.max() >= length:
        found = f"{positions.min()} to {positions.max()}" if positions.size else "none"
        raise UserError(
            f"the plan must give positions from 0 to {length - 1}, "
            f"and that of epoch {epoch} gave {found}"
        )
    return positions.astype(np.int64, copy=False)


def _require(data: Any, *kinds: type) -> None:
    if not isinstance(data, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise UserError(f"expected data as {names}, received a {type(data).__name__}")
