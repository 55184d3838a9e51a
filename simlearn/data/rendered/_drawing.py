"""One picture: the scene seen by the camera, lit, and taken with its noise and blur."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn.data.rendered import _figure, _film, _hair, _materials, _mesh, _skin
from simlearn.data.rendered._anatomy import Person
from simlearn.data.rendered._backdrops import backdrop
from simlearn.data.rendered._camera import Camera, aimed, rotation
from simlearn.data.rendered._chance import LOOKS, SCENE, stream
from simlearn.data.rendered._materials import Columns, Look
from simlearn.data.rendered._mesh import Mesh
from simlearn.data.rendered._raster import Hits, rasterise
from simlearn.data.rendered._shots import Shot
from simlearn.data.rendered._surface import Face, face

_SMALLEST_CANVAS: Final = 128
_FINER: Final = 1.25
_SHOULDER: Final = 185.0


class _Scene(NamedTuple):
    points: NDArray[np.float32]
    values: NDArray[np.float32]  # Normal, then what the material wants to know: (v, 6).
    triangles: NDArray[np.int64]
    material: NDArray[np.int8]
    culled: NDArray[np.bool_]


class View(NamedTuple):
    """A head and where it appears.

    Attributes:
        face: The head.
        turn: Into the camera's directions, `(3, 3)`.
        camera: To pixels.
        points: The landmarks in the picture, `(5, 2)`, x and y in pixels, with (0, 0) the centre of
            the pixel at the top left.
    """

    face: Face
    turn: NDArray[np.float64]
    camera: Camera
    points: NDArray[np.float64]


def view(person: Person, shot: Shot, size: int) -> View:
    """What is known of a picture of `size` pixels before it is drawn."""
    shape = face(person, shot)
    turn = rotation(shot.yaw, shot.pitch, shot.roll)
    landmarks = shape.landmarks @ turn.T
    camera = aimed(shot.face * size, shot.centre, landmarks, size)
    return View(shape, turn, camera, camera.project(landmarks)[:, :2])


def draw(
    person: Person, shot: Shot, size: int, *, key: tuple[int, int, int], markers: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """One picture of a person.

    Args:
        person: Who.
        shot: How.
        size: Of the square picture, in pixels.
        key: Seed, identity and picture: decides freckles, clothes, background and noise.
        markers: Draw coloured dots at the landmarks, and no light, blur or noise, for tests.

    Returns:
        Pixels `(size, size, 3)`, and the landmarks `(5, 2)`; see `View`.
    """
    seed, identity, picture = key
    side = max(_SMALLEST_CANVAS, math.ceil(_FINER * size))
    own, random = stream(seed, LOOKS, identity), stream(seed, SCENE, identity, picture)
    seen = view(person, shot, size)
    scene = _scene(person, shot, seen)
    hits = _seen(scene, seen.camera, side, side / size)
    strands = 0.11 * own.standard_normal(256, dtype=np.float32)
    skin = _skin.paint(person, shot, own, markers=markers)
    look = Look(person, _figure.clothes(person, random), skin, strands)
    canvas = backdrop(side, random)
    canvas.reshape(-1, 3)[hits.pixel] = _lit(scene, hits, look, shot, flat=markers).T
    return _film.taken(canvas, size, None if markers else shot, random), seen.points


def _scene(person: Person, shot: Shot, seen: View) -> _Scene:
    """All surfaces of a person, in the camera's directions."""
    meshes = [_hair.head(person, seen.face), *_hair.hanging(person, shot)]
    meshes += [] if _hair.hides_ears(person, shot) else _figure.ears(person)
    meshes += _figure.glasses(person, shot) if shot.glasses else []
    # The body follows the head a little.
    trunk = rotation(0.35 * shot.yaw, 0, 0.3 * shot.roll)
    return _joined(
        [mesh.turned(seen.turn) for mesh in meshes]
        + [mesh.turned(trunk) for mesh in _figure.body(person)]
    )


