"""One picture in colours of heat for each step."""

from typing import Final

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray

from caption.overlays._heat import heat_maps
from simlearn.data.frames import Frame
from simlearn.errors import UserError

_HEAT: Final = "inferno"
_HOTTEST: Final = 0.88  # Beyond it the colours fade to white, which hides more than it shows.


def overlays(
    picture: NDArray[np.uint8],
    attention: ArrayLike,
    *,
    grid: tuple[int, int] | None = None,
    frame: Frame | None = None,
    strength: float = 0.6,
) -> NDArray[np.uint8]:
    r"""The picture once for each step, in colours of heat where the attention lies.

    .. math:: o = (1 - \alpha h)\, p + \alpha h\, c(h)

    where :math:`h \in [0, 1]` is the heat map over its own maximum, so that even attention heats
    all of the picture; p is the picture, darkened and without colour as far as it is cold, and c
    the colour of the heat.

    Args:
        picture: uint8 `(height, width, 3)`, or 1 channel or none for grey.
        attention: As in `heat_maps`.
        grid: Likewise.
        frame: Likewise.
        strength: :math:`\alpha`, how far heat hides the picture, from 0 to 1.

    Returns:
        uint8 `(steps, height, width, 3)`.

    Raises:
        UserError: As `heat_maps`; or the picture is none, or the strength out of range.

    Examples:
        >>> overlays(np.zeros((6, 8, 3), np.uint8), np.eye(3, 4)).shape
        (3, 6, 8, 3)
    """
    colours = checked_picture(picture).astype(np.float32)
    if not 0 <= strength <= 1:
        raise UserError(f"strength must lie in [0, 1], and came as {strength}")
    maps = heat_maps(attention, colours.shape[:2], grid=grid, frame=frame)
    grey = colours @ np.array([0.299, 0.587, 0.114], np.float32)
    cold = 0.55 * grey[..., np.newaxis] + np.zeros(3, np.float32)
    return np.stack([_blended(colours, cold, one, strength) for one in maps])


def checked_picture(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shape, kind = np.shape(picture), getattr(picture, "dtype", type(picture).__name__)
    grey = len(shape) == 2 or shape[2:] == (1,)
    if kind != np.uint8 or not (grey or shape[2:] == (3,)) or 0 in shape:
        raise UserError(
            "expected a picture as uint8 (height, width, 3), or grey, and received "
            f"{kind} of shape {shape}"
        )
    return np.repeat(picture.reshape(*shape[:2], 1), 3, axis=2) if grey else picture


def _blended(
    colours: NDArray[np.float32],
    cold: NDArray[np.float32],
    heat_map: NDArray[np.float32],
    strength: float,
) -> NDArray[np.uint8]:
    most = float(heat_map.max())
    heat = heat_map / most if most else heat_map
    glow = np.asarray(matplotlib.colormaps[_HEAT](_HOTTEST * heat)[..., :3] * 255, np.float32)
    heat = heat[..., np.newaxis]
    base = cold + np.sqrt(heat) * (colours - cold)
    share = strength * heat
    return np.rint((1 - share) * base + share * glow).astype(np.uint8)
