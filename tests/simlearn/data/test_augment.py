import math

import numpy as np
import pytest

from simlearn.data.augment import (
    Change,
    _about_centre,
    affine,
    chain,
    colour,
    cutout,
    elastic,
    flip,
)
from simlearn.data.frames import move
from simlearn.errors import UserError


def drawn(augmentation, count=2000, size=(21, 41), seed=0):
    return augmentation(np.random.default_rng(seed), count, size)


def test_the_matrix_is_the_affine_map():
    random = np.random.default_rng(2)
    angle, slant = random.uniform(-1.2, 1.2, (2, 5))
    factor = random.uniform(0.5, 2, 5)
    shift = random.uniform(-0.5, 0.5, (2, 5))
    matrices = _about_centre(angle=angle, factor=factor, slant=slant, move=shift, size=(7, 11))
    for n in range(5):
        turn = np.array(
            [[math.cos(angle[n]), -math.sin(angle[n])], [math.sin(angle[n]), math.cos(angle[n])]]
        )
        linear = factor[n] * turn @ [[1, math.tan(slant[n])], [0, 1]]
        centre = np.array([5.0, 3.0])  # The middle of columns 0 to 10 and of rows 0 to 6.
        point = np.array([8.0, 1.0])
        expected = centre + linear @ (point - centre) + shift[:, n] * [11, 7]
        np.testing.assert_allclose(move([point], matrices[n])[0], expected, atol=1e-12)


def test_affine_turns_clockwise_and_moves_right_and_down():
    # A quarter turn takes the pixel 3 right of the centre to 3 below it (rows grow downwards), a
    # factor of 2/3 brings it to 2, and the move by 1/7 of 7 rows and columns takes it one on.
    matrix = _about_centre(
        angle=np.array([math.pi / 2]),
        factor=np.array([2 / 3]),
        slant=np.array([0.0]),
        move=np.array([[1 / 7], [1 / 7]]),
        size=(7, 7),
    )[0]
    np.testing.assert_allclose(move([[6, 3]], matrix), [[4, 6]], atol=1e-12)


def test_no_change_is_no_change():
    change = drawn(chain(affine(), flip(share=0), colour(), cutout(share=0)), count=3)
    np.testing.assert_array_equal(change.matrices, Change.none(3).matrices)
    assert not change.mirrored.any()
    np.testing.assert_allclose(change.colours, np.tile(np.eye(3, 4), (3, 1, 1)), atol=1e-12)
    assert change.holes.tolist() == [[[0, 0, 0, 0]]] * 3


def test_shift_is_a_share_of_each_side():
    # 0.1 of 41 columns is 4.1 pixels; of 21 rows, 2.1.
    moved = move([[20, 10]], drawn(affine(shift=0.1)).matrices)[:, 0] - [20, 10]
    for axis, limit in ((0, 4.1), (1, 2.1)):
        assert np.abs(moved[:, axis]).max() <= limit
        # Uniform within +-limit: mean 0, standard deviation limit / sqrt(3), no gaps at the ends.
        np.testing.assert_allclose(moved[:, axis].mean(), 0, atol=0.08 * limit)
        np.testing.assert_allclose(moved[:, axis].std(), limit / 3**0.5, rtol=0.05)
        np.testing.assert_allclose(np.ptp(moved[:, axis]), 2 * limit, rtol=0.01)
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.1


def test_rotation_scale_and_shear_stay_within_their_limits():
    middle = np.array([20, 10])
    # 10 right of the centre: a turn by a takes it to 10 (cos a, sin a).
    turned = move([[30, 10]], drawn(affine(rotation=30)).matrices)[:, 0] - middle
    np.testing.assert_allclose(np.hypot(*turned.T), 10, atol=1e-9)
    degrees = np.degrees(np.arctan2(turned[:, 1], turned[:, 0]))
    np.testing.assert_allclose([degrees.min(), degrees.max()], [-30, 30], atol=0.2)

    factors = (move([[30, 10]], drawn(affine(scale=0.25)).matrices)[:, 0] - middle)[:, 0] / 10
    np.testing.assert_allclose([factors.min(), factors.max()], [1 / 1.25, 1.25], atol=0.003)
    # Uniform in the logarithm: as many pictures shrink as grow.
    np.testing.assert_allclose((factors > 1).mean(), 0.5, atol=0.04)

    # 10 below the centre, a slant by b moves 10 tan b to the right, in the same row.
    slanted = move([[20, 20]], drawn(affine(shear=20)).matrices)[:, 0] - middle
    np.testing.assert_allclose(slanted[:, 1], 10, atol=1e-9)
    limit = 10 * math.tan(math.radians(20))
    np.testing.assert_allclose(np.ptp(slanted[:, 0]), 2 * limit, rtol=0.01)


def test_turn_size_and_moves_are_drawn_independently():
    matrices = drawn(affine(rotation=30, scale=0.25, shift=0.1)).matrices
    centre, beside = (move([[x, 10]], matrices)[:, 0] for x in (20, 30))
    step = beside - centre
    columns = [np.arctan2(step[:, 1], step[:, 0]), np.log(np.hypot(*step.T)), *centre.T]
    # Of 2,000 independent pairs the correlation has the standard deviation 0.022.
    np.testing.assert_allclose(np.corrcoef(columns), np.eye(4), atol=0.09)


