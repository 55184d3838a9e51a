"""From steps of positions and truth to a `tf.data.Dataset` of pictures and truth."""

import collections
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from simlearn.data._exiting import until_exit
from simlearn.data.augment import Augmentation, Change
from simlearn.data.loading import Loaded, Loader
from simlearn.data.records import PictureArray
from simlearn.errors import DatasetError, UserError

# Keeps these seeds apart from those of the plans in `sampling`.
_AUGMENT_STREAM = 3


class Steps(NamedTuple):
    """One epoch: positions of each side, and what is known of each place, `(steps, batch)`."""

    sides: tuple[NDArray[np.int64], ...]
    truth: NDArray[Any]


class Span(NamedTuple):
    """Which epochs, and the seed of their augmentations."""

    first_epoch: int
    epochs: int | None
    seed: int

    def numbers(self) -> Iterator[int]:
        if self.epochs is None:
            return itertools.count(self.first_epoch)
        return iter(range(self.first_epoch, self.epochs))


def _kept(rows: NDArray[Any], loaded: Loaded) -> NDArray[Any]:
    return rows


def dataset(
    loader: Loader,
    steps: Callable[[int], Steps],
    span: Span,
    augment: Augmentation | None,
    *,
    truth: Callable[[NDArray[Any], Loaded], Any] = _kept,
) -> tf.data.Dataset:
    """A dataset of (images of each side, truth).

    Args:
        loader: Reads the pictures.
        steps: Epoch -> its steps, of the same shape in every epoch.
        span: Which epochs, and the seed of the augmentation.
        augment: Changes each picture.
        truth: One step's truth and its pictures -> what the dataset shall hold beside them,
            columns `(batch, ...)` or a structure of such.

    Returns:
        Images float32 `(batch, height, width, channels)` in [0, 255]. From memory the batch is
        static; from files it is None, since a batch without its bad pictures is shorter.
    """
    _require_range(span)
    first = steps(span.first_epoch)
    _change(augment, (span.seed, span.first_epoch, 0), 1, loader.size)  # Refuses at once.
    count, batch = first.truth.shape
    sides = len(first.sides)

    def requests(
        known: collections.deque[NDArray[Any]],
    ) -> Iterator[tuple[NDArray[np.int64], Change | None]]:
        for epoch in span.numbers():
            planned = _same_shape(steps(epoch), first, epoch, span.first_epoch)
            for step in range(count):
                known.append(planned.truth[step])
                rows = np.concatenate([side[step] for side in planned.sides])
                yield rows, _change(augment, (span.seed, epoch, step), len(rows), loader.size)

    def generate() -> Iterator[tuple[tuple[NDArray[np.uint8], ...], Any]]:
        known: collections.deque[NDArray[Any]] = collections.deque()
        for loaded in loader.stream(requests(known)):
            yield _without_bad(truth(known.popleft(), loaded), loaded, sides, loader)

    total = (
        tf.data.INFINITE_CARDINALITY
        if span.epochs is None
        else count * (span.epochs - span.first_epoch)
    )
    spec = _spec(loader, sides, batch, truth(first.truth[0], _blank(sides * batch)))
    batches = tf.data.Dataset.from_generator(lambda: until_exit(generate()), output_signature=spec)
    batches = batches.apply(tf.data.experimental.assert_cardinality(total))
    return batches.map(
        lambda sides, truth: (tuple(tf.cast(side, tf.float32) for side in sides), truth),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    ).prefetch(tf.data.AUTOTUNE)


def _change(
    augment: Augmentation | None, place: tuple[int, int, int], count: int, size: tuple[int, int]
) -> Change | None:
    """What happens to the pictures of one step; `place` is (seed, epoch, step)."""
    if augment is None:
        return None
    # Mixed rather than counted (epoch * steps + step), so that runs with neighbouring seeds, and
    # plans whose number of steps differs, never share a draw.
    change = augment(np.random.default_rng((_AUGMENT_STREAM, *place)), count, size)
    if not isinstance(change, Change):
        raise UserError(
            "expected augment to draw a Change, as augment.flip() does, "
            f"and received a {type(change).__name__}"
        )
    return change


def _without_bad(
    truth: Any, loaded: Loaded, sides: int, loader: Loader
) -> tuple[tuple[NDArray[np.uint8], ...], Any]:
    images = np.split(loaded.images, sides)
    if loaded.good.all():
        return tuple(images), truth
    good = np.logical_and.reduce(np.split(loaded.good, sides))
    if not good.any():
        raise DatasetError(f"no picture of a batch could be read: {loader.skipped.last(3)}")
    kept = tf.nest.map_structure(lambda column: column[good], truth)
    return tuple(side[good] for side in images), kept


def _spec(loader: Loader, sides: int, batch: int, truth: Any) -> Any:
    """The signature of (images of each side, truth); batches from memory are never shorter."""
    length = batch if isinstance(loader.pictures, PictureArray) else None
    image = tf.TensorSpec((length, *loader.size, loader.channels), tf.uint8)
    columns = tf.nest.map_structure(
        lambda column: tf.TensorSpec((length, *column.shape[1:]), column.dtype), truth
    )
    return (image,) * sides, columns


def _blank(count: int) -> Loaded:
    return Loaded(
        images=np.zeros((count, 0, 0, 0), np.uint8),
        good=np.ones(count, np.bool_),
        matrices=np.tile(np.eye(3), (count, 1, 1)),
        mirrored=np.zeros(count, np.bool_),
    )


def _same_shape(steps: Steps, first: Steps, epoch: int, first_epoch: int) -> Steps:
    if steps.truth.shape != first.truth.shape:
        raise UserError(
            f"the plan must have the same shape in every epoch, {first.truth.shape} as in "
            f"epoch {first_epoch}, and that of epoch {epoch} came as {steps.truth.shape}"
        )
    return steps


def _require_range(span: Span) -> None:
    if span.first_epoch < 0 or span.seed < 0:
        raise UserError(
            "first_epoch and seed must be at least 0, "
            f"and came as first_epoch={span.first_epoch} and seed={span.seed}"
        )
    if span.epochs is not None and span.epochs < span.first_epoch:
        raise UserError(
            "epochs is the epoch to stop before and must be at least "
            f"first_epoch={span.first_epoch}, and came as {span.epochs}"
        )
