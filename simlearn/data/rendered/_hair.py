"""Hair: what lies on the head, what hangs from it, and where it begins."""

import numpy as np
from numpy.typing import NDArray

from simlearn.data.rendered._anatomy import Person
from simlearn.data.rendered._mesh import FACE, HAIR, Mesh, ball, grid_mesh
from simlearn.data.rendered._shots import Shot
from simlearn.data.rendered._surface import Face, half_width


def head(person: Person, face: Face) -> Mesh:
    """The head with the hair that lies on it.

    The values of a place are x and y as seen from in front, without the hair, and how far inside
    the hair it is: above 0 is hair.
    """
    points = face.points
    inside = _inside(person, points[..., 1], face.around)
    thick = person.volume * {"short": 0.55, "ring": 0.45, "tied": 0.5}.get(person.cut, 1.0)
    up = np.clip(-points[..., 1] / 1.2, 0, 1)
    rise = np.clip(inside / 0.22, 0, 1)
    rough = 1.0
    if person.waves > 0.8:  # Curls.
        y = points[..., 1]
        rough = 1 + 0.16 * np.sin(11 * face.around + 2 * np.sin(9 * y)) * np.sin(10 * y)
    lift = rough * thick * (0.45 + 0.55 * up) * rise * rise * (3 - 2 * rise)
    away = points - np.array([0, -0.15, 0], np.float32)
    away = away / np.linalg.norm(away, axis=-1, keepdims=True)
    values = np.stack([points[..., 0], points[..., 1], inside], axis=-1)
    return grid_mesh(points + lift[..., np.newaxis] * away, values, FACE)


def hides_ears(person: Person, shot: Shot) -> bool:
    """Whether hair hangs beside the face."""
    return person.cut == "bob" or (person.cut == "long" and not shot.tied)


def hanging(person: Person, shot: Shot) -> list[Mesh]:
    """Hair that hangs down, or is tied up."""
    if person.cut == "tied" or (person.cut == "long" and shot.tied):
        high = person.parting >= 0
        centre = (0.0, -1.62, -0.55) if high else (0.0, -0.75, -1.45)
        return [ball(centre, (0.46, 0.42, 0.42), HAIR)]
    if not hides_ears(person, shot):
        return []
    return [_curtain(person)]


def _curtain(person: Person) -> Mesh:
    """Hair all around the head but for an opening in front."""
    y = np.concatenate([np.linspace(-1.05, -0.3, 6), np.linspace(-0.1, person.hair_length, 14)])
    opening = np.interp(y, [-1.05, -0.4, 0.3, 1.2, 2.6], [90, 72, 59, 57, 64])
    share = np.linspace(-1, 1, 25)
    around = np.radians(180 + (180 - opening)[:, np.newaxis] * share)
    wave = 0.05 * min(person.waves, 1.3) * np.sin(5.5 * y[:, np.newaxis] + 2.0 * around)
    flare = np.interp(y, [-1.05, 0.2, 1.2, 2.6], [0.0, 0.02, 0.10, 0.16])
    wide = np.minimum(half_width(person, np.minimum(y, 0.0)), 1.04) + flare + person.volume
    deep = np.interp(y, [-1.05, -0.5, 0.5, 1.6, 2.6], [1.02, 1.28, 1.32, 1.1, 0.95])
    x = (wide[:, np.newaxis] + wave) * np.sin(around)
    z = -0.08 + ((deep + person.volume)[:, np.newaxis] + wave) * np.cos(around)
    # The ends are not cut along a ruler.
    ends = 0.12 * np.clip(y[:, np.newaxis] - 0.6, 0, 1) * np.cos(2 * np.pi * share)
    height = y[:, np.newaxis] + ends
    values = np.stack([around, height, np.ones_like(x)], axis=-1)
    return grid_mesh(np.stack([x, height, z], axis=-1), values, HAIR, two_sided=True)


def _inside(
    person: Person, y: NDArray[np.float32], around: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far each place of the head is inside the hair."""
    if person.cut == "bald":
        return np.full(y.shape, -1.0)
    angle = np.degrees(around)
    line, temple = person.hairline, person.temples
    burn = 0.25 if person.male else -0.05  # Sideburns, down in front of the ear.
    heights = np.array(
        [line, line + 0.3 * temple, line + temple, 0.66, 0.30, -burn, 0.05, -0.7, -0.95]
    )
    places = [0, 18, 38, 56, 70, 82, 96, 120, 180]
    inside = -np.interp(np.abs(angle), places, heights) - y
    fringe = person.cut in ("full", "bob", "long") and person.waves < 0.25
    if fringe:
        # Hair that falls over the forehead, further on one side of the parting.
        slope = np.clip((angle * np.sign(person.parting or 1) + 25) / 60, 0, 1)
        low = 0.42 + (0.30 * slope if person.parting else 0.0)
        inside = np.maximum(inside, np.where(np.abs(angle) < 52, -low - y, -1.0))
    if person.cut == "ring":
        inside = np.minimum(inside, y + 0.62 - 0.25 * np.clip(np.abs(angle) / 180, 0, 1))
    return inside
