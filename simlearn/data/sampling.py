"""Which pictures meet in which batch: plans for one epoch, made from labels alone.

Every plan is a pure function of the labels, the seed and the epoch (for one version of NumPy, whose
generators may change), so a run that resumes at some epoch sees exactly the batches that it would
have seen without the interruption.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import BoolArray, IntArray
from simlearn.data._integers import to_int64
from simlearn.data._turns import turns
from simlearn.errors import UserError

# Keeps the random streams of the plans apart when they share seed and epoch; 3 is taken by the
# augmentations of `pipeline`.
_PK_STREAM = 1
_PAIR_STREAM = 2
_SHUFFLE_STREAM = 4


class PairPlan(NamedTuple):
    """One epoch of pairs, each array `(steps, batch)`: positions of both sides, and the truth."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    same: NDArray[np.bool_]


class _Classes(NamedTuple):
    """Samples sorted by class: class c owns `order[starts[c]:starts[c] + counts[c]]`."""

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]


def drawable(labels: IntArray, *, per_class: int) -> BoolArray:
    """Which samples `pk_batches` can draw: those of classes with at least `per_class` samples.

    Args:
        labels: Integers `(n,)`.
        per_class: Samples of a class in one batch, K; at least 2.

    Returns:
        Booleans `(n,)`.

    Examples:
        >>> import numpy as np
        >>> drawable(np.array([7, 7, 7, 5, 5, 3]), per_class=3).tolist()
        [True, True, True, False, False, False]
    """
    labels = _checked_labels(labels)
    _require_at_least(2, per_class=per_class)
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return counts[inverse] >= per_class


