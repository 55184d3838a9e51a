import math

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist

from simlearn import distances
from simlearn.errors import UserError


def rows(count, dim=7, seed=0, dtype="float64"):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(dtype)


def naive_snr(a, b):
    return [[np.var(y - x) / np.var(x) for y in b] for x in a]


# What scipy has, or loops where it has nothing.
EXPECTED = {
    distances.euclidean: lambda a, b: cdist(a, b),
    distances.squared_euclidean: lambda a, b: cdist(a, b, "sqeuclidean"),
    distances.cosine: lambda a, b: cdist(a, b, "cosine"),
    distances.angular: lambda a, b: np.arccos(1.0 - cdist(a, b, "cosine")),
    distances.dot: lambda a, b: [[-sum(x * y) for y in b] for x in a],
    distances.snr: naive_snr,
}
over_all = pytest.mark.parametrize("distance", EXPECTED, ids=lambda f: f.__name__)
STRETCHED = [distances.euclidean, distances.squared_euclidean, distances.snr]


def gradients(distance, *tensors):
    tensors = [tf.constant(t) for t in tensors]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = tf.reduce_sum(distance(*tensors))
    return tape.gradient(value, tensors)


def test_every_distance_is_tested():
    public = {getattr(distances, name) for name in distances.__all__}
    assert public - {distances.paired, distances.Distance} == set(EXPECTED)


@over_all
@pytest.mark.parametrize(("n", "m"), [(5, 3), (1, 3), (5, 1), (1, 1)])
def test_values(distance, n, m):
    a, b = rows(n), rows(m, seed=1)
    found = distance(a, b)
    assert found.dtype == tf.float64
    np.testing.assert_allclose(found, EXPECTED[distance](a, b), rtol=1e-10, atol=1e-12)


@over_all
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_narrow_input_is_measured_in_float32(distance, dtype):
    a, b = (3.0 * rows(5)).astype(dtype), (3.0 * rows(3, seed=1)).astype(dtype)
    found = distance(a, b)
    assert found.dtype == tf.float32
    wide = EXPECTED[distance](a.astype("float64"), b.astype("float64"))
    np.testing.assert_allclose(found, wide, rtol=1e-5, atol=2e-5)


@over_all
def test_batch_axes(distance):
    a, b = rows(2 * 3 * 5).reshape(2, 3, 5, 7), rows(2 * 3 * 11, seed=1).reshape(2, 3, 11, 7)
    found = np.asarray(distance(a, b))
    assert found.shape == (2, 3, 5, 11)
    for i in range(2):
        for j in range(3):
            np.testing.assert_allclose(found[i, j], EXPECTED[distance](a[i, j], b[i, j]))


@over_all
def test_paired(distance):
    a, b = rows(5), rows(5, seed=1)
    found = distances.paired(distance, a, b)
    np.testing.assert_allclose(found, np.diagonal(EXPECTED[distance](a, b)), rtol=1e-10)


@over_all
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_rows_have_a_finite_gradient(distance, dtype):
    a = rows(5, dtype=dtype)
    a[3] = a[1]
    for pair in ((a, a.copy()), (a[:1], a[:1].copy()), (a, np.zeros_like(a))):
        assert all(np.isfinite(g).all() for g in gradients(distance, *pair))


def test_gradient_between_equal_rows_is_zero():
    a = rows(1, dtype="float32")
    for distance in (distances.euclidean, distances.squared_euclidean, distances.angular):
        left, right = gradients(distance, a, a.copy())
        np.testing.assert_array_equal(left, np.zeros_like(a))
        np.testing.assert_array_equal(right, np.zeros_like(a))
        np.testing.assert_array_equal(distance(a, a), [[0.0]])


@pytest.mark.parametrize("opposite", [False, True])
def test_parallel_vectors(opposite):
    a = rows(4, dtype="float32")
    b = (-2.5 if opposite else 2.5) * a
    np.testing.assert_allclose(np.diagonal(distances.cosine(a, b)), 2.0 * opposite, atol=1e-6)
    angles = np.diagonal(distances.angular(a, b))
    np.testing.assert_array_equal(angles, np.float32(math.pi * opposite))


def test_zero_vectors_are_orthogonal_to_everything():
    a, zero = rows(3, dtype="float32"), np.zeros((2, 7), "float32")
    for left, right in ((a, zero), (zero, a), (zero, zero)):
        np.testing.assert_array_equal(distances.cosine(left, right), 1.0)
        np.testing.assert_allclose(distances.angular(left, right), math.pi / 2, rtol=1e-6)
        for gradient in gradients(distances.cosine, left, right):
            assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradients(distances.cosine, a, zero)[1], 0.0)


