"""Builds one self-contained HTML page of text, tables, figures and picture grids.

The page loads nothing: styles, figures and pictures are inside it, and its content security policy
forbids everything else. It follows the reader's light or dark scheme, fits a phone and prints.
"""

import base64
import html
import io
import math
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from simlearn._files import write_atomically
from simlearn.errors import UserError
from simlearn.figures import INK, PAPER, RULE

Mark = Literal["right", "wrong", ""]
Best = Literal["highest", "lowest"]

_SIGNS: Mapping[str, str] = {"right": "✓", "wrong": "✗"}
_PICTURE_PX = 96
_PICTURE_STORED_PX = 2 * _PICTURE_PX  # sharp on screens with two device pixels a CSS pixel
_LONG = ' class="long"'
_MISSING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_NUMBER = re.compile(rf"[-+±<>≤≥{_MINUS}]?\s?(\d|inf$)")  # also "0.98 ± 0.01" and "12 %"


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


class Report:
    """A page under construction; every method adds its part below the ones before it.

    Args:
        title: The page's heading.
        subtitle: A line below it.

    Examples:
        >>> report = Report("Digits", subtitle="nearest neighbours in pixel space")
        >>> report.section("Scores")
        >>> report.table(["model", "R@1"], [["pixels", 0.91], ["siamese", 0.97]],
        ...              best={"R@1": "highest"})
        >>> "<strong>0.9700</strong>" in report.html()
        True
    """

    def __init__(self, title: str, *, subtitle: str = "") -> None:
        self._title = title
        self._subtitle = subtitle
        self._sections: list[str] = []
        self._parts: list[str] = []
        self._figures = 0

    def section(self, title: str) -> None:
        """Starts a section; from three sections on the page begins with a list of them."""
        self._sections.append(title)
        self._parts.append(f'<h2 id="section-{len(self._sections)}">{_escape(title)}</h2>')

    def text(self, paragraph: str) -> None:
        """Adds plain text; an empty line in it begins a new paragraph."""
        self._parts += [f"<p>{_escape(part)}</p>" for part in re.split(r"\n\s*\n", paragraph)]

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        caption: str = "",
        best: Mapping[str, Best] | None = None,
    ) -> None:
        """Adds a table; columns of numbers stand right-aligned with the same number of decimals.

        Args:
            columns: The headings, all different.
            rows: A cell a column: text, a number, or None or NaN where there is none.
            caption: What the table shows.
            best: `{column: "highest" or "lowest"}`: where to print the best number bold.

        Raises:
            UserError: If a row's length differs from the headings' or `best` fits no column.
        """
        names = [str(column) for column in columns]
        _check_table(names, rows, best or {})
        cells, numeric = [], []
        for index, name in enumerate(names):
            column = [row[index] for row in rows]
            cells.append(_format_column(column, (best or {}).get(name)))
            numeric.append(_looks_numeric(column))
        note = "Bold: the best of its column." if best else ""
        self._parts.append(_table_html(names, cells, numeric, _escape(f"{caption} {note}".strip())))

    def figure(
        self, fig: Figure, *, caption: str, alt: str, kind: Literal["svg", "png"] = "svg"
    ) -> None:
        """Adds a matplotlib figure.

        Figures of `simlearn.figures` stand on the page itself and follow its scheme, others on a
        white card.

        Args:
            fig: The figure.
            caption: What it shows.
            alt: What it shows, for readers who cannot see it.
            kind: "svg" is sharp at every size; "png" suits photographs and very many points.

        Raises:
            UserError: If `kind` is neither.
        """
        if kind not in ("svg", "png"):
            raise UserError(f"figure: expected kind 'svg' or 'png', got {kind!r}")
        self._figures += 1
        width = round(fig.get_figwidth() * 96)  # CSS: 96 pixels an inch
        size = f"width:100%;max-width:{width}px;min-width:{round(width * 0.62)}px"
        if kind == "svg":
            body = _svg(fig, f"f{self._figures}-", alt, size)
        else:
            body = f'<img src="{_figure_png(fig)}" alt="{_escape(alt)}" style="{size}">'
        card = "" if kind == "svg" and _follows_scheme(fig) else " card"
        self._parts.append(
            f'<figure><div class="wide{card}">{body}</div>'
            f"<figcaption>{_escape(caption)}</figcaption></figure>"
        )

    def pictures(self, rows: Sequence[Sequence[Picture]], *, caption: str) -> None:
        """Adds a grid of pictures: small ones enlarged in whole pixels, large ones reduced.

        Args:
            rows: The grid, for example a query and its nearest neighbours in every row.
            caption: What it shows.

        Raises:
            UserError: If there is no picture.
        """
        if not any(rows):
            raise UserError("pictures: expected at least one picture, got none")
        marks = {picture.mark for row in rows for picture in row} - {""}
        key = ", ".join(f"{_SIGNS[mark]} {mark}" for mark in sorted(marks))
        lines = ("<tr>" + "".join(map(_picture_html, row)) + "</tr>" for row in rows)
        self._parts.append(
            f'<figure><div class="wide" tabindex="0" role="region" aria-label="{_escape(caption)}">'
            f'<table class="pictures" role="presentation">{"".join(lines)}</table></div>'
            f"<figcaption>{_escape(caption)}{f' ({key})' if key else ''}</figcaption></figure>"
        )

    def html(self) -> str:
        """Returns the page as it stands."""
        title = _escape(self._title)
        subtitle = f'<p class="subtitle">{_escape(self._subtitle)}</p>' if self._subtitle else ""
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta http-equiv="Content-Security-Policy"'
            " content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
            f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><main>\n"
            f"<header><h1>{title}</h1>{subtitle}{self._contents()}</header>\n"
            + "\n".join(self._parts)
            + "\n</main></body></html>\n"
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page, whole or not at all, and makes its folder where missing.

        Args:
            path: Where to; a page that is there is replaced.

        Returns:
            The path.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, self.html().encode())
        return target

    def _contents(self) -> str:
        if len(self._sections) < 3:
            return ""
        links = (
            f'<li><a href="#section-{number}">{_escape(title)}</a></li>'
            for number, title in enumerate(self._sections, start=1)
        )
        return f'<nav aria-label="Contents"><ol>{"".join(links)}</ol></nav>'


