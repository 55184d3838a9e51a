"""Value and gradient on whichever backend Keras runs on."""

import keras
import numpy as np

# On PyTorch Keras narrows most results to 32 bits, whatever goes in.
DOUBLE = keras.backend.backend() != "torch"


def tolerance(double, single):
    """Relative tolerance of what is computed in 64 bits wherever the backend has them."""
    return double if DOUBLE else max(double, single)


def value_and_gradient(compute, labels, rows, weights=None):
    """`compute(labels, rows, weights)` and its gradient in `rows`, as numpy float64.

    Both come with the name of their dtype: `(value, gradient, (value dtype, gradient dtype))`.
    """
    backend = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()]
    value, gradient = backend(compute, labels, keras.ops.convert_to_tensor(rows), weights)
    names = [keras.backend.standardize_dtype(part.dtype) for part in (value, gradient)]
    return _numpy(value), _numpy(gradient), tuple(names)


def evaluate(compute, labels, rows, weights=None):
    """`compute(labels, rows, weights)` as a float; on JAX compiled, as it is used there."""
    if keras.backend.backend() != "jax":
        return float(compute(labels, rows, weights))
    import jax

    arrays = [part if part is None else np.asarray(part) for part in (labels, rows, weights)]
    return float(jax.jit(lambda *batch: compute(*batch))(*arrays))


def compiled(compute):
    """The ways to compile a function of tensors on this backend: a name and a function each."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return {
            "graph": tf.function(compute, autograph=False),
            "xla": tf.function(compute, jit_compile=True, autograph=False),
        }
    if keras.backend.backend() == "jax":
        import jax

        return {"jit": jax.jit(compute)}
    return {}


def _numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float64")))


def _tensorflow(compute, labels, rows, weights):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(rows)
        value = compute(labels, rows, weights)
    return value, tape.gradient(value, rows)


def _jax(compute, labels, rows, weights):
    import jax

    def value(moved, labels, weights):
        return compute(labels, moved, weights)

    # Compiled as a whole: one operation at a time, each shape of each would be compiled alone.
    labels = keras.ops.convert_to_tensor(labels)
    return jax.jit(jax.value_and_grad(value))(rows, labels, weights)


def _torch(compute, labels, rows, weights):
    import torch

    rows = rows.detach().requires_grad_()
    value = compute(labels, rows, weights)
    if not value.requires_grad:
        return value, torch.zeros_like(rows)
    (gradient,) = torch.autograd.grad(value, rows, allow_unused=True)
    return value, torch.zeros_like(rows) if gradient is None else gradient
