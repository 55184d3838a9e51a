"""What the layers share: float32 at least, and features of a known shape."""

from typing import Any

import keras

from simlearn._numerics import l2_normalize
from simlearn._typing import Tensor
from simlearn.errors import UserError

register = keras.saving.register_keras_serializable(package="simlearn")


class WideLayer(keras.layers.Layer):
    """A layer that computes in float32 at least, whatever the policy in force."""

    def __init__(self, *, dtype: Any = None, **kwargs: Any) -> None:
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        wide = keras.backend.result_type(policy.compute_dtype, "float32")
        super().__init__(dtype=wide, **kwargs)


def check_features(*shapes: tuple[int | None, ...]) -> None:
    """Refuse what is not `(batch, dim)`, the same for all."""
    if any(len(shape) != 2 or shape[-1] is None for shape in shapes) or len(set(shapes)) > 1:
        raise UserError(
            "expected features of shape (batch, dim), equal for both sides of a pair; "
            f"got {' and '.join(map(str, shapes))}"
        )


@register
class L2Normalize(WideLayer):
    """Scales every feature vector to length one: `x / |x|`.

    The quotient has no value at the zero vector; here it is 0, with gradient 0.

    Call arguments:
        features: `(..., dim)`.

    Call returns:
        `(..., dim)`, float32 at least.

    Examples:
        >>> import numpy as np
        >>> np.asarray(L2Normalize()(np.array([[3.0, 4.0], [0.0, 0.0]]))).round(3).tolist()
        [[0.6..., 0.8...], [0.0, 0.0]]

    Reference:
        Schroff, Kalenichenko, Philbin 2015, "FaceNet", section 3.1 (embeddings on the unit sphere).
    """

    def call(self, features: Tensor) -> Tensor:
        """Normalises the last axis."""
        return l2_normalize(features)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """The shape that came in."""
        return features_shape
