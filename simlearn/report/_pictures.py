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
_PICTURE_PX = 96
_PICTURE_STORED_PX = 2 * _PICTURE_PX  # sharp on screens with two device pixels a CSS pixel


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


def pictures_html(rows: Sequence[Sequence[Picture]], *, caption: str) -> str:
    """The grid as a `<figure>`, for `Report.pictures`."""
    if not any(rows):
        raise UserError("pictures: expected at least one picture, got none")
    marks = {picture.mark for row in rows for picture in row} - {""}
    key = ", ".join(f"{_SIGNS[mark]} {mark}" for mark in sorted(marks))
    lines = ("<tr>" + "".join(map(_picture_html, row)) + "</tr>" for row in rows)
    return (
        f'<figure><div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="pictures" role="presentation">{"".join(lines)}</table></div>'
        f"<figcaption>{escape(caption)}{f' ({key})' if key else ''}</figcaption></figure>"
    )


def _picture_html(picture: Picture) -> str:
    height, width = picture.image.shape[:2]
    side = max(height, width)
    scale = _PICTURE_PX // side if side <= _PICTURE_PX else _PICTURE_PX / side
    size = f'width="{max(1, round(width * scale))}" height="{max(1, round(height * scale))}"'
    crisp = ' class="pixels"' if side <= _PICTURE_PX else ""
    label, sign, alt = escape(picture.label), "", escape(picture.label)
    if picture.mark:
        sign = f'<span class="sign" aria-hidden="true">{_SIGNS[picture.mark]}</span>'
        alt = f"{label} ({picture.mark})".strip()
    return (
        f'<td class="{picture.mark or "plain"}"><div class="picture">'
        f'<img{crisp} src="{_picture_png(picture.image)}" alt="{alt}" {size}>{sign}</div>'
        f'<span class="label">{label}</span></td>'
    )


def _picture_png(image: NDArray[np.uint8]) -> str:
    stored = Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image)
    if max(stored.size) > _PICTURE_STORED_PX:
        stored.thumbnail((_PICTURE_STORED_PX, _PICTURE_STORED_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    stored.save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue())