def _escape(text: object) -> str:
    # Characters that HTML cannot hold, such as a lone half of a UTF-16 pair, become a sign.
    readable = str(text).encode("utf-8", "replace").decode("utf-8")
    return html.escape(re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\ufffd", readable))


def _check_table(
    names: Sequence[str], rows: Sequence[Sequence[object]], best: Mapping[str, Best]
) -> None:
    if not names or len(set(names)) < len(names):
        raise UserError(f"table: expected different column names, got {list(names)}")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise UserError(
                f"table row {number}: expected {len(names)} cells for {list(names)},"
                f" got {len(row)}: {list(row)}"
            )
    for name, kind in best.items():
        if name not in names or kind not in get_args(Best):
            raise UserError(
                f"table: expected best to map a column of {list(names)} to 'highest' or 'lowest',"
                f" got {name!r}: {kind!r}"
            )


def _number(cell: object) -> float | None:
    """The cell's finite number, if it is one; a truth value is not."""
    if isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool):
        return float(cell) if math.isfinite(cell) else None
    return None


def _looks_numeric(column: Sequence[object]) -> bool:
    texts = [_cell(cell, None) for cell in column]
    present = [text for text in texts if text != _MISSING]
    return bool(present) and all(map(_NUMBER.match, present))


def _format_column(column: Sequence[object], best: Best | None) -> list[str]:
    style = _number_style([abs(value) for value in map(_float, column) if value])
    values = [value for value in map(_number, column) if value is not None]
    top = (max if best == "highest" else min)(values) if best and values else None
    cells = []
    for cell in column:
        text = _escape(_cell(cell, style))
        if top is not None and _number(cell) == top:
            text = f"<strong>{text}</strong>"
        cells.append(text)
    return cells


def _float(cell: object) -> float | None:
    return None if isinstance(cell, int | np.integer) else _number(cell)


def _number_style(sizes: Sequence[float]) -> str:
    """One format for all fractions of a column: about four figures of the largest of them."""
    if not sizes:
        return ".4g"
    largest = max(sizes)
    if not 1e-4 <= largest < 1e7:
        return ".3e"
    if largest <= 1:
        return ".4f" if largest >= 0.01 else ".6f"
    return f".{max(0, 3 - math.floor(math.log10(largest)))}f"


def _cell(cell: object, style: str | None) -> str:
    if cell is None or (isinstance(cell, float | np.floating) and math.isnan(cell)):
        return _MISSING
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, float | np.floating):
        return format(float(cell), style or ".4g").replace("-", _MINUS)
    return str(cell)


def _table_html(
    names: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], caption: str
) -> str:
    kinds = [' class="number"' if flag else "" for flag in numeric]
    heads = (
        f'<th scope="col"{kind}>{_escape(name)}</th>'
        for name, kind in zip(names, kinds, strict=True)
    )
    body = (
        "<tr>"
        + "".join(
            f"<td{_LONG if len(cell) > 40 else kind}>{cell}</td>"
            for cell, kind in zip(row, kinds, strict=True)
        )
        + "</tr>"
        for row in zip(*cells, strict=True)
    )
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return (
        f'<figure><div class="wide" tabindex="0" role="region" aria-label="{caption or "Table"}">'
        f'<table class="data"><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>{below}</figure>"
    )


def _picture_html(picture: Picture) -> str:
    height, width = picture.image.shape[:2]
    side = max(height, width)
    scale = _PICTURE_PX // side if side <= _PICTURE_PX else _PICTURE_PX / side
    size = f'width="{max(1, round(width * scale))}" height="{max(1, round(height * scale))}"'
    crisp = ' class="pixels"' if side <= _PICTURE_PX else ""
    label, sign, alt = _escape(picture.label), "", _escape(picture.label)
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
    return _data_uri(buffer.getvalue())


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _follows_scheme(fig: Figure) -> bool:
    return to_hex(fig.get_facecolor()) == PAPER


