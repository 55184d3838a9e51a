"""From a plan of batches to a `tf.data.Dataset` that feeds `fit`.

A plan is a function of the epoch, as `simlearn.data.sampling` makes them, and each augmentation is
seeded by (seed, epoch, step). A dataset started at a later epoch is therefore the tail of the one
started at 0, bit for bit: resuming a run needs no state but the number of the epoch.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from simlearn.data.augment import Augmentation
from simlearn.data.records import LabelledImages
from simlearn.data.sampling import PairPlan
from simlearn.errors import UserError

Plan: TypeAlias = Callable[[int], NDArray[np.int64]]
"""Epoch -> positions `(steps, batch)`, of the same shape in every epoch."""

PairPlanner: TypeAlias = Callable[[int], PairPlan]
"""Epoch -> positions of both sides and whether they match, of the same shape in every epoch."""

_Sides: TypeAlias = tuple[NDArray[np.int64], ...]
_Columns: TypeAlias = Callable[[int], tuple[_Sides, NDArray[Any]]]

# Keeps these seeds apart from those of the plans in `sampling`.
_AUGMENT_STREAM = 3


def embedding_batches(
    data: LabelledImages,
    plan: Plan,
    *,
    seed: int,
    first_epoch: int = 0,
    epochs: int | None = None,
    augment: Augmentation | None = None,
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
        augment: Applied to each batch.

    Returns:
        A dataset of (images, labels): float32 `(batch, height, width, channels)` in [0, 255], of
        static shape, and int64 `(batch,)`.

    Raises:
        UserError: The plan's first epoch has the wrong type or shape or a position outside the
            data, or an argument is out of range. (What is wrong with a later epoch, TensorFlow
            reports as an InvalidArgumentError with the same text when it gets there.)

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

    def columns(epoch: int) -> tuple[_Sides, NDArray[np.int64]]:
        positions = _checked_positions(plan(epoch), len(data), epoch)
        return (positions,), data.labels[positions]

    rows = _rows(data, columns, first_epoch=first_epoch, epochs=epochs, seed=seed)
    return _finished(rows, lambda pictures: pictures[0], augment)


def siamese_batches(
    data: LabelledImages,
    plan: PairPlanner,
    *,
    seed: int,
    first_epoch: int = 0,
    epochs: int | None = None,
    augment: Augmentation | None = None,
) -> tf.data.Dataset:
    """Batches of pairs of pictures, for losses on pairs.

    Args:
        data: The pictures.
        plan: Epoch -> positions of both sides in `data` and whether they match, each
            `(steps, batch)`.
        seed: Non-negative; seeds the augmentation (the plan has its own).
        first_epoch: The epoch to begin with, as `initial_epoch` of `fit`.
        epochs: The epoch to stop before, as `epochs` of `fit`; by default it never stops. Either
            way `fit` needs `steps_per_epoch`, the plan's number of steps, to tell epochs apart,
            and `shuffle=False`, or it warns.
        augment: Applied to each side of each batch, with a seed of its own.

    Returns:
        A dataset of ((left, right), same): twice float32 `(batch, height, width, channels)` in
        [0, 255], of static shape, and float32 `(batch,)`, 1 for pairs of one class and 0 for pairs
        of two.

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

    def columns(epoch: int) -> tuple[_Sides, NDArray[np.float32]]:
        left, right, same = plan(epoch)
        sides = tuple(_checked_positions(side, len(data), epoch) for side in (left, right))
        if not left.shape == right.shape == same.shape:
            raise UserError(
                "the plan must give both sides and their truth in one shape, and those of epoch "
                f"{epoch} came as {left.shape}, {right.shape} and {same.shape}"
            )
        return sides, same.astype(np.float32)

    rows = _rows(data, columns, first_epoch=first_epoch, epochs=epochs, seed=seed)
    return _finished(rows, lambda pictures: pictures, augment)


def _rows(
    data: LabelledImages,
    columns: _Columns,
    *,
    first_epoch: int,
    epochs: int | None,
    seed: int,
) -> tf.data.Dataset:
    """(uint8 pictures of each side, targets, augmentation seed of each side), batch by batch."""
    if not isinstance(data, LabelledImages):
        raise UserError(f"expected data as LabelledImages, received a {type(data).__name__}")
    _require_range(first_epoch, epochs, seed)
    sides, targets = columns(first_epoch)
    steps, batch = targets.shape

    def generate() -> Iterator[tuple[tuple[NDArray[np.uint8], ...], Any, NDArray[np.int64]]]:
        numbers = itertools.count(first_epoch) if epochs is None else range(first_epoch, epochs)
        for epoch in numbers:
            sides, targets = columns(epoch)
            if targets.shape != (steps, batch):
                raise UserError(
                    f"the plan must have the same shape in every epoch, {(steps, batch)} as in "
                    f"epoch {first_epoch}, and that of epoch {epoch} came as {targets.shape}"
                )
            for step in range(steps):
                pictures = tuple(data.images[side[step]] for side in sides)
                yield pictures, targets[step], _seeds(seed, epoch, step, len(sides))

    pictures = tf.TensorSpec((batch, *data.images.shape[1:]), tf.uint8)
    spec = (
        (pictures,) * len(sides),
        tf.TensorSpec((batch,), targets.dtype),
        tf.TensorSpec((len(sides), 2), tf.int64),
    )
    total = tf.data.INFINITE_CARDINALITY if epochs is None else steps * (epochs - first_epoch)
    rows = tf.data.Dataset.from_generator(generate, output_signature=spec)
    return rows.apply(tf.data.experimental.assert_cardinality(total))


def _finished(
    rows: tf.data.Dataset, select: Callable[[Any], Any], augment: Augmentation | None
) -> tf.data.Dataset:
    def finish(sides: Any, targets: Any, seeds: Any) -> tuple[Any, Any]:
        pictures = tuple(tf.cast(side, tf.float32) for side in sides)
        if augment is not None:
            pictures = tuple(
                tf.ensure_shape(augment(side, seeds[i]), side.shape)
                for i, side in enumerate(pictures)
            )
        return select(pictures), targets

    batches = rows.map(finish, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return batches.prefetch(tf.data.AUTOTUNE)


def _seeds(seed: int, epoch: int, step: int, count: int) -> NDArray[np.int64]:
    """Independent seeds `(count, 2)` for the augmentations of one step.

    Mixed rather than counted (epoch * steps + step), so that runs with neighbouring seeds, and
    plans whose number of steps differs, never share a draw.
    """
    sequence = np.random.SeedSequence((_AUGMENT_STREAM, seed, epoch, step))
    return sequence.generate_state(2 * count).reshape(count, 2).astype(np.int64)


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


def _require_range(first_epoch: int, epochs: int | None, seed: int) -> None:
    if first_epoch < 0 or seed < 0:
        raise UserError(
            "first_epoch and seed must be at least 0, "
            f"and came as first_epoch={first_epoch} and seed={seed}"
        )
    if epochs is not None and epochs < first_epoch:
        raise UserError(
            "epochs is the epoch to stop before and must be at least "
            f"first_epoch={first_epoch}, and came as {epochs}"
        )
