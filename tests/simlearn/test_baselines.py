import numpy as np
import pytest

from simlearn.baselines import raw_pixels
from simlearn.errors import UserError


@pytest.mark.parametrize("shape", [(3, 5, 7), (3, 5, 7, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_flattens_in_row_major_order_and_scales(shape, dtype):
    images = np.random.default_rng(0).integers(256, size=shape).astype(dtype)
    embedded = raw_pixels(images)
    assert embedded.dtype == np.float32
    expected = [[float(value) / 255 for value in image.flat] for image in images]
    np.testing.assert_allclose(embedded, expected, rtol=1e-6)


def test_no_images_give_no_rows():
    assert raw_pixels(np.empty((0, 5, 7), np.uint8)).shape == (0, 35)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((5, 7)), r"got float64 of shape \(5, 7\)"),
        (np.zeros((2, 5, 7), np.bool_), "got bool of shape"),
        (np.array([[[0.0, 1.0]], [[-0.5, 3.0]]]), r"0\.\.255, got -0\.5 to 3\.0 in image 1"),
        (np.array([[[0, 256]]]), r"0\.\.255, got 0 to 256 in image 0"),
        (np.array([[[0.0, np.nan]]]), r"0\.\.255, got nan to nan in image 0"),
    ],
)
def test_refuses_what_are_no_pixels(images, message):
    with pytest.raises(UserError, match=message):
        raw_pixels(images)