def test_flip_mirrors_about_the_middle_of_the_columns():
    change = drawn(flip(), size=(5, 8))
    np.testing.assert_allclose(change.mirrored.mean(), 0.5, atol=0.04)
    moved = move([[0, 3], [6, 1]], change.matrices)
    # The pixel flip of 8 columns is x -> 7 - x.
    assert (moved[change.mirrored] == [[7, 3], [1, 1]]).all()
    assert (moved[~change.mirrored] == [[0, 3], [6, 1]]).all()


def test_a_chain_applies_its_parts_in_order():
    together = drawn(chain(flip(share=1), affine(shift=0.2)), count=50)
    random = np.random.default_rng(0)
    first = flip(share=1)(random, 50, (21, 41))
    second = affine(shift=0.2)(random, 50, (21, 41))
    expected = move(move([[3, 5]], first.matrices), second.matrices)
    np.testing.assert_allclose(move([[3, 5]], together.matrices), expected, atol=1e-9)
    assert together.mirrored.all()
    assert not drawn(chain(flip(share=1), flip(share=1)), count=5).mirrored.any()


def coloured(change, pixel):
    return change.colours[:, :, :3] @ pixel + change.colours[:, :, 3]


def test_colour_adds_scales_about_mid_grey_and_mixes_with_grey():
    pixel = np.array([200.0, 100.0, 50.0])
    added = coloured(drawn(colour(brightness=0.2)), pixel) - pixel
    assert (np.ptp(added, axis=1) < 1e-9).all()
    np.testing.assert_allclose([added.min(), added.max()], [-51, 51], atol=0.5)

    scaled = coloured(drawn(colour(contrast=0.5)), pixel) - 127.5
    gain = scaled / (pixel - 127.5)
    np.testing.assert_allclose(gain, gain[:, :1].repeat(3, 1), atol=1e-9)
    np.testing.assert_allclose([gain.min(), gain.max()], [1 / 1.5, 1.5], atol=0.01)

    # ITU-R 601: 0.299 * 200 + 0.587 * 100 + 0.114 * 50.
    grey = 124.2
    vivid = (coloured(drawn(colour(saturation=1.0)), pixel) - grey) / (pixel - grey)
    np.testing.assert_allclose(vivid, vivid[:, :1].repeat(3, 1), atol=1e-9)
    np.testing.assert_allclose([vivid.min(), vivid.max()], [0.5, 2], atol=0.01)


def test_two_colours_follow_each_other():
    pixel = np.array([200.0, 100.0, 50.0])
    twice = drawn(chain(colour(brightness=0.2), colour(contrast=0.5)), count=9)
    random = np.random.default_rng(0)
    first = colour(brightness=0.2)(random, 9, (21, 41))
    second = colour(contrast=0.5)(random, 9, (21, 41))
    between = coloured(first, pixel)[:, :, np.newaxis]
    expected = (second.colours[:, :, :3] @ between)[:, :, 0] + second.colours[:, :, 3]
    np.testing.assert_allclose(coloured(twice, pixel), expected, atol=1e-9)


def test_cutout_is_a_square_around_any_pixel():
    change = drawn(cutout(side=0.5, share=0.25), size=(12, 20))
    left, top, right, bottom = change.holes[:, 0].T
    cut = right > left
    np.testing.assert_allclose(cut.mean(), 0.25, atol=0.04)
    # Half of 12 is 6, less what lies outside the frame.
    assert (right - left)[cut].max() == (bottom - top)[cut].max() == 6
    assert left.min() == top.min() == 0
    assert right.max() == 20
    assert bottom.max() == 12
    assert ((right - left)[cut] == 3).any()


def test_an_elastic_warp_is_a_share_of_each_side():
    offsets = drawn(elastic(strength=0.05, cells=3)).offsets
    assert offsets.shape == (2000, 4, 4, 2)
    # x goes by the width of 41, y by the height of 21, cut off at two deviations.
    for axis, side in ((0, 41), (1, 21)):
        assert np.abs(offsets[..., axis]).max() == pytest.approx(2 * 0.05 * side)
        # The variance of a normal cut at two is 1 - 4 f(2) + 6 (1 - F(2)): 0.9206 with f the
        # density and F the distribution.
        assert offsets[..., axis].var() == pytest.approx(0.9206 * (0.05 * side) ** 2, rel=0.03)


def test_the_generator_determines_the_change():
    both = chain(flip(), affine(rotation=20, shift=0.1), colour(contrast=0.2), cutout(side=0.2))
    once, again, other = (drawn(both, count=5, seed=seed) for seed in (1, 1, 2))
    for field in ("matrices", "mirrored", "colours", "holes"):
        np.testing.assert_array_equal(getattr(once, field), getattr(again, field))
    assert not np.array_equal(once.matrices, other.matrices)


@pytest.mark.parametrize(
    ("make", "limits", "message"),
    [
        (affine, {"rotation": -1}, r"rotation must lie in \[0, 180\], and came as -1"),
        (affine, {"rotation": 181}, "rotation .* 181"),
        (affine, {"scale": -0.1}, "scale .* -0.1"),
        (affine, {"shift": math.nan}, "shift .* nan"),
        (affine, {"shear": 90}, "shear .* 90"),
        (flip, {"share": 1.5}, r"share must lie in \[0, 1\], and came as 1.5"),
        (colour, {"brightness": -0.5}, "brightness"),
        (colour, {"contrast": math.inf}, "contrast"),
        (cutout, {"side": 0}, "side"),
    ],
)
def test_refuses_limits_out_of_range(make, limits, message):
    with pytest.raises(UserError, match=message):
        make(**limits)