def shuffled_batches(count: int, *, batch: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Batches of different samples in random order, for one epoch.

    Args:
        count: Number of samples.
        batch: Samples in a batch, 1 to `count`.
        seed: Non-negative; with `epoch` it determines the result.
        epoch: Number of the epoch, from 0.

    Returns:
        Positions below `count`, `(count // batch, batch)`, each at most once; who is left over
        changes from epoch to epoch.

    Raises:
        UserError: An argument is out of range.

    Examples:
        >>> sorted(shuffled_batches(4, batch=2, seed=0, epoch=0).ravel().tolist())
        [0, 1, 2, 3]
    """
    _require_at_least(1, batch=batch)
    _require_at_least(0, seed=seed, epoch=epoch)
    if batch > count:
        raise UserError(f"batch must be at most the {count} samples, and came as {batch}")
    random = np.random.default_rng((_SHUFFLE_STREAM, seed, epoch))
    return random.permutation(count)[: count // batch * batch].reshape(-1, batch)


def pk_batches(
    labels: IntArray,
    *,
    classes: int,
    per_class: int,
    seed: int,
    epoch: int,
    steps: int | None = None,
) -> NDArray[np.int64]:
    """Batches of P classes with K samples each, for one epoch.

    Each batch holds `classes` different classes and `per_class` different samples of each, so
    every anchor has positives and negatives. A class with fewer than `per_class` samples cannot
    fill its part and is left out (`drawable` tells whom that concerns). Over the epoch, the
    numbers of visits to any two classes differ by at most one, and a class shows each of its
    samples once before it shows any of them again.

    Args:
        labels: Integers `(n,)`.
        classes: Classes in a batch, P; at least 2.
        per_class: Samples of each, K; at least 2.
        seed: Non-negative; with `epoch` it determines the result.
        epoch: Number of the epoch, from 0.
        steps: Batches in the epoch; by default as many whole batches as the drawable samples
            fill, and at least 1.

    Returns:
        Positions in `labels`, `(steps, classes * per_class)`; the samples of a class lie together.

    Raises:
        UserError: Fewer than `classes` classes have `per_class` samples, or an argument is out of
            range.

    Examples:
        >>> import numpy as np
        >>> labels = np.array([7, 7, 7, 5, 5, 5, 3])
        >>> labels[pk_batches(labels, classes=2, per_class=2, seed=0, epoch=0)].tolist()
        [[5, 5, 7, 7]]

    Reference:
        Hermans, Beyer, Leibe: In Defense of the Triplet Loss for Person Re-Identification.
        arXiv:1703.07737, 2017, section 2 (batches of PK images). Schroff, Kalenichenko, Philbin:
        FaceNet. CVPR 2015, section 3.2. Neither says how classes and samples take turns.
    """
    labels = _checked_labels(labels)
    _require_at_least(2, classes=classes, per_class=per_class)
    _require_at_least(0, seed=seed, epoch=epoch)
    groups = _by_class(labels)
    fit = _Classes(groups.order, *(part[groups.counts >= per_class] for part in groups[1:]))
    if len(fit.counts) < classes:
        raise UserError(_too_few_classes(groups.counts, classes, per_class))
    steps = _steps(steps, int(fit.counts.sum()), classes * per_class)
    random = np.random.default_rng((_PK_STREAM, seed, epoch))

    visited = turns(np.array([len(fit.counts)]), np.array([steps * classes]), classes, random)
    visits = np.bincount(visited, minlength=len(fit.counts))
    within = turns(fit.counts, visits * per_class, per_class, random)
    owner = np.repeat(np.arange(len(fit.counts)), visits * per_class)
    samples = fit.order[fit.starts[owner] + within].reshape(-1, per_class)
    # `samples` has one row a visit, class by class; a stable sort finds the visit of each row.
    batches = np.empty_like(samples)
    batches[np.argsort(visited, kind="stable")] = samples
    return batches.reshape(steps, classes * per_class)


def pair_batches(
    labels: IntArray, *, batch: int, seed: int, epoch: int, steps: int | None = None
) -> PairPlan:
    """Batches of pairs, half of one class and half of two classes, for one epoch.

    The left sides take turns: among the pairs of one class, every sample of a class with a second
    sample is used once before any is used again; among the pairs of two classes, every sample.
    The right side is drawn evenly from all samples that the kind of the pair allows, and is never
    the left one itself. A sample may occur in several pairs of a batch. Kinds alternate along a
    batch, so that equal parts of it, as several devices take them, are balanced too.

    Args:
        labels: Integers `(n,)`.
        batch: Pairs in a batch; even, at least 2.
        seed: Non-negative; with `epoch` it determines the result.
        epoch: Number of the epoch, from 0.
        steps: Batches in the epoch; by default `n // batch`, and at least 1.

    Returns:
        Positions of the left and right samples, int64 `(steps, batch)`, and whether the two are
        of the same class, booleans `(steps, batch)`.

    Raises:
        UserError: There is only one class, or no class with two samples, or an argument is out of
            range.

    Examples:
        >>> import numpy as np
        >>> plan = pair_batches(np.array([7, 7, 5, 5, 3]), batch=4, seed=0, epoch=0)
        >>> plan.left.shape, plan.same.tolist()
        ((1, 4), [[True, False, True, False]])

    Reference:
        Hadsell, Chopra, LeCun: Dimensionality Reduction by Learning an Invariant Mapping. CVPR
        2006, section 2.2, trains on such pairs; that half of them are similar is our choice.
    """
    labels = _checked_labels(labels)
    _require_at_least(2, batch=batch)
    _require_at_least(0, seed=seed, epoch=epoch)
    if batch % 2:
        raise UserError(f"batch must be even, half of each kind of pair, and came as {batch}")
    groups = _by_class(labels)
    if len(groups.counts) < 2 or groups.counts.max() < 2:
        raise UserError(
            "pair_batches needs 2 classes, and a class with 2 samples; "
            f"the {len(labels)} labels hold {_census(groups.counts)}"
        )
    steps = _steps(steps, len(labels), batch)
    random = np.random.default_rng((_PAIR_STREAM, seed, epoch))
    positive = _pairs_of_one_class(groups, steps * batch // 2, random)
    negative = _pairs_of_two_classes(groups, steps * batch // 2, random)
    sides = np.stack([positive, negative], axis=-1).reshape(2, steps, batch)
    left, right = groups.order[sides]
    return PairPlan(left, right, np.tile(np.array([True, False]), (steps, batch // 2)))


def _pairs_of_one_class(
    groups: _Classes, count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Left and right, `(2, count)`, as positions in `groups.order`."""
    sizes = np.repeat(groups.counts, groups.counts)
    starts = np.repeat(groups.starts, groups.counts)
    anchors = np.flatnonzero(sizes >= 2)
    left = anchors[turns(np.array([len(anchors)]), np.array([count]), 1, random)]
    # A step of 1 to size - 1 around the class reaches every other member, never the left one.
    step = random.integers(1, sizes[left])
    right = starts[left] + (left - starts[left] + step) % sizes[left]
    return np.stack([left, right])


def _pairs_of_two_classes(
    groups: _Classes, count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Left and right, `(2, count)`, as positions in `groups.order`."""
    sizes = np.repeat(groups.counts, groups.counts)
    starts = np.repeat(groups.starts, groups.counts)
    left = turns(np.array([len(sizes)]), np.array([count]), 1, random)
    # Number the samples outside the class, which is one block of the order, and jump over it.
    outside = random.integers(0, len(sizes) - sizes[left])
    right = outside + np.where(outside >= starts[left], sizes[left], 0)
    return np.stack([left, right])


def _by_class(labels: NDArray[np.int64]) -> _Classes:
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    return _Classes(order, starts, counts)


def _steps(steps: int | None, samples: int, batch: int) -> int:
    if steps is None:
        return max(1, samples // batch)
    _require_at_least(1, steps=steps)
    return steps


def _checked_labels(labels: Any) -> NDArray[np.int64]:
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            "labels must be integers of shape (n,), "
            f"and came as {labels.dtype} of shape {labels.shape}"
        )
    return to_int64(labels, "labels")


def _require_at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if not isinstance(value, (int, np.integer)):
            raise UserError(f"{name} must be an integer, and came as {value!r}")
        if value < least:
            raise UserError(f"{name} must be at least {least}, and came as {value}")


def _too_few_classes(counts: NDArray[np.int64], classes: int, per_class: int) -> str:
    return (
        f"pk_batches needs {classes} classes with at least {per_class} samples each, "
        f"and {np.count_nonzero(counts >= per_class)} have them; "
        f"the {counts.sum()} labels hold {_census(counts)}"
    )


def _census(counts: NDArray[np.int64]) -> str:
    """For example `3 classes with 1 sample, 2 with 5`."""
    sizes, classes = np.unique(counts, return_counts=True)
    if not len(sizes):
        return "no class"
    shown = [f"{many} with {size}" for size, many in zip(sizes[:5], classes[:5], strict=True)]
    if len(sizes) > 5:
        shown.append(f"{classes[5:].sum()} with {sizes[5]} to {sizes[-1]}")
    return f"{len(counts)} classes by number of samples: {', '.join(shown)}"
