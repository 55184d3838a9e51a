"""Matplotlib figures as part of the page: SVG that follows its scheme, or PNG."""

import io
import re
import warnings
from typing import Literal

import matplotlib as mpl
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from simlearn.errors import UserError
from simlearn.figures import INK, PAPER, RULE
from simlearn.report._html import data_uri, escape


def figure_html(
    fig: Figure, *, caption: str, alt: str, kind: Literal["svg", "png"], prefix: str
) -> str:
    """The figure as a `<figure>`, for `Report.figure`; `prefix` begins its ids."""
    if kind not in ("svg", "png"):
        raise UserError(f"figure: expected kind 'svg' or 'png', got {kind!r}")
    width = round(fig.get_figwidth() * 96)  # CSS: 96 pixels an inch
    size = f"width:100%;max-width:{width}px;min-width:{round(width * 0.62)}px"
    if kind == "svg":
        body = _svg(fig, prefix, alt, size)
    else:
        body = f'<img src="{_figure_png(fig)}" alt="{escape(alt)}" style="{size}">'
    card = "" if kind == "svg" and _follows_scheme(fig) else " card"
    return (
        f'<figure><div class="wide{card}">{body}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _follows_scheme(fig: Figure) -> bool:
    return to_hex(fig.get_facecolor()) == PAPER


def _figure_png(fig: Figure) -> str:
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=192)
    return data_uri(buffer.getvalue())


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
    root += f' role="img" aria-label="{escape(alt)}" style="{size}">'
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