@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1e18, 1e30])
def test_cosine_of_tiny_and_huge_vectors(scale):
    # Squares of these leave float32's range; the direction does not depend on the length.
    a, b = rows(5), rows(3, seed=1)
    found = distances.cosine((a * scale).astype("float32"), (b * scale).astype("float32"))
    np.testing.assert_allclose(found, EXPECTED[distances.cosine](a, b), atol=1e-5)


@pytest.mark.parametrize("distance", STRETCHED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_far_from_the_origin(distance, offset):
    # Steps of 1/64 are exact in float32 up to 2^18, so the offset itself rounds nothing.
    a, b = (np.round(64 * rows(n, seed=n)) / 64 + offset for n in (11, 5))
    found = distance(a.astype("float32"), b.astype("float32"))
    np.testing.assert_allclose(found, EXPECTED[distance](a, b), rtol=1e-4)


@pytest.mark.parametrize("outliers", [[0], [5], [10], [0, 10], [0, 2, 5, 9]], ids=str)
@pytest.mark.parametrize("count", [11, 211])
def test_outliers_cost_the_others_no_digits(outliers, count):
    a = 0.1 * rows(count)
    a[outliers] += 1e4
    others = np.setdiff1d(np.arange(count), outliers)
    found = np.asarray(distances.squared_euclidean(*2 * [a.astype("float32")]))
    expected = cdist(a[others], a[others], "sqeuclidean")
    np.testing.assert_allclose(found[np.ix_(others, others)], expected, rtol=1e-5, atol=1e-6)


def test_distances_on_a_lattice_are_exact():
    # Ties must be ties: mining compares distances.
    a = np.random.default_rng(0).integers(-9, 10, (13, 5))
    b = np.random.default_rng(1).integers(-9, 10, (11, 5))
    expected = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    # Steps of 1 around zero, and of 1/64 far from it: with an even and an odd number of rows.
    for scale, offset in ((1.0, 0.0), (1 / 64, 1e4)):
        left, right = (scale * x.astype("float32") + np.float32(offset) for x in (a, b))
        for part in (right, right[:-1]):
            found = distances.squared_euclidean(left, part)
            np.testing.assert_array_equal(found, scale**2 * expected[:, : len(part)])


def test_squared_distance_is_never_negative():
    a = np.repeat(rows(3, dtype="float32"), 9, axis=0)
    assert np.min(distances.squared_euclidean(a, a)) >= 0.0


@over_all
def test_gradient_is_the_slope(distance):
    a, b = rows(3), rows(2, seed=1)
    for which, gradient in enumerate(gradients(distance, a, b)):
        for index in np.ndindex(*gradient.shape):
            sums = []
            for step in (1e-6, -1e-6):
                moved = [a.copy(), b.copy()]
                moved[which][index] += step
                sums.append(np.sum(EXPECTED[distance](*moved)))
            numeric = (sums[0] - sums[1]) / 2e-6
            assert float(gradient[index]) == pytest.approx(numeric, rel=1e-5, abs=1e-7)


def test_signal_to_noise_of_a_signal_without_variance():
    a, b = np.full((1, 4), 3.0), rows(2, dim=4)
    # Variance of b - a over 1e-12, as documented.
    np.testing.assert_allclose(distances.snr(a, b)[0], b.var(axis=1) / 1e-12)
    assert all(np.isfinite(g).all() for g in gradients(distances.snr, a, b))


def test_unknown_batch_size_and_xla():
    a, b = rows(5, dtype="float32"), rows(3, seed=1, dtype="float32")
    signature = [tf.TensorSpec([None, 7])] * 2

    def all_of_them(a, b):
        return [distance(a, b) for distance in EXPECTED]

    traced = tf.function(all_of_them, input_signature=signature)
    compiled = tf.function(all_of_them, jit_compile=True)
    assert traced(a[:0], b[:0])[0].shape == (0, 0)
    for found in (traced(a, b), traced(a[:1], b), compiled(a, b)):
        for distance, values in zip(EXPECTED, found, strict=True):
            expected = EXPECTED[distance](a[: len(values)], b)
            np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


@over_all
def test_no_rows_give_no_distances(distance):
    a, none = rows(5), np.zeros((0, 7))
    assert distance(a, none).shape == (5, 0)
    assert distance(none, a).shape == (0, 5)
    assert distance(none, none).shape == (0, 0)


@over_all
@pytest.mark.parametrize(("left", "right"), [((3, 7), (3, 5)), ((7,), (3, 7)), ((3, 7), (7,))])
def test_shapes_that_do_not_fit_are_refused(distance, left, right):
    with pytest.raises(UserError, match="expected two sets of vectors") as caught:
        distance(np.ones(left), np.ones(right))
    assert f"received shapes {left} and {right}" in str(caught.value)
