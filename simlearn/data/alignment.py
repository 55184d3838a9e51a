"""Shapes of landmarks: their mean, the similarity that lays one on another, frames from it.

A similarity turns, scales and moves; it never mirrors. Missing points have no say.

Reference:
    Gower: Generalized Procrustes analysis. Psychometrika 40, 1975. Umeyama: Least-squares
    estimation of transformation parameters between two point patterns. PAMI 13, 1991.
"""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.data.frames import Matrix, move
from simlearn.errors import UserError

__all__ = ["Placed", "mean_shape", "placed_shape", "similarities", "upright"]

_ROUNDS: Final = 10


class Placed:
    """A frame whose matrices are given, one a picture of the record.

    Args:
        size: Height and width of the frame, in pixels, at least 1.
        matrices: `(n, 3, 3)`, from places in each picture to places in the frame; they go by the
            position of a picture in its record.

    Raises:
        UserError: The matrices have another shape, or one is not finite or flattens its picture.

    Examples:
        >>> frame = Placed((4, 4), np.array([[[2.0, 0, 1], [0, 2, 0], [0, 0, 1]]]))
        >>> move([[1, 1]], frame.matrix(10, 10, 0)).tolist()
        [[3.0, 2.0]]
    """

    def __init__(self, size: tuple[int, int], matrices: ArrayLike) -> None:
        self.size = (int(size[0]), int(size[1]))
        self.matrices = np.asarray(matrices, np.float64)
        if self.matrices.ndim != 3 or self.matrices.shape[1:] != (3, 3):
            raise UserError(f"expected matrices (n, 3, 3), and received {self.matrices.shape}")
        good: NDArray[np.bool_] = np.asarray(np.isfinite(self.matrices).reshape(-1, 9).all(axis=1))
        volume = np.linalg.det(np.where(good[:, None, None], self.matrices, 0.0))
        good &= np.asarray(np.abs(volume) > 0)
        if not good.all():
            row = int(np.argmin(good))
            raise UserError(
                "expected matrices that can be undone, "
                f"and received {self.matrices[row].tolist()} for picture {row}"
            )

    def __repr__(self) -> str:
        digest = hashlib.sha256(self.matrices.astype("<f8").tobytes()).hexdigest()
        return f"Placed({self.size}, matrices {digest})"

    def matrix(self, width: int, height: int, row: int) -> Matrix:
        """See `simlearn.data.frames.Frame.matrix`."""
        return self.matrices[row]


def similarities(
    source: ArrayLike, target: ArrayLike, visible: ArrayLike | None = None
) -> NDArray[np.float64]:
    """The similarity that brings each source nearest to its target, in the mean square.

    With the centred points as complex numbers z and w, the turn and scale are
    `a = sum conj(z) w / sum |z|^2`.

    Args:
        source: `(n, p, 2)` or `(p, 2)`, points in pixels.
        target: likewise.
        visible: booleans `(n, p)`, which points count; by default all.

    Returns:
        `(n, 3, 3)`, as matrices for `simlearn.data.frames.move`.

    Raises:
        UserError: A source has fewer than two different points that count.

    Examples:
        >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> turned = np.stack([5 - 2 * square[:, 1], 3 + 2 * square[:, 0]], axis=1)
        >>> similarities(square, turned)[0].round(6).tolist()
        [[0.0, -2.0, 5.0], [2.0, 0.0, 3.0], [0.0, 0.0, 1.0]]
    """
    first, second = np.broadcast_arrays(_rows(source), _rows(target))
    known = np.ones(first.shape[:2]) if visible is None else np.asarray(visible, np.float64)
    known = np.broadcast_to(known, first.shape[:2])
    count = known.sum(axis=1, keepdims=True)
    z, w = (np.where(known > 0, part[..., 0] + 1j * part[..., 1], 0) for part in (first, second))
    share = known / np.maximum(count, 1)
    middle, aim = (z * share).sum(1, keepdims=True), (w * share).sum(1, keepdims=True)
    z, w = (z - middle) * known, (w - aim) * known
    size = (np.abs(z) ** 2).sum(axis=1)
    if not (size > 0).all():
        raise UserError(
            "expected at least two different known points of each picture, "
            f"and found fewer in picture {int(np.argmin(size > 0))}"
        )
    factor = (z.conj() * w).sum(axis=1) / size
    return _matrices(factor, aim[:, 0] - factor * middle[:, 0])


