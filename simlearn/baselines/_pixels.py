"""Raw pixels, and the check that all baselines make of their pictures."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError


def raw_pixels(images: ArrayLike) -> NDArray[np.float32]:
    """Embed each image as its own pixels, ``x / 255`` in row-major order.

    Args:
        images: ``(items, height, width)`` or ``(items, height, width, channels)``, uint8 or other
            numbers on the same scale, 0..255.

    Returns:
        ``(items, height * width * channels)`` in 0..1.

    Raises:
        UserError: if the shape or type is wrong, or a value is not in 0..255.

    Examples:
        >>> raw_pixels(np.array([[[0, 51], [102, 255]]], dtype=np.uint8))
        array([[0. , 0.2, 0.4, 1. ]], dtype=float32)
    """
    pixels = as_pixels(images)
    flat = pixels.reshape(len(pixels), int(np.prod(pixels.shape[1:])))
    return flat.astype(np.float32) / np.float32(255)


def as_pixels(images: ArrayLike) -> NDArray[Any]:
    """Return `images` as ``(items, height, width)`` or with channels, values in 0..255."""
    pixels = np.asarray(images)
    if pixels.ndim not in (3, 4) or pixels.dtype.kind not in "fiu":
        raise UserError(
            f"images: expected numbers of shape (items, height, width) or "
            f"(items, height, width, channels), got {pixels.dtype} of shape {pixels.shape}"
        )
    # Written so that NaN, which compares as neither inside nor outside, is refused as well.
    outside = ~((pixels >= 0) & (pixels <= 255)).all(axis=tuple(range(1, pixels.ndim)))
    if outside.any():
        first = int(np.argmax(outside))
        raise UserError(
            f"images: expected values in 0..255, got {pixels[first].min()} to "
            f"{pixels[first].max()} in image {first}"
        )
    return pixels


def picture_shape(pixels: NDArray[Any]) -> tuple[int, int, int]:
    """Height, width and channels of each of the pictures; without channels there is one."""
    height, width, *channels = pixels.shape[1:]
    return (height, width, channels[0] if channels else 1)
