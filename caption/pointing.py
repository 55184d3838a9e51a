"""Whether attention lands on what the word names: the pointing game, and what chance would score.

`scene_masks` finds the masks for the words of a caption of a rendered scene; elsewhere they are
yours to give.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt

from caption.data.scenes import COLOURS, SHAPES, RenderedScenes
from caption.overlays._heat import checked_attention
from simlearn.data.frames import Frame, Stretch, move
from simlearn.errors import UserError

__all__ = ["NOUNS", "Masks", "Pointing", "pointing", "pooled", "scene_masks"]

Masks: TypeAlias = Sequence[NDArray[np.bool_] | None]
"""For each word of a caption where its object is, booleans `(height, width)`; None for a word that
names none."""

_SIZES: Final = {
    "small": "small",
    "little": "small",
    "medium-sized": "medium",
    "large": "large",
    "big": "large",
}
NOUNS: Final = {**{f"{shape}s": shape for shape in SHAPES}, **{shape: shape for shape in SHAPES}}
"""The shape that a noun names."""


class Pointing(NamedTuple):
    """How often attention lands on the object, for each word that names one.

    Attributes:
        hits: float64 `(words,)`: 1 where it does, 0 where not.
        chance: float64 `(words,)`: the same expected of the caption's maps in random order.
    """

    hits: NDArray[np.float64]
    chance: NDArray[np.float64]

    @property
    def accuracy(self) -> float:
        """Mean of the hits, 0 to 1; NaN where no word names an object."""
        return float(self.hits.mean()) if len(self.hits) else float("nan")

    @property
    def chance_accuracy(self) -> float:
        """The same by chance."""
        return float(self.chance.mean()) if len(self.chance) else float("nan")


def pointing(
    attention: ArrayLike,
    masks: Masks,
    *,
    grid: tuple[int, int] | None = None,
    frame: Frame | None = None,
    tolerance: float = 0.0,
) -> Pointing:
    r"""Play the pointing game with the attention of one caption.

    .. math:: h_w = [\, d(p(\arg\max_k a_{w k}), M_w) \le \tau \,]
       \qquad c_w = \frac{1}{S} \sum_{s=1}^{S} [\, d(p(\arg\max_k a_{s k}), M_w) \le \tau \,]

    where p(k) is the centre of location k in the picture, :math:`M_w` the mask of word w and d the
    distance to its nearest pixel. :math:`c_w` is what a random order of the caption's S maps is
    expected to score, exactly: it is high where one map suits every word. Where several locations
    share the maximum, each counts in equal parts.

    Args:
        attention: `(steps, locations)`, not negative, the locations row by row.
        masks: One for each step, or None, all of the picture's size.
        grid: Rows and columns; by default as many of each.
        frame: How the encoder laid the picture into its own size; by default it was stretched.
        tolerance: :math:`\tau`, in pixels of the masks, at least 0.

    Returns:
        Hits and chance of the words that have a mask, in their order.

    Raises:
        UserError: The attention or the grid does not fit; there is not one mask or None for each
            step; a mask is of another type, size or without any object in it; or the tolerance is
            negative.

    Examples:
        >>> left = np.array([[True, False], [True, False]])
        >>> game = pointing([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [left, None, ~left], grid=(1, 2))
        >>> game.hits.tolist(), game.chance.round(3).tolist()
        ([1.0, 1.0], [0.333, 0.667])

    Reference:
        Zhang, Lin, Brandt, Shen, Sclaroff 2016, "Top-down Neural Attention by Excitation Backprop",
        section 4.1: accuracy = hits / (hits + misses), there with a tolerance of 15 pixels and a
        mean over categories, here over words; the chance level is our own.
    """
    weights, (rows, columns) = checked_attention(attention, grid)
    named = _checked_masks(masks, len(weights))
    if not tolerance >= 0:
        raise UserError(f"tolerance must be at least 0 pixels, and came as {tolerance}")
    if not named:
        return Pointing(np.empty(0), np.empty(0))
    size = next(iter(named.values())).shape
    x, y, inside = _centres(size, rows, columns, frame)
    on = np.stack([_distances(mask)[y, x] <= tolerance for mask in named.values()]) & inside
    top = np.isclose(weights, weights.max(axis=1, keepdims=True), rtol=1e-6, atol=0.0)
    shares = on @ (top / top.sum(axis=1, keepdims=True)).T
    return Pointing(shares[np.arange(len(named)), list(named)], shares.mean(axis=1))


def pooled(games: Iterable[Pointing]) -> Pointing:
    """The words of several captions together, so that means are over words.

    Examples:
        >>> one, two = Pointing(np.ones(3), np.zeros(3)), Pointing(np.zeros(1), np.ones(1))
        >>> pooled([one, two]).accuracy, pooled([one, two]).chance_accuracy
        (0.75, 0.25)
    """
    empty = Pointing(np.empty(0), np.empty(0))
    hits, chance = zip(empty, *games, strict=True)
    return Pointing(np.concatenate(hits), np.concatenate(chance))


def scene_masks(
    scenes: RenderedScenes, row: int, words: Sequence[str]
) -> list[NDArray[np.bool_] | None]:
    """Where the things that a caption's words name are seen in a rendered scene.

    A noun stands for every thing of its shape that fits the colours and sizes right before it:
    `two red balls` is one mask of all red balls.

    Args:
        scenes: The record.
        row: Which of its pictures.
        words: Of a caption, in lower case, as `caption.tokenizer.tokenize` gives them.

    Returns:
        For each word a mask `(height, width)`; None where it is no noun, or the scene has nothing
        of the kind.

    Examples:
        >>> from caption.data.scenes import render
        >>> scenes = render(1, seed=0)
        >>> things = scenes.scenes[0].things
        >>> [mask is not None for mask in scene_masks(scenes, 0, ["a", things[0].shape, "."])]
        [False, True, False]
    """
    things, seen = scenes.scenes[row].things, scenes.masks(row)
    found: list[NDArray[np.bool_] | None] = []
    for place, word in enumerate(words):
        named = set()
        while place and (words[place - 1] in COLOURS or words[place - 1] in _SIZES):
            place -= 1
            named.add(_SIZES.get(words[place], words[place]))
        fits = [
            thing.shape == NOUNS.get(word) and named <= {thing.colour, thing.size}
            for thing in things
        ]
        mask: NDArray[np.bool_] = np.asarray(seen[np.array(fits, np.bool_)].any(axis=0))
        found.append(mask if mask.any() else None)
    return found


def _checked_masks(masks: Masks, steps: int) -> dict[int, NDArray[np.bool_]]:
    """The masks that there are, by step."""
    if len(masks) != steps:
        raise UserError(f"expected a mask or None for each of {steps} steps, got {len(masks)}")
    named = {step: np.asarray(mask) for step, mask in enumerate(masks) if mask is not None}
    for step, mask in named.items():
        first = next(iter(named.values()))
        if mask.dtype != np.bool_ or mask.ndim != 2 or mask.shape != first.shape:
            raise UserError(
                "expected masks as booleans (height, width), all of one size, and received for "
                f"step {step} {mask.dtype} of shape {mask.shape}"
            )
        if not mask.any():
            raise UserError(
                f"expected masks with an object in them, or None, and that of step {step} is empty"
            )
    return named


def _centres(
    size: tuple[int, ...], rows: int, columns: int, frame: Frame | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The pixel at the centre of each location, and whether it lies in the picture."""
    height, width = size
    frame = Stretch((rows, columns)) if frame is None else frame
    row, column = np.divmod(np.arange(rows * columns), columns)
    across = (column + 0.5) * frame.size[1] / columns - 0.5
    down = (row + 0.5) * frame.size[0] / rows - 0.5
    back = np.linalg.inv(frame.matrix(width, height, 0))
    places = np.floor(
        move(np.stack([across, down], axis=-1), np.asarray(back, np.float64)) + 0.5
    ).astype(np.int64)
    inside = np.all((places >= 0) & (places < (width, height)), axis=1)
    x, y = np.clip(places, 0, (width - 1, height - 1)).T
    return x, y, inside


def _distances(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """From each pixel to the nearest of the mask."""
    return np.asarray(distance_transform_edt(~mask))
