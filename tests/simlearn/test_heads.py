import inspect
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import cosine_similarity

from simlearn import heads
from simlearn.errors import UserError

BATCH, DIM = 7, 5
SINGLE = {
    heads.L2Normalize: lambda **kw: heads.L2Normalize(**kw),
    heads.Centers: lambda **kw: heads.Centers(3, **kw),
    heads.MultiProxies: lambda **kw: heads.MultiProxies(3, centers=2, tau=0.7, **kw),
    heads.Proxies: lambda **kw: heads.Proxies(3, **kw),
    heads.ProxiesWithNorm: lambda **kw: heads.ProxiesWithNorm(3, **kw),
    heads.ProxiesWithQuality: lambda **kw: heads.ProxiesWithQuality(3, momentum=0.8, **kw),
}
PAIRED = {
    heads.DistanceHead: lambda **kw: heads.DistanceHead(**kw),
    heads.KochHead: lambda **kw: heads.KochHead(**kw),
    heads.ConcatenatedHead: lambda **kw: heads.ConcatenatedHead(units=11, seed=2, **kw),
}
EVERY = {**SINGLE, **PAIRED}
every_head = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
pair_head = pytest.mark.parametrize("kind", PAIRED, ids=lambda kind: kind.__name__)


def features(kind, *, dtype="float32", scale=1.0, seed=0):
    """As many inputs as the head takes, different from one another."""
    rng = np.random.default_rng(seed)
    sides = 2 if kind in PAIRED else 1
    return [(scale * rng.normal(size=(BATCH, DIM))).astype(dtype) for _ in range(sides)]


def functional(layer, sides):
    inputs = [keras.Input((DIM,)) for _ in range(sides)]
    return keras.Model(inputs, layer(*inputs))


def gradients(layer, inputs):
    """Gradients of an uneven sum of the output, by each input and each weight."""
    tensors = [tf.Variable(value) for value in inputs]
    with tf.GradientTape() as tape:
        output = layer(*tensors)
        weights = np.arange(1.0, 1 + np.prod(output.shape), dtype="float32").reshape(output.shape)
        total = tf.reduce_sum(output * weights)
    return tape.gradient(total, [*tensors, *[v.value for v in layer.trainable_variables]])


def test_no_head_is_missing_from_the_table():
    public = {getattr(heads, name) for name in heads.__all__}
    defined = {
        item
        for module in (heads._base, heads._norms, heads._pairs, heads._proxies)
        for name, item in inspect.getmembers(module, inspect.isclass)
        if item.__module__ == module.__name__ and not name.startswith("_")
    } - {heads._base.WideLayer}
    # Heads of landmarks and attributes have tests of their own, in test_landmark_models.py.
    others = {heads.LandmarkRegression, heads.SoftArgmax, heads.attribute_heads}
    assert set(EVERY) == defined == public - others


@every_head
def test_float16_features_give_finite_float32(kind):
    # 300 squared is above the largest float16, 65504.
    inputs = features(kind, dtype="float16", scale=300.0)
    output = EVERY[kind]()(*inputs)
    assert output.dtype == "float32"
    assert np.isfinite(output).all()


@every_head
def test_mixed_precision_gives_float32_close_to_full_precision(kind):
    inputs = features(kind)
    full, mixed = EVERY[kind](dtype="float32"), EVERY[kind](dtype="mixed_float16")
    expected = full(*inputs)
    mixed.build(*[value.shape for value in inputs])
    mixed.set_weights(full.get_weights())
    output = mixed(*[value.astype("float16") for value in inputs])
    assert output.dtype == "float32"
    # float16 keeps 11 bits: 5e-4 of each of the handful of terms.
    np.testing.assert_allclose(output, expected, atol=5e-3)


@every_head
def test_float64_policy_stays_float64(kind):
    assert EVERY[kind](dtype="float64")(*features(kind, dtype="float64")).dtype == "float64"


@every_head
def test_model_file_round_trip(kind, tmp_path):
    inputs = features(kind)
    model = functional(EVERY[kind](name="head"), len(inputs))
    model.save(tmp_path / "head.keras")
    loaded = keras.models.load_model(tmp_path / "head.keras")
    assert type(loaded.get_layer("head")) is kind
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@every_head
def test_config_holds_every_argument(kind):
    layer = EVERY[kind](name="head")
    config = layer.get_config()
    arguments = set(inspect.signature(kind).parameters) - {"kwargs"}
    assert arguments <= set(config)
    assert kind.from_config(config).get_config() == config
    assert keras.saving.get_registered_name(kind) == f"simlearn>{kind.__name__}"


