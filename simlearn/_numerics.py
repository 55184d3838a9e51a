"""Guarded arithmetic: the places where a naive formula has no gradient or overflows."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from simlearn._typing import Tensor

_EMPTY_LOG_SUM = -1e30


def at_least_float32(values: Tensor) -> Tensor:
    """Return `values` as a float tensor of 32 bits or more; float64 stays float64."""
    values = ops.convert_to_tensor(values)
    if keras.backend.standardize_dtype(values.dtype) in ("float32", "float64"):
        return values
    return ops.cast(values, "float32")


@ops.custom_gradient
def safe_sqrt(values: Tensor) -> Any:
    """Square root, 0 of what lies below 0, whose gradient at 0 is 0 instead of infinite."""
    roots = ops.sqrt(ops.maximum(values, 0.0))

    def slope(*received: Tensor, upstream: Tensor | None = None) -> Tensor:
        # Asked for anew, so that a second derivative is guarded as well; TensorFlow computes it
        # once all the same.
        return ops.divide_no_nan(0.5 * upstream_of(received, upstream), safe_sqrt(values))

    return roots, slope


@ops.custom_gradient
def not_below_zero(values: Tensor) -> Any:
    """Values that only rounding takes below zero, put back to it; the gradient passes through."""

    def slope(*received: Tensor, upstream: Tensor | None = None) -> Tensor:
        return upstream_of(received, upstream)

    return ops.maximum(values, 0.0), slope


def nan_unless_finite(values: Tensor, *, axis: int | None = None) -> Tensor:
    """A 0 to add to a result, or a NaN where `values` over `axis` hold a NaN or an infinity.

    Comparisons with NaN are false, so a choice among pairs would drop it without a word.
    """
    finite = ops.all(ops.isfinite(values), axis=axis)
    return ops.where(finite, ops.zeros((), values.dtype), math.nan)


def l2_normalize(vectors: Tensor) -> Tensor:
    """Scale the last axis to unit length; a zero vector stays zero, with zero gradient."""
    # Length is scale-free here, so dividing by the largest entry first costs nothing and
    # keeps the squares from overflowing or vanishing.
    largest = ops.stop_gradient(ops.max(ops.abs(vectors), axis=-1, keepdims=True, initial=0.0))
    # Asked of the vector, not of its maximum, which may drop a NaN: that must not become a zero.
    zero = ops.all(ops.equal(vectors, 0), axis=-1, keepdims=True)
    scaled = vectors / ops.where(zero, 1.0, largest)
    squared = ops.sum(ops.square(scaled), axis=-1, keepdims=True)
    return ops.where(zero, 0.0, scaled * ops.rsqrt(ops.where(zero, 1.0, squared)))


def pick_columns(values: Tensor, columns: Tensor) -> Tensor:
    """Entries of each row of `values` `(n, m)` at `columns` `(n, k)`; also where n and m are 0."""
    return ops.take(ops.reshape(values, (-1,)), flat_places(values, columns))


def flat_places(values: Tensor, columns: Tensor) -> Tensor:
    """Where `columns` `(n, k)` of a matrix lie once it is flat: one index an entry is fastest."""
    # A batch against a million classes is beyond int32. JAX has no wider integers by default.
    whole = "int32" if keras.backend.backend() == "jax" else "int64"
    rows = ops.arange(ops.shape(values)[0], dtype=whole)[:, None]
    return rows * ops.cast(ops.shape(values)[1], whole) + ops.cast(columns, whole)


def masked_sum(
    values: Tensor, mask: Tensor, weights: Tensor | None = None, *, axis: int | None = None
) -> Tensor:
    """Sum of `values` where `mask` holds.

    Args:
        values: any shape.
        mask: bool, the shape of `values`.
        weights: optional factors that broadcast against `values`.
        axis: over which to sum; all, where left out.
    """
    if weights is not None:
        kept = ops.where(mask, values, 0.0)
        return ops.sum(kept * ops.cast(weights, values.dtype), axis=axis)

    @_shortcut
    def of(values: Tensor) -> Any:
        # Derived step by step, the gradient is a matrix of one number before it is masked.
        def slope(*received: Tensor, upstream: Tensor | None = None) -> Tensor:
            each = upstream_of(received, upstream)
            return ops.where(mask, each if axis is None else ops.expand_dims(each, axis), 0.0)

        return ops.sum(ops.where(mask, values, 0.0), axis=axis), slope

    return of(values)


def masked_mean(values: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of `values` where `mask` holds; 0, with zero gradient, where it holds nowhere.

    Args:
        values: any shape.
        mask: bool, the shape of `values`.
        weights: optional factors that broadcast against `values`; the divisor stays the
            number of entries that count, as Keras does for `sum_over_batch_size`.
    """
    count = ops.sum(ops.cast(mask, values.dtype))
    return masked_sum(values, mask, weights) / ops.maximum(count, 1.0)


def logsumexp(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """`log(sum(exp(values)))` over the last axis where `mask` holds, keeping that axis.

    An all-masked row gives -1e30 instead of -inf, with zero gradient, so that nothing downstream
    meets `inf - inf`.
    """

    @_shortcut
    def of(values: Tensor) -> Any:
        filled = values if mask is None else ops.where(mask, values, -math.inf)
        peak = ops.max(filled, axis=-1, keepdims=True, initial=-math.inf)
        peak = ops.stop_gradient(ops.where(peak > -math.inf, peak, 0.0))
        terms = ops.exp(filled - peak)
        total = ops.sum(terms, axis=-1, keepdims=True)
        none = ops.equal(total, 0.0)
        total = ops.where(none, 1.0, total)

        # The softmax is at hand: derived step by step, the gradient takes twice the passes.
        def slope(*received: Tensor, upstream: Tensor | None = None) -> Tensor:
            return terms * (upstream_of(received, upstream) / total)

        return ops.where(none, _EMPTY_LOG_SUM, ops.log(total) + peak), slope

    return of(values)


def _shortcut(function: Callable[[Tensor], Any]) -> Callable[[Tensor], Tensor]:
    """A custom gradient that only saves passes: that of the forward pass is the same.

    JAX's, which cannot look beyond its arguments, is derived; its compiler saves the passes itself.
    """
    if keras.backend.backend() == "jax":
        return lambda values: function(values)[0]
    shortened: Callable[[Tensor], Tensor] = ops.custom_gradient(function)
    return shortened


def upstream_of(received: tuple[Tensor, ...], upstream: Tensor | None) -> Tensor:
    """The gradient that a custom gradient is given: the first argument, or on PyTorch the last."""
    return received[0] if upstream is None else upstream
