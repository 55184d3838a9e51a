"""The miner that draws negatives at random, evenly over all distances."""

from typing import Any

import keras
import numpy as np
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.mining._selection import Triplets, argmax, fixed, register


@register
class DistanceWeighted:
    r"""Random positive, and a negative drawn so that all distances are equally likely: one slot.

    On the unit sphere in `dim` dimensions most vectors are about sqrt(2) apart. A negative at
    distance d is drawn with probability proportional to `1 / q(d)`,
    `q(d) = d^(dim-2) (1 - d^2/4)^((dim-3)/2)`, with d held at or above `cutoff` and negatives
    beyond `nonzero_cutoff` left out (they would have no loss), unless an anchor has no other.

    On JAX `fit` forgets the state of what is not a layer: there each step draws from one seed.

    Args:
        dim: length of the embeddings, at least 2; they must have unit norm, and the distances
            given must be Euclidean.
        cutoff: in `(0, 2)`.
        nonzero_cutoff: in `(cutoff, 2]`.
        seed: of the draws.

    Raises:
        UserError: an argument is out of its range.

    Reference:
        Wu et al., "Sampling Matters in Deep Embedding Learning", ICCV 2017, section 4 (distance
        weighted sampling). Deviation: one triplet an anchor a step, where the authors draw one for
        each positive.
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
        distances = fixed(distances)
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
        return argmax(ops.where(mask, noisy, -np.inf))

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
