"""The arithmetic under the losses: its gradients are written by hand, so they are tested alone."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp, softmax

from simlearn import _numerics as numerics

VALUES = np.random.default_rng(0).normal(size=(4, 5)) * 3.0
MASK = np.random.default_rng(1).random((4, 5)) < 0.5
MASK[2] = False
WAYS = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": tf.function(jit_compile=True),
}
over_ways = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))


def gradients(function, values, way):
    """Value, gradient of its sum, and gradient of the sum of that gradient's squares."""

    def compute(values):
        with tf.GradientTape() as outer:
            outer.watch(values)
            with tf.GradientTape() as inner:
                inner.watch(values)
                value = function(values)
            first = inner.gradient(value, values)
            penalty = tf.reduce_sum(first**2)
        return value, first, outer.gradient(penalty, values)

    return [np.asarray(part) for part in way(compute)(tf.constant(values))]


@over_ways
def test_logsumexp(way):
    value, first, second = gradients(lambda v: numerics.logsumexp(v, MASK), VALUES, way)
    kept = np.where(MASK, VALUES, -np.inf)
    some = MASK.any(axis=1)
    np.testing.assert_allclose(value[some, 0], logsumexp(kept[some], axis=1), rtol=1e-12)
    share = np.zeros_like(VALUES)
    share[some] = softmax(kept[some], axis=1)
    np.testing.assert_allclose(first, share, atol=1e-12)
    # d/dv_k sum_j p_j^2 = 2 p_k (p_k - sum_j p_j^2), for dp_j/dv_k = p_j (1{j=k} - p_k).
    squares = (share**2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(second, 2.0 * share * (share - squares), atol=1e-12)
    assert value[2, 0] < -1e29


def test_logsumexp_of_far_apart_numbers():
    far = np.array([[1e4, -1e4, 0.0], [-1e30, -1e30, -1e30], [3e38, -3e38, 0.0]], "float32")
    value, first, _ = gradients(numerics.logsumexp, far, WAYS["graph"])
    np.testing.assert_allclose(value[:, 0], far.max(axis=1))
    np.testing.assert_allclose(first, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]], rtol=1e-6)


@over_ways
@pytest.mark.parametrize("axis", [None, -1])
def test_masked_sum(way, axis):
    value, first, _ = gradients(lambda v: numerics.masked_sum(v, MASK, axis=axis), VALUES, way)
    np.testing.assert_allclose(value, np.where(MASK, VALUES, 0.0).sum(axis=axis))
    np.testing.assert_array_equal(first, MASK)


@over_ways
def test_weights_of_a_masked_sum_have_a_gradient(way):
    weights = np.arange(4.0)[:, None]

    def compute(weights):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = numerics.masked_sum(tf.constant(VALUES), MASK, weights)
        return value, tape.gradient(value, weights)

    value, gradient = way(compute)(tf.constant(weights))
    kept = np.where(MASK, VALUES, 0.0)
    assert float(value) == pytest.approx((kept * weights).sum())
    np.testing.assert_allclose(gradient, kept.sum(axis=1, keepdims=True))


@over_ways
def test_roots_have_no_gradient_at_zero_nor_a_second_one(way):
    _, first, second = gradients(numerics.safe_sqrt, np.array([4.0, 0.0, -1.0]), way)
    # sqrt' = 1 / (2 sqrt x); (1 / (4 x))' = -1 / (4 x^2).
    np.testing.assert_allclose(first, [0.25, 0.0, 0.0])
    np.testing.assert_allclose(second, [-1.0 / 64.0, 0.0, 0.0])


def test_places_in_a_large_matrix_are_beyond_32_bits():
    large = tf.broadcast_to(tf.constant(0, "int8"), (2, 1))
    places = numerics.flat_places(large, np.array([[2**31], [2**31 + 5]]))
    assert np.asarray(places).tolist() == [[2**31], [2**31 + 6]]


def test_what_is_not_a_number_stays_so():
    bad = np.array([[np.nan, 1.0], [np.inf, -np.inf]])
    assert np.isnan(numerics.logsumexp(bad)[0, 0])
    assert np.isnan(numerics.safe_sqrt(bad)[0, 0])
    assert np.isnan(numerics.not_below_zero(bad)[0, 0])
    assert np.isnan(numerics.masked_sum(bad, np.ones((2, 2), bool)))
