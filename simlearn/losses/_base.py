"""What the loss classes share: labels stay integers, embeddings are float32 or better."""

import inspect
import math
from typing import Any

import keras
from keras import ops

from simlearn._numerics import at_least_float32
from simlearn._typing import Tensor
from simlearn.distances import Distance
from simlearn.errors import UserError
from simlearn.losses._replicas import gathered, only_infers_shapes, share_of_replica
from simlearn.pairs import as_labels

register = keras.saving.register_keras_serializable(package="simlearn")


class WholeBatchLoss(keras.losses.Loss):
    """A loss of a batch as a whole: `call` gives the scalar, and there is no reduction to choose.

    `get_config` carries the arguments of the constructor, which a subclass keeps under their names.
    Subclasses give `prepare` (checks) and `call` on what it returns. Where `gathers`, replicas of
    `tf.distribute` compute the loss of all their parts together, as one machine would.
    """

    gathers = False

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Any:
        with keras.name_scope(self.name):
            if only_infers_shapes():
                y_true = ops.cast(y_true, "int64")
            parts = self.prepare(y_true, y_pred, sample_weight)
            return share_of_replica(self.call(*(gathered(parts) if self.gathers else parts)))

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """The arguments of `call`, checked."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: _plain(getattr(self, name)) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WholeBatchLoss":
        """Make a loss from `get_config`'s answer."""
        return cls(**restore(config))


class LabelledLoss(WholeBatchLoss):
    """A loss over integer labels `(batch,)` and one row of numbers an item `(batch, dim)`.

    Keras casts labels to float on the way into a loss; ids above 2^24 would collide. Here they
    arrive as they are. Subclasses give `call(labels, rows, sample_weight)`, already a scalar.
    """

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Integer labels, float rows and weights, one of each an item, or an error."""
        return check_batch(y_true, y_pred, sample_weight)


def _plain(value: Any) -> Any:
    if isinstance(value, keras.losses.Loss):
        return keras.saving.serialize_keras_object(value)
    return save_callable(value) if callable(value) else value


def restore(config: dict[str, Any]) -> dict[str, Any]:
    """Turn the serialised callables of a config back into callables."""
    return {
        key: keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
        for key, value in config.items()
    }


def save_callable(function: Any) -> Any:
    """Serialise a distance or a miner; a callable Keras does not know is refused by name."""
    name = getattr(function, "__name__", type(function).__name__)
    known = function if hasattr(function, "__name__") else type(function)
    if keras.saving.get_registered_name(known) == name:
        raise UserError(
            f"expected a callable that can be saved, received {name!r}; decorate it with "
            "keras.saving.register_keras_serializable()"
        )
    return keras.saving.serialize_keras_object(function)


def check_callable(name: str, value: Any) -> Any:
    """Refuse what cannot be called, such as the name of a distance."""
    if not callable(value):
        raise UserError(f"expected {name} as a function, received {value!r}")
    return value


def check_rows(rows: Tensor) -> Tensor:
    """Float32 or better `(batch, dim)`, or an error that says what came."""
    rows = at_least_float32(rows)
    if len(rows.shape) != 2:
        raise UserError(f"expected rows of shape (batch, dim), received {tuple(rows.shape)}")
    return rows


def check_batch(
    labels: Tensor, rows: Tensor, sample_weight: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Integer labels, float rows and weights, one of each an item, or an error."""
    labels, rows = as_labels(labels), check_rows(rows)
    check_count("labels", labels, rows)
    if sample_weight is None:
        return labels, rows, None
    weights = ops.reshape(ops.cast(sample_weight, rows.dtype), (-1,))
    check_count("sample_weight", weights, rows)
    return labels, rows, weights


def anchor_weights(sample_weight: Tensor | None) -> Tensor | None:
    """Weights of the batch's items as a column, one for each anchor's row."""
    return None if sample_weight is None else sample_weight[:, None]


def check_count(name: str, values: Tensor, rows: Tensor) -> None:
    """Refuse values that would be broadcast: one an item, where both numbers are known."""
    given, wanted = values.shape[0], rows.shape[0]
    if None not in (given, wanted) and given != wanted:
        raise UserError(f"expected {name} for {wanted} items, received {given}")


def check_range(
    name: str, value: float, *, low: float = 0.0, high: float = math.inf, bounds: str = "()"
) -> float:
    """Refuse a hyperparameter that is not between `low` and `high`.

    Args:
        name: what to call it.
        value: the hyperparameter; a tensor, such as a learned one, is not looked at.
        low: the lower end.
        high: the upper end.
        bounds: which ends belong: `"()"` neither, `"[)"` the lower, `"[]"` both.
    """
    if ops.is_tensor(value) or isinstance(value, keras.Variable):
        return value
    try:
        inside = low < value < high
    except TypeError as error:
        raise UserError(f"expected {name} as a number, received {value!r}") from error
    at_an_end = (value == low and bounds[0] == "[") or (value == high and bounds[1] == "]")
    if not (inside or at_an_end):
        raise UserError(f"expected {name} in {bounds[0]}{low}, {high}{bounds[1]}, received {value}")
    return value


__all__ = [
    "Distance",
    "LabelledLoss",
    "WholeBatchLoss",
    "anchor_weights",
    "check_batch",
    "check_callable",
    "check_count",
    "check_range",
    "check_rows",
    "register",
    "restore",
    "save_callable",
]
