import math

import numpy as np
import pytest
import tensorflow as tf

from simlearn.data.augment import _inverse_affine, affine, warp
from simlearn.errors import UserError

SEED = (17, 23)


def pictures(batch=5, height=7, width=11, channels=3, seed=0):
    values = np.random.default_rng(seed).uniform(0, 255, (batch, height, width, channels))
    return values.astype(np.float32)


def value_at(image, row, column, fill):
    height, width, _ = image.shape
    if fill is None:
        return image[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
    inside = 0 <= row < height and 0 <= column < width
    return image[row, column] if inside else np.full(image.shape[-1], fill)


def bilinear(image, x, y, fill):
    """The value between the four pixels around column x and row y."""
    height, width, _ = image.shape
    if fill is None:
        x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    column, row = math.floor(x), math.floor(y)
    total = np.zeros(image.shape[-1])
    for i, weight_y in ((row, row + 1 - y), (row + 1, y - row)):
        for j, weight_x in ((column, column + 1 - x), (column + 1, x - column)):
            total += weight_x * weight_y * value_at(image, i, j, fill)
    return total


def warp_slowly(images, transforms, fill):
    result = np.zeros(images.shape)
    for n, (a0, a1, a2, b0, b1, b2, c0, c1) in enumerate(transforms.astype(np.float64)):
        for y in range(images.shape[1]):
            for x in range(images.shape[2]):
                k = c0 * x + c1 * y + 1
                source = (a0 * x + a1 * y + a2) / k, (b0 * x + b1 * y + b2) / k
                result[n, y, x] = bilinear(images[n].astype(np.float64), *source, fill)
    return result


@pytest.mark.parametrize("fill", [None, 0.0, 201.0])
def test_warp_is_the_bilinear_look_up(fill):
    images = pictures()
    random = np.random.default_rng(1)
    transforms = random.normal(
        [1, 0, 0.3, 0, 1, -0.7, 0, 0], [0.2, 0.2, 1, 0.2, 0.2, 1, 0.01, 0.01]
    )
    transforms = random.normal(transforms, 0.02, (5, 8)).astype(np.float32)
    result = warp(images, transforms, fill=fill).numpy()
    np.testing.assert_allclose(result, warp_slowly(images, transforms, fill), atol=1e-3)


def test_the_matrix_is_the_inverse_of_the_affine_map():
    random = np.random.default_rng(2)
    angle, slant = random.uniform(-1.2, 1.2, (2, 5)).astype(np.float32)
    factor = random.uniform(0.5, 2, 5).astype(np.float32)
    move = random.uniform(-0.5, 0.5, (2, 5)).astype(np.float32)
    side = np.array([11, 7], np.float32)
    rows = _inverse_affine(angle=angle, factor=factor, slant=slant, move=move, side=side).numpy()
    for n in range(5):
        turn = [
            [math.cos(angle[n]), -math.sin(angle[n])],
            [math.sin(angle[n]), math.cos(angle[n])],
        ]
        linear = factor[n] * np.array(turn) @ [[1, math.tan(slant[n])], [0, 1]]
        centre = np.array([5.0, 3.0])  # The middle of columns 0 to 10 and of rows 0 to 6.
        forward = np.eye(3)
        forward[:2, :2] = linear
        forward[:2, 2] = centre - linear @ centre + move[:, n] * side
        expected = np.linalg.inv(forward)
        np.testing.assert_allclose(rows[n], [*expected[:2].ravel(), 0, 0], atol=1e-4)


def test_affine_moves_what_it_says_the_way_it_says():
    # A quarter turn takes the pixel 3 right of the centre to 3 below it (rows grow downwards), a
    # factor of 2/3 brings it to 2, and the move by 1/7 of 7 rows and columns takes it one on.
    image = np.zeros((1, 7, 7, 1), np.float32)
    image[0, 3, 6, 0] = 9
    rows = _inverse_affine(
        angle=np.float32([math.pi / 2]),
        factor=np.float32([2 / 3]),
        slant=np.float32([0]),
        move=np.float32([[1 / 7], [1 / 7]]),
        side=np.float32([7, 7]),
    )
    result = warp(image, rows, fill=0.0).numpy()[0, :, :, 0]
    assert np.unravel_index(result.argmax(), result.shape) == (6, 4)
    np.testing.assert_allclose(result.max(), 9, atol=1e-3)


@pytest.mark.parametrize("fill", [None, 0.0, 255.0])
@pytest.mark.parametrize("shape", [(7, 11), (8, 8), (28, 28), (105, 105)])
def test_no_change_is_no_change_to_the_bit(fill, shape):
    images = pictures(2, *shape, 1)
    np.testing.assert_array_equal(affine(fill=fill)(images, SEED).numpy(), images)


def ramps(batch, height, width):
    """Pictures whose two channels hold their own column and row, moved away from 0."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.broadcast_to(np.stack([columns, rows], -1), (batch, height, width, 2)).copy()


def sources(images, change, *, at):
    """Where change looked the pixel `at` = (row, column) up in each picture: `(batch, 2)`, x y."""
    return change(images, SEED).numpy()[:, at[0], at[1]]


def test_shift_is_a_share_of_each_side_and_drawn_per_picture():
    # 0.1 of 41 columns is 4.1 pixels; of 21 rows, 2.1. The middle looks up within that far.
    moved = sources(ramps(2000, 21, 41), affine(shift=0.1), at=(10, 20)) - [20, 10]
    for axis, limit in ((0, 4.1), (1, 2.1)):
        assert np.abs(moved[:, axis]).max() <= limit + 1e-4
        # Uniform within +-limit: mean 0, standard deviation limit / sqrt(3), no gaps at the ends.
        np.testing.assert_allclose(moved[:, axis].mean(), 0, atol=0.08 * limit)
        np.testing.assert_allclose(moved[:, axis].std(), limit / 3**0.5, rtol=0.05)
        np.testing.assert_allclose(np.ptp(moved[:, axis]), 2 * limit, rtol=0.01)
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.1


def test_a_shift_of_less_than_a_pixel_counts():
    # 0.1 of 8 pixels is 0.8.
    moved = sources(ramps(500, 8, 8), affine(shift=0.1), at=(4, 4)) - [4, 4]
    assert 0.7 < np.abs(moved).max() <= 0.8 + 1e-5
    assert len(np.unique(moved[:, 0])) > 400


def test_rotation_scale_and_shear_stay_within_their_limits():
    images, middle = ramps(2000, 41, 41), np.array([20, 20])
    # 10 right of the centre: a turn by a looks up at 10 (cos a, -sin a).
    looked = sources(images, affine(rotation=30), at=(20, 30)) - middle
    np.testing.assert_allclose(np.hypot(*looked.T), 10, atol=1e-3)
    degrees = np.degrees(np.arctan2(looked[:, 1], looked[:, 0]))
    np.testing.assert_allclose([degrees.min(), degrees.max()], [-30, 30], atol=0.2)

    factors = 10 / (sources(images, affine(scale=0.25), at=(20, 30)) - middle)[:, 0]
    np.testing.assert_allclose([factors.min(), factors.max()], [1 / 1.25, 1.25], atol=0.003)
    # Uniform in the logarithm: as many pictures shrink as grow.
    np.testing.assert_allclose((factors > 1).mean(), 0.5, atol=0.04)

    # 10 below the centre, a slant by b looks up 10 tan b to the left, in the same row.
    slanted = sources(images, affine(shear=20), at=(30, 20)) - middle
    np.testing.assert_allclose(slanted[:, 1], 10, atol=1e-4)
    limit = 10 * math.tan(math.radians(20))
    np.testing.assert_allclose(np.ptp(slanted[:, 0]), 2 * limit, rtol=0.01)


def test_turn_size_and_moves_are_drawn_independently():
    images, middle = ramps(2000, 41, 41), np.array([20, 20])
    change = affine(rotation=30, scale=0.25, shift=0.1)
    centre, beside = (sources(images, change, at=(20, column)) for column in (20, 30))
    # 10 right of the centre is (10 / s) (cos a, -sin a) further on in the source.
    step = (beside - centre) / 10
    angle, log_factor = -np.arctan2(step[:, 1], step[:, 0]), -np.log(np.hypot(*step.T))
    # The centre is looked up at c - R(-a) t / s, so that t = s R(a) (c - source).
    x, y = ((middle - centre) * np.exp(log_factor)[:, None]).T
    move = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    np.testing.assert_allclose([np.ptp(axis) for axis in move], [8.2, 8.2], rtol=0.01)
    correlation = np.corrcoef([angle, log_factor, *move])
    # Of 2,000 independent pairs the correlation has the standard deviation 0.022.
    np.testing.assert_allclose(correlation, np.eye(4), atol=0.09)


def test_the_seed_determines_the_result():
    images = np.repeat(pictures(1), 5, axis=0)
    change = affine(rotation=20, scale=0.2, shift=0.1, shear=10)
    once = change(images, SEED).numpy()
    np.testing.assert_array_equal(change(images, SEED).numpy(), once)
    in_graph = tf.function(change)(images, tf.constant(SEED, tf.int64)).numpy()
    np.testing.assert_allclose(in_graph, once, atol=1e-3)
    for other in ((17, 24), (18, 23)):
        assert np.abs(change(images, other).numpy() - once).max() > 1
    for i in range(5):
        for j in range(i):
            assert np.abs(once[i] - once[j]).max() > 1


def test_fill_is_the_value_outside():
    # Moved by up to 3 widths, some pictures are gone altogether.
    images = pictures(97, 5, 7, 1)
    gone = affine(shift=3, fill=201.0)(images, SEED).numpy() == 201
    assert 10 < gone.all(axis=(1, 2, 3)).sum() < 97
    assert affine(shift=3)(images, SEED).numpy().min() >= images.min()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"rotation": -1}, r"rotation must lie in \[0, 180.0\], and came as -1"),
        ({"rotation": 181}, "rotation .* 181"),
        ({"scale": -0.1}, "scale .* -0.1"),
        ({"shift": math.nan}, "shift .* nan"),
        ({"shear": 90}, "shear .* 90"),
    ],
)
def test_refuses_limits_out_of_range(limits, message):
    with pytest.raises(UserError, match=message):
        affine(**limits)
