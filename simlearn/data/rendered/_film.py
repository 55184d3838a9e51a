"""What the camera makes of a scene: sharpness, contrast, colour and noise."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from simlearn.data.rendered._shots import Shot

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_MIDDLE = 118.0


def taken(
    canvas: NDArray[np.float32], size: int, shot: Shot | None, random: np.random.Generator
) -> NDArray[np.uint8]:
    """The final picture, uint8 `(size, size, 3)`.

    Args:
        canvas: The scene, larger, `(side, side, 3)`, 0 to 255.
        size: Of the picture.
        shot: How it is taken; `None` only shrinks it.
        random: For the noise.
    """
    picture = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    picture = picture.resize((size, size), Image.Resampling.HAMMING)
    if shot is None:
        return np.asarray(picture)
    if shot.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(shot.blur * size / 128))
    pixels = np.asarray(picture, np.float32)
    if shot.grey:
        pixels = (pixels @ _LUMA)[:, :, np.newaxis]
    grain = random.standard_normal(pixels.shape, dtype=np.float32)
    grain *= shot.noise
    grain += (pixels - _MIDDLE) * shot.contrast + _MIDDLE
    result = np.clip(np.rint(grain, out=grain), 0, 255).astype(np.uint8)
    return result.repeat(3, axis=2) if shot.grey else result
