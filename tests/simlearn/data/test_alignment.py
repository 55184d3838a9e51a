"""Similarities and mean shapes, beside a search, a derivation and scikit-image's estimate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from simlearn.data.alignment import Placed, mean_shape, placed_shape, similarities, upright
from simlearn.data.frames import move
from simlearn.errors import UserError

SHAPE = np.array([[0.0, 0.0], [4.0, 0.5], [2.0, 3.0], [0.5, 5.0], [3.5, 5.5]])


def turned(points, angle, scale, shift):
    cosine, sine = np.cos(angle), np.sin(angle)
    return scale * points @ np.array([[cosine, sine], [-sine, cosine]]) + shift


def shapes(count=40, noise=0.0, seed=0):
    random = np.random.default_rng(seed)
    made = [
        turned(
            SHAPE + random.normal(0, noise, SHAPE.shape),
            random.uniform(-0.5, 0.5),
            random.uniform(0.5, 3),
            random.uniform(-50, 50, 2),
        )
        for _ in range(count)
    ]
    return np.array(made)


@settings(max_examples=30, deadline=None)
@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.1, 10),
    shift=st.tuples(st.floats(-99, 99), st.floats(-99, 99)),
)
def test_a_similarity_is_found_again(angle, scale, shift):
    there = turned(SHAPE, angle, scale, np.array(shift))
    matrix = similarities(SHAPE, there)[0]
    np.testing.assert_allclose(move(SHAPE, matrix), there, atol=1e-8)
    np.testing.assert_allclose(np.linalg.det(matrix[:2, :2]), scale**2, rtol=1e-8)


def test_of_noisy_points_it_is_the_least_squares_estimate():
    random = np.random.default_rng(1)
    for _ in range(5):
        source, target = SHAPE, shapes(1, 0.5)[0] + random.normal(0, 1, SHAPE.shape)
        expected = SimilarityTransform.from_estimate(source, target)
        np.testing.assert_allclose(similarities(source, target)[0], expected.params, atol=1e-8)


def test_missing_points_have_no_say():
    target = shapes(3, 0.3)
    visible = np.array([[1, 1, 1, 0, 1], [0, 1, 0, 1, 1], [1, 1, 0, 0, 0]], bool)
    broken = np.where(visible[..., None], target, np.nan)
    matrices = similarities(SHAPE, broken, visible)
    for row in range(3):
        known = visible[row]
        np.testing.assert_allclose(
            matrices[row], similarities(SHAPE[known], target[row][known])[0], atol=1e-9
        )


def test_fewer_than_two_points_are_refused():
    visible = np.zeros((2, 5), bool)
    visible[0] = visible[1, 0] = True
    with pytest.raises(UserError, match=r"at least two different known points .* picture 1"):
        similarities(np.stack([SHAPE, SHAPE]), SHAPE, visible)
    with pytest.raises(UserError, match=r"expected points \(n, p, 2\)"):
        similarities(np.zeros((2, 3, 3)), SHAPE)


def test_the_mean_of_copies_is_the_shape_itself():
    mean = mean_shape(shapes())
    assert np.abs(mean.mean(axis=0)).max() < 1e-9
    assert (mean**2).sum(axis=1).mean() == pytest.approx(1.0)
    # Up to the turn, which is the mean one of the copies.
    np.testing.assert_allclose(move(mean, similarities(mean, SHAPE)[0]), SHAPE, atol=1e-6)
    leans = similarities(mean, shapes())
    assert abs(np.mean(np.arctan2(leans[:, 1, 0], leans[:, 0, 0]))) < 0.02


def test_the_mean_needs_no_picture_with_all_points():
    many = shapes(60, 0.05)
    visible = np.ones((60, 5), bool)
    visible[np.arange(60), np.arange(60) % 5] = False
    mean = mean_shape(np.where(visible[..., None], many, np.nan), visible)
    laid = move(mean, similarities(mean, SHAPE)[0])
    assert np.abs(laid - SHAPE).max() < 0.1


def test_a_mean_of_nothing_is_refused():
    visible = np.ones((3, 5), bool)
    visible[:, 2] = False
    with pytest.raises(UserError, match="each point in some picture"):
        mean_shape(shapes(3), visible)


def test_points_that_no_picture_joins_have_no_mean():
    points = np.zeros((2, 4, 2))
    points[0, :2] = [[0, 0], [4, 0]]
    points[1, 2:] = [[1, 5], [3, 9]]
    visible = np.array([[True, True, False, False], [False, False, True, True]])
    with pytest.raises(UserError, match="found none for point 2"):
        mean_shape(points, visible)


def test_upright_keeps_scale_and_middle_and_takes_the_turn():
    many = shapes(7)
    target = placed_shape(mean_shape(many), side=21, extent=4.0)
    matrices = similarities(many, target)
    plain = upright(matrices, side=21)
    assert (plain[:, 0, 1] == 0).all()
    np.testing.assert_allclose(
        plain[:, 0, 0], np.sqrt(np.linalg.det(matrices[:, :2, :2])), rtol=1e-9
    )
    middle = np.array([[10.0, 10.0]])
    back = move(middle, np.linalg.inv(matrices))
    np.testing.assert_allclose(move(back, plain), np.tile(middle, (7, 1, 1)), atol=1e-8)


def test_a_placed_shape_lies_in_the_middle():
    shape = mean_shape(shapes())
    placed = placed_shape(shape, side=48, extent=4.0)
    np.testing.assert_allclose(placed.mean(axis=0), [23.5, 23.5], atol=1e-9)
    # One size of the shape is 48 / 4 pixels.
    assert np.sqrt(((placed - 23.5) ** 2).sum(axis=1).mean()) == pytest.approx(12.0)


def test_a_frame_of_matrices_gives_them_and_is_told_apart():
    matrices = np.stack([np.eye(3), np.diag([2.0, 2.0, 1.0])])
    frame = Placed((5, 7), matrices)
    assert frame.size == (5, 7)
    np.testing.assert_array_equal(frame.matrix(100, 50, 1), matrices[1])
    assert repr(frame) == repr(Placed((5, 7), matrices.copy()))
    assert repr(frame) != repr(Placed((5, 7), matrices[::-1]))
    for bad in (np.eye(3), np.zeros((1, 3, 3)), np.full((1, 3, 3), np.nan)):
        with pytest.raises(UserError, match="expected matrices"):
            Placed((5, 7), bad)
