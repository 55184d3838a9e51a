"""From the head's coordinates to pixels."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_DISTANCE: Final = 14.0
"""Of the camera from the head, in eye-to-mouth distances: about a metre."""

_FACE_PLANE: Final = 1.15
"""z at which a length of 1 appears with the camera's full scale."""


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Turns columns of head coordinates into the camera's: right, down and towards it.

    Args:
        yaw: Degrees to the picture's right.
        pitch: Degrees down.
        roll: Degrees clockwise.

    Examples:
        >>> (rotation(-30, 0, 0) @ [0, 0, 1]).round(2).tolist()  # Looks left.
        [-0.5, 0.0, 0.87]
        >>> (rotation(0, 0, 90) @ [1, 0, 0]).round(2).tolist()
        [0.0, 1.0, 0.0]
    """
    (sy, sp, sr), (cy, cp, cr) = np.sin(a := np.radians([yaw, pitch, roll])), np.cos(a)
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ nod @ turn


class Camera(NamedTuple):
    """Where the head appears.

    Attributes:
        scale: Pixels of a length of 1 at the face.
        shift: Pixel at which the head's origin appears, x and y.
    """

    scale: float
    shift: tuple[float, float]

    def project(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Pixels x and y, and nearness, of points `(..., 3)` in the camera's directions."""
        points = np.asarray(points, np.float64)
        size = self.scale * (_DISTANCE - _FACE_PLANE) / (_DISTANCE - points[..., 2])
        x = self.shift[0] + size * points[..., 0]
        y = self.shift[1] + size * points[..., 1]
        return np.stack([x, y, points[..., 2]], axis=-1)


def aimed(
    scale: float, centre: tuple[float, float], landmarks: NDArray[np.float64], side: float
) -> Camera:
    """The camera that shows the middle of the landmarks at `centre`.

    Where landmarks would lie outside the picture, it is moved so that they do not.

    Args:
        scale: Pixels of a length of 1.
        centre: Shares of width and height, x and y.
        landmarks: In the camera's directions, `(5, 3)`.
        side: Of the picture in pixels.
    """
    flat = Camera(scale, (0.0, 0.0)).project(landmarks)[:, :2]
    shift = np.array(centre) * side - 0.5 - flat.mean(axis=0)
    border = 0.02 * side
    shift = np.minimum(shift, side - 1 - border - flat.max(axis=0))
    shift = np.maximum(shift, border - flat.min(axis=0))
    return Camera(scale, (float(shift[0]), float(shift[1])))