@every_head
def test_gradients_are_finite_at_duplicates_and_zeros(kind):
    sides = len(features(kind))
    for value in (np.zeros((BATCH, DIM), "float32"), features(kind, seed=3)[0]):
        layer = EVERY[kind]()
        found = gradients(layer, [value] * sides)
        assert len(found) == sides + len(layer.trainable_variables)
        for gradient in found:
            assert gradient is not None
            assert np.isfinite(gradient).all()


@every_head
def test_compiled_equals_eager(kind):
    layer = EVERY[kind]()
    inputs = features(kind)
    eager = layer(*inputs)
    compiled = tf.function(lambda *values: layer(*values), jit_compile=True)(*inputs)
    np.testing.assert_allclose(compiled, eager, rtol=1e-5, atol=1e-6)


@every_head
def test_rows_are_independent(kind):
    layer = EVERY[kind]()
    inputs = features(kind)
    order = np.array([4, 0, 6, 2, 5, 1, 3])
    whole = np.asarray(layer(*inputs))
    shuffled = np.asarray(layer(*[value[order] for value in inputs]))
    np.testing.assert_allclose(shuffled, whole[order], rtol=1e-5, atol=1e-6)


@every_head
def test_symbolic_shape_and_dtype_equal_the_eager_ones(kind):
    inputs = features(kind)
    layer = EVERY[kind]()
    symbolic = layer(*[keras.KerasTensor(value.shape, dtype="float32") for value in inputs])
    eager = layer(*inputs)
    assert tuple(symbolic.shape) == tuple(eager.shape)
    assert symbolic.dtype == eager.dtype.name


@pair_head
@pytest.mark.parametrize("right", [(BATCH, DIM + 2), (BATCH, DIM, 1)])
def test_pair_heads_refuse_sides_that_do_not_match(kind, right):
    with pytest.raises(UserError, match=rf"\(7, 5\).*\(7, {right[1]}"):
        PAIRED[kind]()(np.ones((BATCH, DIM)), np.ones(right))


def test_l2_normalize_by_hand():
    # 3-4-5 and 8-15-17 triangles; the zero vector stays zero.
    output = heads.L2Normalize()(np.array([[3.0, -4.0], [8.0, 15.0], [0.0, 0.0]]))
    np.testing.assert_allclose(output, [[0.6, -0.8], [8 / 17, 15 / 17], [0, 0]], rtol=1e-6)


def test_l2_normalize_gradient():
    # d(x/|x|)/dx = (I - u u') / |x| with u = x/|x|; weights 1, 2 on the two outputs.
    (gradient,) = gradients(heads.L2Normalize(), [np.array([[3.0, 4.0]], "float32")])
    unit = np.array([0.6, 0.8])
    expected = (np.eye(2) - np.outer(unit, unit)) / 5 @ np.array([1.0, 2.0])
    np.testing.assert_allclose(gradient[0], expected, rtol=1e-5)


def test_proxies_are_cosines():
    (values,) = features(heads.Proxies, scale=4.0)
    layer = heads.Proxies(3)
    output = layer(values)
    (proxies,) = layer.get_weights()
    assert proxies.shape == (3, DIM)
    np.testing.assert_allclose(output, cosine_similarity(values, proxies), atol=1e-6)


def test_proxies_ignore_the_length_of_their_weights():
    (values,) = features(heads.Proxies)
    layer = heads.Proxies(3)
    before = np.asarray(layer(values))
    layer.set_weights([layer.get_weights()[0] * np.array([[0.01], [1.0], [50.0]])])
    np.testing.assert_allclose(layer(values), before, atol=1e-6)


def test_multi_proxies_are_cosines_to_each_centre():
    (values,) = features(heads.MultiProxies, scale=4.0)
    layer = heads.MultiProxies(3, centers=2)
    output = layer(values)
    assert output.shape == (BATCH, 2, 3)
    (proxies,) = layer.get_weights()
    for k in range(2):
        expected = cosine_similarity(values, proxies[k])
        np.testing.assert_allclose(output[:, k], expected, atol=1e-6)


def test_centres_of_a_class_are_drawn_together():
    # Class 0: unit vectors along x, y and -x, at distances sqrt 2, 2, sqrt 2; class 1: one point.
    layer = heads.MultiProxies(2, centers=3, tau=0.6)
    layer(np.ones((1, 2)))
    layer.set_weights([np.array([[[4, 0], [1, 1]], [[0, 2], [3, 3]], [[-5, 0], [1, 1]]])])
    # tau over classes K (K - 1) = 2 * 3 * 2; float32 leaves 2 - 2 cos(0) at some 1e-7.
    expected = 0.6 / 12 * (2 + 2 * math.sqrt(2))
    assert float(layer.losses[0]) == pytest.approx(expected, abs=2e-4)
    with tf.GradientTape() as tape:
        value = layer.losses[0]
    gradient = tape.gradient(value, layer.trainable_variables[0].value)
    assert np.isfinite(gradient).all()
    # Moved against the gradient, x and -x both turn towards y: up.
    assert (gradient[0, 0, 1] < 0) & (gradient[2, 0, 1] < 0)
    assert heads.MultiProxies(2, centers=3)(np.ones((1, 2))).shape == (1, 3, 2)


