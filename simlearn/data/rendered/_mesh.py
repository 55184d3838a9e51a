"""Surfaces made of triangles, each with a material."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SKIN, HAIR, CLOTH, FRAME, LENS, FACE = range(6)
"""Materials."""


class Mesh(NamedTuple):
    """A surface.

    Attributes:
        points: Corners, `(v, 3)`.
        normals: Outwards, `(v, 3)`.
        values: What a material wants to know of a place, `(v, 3)`.
        triangles: Positions in `points`, clockwise where seen from outside, `(3, t)`.
        material: One of this module's.
        two_sided: Whether the back is seen too.
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    values: NDArray[np.float32]
    triangles: NDArray[np.int64]
    material: int
    two_sided: bool = False

    def turned(self, rotation: NDArray[np.float64]) -> "Mesh":
        """The same surface in the camera's directions."""
        turn = rotation.T.astype(np.float32)
        return self._replace(points=self.points @ turn, normals=self.normals @ turn)


def grid_mesh(
    points: NDArray[np.floating],
    values: NDArray[np.floating],
    material: int,
    *,
    two_sided: bool = False,
) -> Mesh:
    """A surface over a grid.

    Args:
        points: `(rows, columns, 3)`; outwards is where rows go down and columns to the right.
        values: `(rows, columns, 3)`.
        material: One of this module's.
        two_sided: Whether the back is seen too.
    """
    points = np.asarray(points, np.float32)
    rows, columns = points.shape[:2]
    down, along = np.empty_like(points), np.empty_like(points)
    down[1:-1], down[0], down[-1] = points[2:] - points[:-2], points[1] - points[0], (
        points[-1] - points[-2])  # fmt: skip
    along[:, 1:-1] = points[:, 2:] - points[:, :-2]
    along[:, 0], along[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    normals = np.stack(
        [
            along[..., 1] * down[..., 2] - along[..., 2] * down[..., 1],
            along[..., 2] * down[..., 0] - along[..., 0] * down[..., 2],
            along[..., 0] * down[..., 1] - along[..., 1] * down[..., 0],
        ],
        axis=-1,
    )
    normals /= np.sqrt(np.sum(normals**2, axis=-1, keepdims=True)) + 1e-9
    return Mesh(
        points.reshape(-1, 3),
        normals.reshape(-1, 3),
        np.asarray(values, np.float32).reshape(-1, 3),
        _grid_triangles(rows, columns),
        material,
        two_sided,
    )


def ball(centre: tuple[float, float, float], radii: tuple[float, float, float], material: int,
         turn: float = 0.0) -> Mesh:  # fmt: skip
    """An ellipsoid, turned about the vertical by `turn` degrees to the picture's right."""
    height, around = np.meshgrid(
        np.linspace(0.03, np.pi - 0.03, 9), np.linspace(-np.pi, np.pi, 15), indexing="ij"
    )
    x, y, z = np.sin(height) * np.sin(around), -np.cos(height), np.sin(height) * np.cos(around)
    sine, cosine = np.sin(np.radians(turn)), np.cos(np.radians(turn))
    x, y, z = x * radii[0], y * radii[1], z * radii[2]
    points = np.stack([cosine * x + sine * z, y, cosine * z - sine * x], axis=-1) + centre
    return grid_mesh(points, np.stack([around, y, z], axis=-1), material)


@lru_cache(maxsize=64)
def _grid_triangles(rows: int, columns: int) -> NDArray[np.int64]:
    corner = (np.arange(rows - 1)[:, np.newaxis] * columns + np.arange(columns - 1)).ravel()
    upper = np.stack([corner, corner + 1, corner + columns], axis=-1)
    lower = np.stack([corner + 1, corner + columns + 1, corner + columns], axis=-1)
    return np.ascontiguousarray(np.concatenate([upper, lower]).T)
