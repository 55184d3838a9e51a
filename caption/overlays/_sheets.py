"""Overlays with their words above them, one by one or all of a caption on a sheet."""

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from caption.overlays._laid import checked_picture, overlays
from simlearn.data.frames import Frame, Stretch
from simlearn.errors import UserError

_INK: Final = (35, 40, 46)
_PAPER: Final = 255
_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"


def word_pictures(
    picture: NDArray[np.uint8],
    attention: ArrayLike,
    words: Sequence[str],
    *,
    grid: tuple[int, int] | None = None,
    frame: Frame | None = None,
    strength: float = 0.6,
    side: int = 224,
) -> list[NDArray[np.uint8]]:
    """An overlay for each word, with the word above it.

    Args:
        picture: As in `overlays`, of any size.
        attention: Likewise.
        words: One for each step.
        grid: As in `heat_maps`.
        frame: Likewise.
        strength: As in `overlays`.
        side: Longer side of the picture in each, in pixels, at least 32; smaller pictures are
            enlarged, so that the words stay legible.

    Returns:
        For each word uint8 `(height, width, 3)`, all of one size.

    Raises:
        UserError: As `overlays`; or there is not one word for each step, or `side` is too small.

    Examples:
        >>> found = word_pictures(np.zeros((30, 60, 3), np.uint8), np.eye(2, 4), ["a", "dog"])
        >>> [one.shape for one in found]
        [(140, 224, 3), (140, 224, 3)]
    """
    small, view = _scaled(checked_picture(picture), frame, side)
    steps = len(np.asarray(attention))
    if isinstance(words, str) or len(words) != steps:
        raise UserError(f"expected a word for each of {steps} steps, and received {words!r}")
    pictures = overlays(small, attention, grid=grid, frame=view, strength=strength)
    return [_titled(one, word, side) for one, word in zip(pictures, words, strict=True)]


def sheet(
    picture: NDArray[np.uint8],
    attention: ArrayLike,
    words: Sequence[str],
    *,
    grid: tuple[int, int] | None = None,
    frame: Frame | None = None,
    strength: float = 0.6,
    side: int = 224,
    columns: int | None = None,
) -> NDArray[np.uint8]:
    """The picture, then its overlays word by word, as one picture on white.

    Args:
        picture: As in `word_pictures`.
        attention: Likewise.
        words: Likewise.
        grid: Likewise.
        frame: Likewise.
        strength: Likewise.
        side: Likewise.
        columns: How many stand in a row; by default at most six, in rows about as long.

    Returns:
        uint8 `(height, width, 3)`.

    Raises:
        UserError: As `word_pictures`; or `columns` is below 1.

    Examples:
        >>> sheet(np.zeros((30, 60, 3), np.uint8), np.eye(3, 4), ["a", "red", "dog"]).shape
        (156, 936, 3)
    """
    if columns is not None and columns < 1:
        raise UserError(f"columns must be at least 1, and came as {columns}")
    cells = word_pictures(
        picture, attention, words, grid=grid, frame=frame, strength=strength, side=side
    )
    small, _ = _scaled(checked_picture(picture), frame, side)
    cells.insert(0, _titled(small, "", side))
    lines = math.ceil(len(cells) / (columns or 6))
    columns = columns or math.ceil(len(cells) / lines)
    height, width, _ = cells[0].shape
    gap = max(4, side // 28)
    page = np.full((lines * (height + gap) + gap, columns * (width + gap) + gap, 3), _PAPER, "u1")
    for number, cell in enumerate(cells):
        top = gap + number // columns * (height + gap)
        left = gap + number % columns * (width + gap)
        page[top : top + height, left : left + width] = cell
    return page


class _Scaled:
    """A frame as a picture meets it that comes in another size."""

    def __init__(self, frame: Frame, full: tuple[int, int]) -> None:
        self.frame = frame
        self.full = full
        self.size = frame.size

    def matrix(self, width: int, height: int, row: int) -> NDArray[np.float64]:
        """See `Frame.matrix`."""
        enlarge = Stretch(self.full).matrix(width, height, row)
        return self.frame.matrix(self.full[1], self.full[0], row) @ enlarge


def _scaled(
    picture: NDArray[np.uint8], frame: Frame | None, side: int
) -> tuple[NDArray[np.uint8], Frame | None]:
    """The picture with its longer side as asked for, and the frame for it."""
    if side < 32:
        raise UserError(f"side must be at least 32 pixels, and came as {side}")
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.LANCZOS
    small = np.asarray(Image.fromarray(picture).resize(size, method))
    return small, None if frame is None else _Scaled(frame, (height, width))


def _titled(picture: NDArray[np.uint8], word: str, side: int) -> NDArray[np.uint8]:
    """The picture below its title, which is made smaller, then cut, to fit."""
    height, width, _ = picture.shape
    band = max(14, side // 8)
    canvas = Image.new("RGB", (width, height + band), (_PAPER,) * 3)
    canvas.paste(Image.fromarray(picture), (0, band))
    largest = max(12, round(band * 0.68))
    text = word
    for points in range(largest, 11, -1):
        font = _font(points)
        if font.getlength(text) <= width:
            break
    while text and font.getlength(text) > width:
        word = word[:-1]
        text = word + _ELLIPSIS if word else ""
    ImageDraw.Draw(canvas).text((width / 2, band / 2), text, _INK, font, anchor="mm")
    return np.asarray(canvas)


@functools.lru_cache(maxsize=64)
def _font(points: int) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), points)