@pytest.mark.parametrize("settings", [{"tau": 0.0}, {"centers": 1, "tau": 0.5}])
def test_nothing_draws_centres_together_without_tau_or_a_second_centre(settings):
    layer = heads.MultiProxies(3, **settings)
    layer(np.ones((1, 2)))
    assert layer.losses == []


def test_fit_draws_centres_together():
    model = functional(heads.MultiProxies(3, centers=2, tau=50.0), 1)
    (before,) = [float(term) for term in model.losses]
    model.compile(keras.optimizers.SGD(0.1), lambda labels, outputs: 0.0 * outputs[:, 0])
    model.fit(features(heads.MultiProxies)[0], np.zeros(BATCH), epochs=5, verbose=0)
    assert float(model.losses[0]) < 0.9 * before


def test_proxies_with_norm_add_the_length():
    (values,) = features(heads.ProxiesWithNorm, scale=4.0)
    layer = heads.ProxiesWithNorm(3)
    output = np.asarray(layer(values))
    (proxies,) = layer.get_weights()
    np.testing.assert_allclose(output[:, :3], cosine_similarity(values, proxies), atol=1e-6)
    np.testing.assert_allclose(output[:, 3], np.linalg.norm(values, axis=1), rtol=1e-6)


def test_lengths_beyond_the_root_of_the_largest_float_are_finite():
    output = heads.ProxiesWithNorm(3)(np.array([[3e25, 4e25], [3e-25, 4e-25], [0.0, 0.0]]))
    np.testing.assert_allclose(output[:, 3], [5e25, 5e-25, 0.0], rtol=1e-6)


def test_quality_is_the_standardised_length():
    # Lengths 5, 13 and 0; the averages start at 20 and 100, and stay there outside training.
    values = np.array([[3.0, 4.0], [5.0, -12.0], [0.0, 0.0]])
    layer = heads.ProxiesWithQuality(3)
    for training in (None, False):
        output = np.asarray(layer(values, training=training))
        np.testing.assert_allclose(output[:, 3], np.array([-15, -7, -20]) / 100.001, rtol=1e-6)
    proxies = layer.get_weights()[0]
    np.testing.assert_allclose(output[:2, :3], cosine_similarity(values[:2], proxies), atol=1e-6)


def test_training_moves_the_averages_before_it_uses_them():
    # The batch's mean length is 9 and its deviation 4; 0.8 of 20 and 100 stay.
    values = np.array([[3.0, 4.0], [5.0, -12.0]])
    layer = heads.ProxiesWithQuality(3, momentum=0.8)
    output = layer(values, training=True)
    assert float(layer.mean) == pytest.approx(0.8 * 20 + 0.2 * 9)
    assert float(layer.deviation) == pytest.approx(0.8 * 100 + 0.2 * 4)
    np.testing.assert_allclose(output[:, 3], np.array([5 - 17.8, 13 - 17.8]) / 80.801, rtol=1e-5)
    layer(values[:0], training=True)
    assert float(layer.mean) == pytest.approx(17.8)
    assert len(layer.trainable_variables) == 1


def test_no_gradient_flows_through_the_quality():
    values = tf.Variable(features(heads.ProxiesWithQuality)[0])
    layer = heads.ProxiesWithQuality(3)
    with tf.GradientTape() as tape:
        quality = layer(values, training=True)[:, 3]
    assert not np.any(tape.gradient(quality, values, unconnected_gradients="zero"))


def test_averages_are_saved_with_the_model(tmp_path):
    model = functional(heads.ProxiesWithQuality(3, momentum=0.5, name="head"), 1)
    model.compile("sgd", lambda labels, outputs: 0.0 * outputs[:, 0])
    (values,) = features(heads.ProxiesWithQuality)
    model.fit(values, np.zeros(BATCH), batch_size=BATCH, verbose=0)
    lengths = np.linalg.norm(values, axis=1)
    assert float(model.get_layer("head").mean) == pytest.approx((20 + lengths.mean()) / 2)
    assert float(model.get_layer("head").deviation) == pytest.approx((100 + lengths.std()) / 2)
    model.save_weights(tmp_path / "head.weights.h5")
    other = functional(heads.ProxiesWithQuality(3, name="head"), 1)
    other.load_weights(tmp_path / "head.weights.h5")
    np.testing.assert_array_equal(other([values]), model([values]))


