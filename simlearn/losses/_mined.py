"""Distances of the triplets that a miner picks, the cheapest way to their gradient."""

from keras import ops

from simlearn import distances as _distances
from simlearn import mining
from simlearn._numerics import pick_columns
from simlearn._typing import Tensor
from simlearn.losses._base import Distance
from simlearn.losses._blocks import Block

# Triplets an anchor up to which measuring them anew beats a gradient through all distances.
_FEW = 4


def mined_triplets(
    block: Block, *, miner: mining.TripletMiner, distance: Distance
) -> tuple[Tensor, Tensor, Tensor]:
    """Mine a block's triplets.

    Args:
        block: the anchors and their others.
        miner: picks up to k triplets an anchor.
        distance: what is mined, and measured.

    Returns:
        Distances to positives `(n, k)`, to negatives `(n, k)`, and which are triplets, bool.
    """
    fixed = Block(*(None if part is None else ops.stop_gradient(part) for part in block))
    chosen = miner(distance(fixed.anchors, fixed.others), block.positives, block.negatives)
    if _takes_leading_axes(distance) and (chosen.positive.shape[-1] or _FEW + 1) <= _FEW:
        near, far = (_measured(block, columns, distance) for columns in chosen[:2])
    else:
        apart = distance(block.anchors, block.others)
        near, far = (pick_columns(apart, columns) for columns in chosen[:2])
    return near, far, chosen.valid


def _measured(block: Block, columns: Tensor, distance: Distance) -> Tensor:
    """Distances `(n, k)` of each anchor to k others of its own, `(n, k)` columns."""
    partners = ops.take(block.others, columns, axis=0)
    return distance(block.anchors[:, None, :], partners)[:, 0, :]


def _takes_leading_axes(distance: Distance) -> bool:
    """Ours do; of anybody else's no more is asked than a matrix from two sets."""
    return getattr(distance, "__module__", None) == _distances.__name__