def _joined(meshes: list[Mesh]) -> _Scene:
    """All surfaces as one."""
    begin = np.cumsum([0] + [len(mesh.points) for mesh in meshes[:-1]])
    counts = [mesh.triangles.shape[1] for mesh in meshes]
    values = [np.concatenate([mesh.normals, mesh.values], axis=1) for mesh in meshes]
    return _Scene(
        points=np.concatenate([mesh.points for mesh in meshes]),
        values=np.concatenate(values),
        triangles=np.concatenate(
            [mesh.triangles + first for mesh, first in zip(meshes, begin, strict=True)], axis=1
        ),
        material=np.repeat(np.array([mesh.material for mesh in meshes], np.int8), counts),
        culled=np.repeat(np.array([not mesh.two_sided for mesh in meshes]), counts),
    )


def _seen(scene: _Scene, camera: Camera, side: int, ratio: float) -> Hits:
    """What the finer canvas shows, `ratio` of whose pixels make one of the picture."""
    points = camera.project(scene.points)
    # The first pixel of the picture has its centre in the middle of a block of the canvas.
    points[:, :2] = points[:, :2] * ratio + (ratio - 1) / 2
    return rasterise(
        np.ascontiguousarray(points.T, np.float32), scene.triangles, side, culled=scene.culled
    )


def _lit(scene: _Scene, hits: Hits, look: Look, shot: Shot, *, flat: bool) -> Columns:
    """Colours of what is seen, `(3, n)`; without light where `flat`."""
    weights = (1 - hits.second - hits.third, hits.second, hits.third)
    corners = scene.triangles[:, hits.triangle]
    values = sum(
        scene.values.take(corner, axis=0) * weight[:, np.newaxis]
        for corner, weight in zip(corners, weights, strict=True)
    )
    columns = np.ascontiguousarray(values.T)
    normal, place = columns[:3], columns[3:]
    away = normal[2] < 0
    colour, gloss, sheen = _coloured(scene.material[hits.triangle], look, place, away)
    if flat:
        return colour
    normal *= np.where(away, np.float32(-1), 1) / (np.sqrt((normal**2).sum(axis=0)) + 1e-6)
    light = shot.light.astype(np.float32)
    half = light + np.array([0, 0, 1], np.float32)  # Between the light and the camera.
    facing = np.clip(half @ normal / np.linalg.norm(half), 0, 1)
    square = facing * facing
    hard = square * square * square
    # Light reaches a little around the edge, as it does on skin.
    level = shot.ambient + shot.light_strength * (
        np.clip((light @ normal + 0.3) / 1.3, 0, 1) + sheen * hard
    )
    shine = shot.light_strength * gloss * (hard * hard * square * square)
    bright = (colour * level + shine) * shot.tint.astype(np.float32)[:, np.newaxis]
    # Like film, nothing bright turns white at once.
    over, room = np.maximum(bright - _SHOULDER, 0), np.float32(255 - _SHOULDER)
    return bright - over + room * (1 - np.exp(-over / room))


def _coloured(
    material: NDArray[np.int8], look: Look, place: Columns, away: NDArray[np.bool_]
) -> tuple[Columns, NDArray[np.float32], NDArray[np.float32]]:
    """Colours, and how much of a small and of a wide highlight each pixel has."""
    colour = np.zeros((3, len(material)), np.float32)
    gloss, sheen = np.zeros((2, len(material)), np.float32)
    on = np.flatnonzero(material == _mesh.FACE)
    colour[:, on], cover = _materials.face(look, place[:, on])
    gloss[on], sheen[on] = 24 * (1 - cover), 0.3 * cover
    on = np.flatnonzero(material == _mesh.SKIN)
    colour[:, on], gloss[on] = _materials.skin(look, place[:, on]), 8
    on = np.flatnonzero(material == _mesh.HAIR)
    colour[:, on], sheen[on] = _materials.hair(look, place[:, on], away[on]), 0.35
    on = np.flatnonzero(material == _mesh.CLOTH)
    colour[:, on] = _materials.cloth(look, place[:, on])
    colour[:, material == _mesh.FRAME] = np.array(look.person.frame)[:, np.newaxis]
    on = np.flatnonzero(material == _mesh.LENS)
    colour[:, on], gloss[on] = np.array([[26], [26], [32]]), 60
    return colour, gloss, sheen