def mean_shape(points: ArrayLike, visible: ArrayLike | None = None) -> NDArray[np.float64]:
    """The mean of many shapes, each first laid on the mean: centred, of size 1.

    Args:
        points: `(n, p, 2)`.
        visible: booleans `(n, p)`; by default all.

    Returns:
        `(p, 2)`; its centre is at 0, and the mean square of the distances from there is 1.

    Raises:
        UserError: A point is never visible, or no picture has two different points, or points fall
            into groups that no pictures join.

    Examples:
        >>> triangle = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 3.0]])
        >>> shapes = np.stack([triangle + 7.0, 2 * triangle])
        >>> shape = mean_shape(shapes)
        >>> np.allclose(shape, (triangle - [2, 1]) / np.sqrt((4 + 1 + 4 + 1 + 4) / 3))
        True
    """
    shapes = _rows(points)
    known = np.ones(shapes.shape[:2], bool) if visible is None else np.asarray(visible, bool)
    spread = [len(np.unique(s[k], axis=0)) for s, k in zip(shapes, known, strict=True)]
    enough = np.array(spread) >= 2
    shapes, known = shapes[enough], known[enough]
    if not len(shapes) or not known.any(axis=0).all():
        raise UserError("expected each point in some picture that has two of them, and found less")
    # The pictures with the most points say where to begin.
    best = known.sum(axis=1) == known.sum(axis=1).max()
    shape = _unit(np.where(known[best][0][:, None], shapes[best][0], 0.0), known[best][0])
    have = known[best][0]
    for _ in range(_ROUNDS):
        usable = (known & have).sum(axis=1) >= 2
        laid = shapes[usable]
        both = known[usable] & have
        laid = move(laid, similarities(laid, shape, both))
        weights = known[usable][..., None]
        sums = np.where(weights, laid, 0.0).sum(axis=0)
        counts = weights.sum(axis=0)
        shape = np.where(counts > 0, sums / np.maximum(counts, 1), shape)
        have = have | (counts[:, 0] > 0)
        shape = _unit(shape, have)
    if not have.all():
        raise UserError(
            "expected pictures that show each point with two others, "
            f"and found none for point {int(np.argmin(have))}"
        )
    return _upright_shape(shape, shapes, known)


def placed_shape(shape: ArrayLike, *, side: int, extent: float) -> NDArray[np.float64]:
    """Where the points of a shape lie in a square frame.

    Args:
        shape: `(p, 2)`, as `mean_shape` gives it.
        side: Of the frame, in pixels.
        extent: How many sizes of the shape the side spans, above 0: 5 leaves a face some room.

    Returns:
        `(p, 2)`, in pixels of the frame, the shape's centre in its middle.
    """
    return np.asarray(shape, np.float64) * (side / extent) + (side - 1) / 2


def upright(matrices: NDArray[np.float64], *, side: int) -> NDArray[np.float64]:
    """Similarities without their turn: same scale, and the same place in the middle of the frame.

    Args:
        matrices: `(n, 3, 3)`, into a square frame.
        side: Of the frame, in pixels.
    """
    scale = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    middle = (side - 1) / 2
    back = np.linalg.inv(matrices).astype(np.float64)
    centre = move(np.array([[middle, middle]]), back)[:, 0]
    factor = scale.astype(complex)
    return _matrices(factor, middle * (1 + 1j) - factor * (centre[:, 0] + 1j * centre[:, 1]))


def _rows(points: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(points, np.float64)
    values = values[np.newaxis] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[2] != 2:
        raise UserError(f"expected points (n, p, 2), and received {values.shape}")
    return values


def _matrices(factor: NDArray[np.complex128], shift: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The matrices of `z -> factor z + shift`."""
    matrices = np.tile(np.eye(3), (len(factor), 1, 1))
    matrices[:, 0, 0] = matrices[:, 1, 1] = factor.real
    matrices[:, 1, 0], matrices[:, 0, 1] = factor.imag, -factor.imag
    matrices[:, 0, 2], matrices[:, 1, 2] = shift.real, shift.imag
    return matrices


def _unit(shape: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    centred = shape - shape[known].mean(axis=0)
    return centred / np.sqrt((centred[known] ** 2).sum(axis=1).mean())


def _upright_shape(
    shape: NDArray[np.float64], shapes: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The shape turned as the shapes are on average: it began as one of them, which may lean."""
    matrices = similarities(shapes, shape, known)
    lean = matrices[:, 0, 0] + 1j * matrices[:, 1, 0]
    back = np.conj((lean / np.abs(lean)).sum())
    return move(shape, _matrices(np.array([back / abs(back)]), np.zeros(1, complex))[0])