def _figure_png(fig: Figure) -> str:
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=192)
    return _data_uri(buffer.getvalue())


def _svg(fig: Figure, prefix: str, alt: str, size: str) -> str:
    """The figure as an `<svg>` element whose ids are unique on the page."""
    buffer = io.StringIO()
    with (
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "simlearn"}),
        warnings.catch_warnings(),
    ):
        # The browser has fonts for scripts that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        fig.savefig(buffer, format="svg", metadata=nothing)
    text = re.sub(r"<!--.*?-->", "", buffer.getvalue(), flags=re.DOTALL)
    root, rest = text[text.index("<svg") :].split(">", 1)
    root = re.sub(r'\s(width|height|version)="[^"]*"', "", root)
    root += f' role="img" aria-label="{_escape(alt)}" style="{size}">'
    follows = _follows_scheme(fig)
    return root + re.sub(r"<[^>]*>", lambda tag: _page_tag(tag[0], prefix, follows), rest.strip())


def _page_tag(tag: str, prefix: str, follows: bool) -> str:
    """Fits one SVG tag to the page: its own ids and, where asked for, the scheme's colours."""
    tag = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}", tag)
    if follows:
        for fixed, of_page in (
            (PAPER, "var(--paper)"),
            (INK, "currentColor"),
            (RULE, "var(--rule)"),
        ):
            tag = tag.replace(fixed, of_page)
    return tag


_STYLE = """
:root { color-scheme: light dark; --paper: #fefefd; --ink: #23282e; --soft: #5d6670;
  --rule: #d9dde2; --accent: #1d5f9e; --right: #1b7a3d; --wrong: #c02b22; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e4e7ea;
  --soft: #9ba5af; --rule: #353b42; --accent: #7db4e8; --right: #4cb871; --wrong: #f2776d; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: clamp(1.5rem, 5vw, 4rem) clamp(1rem, 4vw, 2rem); }
h1 { font-size: clamp(1.7rem, 1.3rem + 2vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em;
  margin: 0; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; line-height: 1.3; letter-spacing: -.01em; margin: 3rem 0 .75rem;
  padding-top: 1.1rem; border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
p { max-width: 42rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
.subtitle { font-size: 1.15rem; color: var(--soft); margin: .6rem 0 0;
  text-wrap: balance; }
a { color: var(--accent); text-underline-offset: .2em; }
nav ol { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; list-style: none; padding: 0;
  margin: 1.4rem 0 0; font-size: .95rem; }
figure { margin: 1.6rem 0 2rem; }
figcaption { max-width: 42rem; margin-top: .6rem; font-size: .9rem; line-height: 1.45;
  color: var(--soft); }
.wide { overflow-x: auto; max-width: 100%; }
.wide:focus-visible { outline: 2px solid var(--accent); outline-offset: 4px; }
.wide svg, .wide > img { display: block; height: auto; }
.card { background: #fff; color: #000; border-radius: .4rem; padding: .5rem; width: fit-content; }
.data { border-collapse: collapse; font-size: .95rem; font-variant-numeric: tabular-nums; }
.data th { text-align: left; font-weight: 600; color: var(--soft); vertical-align: bottom;
  border-bottom: 1px solid var(--soft); }
.data th, .data td { padding: .4rem 1.6rem .4rem 0; }
.data .number { text-align: right; }
.data td { border-bottom: 1px solid var(--rule); white-space: nowrap; }
.data .long { white-space: normal; min-width: 16rem; }
.data strong { font-weight: 700; color: var(--accent); }
.pictures { border-collapse: separate; border-spacing: 0; padding-top: 8px; }
.pictures td { padding: 0 .6rem .7rem 0; vertical-align: top; text-align: center; }
.picture { position: relative; display: inline-block; border: 3px solid transparent;
  border-radius: 4px; line-height: 0; }
.picture img { display: block; border-radius: 1px; }
.pixels { image-rendering: pixelated; }
.right .picture { border-color: var(--right); }
.wrong .picture { border-color: var(--wrong); }
.sign { position: absolute; right: -7px; top: -7px; width: 20px; height: 20px; border-radius: 50%;
  font: bold 13px/20px system-ui, sans-serif; color: var(--paper); }
.right .sign { background: var(--right); }
.wrong .sign { background: var(--wrong); }
.label { display: block; max-width: 7rem; margin: .15rem auto 0; font-size: .8rem; line-height: 1.3;
  color: var(--soft); overflow-wrap: anywhere; }
.wrong .label { color: var(--wrong); }
@media print { body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
  .wide { overflow: visible; } .data { font-size: 8.5pt; } .data td { white-space: normal; }
  .data th, .data td { padding-right: .9rem; } .data .long { min-width: 0; }
  .picture img { max-width: 3.9rem; height: auto; }
  h2 { break-after: avoid; } tr, figure { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
