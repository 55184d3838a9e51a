"""From five points of a face to where each of its pixels goes."""

import hashlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simlearn.data.frames import Matrix
from simlearn.errors import UserError

# Eyes, nose and corners of the mouth, left to right in the picture, in a face of 112x112 pixels.
_TEMPLATE: Final = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
_TEMPLATE_SIDE: Final = 112


def face_template(size: int) -> Matrix:
    """Where eyes, nose and corners of the mouth lie in an aligned face of `size` pixels a side.

    Args:
        size: height and width, at least 1.

    Returns:
        `(5, 2)`, x and y, with (0, 0) the centre of the first pixel.

    Raises:
        UserError: `size` is below 1.

    Examples:
        >>> face_template(112)[2].tolist()
        [56.0252, 71.7366]
        >>> face_template(224)[2].tolist()  # (56.0252 + 0.5) * 2 - 0.5
        [112.5504, 143.9732]

    Reference:
        The template to which InsightFace aligns at 112x112 pixels (Deng, Guo, Xue, Zafeiriou 2019,
        "ArcFace", section 3.1: five points, similarity transform).
    """
    if size < 1:
        raise UserError(f"expected size of at least 1 pixel, got {size}")
    # A point at p lies p + 0.5 from the edge of the first pixel.
    return (_TEMPLATE + 0.5) * (size / _TEMPLATE_SIDE) - 0.5


def similarity_transform(source: Any, target: Any) -> Matrix:
    r"""The rotation, scale and shift that bring points nearest to others, without mirroring.

    .. math:: \min_{s, R, t} \sum_i |s R x_i + t - y_i|^2, \quad R^T R = 1, \det R = 1

    With the covariance :math:`\Sigma = \frac1n \sum (y_i - \bar y)(x_i - \bar x)^T = U D V^T` and
    S the identity, its last entry -1 where :math:`\det U \det V < 0`, the solution is
    :math:`R = U S V^T`, :math:`s = \mathrm{tr}(D S) / \sigma_x^2`, :math:`t = \bar y - s R \bar x`.

    Args:
        source: `(..., points, 2)`, at least two different points.
        target: `(points, 2)`, or of the shape of `source`.

    Returns:
        `(..., 3, 3)`, from places in the source to places in the target.

    Raises:
        UserError: the shapes do not fit, a value is not finite, or all points of a source are one.

    Examples:
        >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> matrix = similarity_transform(square, 2 * square + 3)
        >>> bool(np.allclose(matrix, [[2, 0, 3], [0, 2, 3], [0, 0, 1]]))
        True

    Reference:
        Umeyama 1991, "Least-squares estimation of transformation parameters between two point
        patterns", IEEE TPAMI 13, equations 34 to 43.
    """
    x, y = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if x.ndim < 2 or x.shape[-1] != 2 or y.shape[-2:] != x.shape[-2:] or x.shape[-2] < 2:
        raise UserError(
            f"expected at least two points (..., points, 2) on both sides, got {x.shape} "
            f"and {y.shape}"
        )
    if not np.isfinite(x).all() or not np.isfinite(y).all():
        raise UserError("expected finite points, got some that are not")
    x_mean, y_mean = x.mean(-2, keepdims=True), y.mean(-2, keepdims=True)
    spread = np.square(x - x_mean).sum((-2, -1)) / x.shape[-2]
    if not (spread > 0).all():
        raise UserError("expected at least two different points, got the same one throughout")
    covariance = np.swapaxes(y - y_mean, -1, -2) @ (x - x_mean) / x.shape[-2]
    u, d, vt = np.linalg.svd(covariance)
    signs = np.ones_like(d)
    signs[..., -1] = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0, -1.0, 1.0)
    rotation = (u * signs[..., np.newaxis, :]) @ vt
    scale = (d * signs).sum(-1) / spread
    matrix = np.zeros((*x.shape[:-2], 3, 3))
    matrix[..., :2, :2] = scale[..., np.newaxis, np.newaxis] * rotation
    shift = y_mean - x_mean @ np.swapaxes(matrix[..., :2, :2], -1, -2)
    matrix[..., :2, 2] = shift[..., 0, :]
    matrix[..., 2, 2] = 1.0
    return matrix


class AlignedFaces:
    """Faces laid by their five points onto the template; see `simlearn.data.frames.Frame`.

    What lies outside the picture is filled; a face at the edge is neither moved nor stretched.

    Args:
        size: height and width of the frame, in pixels: both the same.
        points: `(n, 5, 2)`, for each picture of the record both eyes, nose and both corners of the
            mouth, left to right in the picture. They go by the position of a picture in its record.

    Raises:
        UserError: the frame is no square, the points have another shape or are not finite, or all
            five of a face are one.

    Examples:
        >>> frame = AlignedFaces((112, 112), face_template(112)[np.newaxis] + 7)
        >>> bool(np.allclose(frame.matrix(250, 250, 0)[:2, 2], -7))
        True
    """

    def __init__(self, size: tuple[int, int], points: Any) -> None:
        if size[0] != size[1]:
            raise UserError(f"expected a square frame for aligned faces, got {size}")
        self.size = size
        self.points: NDArray[np.float64] = np.asarray(points, np.float64)
        if self.points.ndim != 3 or self.points.shape[1:] != (5, 2):
            raise UserError(f"expected points (n, 5, 2), and received {self.points.shape}")
        self.matrices = similarity_transform(self.points, face_template(size[0]))

    def __repr__(self) -> str:
        digest = hashlib.sha256(self.points.astype("<f8").tobytes()).hexdigest()
        return f"AlignedFaces({self.size}, points {digest})"

    def matrix(self, width: int, height: int, row: int) -> Matrix:
        """See `Frame.matrix`."""
        return np.asarray(self.matrices[row])
