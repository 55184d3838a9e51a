"""Guarded arithmetic: the places where a naive formula has no gradient or overflows."""

import math
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
        # The gradient is the first argument, or on PyTorch the last.
        upstream = received[0] if upstream is None else upstream
        return ops.divide_no_nan(0.5 * upstream, roots)

    return roots, slope


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
    if values.shape[-1] == 0:  # Keras' take_along_axis fails there.
        return ops.zeros(ops.shape(columns), values.dtype) + ops.sum(values)
    return ops.take_along_axis(values, columns, axis=-1)


def masked_mean(values: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of `values` where `mask` holds; 0, with zero gradient, where it holds nowhere.

    Args:
        values: any shape.
        mask: bool, the shape of `values`.
        weights: optional factors that broadcast against `values`; the divisor stays the
            number of entries that count, as Keras does for `sum_over_batch_size`.
    """
    kept = ops.where(mask, values, 0.0)
    if weights is not None:
        kept = kept * ops.cast(weights, kept.dtype)
    count = ops.sum(ops.cast(mask, kept.dtype))
    return ops.sum(kept) / ops.maximum(count, 1.0)


def masked_logsumexp(values: Tensor, mask: Tensor) -> Tensor:
    """`log(sum(exp(values)))` over the last axis where `mask` holds, keeping that axis.

    An all-masked row gives -1e30 instead of -inf, with zero gradient, so that nothing downstream
    meets `inf - inf`.
    """
    filled = ops.where(mask, values, _EMPTY_LOG_SUM)
    peak = ops.stop_gradient(ops.max(filled, axis=-1, keepdims=True, initial=_EMPTY_LOG_SUM))
    terms = ops.where(mask, ops.exp(ops.where(mask, values, peak) - peak), 0.0)
    total = ops.sum(terms, axis=-1, keepdims=True)
    some = total > 0
    return ops.where(some, ops.log(ops.where(some, total, 1.0)) + peak, _EMPTY_LOG_SUM)
