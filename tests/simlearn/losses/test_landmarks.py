"""Losses of landmarks and attributes, each beside itself written out in loops."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from simlearn import losses
from simlearn.errors import UserError
from tests.simlearn.losses.backend import compiled, evaluate, tolerance, value_and_gradient


def squared(dx, dy, scale):
    return (dx * dx + dy * dy) / 2


def l1(dx, dy, scale):
    return abs(dx) + abs(dy)


def smooth(beta):
    def of(step):
        size = abs(step)
        return size * size / (2 * beta) if size < beta else size - beta / 2

    return lambda dx, dy, scale: of(dx) + of(dy)


def wing(width, epsilon):
    def of(step):
        size = abs(step)
        if size < width:
            return width * math.log(1 + size / epsilon)
        return size - (width - width * math.log(1 + width / epsilon))

    return lambda dx, dy, scale: of(dx) + of(dy)


def normalized(dx, dy, scale):
    return math.hypot(dx, dy) / scale


# Class, function, settings, what a point costs, and the two points that give a scale.
TABLE = [
    (losses.LandmarkSquaredLoss, losses.landmark_squared_loss, {}, squared, None),
    (losses.LandmarkL1Loss, losses.landmark_l1_loss, {}, l1, None),
    (
        losses.LandmarkSmoothL1Loss,
        losses.landmark_smooth_l1_loss,
        {"beta": 0.7},
        smooth(0.7),
        None,
    ),
    (
        losses.LandmarkWingLoss,
        losses.landmark_wing_loss,
        {"width": 1.3, "epsilon": 0.4},
        wing(1.3, 0.4),
        None,
    ),
    (
        losses.LandmarkNormalizedLoss,
        losses.landmark_normalized_loss,
        {"left": 2, "right": 0},
        normalized,
        (2, 0),
    ),
]
over_all = pytest.mark.parametrize(
    ("loss", "function", "settings", "cost", "scale"), TABLE, ids=[row[0].__name__ for row in TABLE]
)


def batch(count=7, points=3, seed=0):
    """True points with a column of what is known, and predictions near them."""
    random = np.random.default_rng(seed)
    true = random.normal(0, 4, (count, points, 2))
    known = random.random((count, points)) < 0.7
    known[0], known[1] = True, False
    true = np.concatenate([true, known[..., None]], axis=-1)
    return true, true[..., :2] + random.normal(0, 1.5, (count, points, 2))


def costs(true, predicted, cost, scale):
    """The cost of each point that counts, by (picture, point)."""
    found = {}
    for i, (points, guesses) in enumerate(zip(true, predicted, strict=True)):
        apart = 1.0
        if scale is not None:
            a, b = (points[place] for place in scale)
            apart = math.dist(a[:2], b[:2])
            if not (a[2] and b[2] and apart > 0):
                continue
        for j, (point, guess) in enumerate(zip(points, guesses, strict=True)):
            if point[2]:
                found[i, j] = cost(guess[0] - point[0], guess[1] - point[1], apart)
    return found


@over_all
def test_values_are_those_of_the_loop(loss, function, settings, cost, scale):
    true, predicted = batch()
    values = ops.convert_to_numpy(function(true, predicted, **settings))
    expected = np.zeros(values.shape)
    for place, value in costs(true, predicted, cost, scale).items():
        expected[place] = value
    np.testing.assert_allclose(values, expected, rtol=tolerance(1e-9, 1e-5), atol=1e-6)


@over_all
def test_the_class_is_the_mean_over_what_counts(loss, function, settings, cost, scale):
    true, predicted = batch()
    found = costs(true, predicted, cost, scale)
    assert evaluate(loss(**settings), true, predicted) == pytest.approx(
        np.mean(list(found.values())), rel=1e-5
    )
    weights = np.linspace(0.0, 2.0, len(true))
    weighted = [value * weights[i] for (i, _), value in found.items()]
    assert evaluate(
        lambda y, p, w: loss(**settings)(y, p, sample_weight=w), true, predicted, weights
    ) == pytest.approx(np.mean(weighted), rel=1e-5)


@over_all
def test_missing_points_are_as_if_they_were_not_there(loss, function, settings, cost, scale):
    true, predicted = batch()
    moved = true.copy()
    moved[true[..., 2] == 0, :2] = np.nan
    value, gradient, _ = value_and_gradient(loss(**settings), true, predicted)
    other, other_gradient, _ = value_and_gradient(loss(**settings), moved, predicted)
    assert float(value) == pytest.approx(float(other), rel=1e-12)
    np.testing.assert_array_equal(gradient, other_gradient)
    assert (gradient[true[..., 2] == 0] == 0).all()
    two = np.concatenate([true[:1], true[:1]])[..., :2]  # Without the column all are known.
    assert evaluate(loss(**settings), two, two + 1.0) > 0


@over_all
def test_gradient_is_the_slope(loss, function, settings, cost, scale):
    true, predicted = batch(count=3)

    def value(moved):
        return np.mean(list(costs(true, moved, cost, scale).values()))

    _, gradient, _ = value_and_gradient(loss(**settings), true, predicted)
    numeric = np.zeros_like(predicted)
    for place in np.ndindex(predicted.shape):
        ahead, behind = predicted.copy(), predicted.copy()
        ahead[place] += 1e-6
        behind[place] -= 1e-6
        numeric[place] = (value(ahead) - value(behind)) / 2e-6
    np.testing.assert_allclose(gradient, numeric, rtol=tolerance(1e-4, 2e-3), atol=1e-5)


@over_all
def test_nothing_known_is_worth_nothing(loss, function, settings, cost, scale):
    true, predicted = batch()
    true[..., 2] = 0
    value, gradient, _ = value_and_gradient(loss(**settings), true, predicted)
    assert float(value) == 0.0
    assert (gradient == 0).all()


@over_all
def test_the_truth_costs_nothing_and_its_gradient_is_finite(loss, function, settings, cost, scale):
    true, _ = batch()
    value, gradient, _ = value_and_gradient(loss(**settings), true, true[..., :2].copy())
    assert float(value) == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(gradient).all()


@over_all
def test_compiled_and_in_half_precision(loss, function, settings, cost, scale):
    true, predicted = (ops.convert_to_tensor(part, "float32") for part in batch())
    made = loss(**settings)
    expected = float(made(true, predicted))
    for way in compiled(made).values():
        assert float(way(true, predicted)) == pytest.approx(expected, rel=1e-5)
    narrow = ops.cast(predicted, "float16")
    value, gradient, dtypes = value_and_gradient(made, true, narrow)
    assert dtypes == ("float32", "float16")
    assert float(value) == pytest.approx(expected, rel=1e-2)
    assert np.isfinite(gradient).all()


@over_all
def test_configuration_makes_the_same_loss_again(loss, function, settings, cost, scale):
    made = loss(**settings)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert type(again) is loss
    assert again.get_config() == made.get_config()
    assert settings.items() <= made.get_config().items()


@over_all
def test_shapes_that_do_not_fit_are_refused(loss, function, settings, cost, scale):
    true, predicted = batch()
    bad = [(true[0], predicted), (true, predicted[:, :2]), (true, true), (predicted[..., :1],) * 2]
    for y, p in bad:
        with pytest.raises(UserError, match=r"expected true points \(batch, points, 2\)"):
            loss(**settings)(y, p)
    with pytest.raises(UserError, match="expected true points for"):
        loss(**settings)(true[:3], predicted)


def test_arguments_out_of_range_are_refused():
    for make in (
        lambda: losses.LandmarkSmoothL1Loss(beta=0.0),
        lambda: losses.LandmarkWingLoss(width=-1.0),
        lambda: losses.LandmarkWingLoss(epsilon=0.0),
    ):
        with pytest.raises(UserError, match="expected"):
            make()
    true, predicted = batch()
    for left, right in ((0, 0), (0, 3), (-1, 1)):
        with pytest.raises(UserError, match="two positions among 3 points"):
            losses.landmark_normalized_loss(true, predicted, left=left, right=right)


def test_wing_is_the_papers_figure():
    # Feng et al., figure 4 b: w = 10, epsilon = 2 meets L1 less 10 - 10 ln 6 at 10, continuously.
    step = np.array([[[10.0 - 1e-7, 0.0]], [[10.0 + 1e-7, 0.0]]])
    low, high = ops.convert_to_numpy(losses.landmark_wing_loss(np.zeros((2, 1, 2)), step))[:, 0]
    assert low == pytest.approx(10 * math.log(6), rel=1e-5)
    assert high == pytest.approx(low, rel=1e-5)


def cross_entropy(labels, logits):
    """By the definition: minus the logarithm of the softmax."""
    found = []
    for label, row in zip(labels, logits, strict=True):
        shares = np.exp(row) / np.exp(row).sum()
        found.append(0.0 if label == -1 else -math.log(shares[label]))
    return np.array(found)


def test_attribute_loss_is_the_cross_entropy_of_what_is_known():
    random = np.random.default_rng(3)
    labels = np.array([0, 2, -1, 4, 1, -1, 2])
    logits = random.normal(0, 2, (7, 5))
    expected = cross_entropy(labels, logits)
    values = ops.convert_to_numpy(losses.attribute_loss(labels, logits))
    np.testing.assert_allclose(values, expected, rtol=tolerance(1e-9, 1e-5))
    loss = losses.AttributeLoss()
    known = labels >= 0
    assert evaluate(loss, labels, logits) == pytest.approx(expected[known].mean(), rel=1e-5)
    weights = np.arange(7.0)
    value = loss(labels, logits, sample_weight=weights)
    assert float(value) == pytest.approx((weights * expected)[known].mean(), rel=1e-5)


def test_unknown_values_have_no_gradient_and_wrong_ones_give_nan():
    logits = np.array([[0.3, -1.0], [np.inf, 2.0]])
    value, gradient, _ = value_and_gradient(losses.AttributeLoss(), np.array([1, -1]), logits)
    assert np.isfinite(value)
    assert (gradient[1] == 0).all()
    assert np.isfinite(gradient).all()
    assert evaluate(losses.AttributeLoss(), np.array([-1, -1]), logits) == 0.0
    assert np.isnan(evaluate(losses.AttributeLoss(), np.array([2, 0]), np.zeros((2, 2))))


def test_attribute_loss_refuses_what_it_cannot_take():
    with pytest.raises(UserError, match="labels for 3 items, received 2"):
        losses.AttributeLoss()(np.array([0, 1]), np.zeros((3, 2)))
    with pytest.raises(UserError, match="at least 2 values"):
        losses.attribute_loss(np.array([0]), np.zeros((1, 1)))


def test_no_landmark_loss_is_missing_from_the_table():
    names = {name for name in losses.__all__ if name.lower().startswith("landmark")}
    assert {getattr(losses, name) for name in names} == {part for row in TABLE for part in row[:2]}
