"""Points drawn on the pictures they were found in."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from simlearn.errors import UserError

_FOUND: Final = (255, 214, 10)
_TRUE: Final = (48, 209, 88)
_EDGE: Final = (0, 0, 0)
# Small pictures are enlarged to at least this, so that a point does not hide what it marks.
_SMALLEST: Final = 240
# But not beyond this: of a strip only a pixel wide the other side would be endless.
_LARGEST: Final = 4096


def draw(
    picture: Image.Image, points: ArrayLike, *, true: ArrayLike | None = None
) -> NDArray[np.uint8]:
    """The picture with its points, enlarged in whole pixels where it is small.

    Args:
        picture: of any mode.
        points: found, `(points, 2)` in pixels of the picture: yellow discs. Points that are not
            finite are left out.
        true: likewise: green crosses, each joined with the point found for it.

    Returns:
        uint8 `(height, width, 3)`.

    Raises:
        UserError: the points have another shape, or there are not as many true ones.

    Examples:
        >>> drawn = draw(Image.new("L", (100, 50)), [[10.0, 20.0]])
        >>> drawn.shape
        (250, 500, 3)
    """
    found = _points(points)
    wanted = None if true is None else _points(true)
    if wanted is not None and len(wanted) != len(found):
        raise UserError(f"expected {len(found)} true points, received {len(wanted)}")
    times = max(1, min(-(-_SMALLEST // min(picture.size)), _LARGEST // max(picture.size)))
    large = picture.convert("RGB").resize(
        (picture.width * times, picture.height * times), Image.Resampling.NEAREST
    )
    pen = ImageDraw.Draw(large)
    radius = max(2.0, min(large.size) / 90)
    for number, (x, y) in enumerate((found + 0.5) * times):
        if wanted is not None and np.isfinite(wanted[number]).all():
            u, v = (wanted[number] + 0.5) * times
            if np.isfinite([x, y]).all():
                pen.line([x, y, u, v], fill=_TRUE, width=max(1, round(radius / 2)))
            for a, b in ((1, 1), (1, -1)):
                pen.line(
                    [u - a * radius, v - b * radius, u + a * radius, v + b * radius],
                    fill=_TRUE,
                    width=max(1, round(radius / 2)),
                )
        if np.isfinite([x, y]).all():
            edge = [x - radius, y - radius, x + radius, y + radius]
            pen.ellipse(edge, fill=_FOUND, outline=_EDGE)
    return np.asarray(large)


def _points(points: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(points, np.float64)
    if values.ndim != 2 or values.shape[1] != 2:
        raise UserError(f"expected points (points, 2), received {values.shape}")
    return values
