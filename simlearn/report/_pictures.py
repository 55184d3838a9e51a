"""Grids of pictures, with labels and marks."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.errors import UserError
from simlearn.report._html import data_uri, escape

Mark = Literal["right", "wrong", ""]
_SIGNS: Mapping[str, str] = {"right": "✓", "wrong": "✗"}
SIDE = 96
# Stored with so many pixels a CSS pixel, sharp on screens that have two.
_DENSITY = 2


@dataclass(frozen=True)
class Picture:
    """One picture of a grid.

    Args:
        image: (h, w), (h, w, 1) or (h, w, 3), uint8.
        label: What stands below it.
        mark: "right" and "wrong" frame it in a colour and add a sign; "" leaves it plain.
    """

    image: NDArray[np.uint8]
    label: str = ""
    mark: Mark = ""

    def __post_init__(self) -> None:
        image = self.image
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            kind = getattr(image, "dtype", type(image).__name__)
            raise UserError(f"picture {self.label!r}: expected a uint8 array, got {kind}")
        if (
            not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3)))
            or not image.size
        ):
            raise UserError(
                f"picture {self.label!r}: expected shape (h, w), (h, w, 1) or (h, w, 3) without a"
                f" 0, got {image.shape}"
            )
        if self.mark not in get_args(Mark):
            raise UserError(
                f"picture {self.label!r}: expected mark 'right', 'wrong' or '', got {self.mark!r}"
            )


def pictures_html(rows: Sequence[Sequence[Picture]], *, caption: str, side: int = SIDE) -> str:
    """The grid as a `<figure>`, for `Report.pictures`."""
    if side < 1:
        raise UserError(f"pictures: expected a side of at least 1 pixel, got {side}")
    if not any(rows):
        raise UserError("pictures: expected at least one picture, got none")
    marks = {picture.mark for row in rows for picture in row} - {""}
    key = ", ".join(f"{_SIGNS[mark]} {mark}" for mark in sorted(marks))
    lines = (
        "<tr>" + "".join(_picture_html(picture, side) for picture in row) + "</tr>" for row in rows
    )
    return (
        f'<figure><div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="pictures" role="presentation">{"".join(lines)}</table></div>'
        f"<figcaption>{escape(caption)}{f' ({key})' if key else ''}</figcaption></figure>"
    )


def _picture_html(picture: Picture, side: int) -> str:
    height, width = picture.image.shape[:2]
    longest = max(height, width)
    scale = side // longest if longest <= side else side / longest
    size = f'width="{max(1, round(width * scale))}" height="{max(1, round(height * scale))}"'
    crisp = ' class="pixels"' if longest <= side else ""
    source = _picture_png(picture.image, _DENSITY * side)
    label, sign, alt = escape(picture.label), "", escape(picture.label)
    if picture.mark:
        sign = f'<span class="sign" aria-hidden="true">{_SIGNS[picture.mark]}</span>'
        alt = f"{label} ({picture.mark})".strip()
    return (
        f'<td class="{picture.mark or "plain"}"><div class="picture">'
        f'<img{crisp} src="{source}" alt="{alt}" {size}>{sign}</div>'
        f'<span class="label">{label}</span></td>'
    )


def _picture_png(image: NDArray[np.uint8], most: int) -> str:
    stored = Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image)
    if max(stored.size) > most:
        stored.thumbnail((most, most), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    stored.save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue())
