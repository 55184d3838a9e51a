"""Mining: of all the pairs and triplets in a batch or a corpus, which ones count.

In a batch a miner is a function `(distances, positives, negatives) -> selection` on an `(n, m)`
distance matrix and its two masks (simlearn.pairs). Selections have static shapes (a mask says
what is real), so every miner compiles under XLA; no gradient flows through the choice. Over a
whole corpus, `mine_corpus` searches in blocks and returns indices.

Examples:
    >>> import numpy as np
    >>> from simlearn import distances, mining, pairs
    >>> x = np.array([[0.0], [1.0], [3.0]], "float32")
    >>> labels = np.array([0, 0, 1])
    >>> positives, negatives = pairs.positive_pairs(labels), pairs.negative_pairs(labels)
    >>> chosen = mining.batch_hard(distances.euclidean(x, x), positives, negatives)
    >>> print(np.asarray(chosen.positive)[:2, 0], np.asarray(chosen.negative)[:2, 0])
    [1 0] [2 2]
    >>> print(np.asarray(chosen.valid)[:, 0])
    [ True  True False]
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
from keras import ops

from simlearn import search
from simlearn._numerics import at_least_float32, pick_columns
from simlearn._typing import FloatArray, IntArray, Tensor
from simlearn.errors import UserError

__all__ = [
    "CorpusTriplets",
    "DistanceWeighted",
    "Pairs",
    "TripletCounts",
    "TripletMiner",
    "Triplets",
    "batch_all",
    "batch_hard",
    "easy_positive",
    "mine_corpus",
    "multi_similarity",
    "semi_hard",
]

_register = keras.saving.register_keras_serializable(package="simlearn")


class Triplets(NamedTuple):
    """Up to `slots` triplets for each anchor, as columns of the distance matrix.

    Attributes:
        positive: int `(n, slots)`.
        negative: int `(n, slots)`.
        valid: bool `(n, slots)`; the other entries hold no triplet.
    """

    positive: Tensor
    negative: Tensor
    valid: Tensor


class Pairs(NamedTuple):
    """The pairs that count: two bool masks `(n, m)`."""

    positives: Tensor
    negatives: Tensor


class TripletCounts(NamedTuple):
    """In how many active triplets each pair stands: two float matrices `(n, m)`."""

    positive: Tensor
    negative: Tensor


TripletMiner: TypeAlias = Callable[[Tensor, Tensor, Tensor], Triplets]


@_register
def batch_hard(distances: Tensor, positives: Tensor, negatives: Tensor) -> Triplets:
    """Farthest positive and closest negative of each anchor: one slot.

    Args:
        distances: `(n, m)`.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.

    Returns:
        Triplets with one slot an anchor; ties go to the lower column.

    Reference:
        Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017, eq. 5.
    """
    distances = _fixed(distances)
    hardest = _argmax(ops.where(positives, distances, -np.inf))
    closest = _argmax(ops.where(negatives, -distances, -np.inf))
    valid = ops.logical_and(ops.any(positives, axis=-1), ops.any(negatives, axis=-1))
    return Triplets(hardest[:, None], closest[:, None], valid[:, None])


@_register
def semi_hard(distances: Tensor, positives: Tensor, negatives: Tensor) -> Triplets:
    """For each positive pair the closest negative that is farther than the positive.

    Where no negative is farther, the farthest one stands in. One slot a column (those that hold
    no positive are not valid); two sorts of each row, so O(n m) memory and O(n m log m) time.

    Args:
        distances: `(n, m)`, finite.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.

    Returns:
        Triplets with m slots an anchor, in ascending order of the positive's distance.

    Reference:
        Schroff et al., "FaceNet", CVPR 2015, eq. 4. Deviation: the paper leaves open what happens
        where no semi-hard negative exists; here the farthest negative is taken.
    """
    distances = _fixed(distances)
    # Negatives alone, ascending, then everything else; `closer` will index into this list.
    by_distance = ops.argsort(ops.where(negatives, distances, np.inf), axis=-1)
    sorted_negatives = ops.take_along_axis(distances, by_distance, axis=-1)
    # A positive goes just behind the negatives at its own distance: semi-hard is strict.
    keys = ops.where(negatives, distances, np.inf)
    keys = ops.where(positives, _next_after(distances), keys)
    positive = ops.argsort(keys, axis=-1)
    closer = ops.cumsum(
        ops.cast(ops.take_along_axis(negatives, positive, axis=-1), "int32"), axis=-1
    )
    positive_distance = ops.take_along_axis(distances, positive, axis=-1)

    total = ops.sum(ops.cast(negatives, "int32"), axis=-1, keepdims=True)
    # A negative one unit in the last place farther than the positive shares its sort key and may
    # have been counted as closer: step back over it.
    last_closer = ops.maximum(closer - 1, 0)
    overshot = ops.take_along_axis(sorted_negatives, last_closer, axis=-1) > positive_distance
    rank = ops.where(overshot, last_closer, closer)
    rank = ops.maximum(ops.minimum(rank, total - 1), 0)
    negative = ops.take_along_axis(by_distance, rank, axis=-1)
    valid = ops.logical_and(ops.take_along_axis(positives, positive, axis=-1), total > 0)
    return Triplets(positive, negative, valid)


@_register
def easy_positive(distances: Tensor, positives: Tensor, negatives: Tensor) -> Triplets:
    """Closest positive of each anchor and the closest negative beyond it: one slot.

    Pulling only the nearest positive lets a class keep several clusters. Where no negative is
    farther than that positive, the farthest one stands in.

    Args:
        distances: `(n, m)`.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.

    Returns:
        Triplets with one slot an anchor.

    Reference:
        Xuan et al., "Improved Embeddings with Easy Positive Triplet Mining", WACV 2020, eqs. 3
        and 6 (easy positive, semi-hard negative).
    """
    distances = _fixed(distances)
    positive = _argmax(ops.where(positives, -distances, -np.inf))[:, None]
    beyond = ops.logical_and(negatives, distances > pick_columns(distances, positive))
    closest = _argmax(ops.where(beyond, -distances, -np.inf))
    farthest = _argmax(ops.where(negatives, distances, -np.inf))
    negative = ops.where(ops.any(beyond, axis=-1), closest, farthest)[:, None]
    valid = ops.logical_and(ops.any(positives, axis=-1), ops.any(negatives, axis=-1))
    return Triplets(positive, negative, valid[:, None])


@keras.saving.register_keras_serializable(package="simlearn")
class DistanceWeighted:
    r"""Random positive, and a negative drawn so that all distances are equally likely: one slot.

    On the unit sphere in `dim` dimensions most vectors are about sqrt(2) apart. A negative at
    distance d is drawn with probability proportional to `1 / q(d)`,
    `q(d) = d^(dim-2) (1 - d^2/4)^((dim-3)/2)`, with d held at or above `cutoff` and negatives
    beyond `nonzero_cutoff` left out (they would have no loss), unless an anchor has no other.

    Args:
        dim: length of the embeddings, at least 2; they must have unit norm, and the distances
            given must be Euclidean.
        cutoff: in `(0, 2)`.
        nonzero_cutoff: in `(cutoff, 2]`.
        seed: of the draws.

    Raises:
        UserError: an argument is out of its range.

    Reference:
        Wu et al., "Sampling Matters in Deep Embedding Learning", ICCV 2017, section 4.2.
        Deviation: one triplet an anchor a step, where the authors draw one for each positive.
    """

    def __init__(
        self,
        *,
        dim: int,
        cutoff: float = 0.5,
        nonzero_cutoff: float = 1.4,
        seed: int | None = None,
    ) -> None:
        if dim < 2:
            raise UserError(f"expected dim of 2 or more, received {dim}")
        if not 0.0 < cutoff < nonzero_cutoff <= 2.0:
            raise UserError(
                "expected 0 < cutoff < nonzero_cutoff <= 2, "
                f"received cutoff={cutoff}, nonzero_cutoff={nonzero_cutoff}"
            )
        self.dim = dim
        self.cutoff = cutoff
        self.nonzero_cutoff = nonzero_cutoff
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def __call__(self, distances: Tensor, positives: Tensor, negatives: Tensor) -> Triplets:
        """Draw one triplet for each anchor; arguments as for the other miners."""
        distances = _fixed(distances)
        near = ops.logical_and(negatives, distances < self.nonzero_cutoff)
        candidates = ops.where(ops.any(near, axis=-1, keepdims=True), near, negatives)
        positive = self._draw(ops.zeros_like(distances), positives)
        negative = self._draw(self._log_weights(distances), candidates)
        valid = ops.logical_and(ops.any(positives, axis=-1), ops.any(negatives, axis=-1))
        return Triplets(positive[:, None], negative[:, None], valid[:, None])

    def _log_weights(self, distances: Tensor) -> Tensor:
        # Held a little below 2, where the density of antipodal points vanishes.
        d = ops.clip(distances, self.cutoff, 1.999)
        return -(self.dim - 2.0) * ops.log(d) - 0.5 * (self.dim - 3.0) * ops.log(
            1.0 - 0.25 * ops.square(d)
        )

    def _draw(self, log_weights: Tensor, mask: Tensor) -> Tensor:
        # Gumbel's trick: the largest noisy log-weight is a draw from the weights.
        uniform = keras.random.uniform(
            ops.shape(log_weights), 1e-12, 1.0, dtype="float32", seed=self.seed_generator
        )
        noisy = log_weights - ops.cast(ops.log(-ops.log(uniform)), log_weights.dtype)
        return _argmax(ops.where(mask, noisy, -np.inf))

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal miner."""
        return {
            "dim": self.dim,
            "cutoff": self.cutoff,
            "nonzero_cutoff": self.nonzero_cutoff,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "DistanceWeighted":
        """Make a miner from `get_config`'s answer."""
        return cls(**config)


@_register
def batch_all(
    distances: Tensor, positives: Tensor, negatives: Tensor, *, margin: float
) -> TripletCounts:
    """Count, for every pair, the active triplets it stands in: those with `d_an < d_ap + margin`.

    The hinge summed over all triplets is linear in the distances while no triplet changes state,
    so these counts are its gradient, and `sum(counts.positive * (d + margin)) -
    sum(counts.negative * d)` its value, exactly, in O(n m) memory instead of O(n m^2).

    Args:
        distances: `(n, m)`, finite.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.
        margin: in the unit of the distances.

    Returns:
        TripletCounts: for a positive pair the number of its active negatives, for a negative
        pair the number of its active positives, 0 elsewhere. A triplet at exactly
        `d_an = d_ap + margin` adds nothing to the value and may or may not be counted.
    """
    distances = _fixed(distances)
    keys = ops.where(negatives, distances, np.inf)
    keys = ops.where(positives, distances + margin, keys)
    order = ops.argsort(keys, axis=-1)
    back = ops.argsort(order, axis=-1)
    is_positive = _sorted_flags(positives, order, distances.dtype)
    is_negative = _sorted_flags(negatives, order, distances.dtype)
    before = ops.cumsum(is_negative, axis=-1)
    after = ops.sum(is_positive, axis=-1, keepdims=True) - ops.cumsum(is_positive, axis=-1)
    return TripletCounts(
        ops.take_along_axis(is_positive * before, back, axis=-1),
        ops.take_along_axis(is_negative * after, back, axis=-1),
    )


@_register
def multi_similarity(
    distances: Tensor, positives: Tensor, negatives: Tensor, *, epsilon: float = 0.1
) -> Pairs:
    """Keep the pairs that are hard relative to the other kind.

    A negative stays if it is closer than the farthest positive plus `epsilon`; a positive stays
    if it is farther than the closest negative minus `epsilon`.

    Args:
        distances: cosine distances `(n, m)`.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.
        epsilon: in the unit of the distances.

    Returns:
        Pairs: two masks; an anchor without a positive or without a negative keeps none.

    Reference:
        Wang et al., "Multi-Similarity Loss with General Pair Weighting", CVPR 2019, eqs. 11, 12.
    """
    distances = _fixed(distances)
    farthest = _max(ops.where(positives, distances, -np.inf))
    closest = -_max(ops.where(negatives, -distances, -np.inf))
    return Pairs(
        ops.logical_and(positives, distances > closest - epsilon),
        ops.logical_and(negatives, distances < farthest + epsilon),
    )


class CorpusTriplets(NamedTuple):
    """Row numbers of a corpus: anchor `(t,)`, positive `(t,)`, negatives `(t, k)`."""

    anchor: IntArray
    positive: IntArray
    negatives: IntArray


def mine_corpus(
    embeddings: FloatArray,
    labels: IntArray,
    *,
    negatives: int = 5,
    distance: search.Distance = search.euclidean,
    block: int = 1024,
) -> CorpusTriplets:
    """Mine a whole corpus offline: each item with its farthest positive and closest negatives.

    Searches in blocks: memory is O(block^2 + n k), never O(n^2). Items whose class has no second
    item are anchors of nothing. Negatives are chosen by label, so that duplicates of the anchor
    (whatever their distance) are never among them.

    Args:
        embeddings: `(n, dim)`, finite.
        labels: integers `(n,)`.
        negatives: how many of the hardest negatives (k) to return for each anchor.
        distance: one of simlearn.search's functions, numpy to numpy.
        block: rows compared at a time.

    Returns:
        CorpusTriplets, anchors in ascending order; negatives from closest to farther.

    Raises:
        UserError: shapes do not fit, an embedding is not finite, or some anchor has fewer than
            `negatives` items of other classes.
    """
    rows = np.arange(len(embeddings))
    labels = np.asarray(labels)
    closest = search.nearest(
        embeddings,
        embeddings,
        negatives,
        distance=distance,
        query_keys=labels,
        gallery_keys=labels,
        block=block,
    ).indices
    if np.any(closest < 0):
        label, size = _largest_class(labels)
        raise UserError(
            f"expected {negatives} items outside every class, received {len(labels)} items "
            f"of which {size} have label {label}"
        )
    positive = search.farthest(
        embeddings,
        embeddings,
        1,
        distance=distance,
        query_keys=rows,
        gallery_keys=rows,
        query_groups=labels,
        gallery_groups=labels,
        block=block,
    ).indices[:, 0]
    anchor = rows[positive >= 0]
    return CorpusTriplets(anchor, positive[anchor], closest[anchor])


def _largest_class(labels: IntArray) -> tuple[int, int]:
    values, counts = np.unique(labels, return_counts=True)
    return int(values[np.argmax(counts)]), int(counts.max())


def _fixed(distances: Tensor) -> Tensor:
    return ops.stop_gradient(at_least_float32(distances))


def _argmax(values: Tensor) -> Tensor:
    """Column of each row's largest value; the lowest of equals."""
    # A batch of no items has no columns to choose from: one more, which never wins.
    return ops.argmax(ops.pad(values, ((0, 0), (0, 1)), constant_values=-np.inf), axis=-1)


def _max(values: Tensor) -> Tensor:
    return ops.max(values, axis=-1, keepdims=True, initial=-np.inf)


def _next_after(values: Tensor) -> Tensor:
    """The next larger float: a little over half a unit in the last place rounds up to one."""
    double = "64" in str(values.dtype)
    step, tiny = (1.12e-16, 2.3e-308) if double else (6.0e-8, 1.2e-38)
    return values + ops.maximum(ops.abs(values) * step, tiny)


def _sorted_flags(mask: Tensor, order: Tensor, dtype: Any) -> Tensor:
    return ops.cast(ops.take_along_axis(mask, order, axis=-1), dtype)
