import math

import numpy as np
import pytest
from PIL import Image

from simlearn.data.frames import Cover, Crop, Inside, Stretch, move, shrink_for, warp
from simlearn.errors import UserError
from tests.simlearn.data.pictures import noise


def bilinear(pixels, x, y, fill):
    """The value at a place, by the four pixels around it; nothing half a pixel outside."""
    height, width = pixels.shape[:2]
    if not (-0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5):
        return np.full(pixels.shape[2:], fill)
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    column, row = min(math.floor(x), width - 2), min(math.floor(y), height - 2)
    total = np.zeros(pixels.shape[2:])
    for i, weight_y in ((row, row + 1 - y), (row + 1, y - row)):
        for j, weight_x in ((column, column + 1 - x), (column + 1, x - column)):
            total = total + weight_x * weight_y * pixels[i, j]
    return total


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fill", [0, 201])
def test_warp_is_the_bilinear_look_up(channels, fill):
    pixels = noise(11, 7, channels)
    random = np.random.default_rng(1)
    for _ in range(5):
        matrix = np.eye(3)
        matrix[:2] += random.normal(0, 0.3, (2, 3)) * [1, 1, 8]
        warped = np.asarray(warp(Image.fromarray(pixels), matrix, (9, 13), fill=fill))
        back = np.linalg.inv(matrix)
        slow = [
            [bilinear(pixels, *move([[x, y]], back)[0], fill) for x in range(13)] for y in range(9)
        ]
        # Pillow cuts off what is behind the point; a place on the very edge may fall to either
        # side.
        off = np.abs(warped + 0.5 - np.array(slow)) > 0.51
        assert off.mean() < 0.01


def test_an_unchanged_picture_is_unchanged_to_the_bit():
    pixels = noise(11, 7)
    warped = warp(Image.fromarray(pixels), Stretch((7, 11)).matrix(11, 7, 0), (7, 11))
    np.testing.assert_array_equal(np.asarray(warped), pixels)


def test_stretch_takes_edges_to_edges():
    # The edges of a 10x6 picture lie at -0.5 and 9.5, -0.5 and 5.5; of the frame, at 24.5 and 17.5.
    corners = move([[-0.5, -0.5], [9.5, 5.5]], Stretch((18, 25)).matrix(10, 6, 0))
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [24.5, 17.5]], atol=1e-12)


def test_inside_keeps_the_aspect_and_leaves_bars():
    # 10x5 into 8 rows of 20 columns: 1.6 times as large is 16x8, so 2 columns are left each side.
    corners = move([[-0.5, -0.5], [9.5, 4.5]], Inside((8, 20)).matrix(10, 5, 0))
    np.testing.assert_allclose(corners, [[1.5, -0.5], [17.5, 7.5]], atol=1e-12)


def test_cover_keeps_the_aspect_and_cuts():
    # 10x5 onto 8 rows of 20 columns: twice as large is 20x10, so a row is cut on each side.
    corners = move([[-0.5, -0.5], [9.5, 4.5]], Cover((8, 20)).matrix(10, 5, 0))
    np.testing.assert_allclose(corners, [[-0.5, -1.5], [19.5, 8.5]], atol=1e-12)


def test_crop_centres_its_box_with_a_margin_in_pixels_of_the_frame():
    # The second box, 30 wide and 40 high, in a frame of 100x60 less 10 on each side: once as large,
    # 30x40, in the middle.
    crop = Crop((60, 100), [[0, 0, 1, 1], [20, 50, 50, 90]], margin=10)
    corners = move([[19.5, 49.5], [49.5, 89.5]], crop.matrix(500, 500, 1))
    np.testing.assert_allclose(corners, [[34.5, 9.5], [64.5, 49.5]], atol=1e-12)


def test_a_crop_at_the_edge_is_neither_moved_nor_stretched():
    pixels = np.full((20, 20), 90, np.uint8)
    pixels[0:4, 0:4] = 200
    crop = Crop((8, 8), [[-2, -2, 6, 6]])
    framed = np.asarray(warp(Image.fromarray(pixels), crop.matrix(20, 20, 0), (8, 8), fill=7))
    assert (framed[:2] == 7).all()
    assert (framed[:, :2] == 7).all()
    assert (framed[2:6, 2:6] == 200).all()
    assert (framed[6:, 2:] == 90).all()


def test_pictures_are_shrunk_only_where_no_pixel_of_the_frame_is_lost():
    sizes = {
        (100, 100): 1,
        (199, 400): 1,
        (200, 200): 2,
        (399, 800): 2,
        (450, 450): 4,
        (900, 801): 8,
    }
    for (width, height), expected in sizes.items():
        assert shrink_for(Stretch((100, 100)).matrix(width, height, 0)) == expected
    turned = np.array([[0, -0.25, 0], [0.25, 0, 0], [0, 0, 1]])
    assert shrink_for(turned) == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stretch((0, 5)), r"size as height and width of at least 1, and received \(0, 5\)"),
        (lambda: Inside((5,)), "size"),
        (lambda: Cover(64), "size as height and width of at least 1, and received 64"),
        (lambda: Cover((5, 2.5)), "size"),
        (lambda: Crop((5, 5), [1, 2, 3, 4]), r"boxes \(n, 4\), and received \(4,\)"),
        (lambda: Crop((5, 5), [[0, 0, 1, 1], [3, 0, 3, 9]]), "for picture 1"),
        (lambda: Crop((5, 5), [[0, 0, np.nan, 9]]), "for picture 0"),
        (lambda: Crop((5, 5), [[0, 0, 9, 9]], margin=2.5), r"margin must lie in \[0, 2.5\)"),
    ],
)
def test_refuses_what_makes_no_frame(make, message):
    with pytest.raises(UserError, match=message):
        make()
