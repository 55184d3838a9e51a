"""What several replicas (tf.distribute) ask of a loss: to be one loss of the whole batch."""

from collections.abc import Sequence

import keras
from keras import ops

from simlearn._typing import Tensor


def only_infers_shapes() -> bool:
    """Whether Keras is about to give the batch to replicas, and only wants to know shapes.

    It asks with the *mean* of the replicas' batches: labels are floats then, and mean nothing.
    """
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    return several and tf.distribute.in_cross_replica_context() and not tf.executing_eagerly()


def gathered(values: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The same tensors `(batch, ...)` with the rows of all replicas, in their order.

    Each replica then computes the loss of the whole batch. Its gradient flows to its own rows
    alone, times the number of replicas: the sum over replicas of their shares of the loss
    (`share_of_replica`) has the gradient of the one whole batch.
    """
    if keras.backend.backend() != "tensorflow":
        return list(values)
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return list(values)
    found = []
    for value in values:
        if value is not None:
            shape = value.shape[1:]
            value = tf.ensure_shape(context.all_gather(value, axis=0), [None, *shape])
        found.append(value)
    return found


def share_of_replica(value: Tensor) -> Tensor:
    """Divide by the number of replicas: gradients are summed over them, as Keras expects."""
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    return value / ops.cast(tf.distribute.get_strategy().num_replicas_in_sync, value.dtype)