def test_centers_are_squared_distances():
    (values,) = features(heads.Centers, scale=4.0)
    layer = heads.Centers(3)
    output = layer(values)
    (centers,) = layer.get_weights()
    np.testing.assert_allclose(output, cdist(values, centers) ** 2, rtol=1e-5)


def test_distance_head_is_the_euclidean_distance():
    left, right = features(heads.DistanceHead)
    output = heads.DistanceHead()(left, right)
    assert output.shape == (BATCH,)
    np.testing.assert_allclose(output, np.diag(cdist(left, right)), rtol=1e-5)


def test_distance_head_gradient():
    # d|f - g|/df = (f - g)/|f - g|: (3, 4)/5, and the opposite for g; 0 where f = g.
    left = np.array([[4.0, 6.0], [1.0, 2.0]], "float32")
    right = np.array([[1.0, 2.0], [1.0, 2.0]], "float32")
    by_left, by_right = gradients(heads.DistanceHead(), [left, right])
    np.testing.assert_allclose(by_left, [[0.6, 0.8], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(by_right, [[-0.6, -0.8], [0, 0]], rtol=1e-6)


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def test_koch_head_equals_its_formula():
    left, right = features(heads.KochHead)
    layer = heads.KochHead()
    output = layer(left, right)
    layer.set_weights([np.array([[0.5], [-1.0], [2.0], [-0.25], [0.125]]), np.array([0.75])])
    alpha, bias = layer.get_weights()
    output = layer(left, right)
    assert output.shape == (BATCH, 1)
    for row in range(BATCH):
        total = bias[0]
        for j in range(DIM):
            total += alpha[j, 0] * abs(left[row, j] - right[row, j])
        assert float(output[row, 0]) == pytest.approx(sigmoid(total), abs=1e-6)


def test_koch_head_is_symmetric_and_the_concatenated_one_is_not():
    left, right = features(heads.KochHead)
    koch = heads.KochHead()
    np.testing.assert_array_equal(koch(left, right), koch(right, left))
    concatenated = heads.ConcatenatedHead(units=11)
    assert np.abs(concatenated(left, right) - concatenated(right, left)).max() > 1e-3


def test_concatenated_head_equals_its_formula():
    left, right = features(heads.ConcatenatedHead)
    layer = heads.ConcatenatedHead(units=3)
    output = layer(left, right)
    w, c, v, b = layer.get_weights()
    assert w.shape == (2 * DIM, 3)
    assert output.shape == (BATCH, 1)
    for row in range(BATCH):
        both = [*left[row], *right[row]]
        hidden = [
            max(0.0, c[unit] + sum(x * w[i, unit] for i, x in enumerate(both))) for unit in range(3)
        ]
        total = b[0] + sum(h * v[unit, 0] for unit, h in enumerate(hidden))
        assert float(output[row, 0]) == pytest.approx(sigmoid(total), abs=1e-6)


def test_concatenated_head_drops_only_in_training():
    left, right = features(heads.ConcatenatedHead)
    layer = heads.ConcatenatedHead(units=101, dropout=0.5)
    still = layer(left, right)
    np.testing.assert_array_equal(layer(left, right, training=False), still)
    assert np.abs(layer(left, right, training=True) - still).max() > 1e-3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: heads.Proxies(0), "classes to be at least 1; got 0"),
        (lambda: heads.Centers(0), "classes to be at least 1; got 0"),
        (lambda: heads.Centers(3)(np.ones((2, 3, 5))), r"\(batch, dim\).*\(2, 3, 5\)"),
        (lambda: heads.MultiProxies(3)(np.ones((2, 3, 5))), r"\(batch, dim\).*\(2, 3, 5\)"),
        (lambda: heads.MultiProxies(3, centers=0), "centers to be at least 1; got 0"),
        (lambda: heads.MultiProxies(3, tau=-0.1), r"tau in \[0, inf\); got -0.1"),
        (lambda: heads.ProxiesWithQuality(3, momentum=1.0), r"momentum in \[0, 1\); got 1.0"),
        (lambda: heads.ConcatenatedHead(units=0), "units to be at least 1; got 0"),
        (lambda: heads.ConcatenatedHead(dropout=1.0), r"dropout in \[0, 1\); got 1.0"),
        (lambda: heads.Proxies(3)(np.ones((2, 3, 5))), r"\(batch, dim\).*\(2, 3, 5\)"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(UserError, match=message):
        make()
