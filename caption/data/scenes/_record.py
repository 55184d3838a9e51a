"""Scenes drawn and described: the record of any captioned data set, and what each pixel shows."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caption.data.records import CaptionedPictures
from caption.data.scenes._layout import layout
from caption.data.scenes._painting import painted
from caption.data.scenes._scene import SPLITS, Scene, Split
from caption.data.scenes._sentences import captions_of
from simlearn._typing import BoolArray, IntArray
from simlearn.data._annotations import check_split
from simlearn.data.records import PictureArray
from simlearn.data.records._columns import checked_rows, shaped
from simlearn.errors import UserError

SHORTEST_SIDE: Final = 64
LONGEST_SIDE: Final = 512
"""Pixels of a side of a rendered picture; one side may be twice as long as the other."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RenderedScenes(CaptionedPictures):
    """Rendered pictures with captions, and what each of their pixels shows.

    `pictures`, `ids`, `captions` and `name` are those of `CaptionedPictures`; an id is unique
    over all splits of one seed.

    Args:
        labels: uint8 `(n, height, width)`: 0 for the ground, k where the thing k - 1 is seen.
        scenes: what each picture shows.

    Raises:
        UserError: A column has the wrong type or length, or an id occurs twice.
    """

    labels: NDArray[np.uint8]
    scenes: tuple[Scene, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = (len(self), *np.shape(self.labels)[1:3])
        labels = shaped(self.labels, np.uint8, shape, f"{self.name}: labels")
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "scenes", tuple(self.scenes))
        if len(self.scenes) != len(self):
            raise UserError(
                f"{self.name}: expected {len(self)} scenes, and received {len(self.scenes)}"
            )

    def masks(self, row: int) -> NDArray[np.bool_]:
        """Where each thing of one picture is seen, `(k, height, width)`, in the scene's order."""
        numbers = np.arange(1, len(self.scenes[row].things) + 1, dtype=np.uint8)
        return self.labels[row] == numbers[:, np.newaxis, np.newaxis]

    def take(
        self, index: slice | IntArray | BoolArray, *, name: str | None = None
    ) -> "RenderedScenes":
        """The pictures at `index` with all that belongs to them; see `LabelledImages.take`."""
        rows = np.arange(len(self))[checked_rows(index, len(self), self.name)]
        return RenderedScenes(
            pictures=self.pictures.take(rows),
            ids=self.ids[rows],
            captions=tuple(self.captions[row] for row in rows),
            name=self.name if name is None else name,
            labels=self.labels[rows],
            scenes=tuple(self.scenes[row] for row in rows),
        )


def render(
    count: int, seed: int, *, split: Split = "train", size: tuple[int, int] = (128, 128)
) -> RenderedScenes:
    """Draw pictures of simple things, each with five captions that are true of it.

    One to four of twelve things in six colours and three sizes lie on one of seven grounds.
    Captions name them, count them up to four and say how they lie to each other. A scene is a
    function of seed, split, size and its position alone: the first ten of a thousand are the same
    as ten.

    Args:
        count: How many.
        seed: From 0 to 2^32 - 1.
        split: `"train"`, `"validation"` or `"test"`, which differ by chance alone; or
            `"held_out"`, whose every scene holds a combination that none of the others ever
            does: a thing in a colour (`HELD_OUT_COLOURS`), or two things and how they lie to
            each other (`HELD_OUT_RELATIONS`).
        size: Height and width in pixels, each from 64 to 512, one at most twice the other.

    Returns:
        Pictures in RGB with captions, the label of each pixel and the scene graph, called
        `rendered-` and the split.

    Raises:
        UserError: An argument is out of range.

    Examples:
        >>> scenes = render(3, seed=0)
        >>> print(scenes)
        rendered-train: 3 pictures, 15 captions, 5 each
        >>> scenes.masks(0).shape[1:]
        (128, 128)
    """
    check_split(split, SPLITS, "the set of rendered scenes")
    height, width = _checked_size(size)
    _require_range(count, "count", 0, 2**31)
    _require_range(seed, "seed", 0, 2**32 - 1)
    images = np.empty((count, height, width, 3), np.uint8)
    labels = np.empty((count, height, width), np.uint8)
    scenes, captions = [], []
    number = SPLITS.index(split)
    for row in range(count):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, row)))
        scene, placed, labels[row] = layout(rng, split, height, width)
        scenes.append(scene)
        captions.append(captions_of(scene, rng))
        images[row] = painted(scene.ground, placed, rng, height, width)
    return RenderedScenes(
        pictures=PictureArray(images),
        ids=np.arange(count, dtype=np.int64) * len(SPLITS) + number,
        captions=tuple(captions),
        name=f"rendered-{split}",
        labels=labels,
        scenes=tuple(scenes),
    )


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        height, width = size
    except (TypeError, ValueError):
        raise UserError(f"size must be (height, width), and came as {size!r}") from None
    _require_range(height, "the height", SHORTEST_SIDE, LONGEST_SIDE)
    _require_range(width, "the width", SHORTEST_SIDE, LONGEST_SIDE)
    if max(height, width) > 2 * min(height, width):
        raise UserError(f"one side may be twice as long as the other, and size came as {size!r}")
    return height, width


def _require_range(value: int, name: str, low: int, high: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise UserError(f"{name} must be an integer from {low} to {high}, and came as {value!r}")
