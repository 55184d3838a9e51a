"""A batch in chunks of items."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
from keras import ops, tree

from simlearn._typing import Tensor

Tensors: TypeAlias = Sequence[Tensor]  # None stands for a missing gradient

# Both passes do the same sums; only kernels that add in changing order make them differ, by far
# less than this. Other random draws differ by more: 0.1 is dropout at a rate of one percent.
_SAME = 0.1


def over_chunks(
    step: Callable[[Tensor, Tensor, Any], Any], carried: Any, size: Tensor, chunk: int
) -> Any:
    """Carry something through `step(start, stop, carried)`, one chunk after another."""
    import tensorflow as tf

    def body(start: Tensor, carried: Any) -> Any:
        stop = tf.minimum(start + chunk, size)
        return stop, step(start, stop, carried)

    # Iterations that ran at the same time would hold their activations at the same time.
    _, carried = tf.while_loop(
        lambda start, _: start < size, body, (tf.constant(0), carried), parallel_iterations=1
    )
    return carried


def check_same(once: Tensors, again: Tensors) -> None:
    """Stop at other embeddings in the second pass; what is not a number cannot be told apart."""
    import tensorflow as tf

    message = (
        "the two passes of gradient caching gave different embeddings: a layer draws random "
        "numbers that are not of a keras.random.SeedGenerator of its own"
    )
    for a, b in zip(once, again, strict=True):
        a, b = tf.cast(a, "float32"), tf.cast(b, "float32")
        gap = tf.math.divide_no_nan(tf.norm(a - b), tf.norm(a))
        # Not `not gap > _SAME`: TensorFlow makes `gap <= _SAME` of it, which NaN is not.
        gap = tf.where(tf.math.is_nan(gap), 0.0, gap)
        tf.debugging.Assert(gap <= _SAME, [message])


def first_of(x: Any) -> Tensor:
    return next(leaf for leaf in tree.flatten(x) if leaf is not None)


def size_of(x: Any) -> Tensor:
    return ops.cast(ops.shape(first_of(x))[0], "int32")


def slice_of(x: Any, start: Tensor, stop: Tensor) -> Any:
    return tree.map_structure(lambda leaf: None if leaf is None else leaf[start:stop], x)


def share(start: Tensor, stop: Tensor, size: Tensor) -> Tensor:
    """The part of the batch's items that is in a chunk."""
    return ops.cast(stop - start, keras.config.floatx()) / ops.cast(size, keras.config.floatx())
