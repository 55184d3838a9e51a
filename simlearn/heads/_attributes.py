"""Heads that tell attributes with a few values each, from a schema."""

from collections.abc import Mapping

import keras

from simlearn._typing import Tensor
from simlearn.errors import UserError


def attribute_heads(features: Tensor, attributes: Mapping[str, int]) -> dict[str, Tensor]:
    """One dense layer an attribute, from shared features to logits.

    Args:
        features: `(batch, dim)`, of a functional model.
        attributes: for each attribute its number of values, at least 2; the layer gets its name.
            Of a record: `{a.name: len(a.values) for a in record.attributes}`.

    Returns:
        Logits by name, each `(batch, values)`, float32 at least, for
        `simlearn.losses.AttributeLoss`.

    Raises:
        UserError: an attribute has fewer than two values.

    Examples:
        >>> features = keras.Input((8,))
        >>> logits = attribute_heads(features, {"smile": 2, "pose": 5})
        >>> {name: tensor.shape for name, tensor in logits.items()}
        {'smile': (None, 2), 'pose': (None, 5)}

    Reference:
        Zhang, Luo, Loy, Tang 2014, "Facial Landmark Detection by Deep Multi-task Learning",
        section 3.1 (heads that share one network).
    """
    wide = keras.backend.result_type(keras.config.dtype_policy().compute_dtype, "float32")
    found = {}
    for name, values in attributes.items():
        if values < 2:
            raise UserError(f"expected at least 2 values of the attribute {name!r}; got {values}")
        found[name] = keras.layers.Dense(values, dtype=wide, name=name)(features)
    return found


__all__ = ["attribute_heads"]
