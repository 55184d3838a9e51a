"""Similarity transforms, the template, and pixels that go through them."""

import numpy as np
import pytest
from PIL import Image
from skimage.transform import SimilarityTransform

from simlearn.data import frames
from simlearn.data.loading import Loader
from simlearn.data.records import PictureArray
from simlearn.errors import UserError
from simlearn.faces import (
    Aligned,
    AlignedFaces,
    Cropped,
    FixedBox,
    FoundFaces,
    face_template,
    similarity_transform,
)


def moved(points, *, angle, scale, shift):
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + shift


@pytest.mark.parametrize("angle", [0.0, 0.4, 3.0, -2.0])
def test_a_similarity_is_found_again(angle):
    points = np.random.default_rng(0).normal(size=(5, 2))
    target = moved(points, angle=angle, scale=1.7, shift=[3.0, -11.0])
    matrix = similarity_transform(points, target)
    np.testing.assert_allclose(frames.move(points, matrix), target, atol=1e-9)


def test_noisy_and_mirrored_points_as_scikit_image():
    random = np.random.default_rng(3)
    sources = random.normal(size=(7, 5, 2)) * 20 + 60
    sources[3, :, 0] *= -1  # A mirror image, which no rotation makes.
    found = similarity_transform(sources, face_template(112))
    for source, matrix in zip(sources, found, strict=True):
        expected = SimilarityTransform.from_estimate(source, face_template(112))
        np.testing.assert_allclose(matrix, expected.params, atol=1e-8)
        assert np.linalg.det(matrix) > 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((5, 2)), "two different points"),
        (np.full((5, 2), np.nan), "finite"),
        (np.zeros((5, 3)), "points, 2"),
        (np.zeros((4, 2)), "both sides"),
    ],
)
def test_points_without_a_similarity(source, message):
    with pytest.raises(UserError, match=message):
        similarity_transform(source, face_template(112))


def test_the_template_grows_by_edges_not_by_centres():
    # A pixel of the small face covers a block of 3x3, whose centre is at 3 p + 1.
    np.testing.assert_allclose(face_template(336), 3 * face_template(112) + 1)
    with pytest.raises(UserError, match="at least 1"):
        face_template(0)


def painted(points, side):
    picture = np.zeros((side, side, 1), np.uint8)
    for x, y in np.rint(points).astype(int):
        picture[y - 3 : y + 4, x - 3 : x + 4] = 255
    return picture


def test_a_turned_face_comes_out_upright():
    points = moved(face_template(112) - 56, angle=0.7, scale=1.3, shift=[150, 140])
    pictures = PictureArray(painted(points, 300)[np.newaxis])
    loaded = Loader(pictures, frame=AlignedFaces((112, 112), points[np.newaxis])).load(
        np.array([0])
    )
    for x, y in np.rint(face_template(112)).astype(int):
        assert loaded.images[0, y, x, 0] == 255
    assert (loaded.images > 0).sum() < 5 * 60


def test_a_face_at_the_edge_is_filled_not_stretched():
    # A square of 20x20 at the upper left corner, and a box of which half lies outside.
    picture = np.zeros((1, 60, 90, 1), np.uint8)
    picture[0, :20, :20] = 200
    faces = FoundFaces.gathered([np.array([[-20, -20, 20, 20, 0.9, *np.arange(10.0)]])])
    frame = Cropped(margin=10).frame((100, 100), faces)
    found = (
        Loader(PictureArray(picture), frame=frame, fill=7).load(np.array([0])).images[0, :, :, 0]
    )
    # 40 pixels of the picture on 80 of the frame: twice as large, 10 from the edge.
    lit = np.argwhere(found > 100)
    assert lit.min(axis=0).tolist() == [50, 50]
    assert lit.max(axis=0).tolist() == [89, 89]
    assert (found[:49] == 7).all()


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_the_margin_is_in_pixels_of_the_frame(factor):
    # The same scene at any resolution gives the same frame.
    box = np.array([30.0, 40.0, 70.0, 80.0]) * factor
    faces = FoundFaces.gathered([np.concatenate([box, [0.9], np.arange(10.0)])[np.newaxis]])
    frame = Cropped(margin=12).frame((160, 160), faces)
    corners = frames.move((box - 0.5).reshape(2, 2), frame.matrix(999, 999, 0))
    np.testing.assert_allclose(corners, [[11.5, 11.5], [147.5, 147.5]], atol=1e-9)


def test_a_wide_box_keeps_its_aspect():
    faces = FoundFaces.gathered([np.array([[10, 10, 50, 30, 0.9, *np.arange(10.0)]])])
    matrix = Cropped(margin=4).frame((112, 112), faces).matrix(100, 100, 0)
    assert matrix[0, 0] == matrix[1, 1] == pytest.approx((112 - 8) / 40)


def test_a_fixed_box_is_in_the_middle_of_any_picture():
    # Half of the shorter side, 50 of 100 pixels, a tenth of it below the middle.
    frame = FixedBox((50, 50), share=0.5, shift=0.1)
    assert frames.move([[75, 35]], frame.matrix(200, 100, 0)).tolist() == [[0, 0]]
    assert "0.5" in repr(frame)
    with pytest.raises(UserError, match="share over 0"):
        FixedBox((5, 5), share=0)


def test_frames_say_what_they_depend_on():
    faces = FoundFaces.gathered([np.arange(15.0)[np.newaxis]])
    other = FoundFaces.gathered([np.arange(1.0, 16.0)[np.newaxis] ** 2])
    first, second = (Aligned().frame((112, 112), found) for found in (faces, other))
    assert repr(first) != repr(second)
    with pytest.raises(UserError, match="square"):
        AlignedFaces((112, 96), faces.points)
    with pytest.raises(UserError, match="n, 5, 2"):
        AlignedFaces((112, 112), faces.points[:, :4])


def test_warped_pixels_agree_with_pillow_on_a_whole_shift():
    picture = np.random.default_rng(0).integers(0, 256, (1, 120, 120, 3)).astype(np.uint8)
    frame = AlignedFaces((112, 112), face_template(112)[np.newaxis] + [3, 5])
    found = Loader(PictureArray(picture), frame=frame).load(np.array([0])).images[0]
    expected = np.asarray(Image.fromarray(picture[0]).crop((3, 5, 115, 117)))
    assert np.abs(found.astype(int) - expected).max() <= 1
