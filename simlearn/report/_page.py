"""The page itself: its parts in order, its head and its list of contents."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from matplotlib.figure import Figure

from simlearn._files import write_atomically
from simlearn.report._figures import figure_html
from simlearn.report._html import escape
from simlearn.report._pictures import SIDE, Picture, pictures_html
from simlearn.report._style import STYLE
from simlearn.report._tables import Best, table_html

_CLASS = ' class="chapter"'


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
        self._headings: list[tuple[str, bool]] = []
        self._parts: list[str] = []
        self._figures = 0

    def chapter(self, title: str, *, subtitle: str = "") -> None:
        """Starts a chapter, for a page of several things that have sections each.

        Args:
            title: The chapter's heading.
            subtitle: A line below it.
        """
        self._heading(title, chapter=True)
        if subtitle:
            self._parts.append(f'<p class="subtitle">{escape(subtitle)}</p>')

    def section(self, title: str) -> None:
        """Starts a section; from three headings on the page begins with a list of them."""
        self._heading(title, chapter=False)

    def _heading(self, title: str, *, chapter: bool) -> None:
        self._headings.append((title, chapter))
        inside = not chapter and any(is_chapter for _, is_chapter in self._headings)
        level, kind = ("h3", "") if inside else ("h2", _CLASS if chapter else "")
        place = f'id="section-{len(self._headings)}"'
        self._parts.append(f"<{level} {place}{kind}>{escape(title)}</{level}>")

    def text(self, paragraph: str) -> None:
        """Adds plain text; an empty line in it begins a new paragraph."""
        self._parts += [f"<p>{escape(part)}</p>" for part in re.split(r"\n\s*\n", paragraph)]

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
        self._parts.append(table_html(columns, rows, caption=caption, best=best or {}))

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
        prefix = f"f{self._figures + 1}-"
        self._parts.append(figure_html(fig, caption=caption, alt=alt, kind=kind, prefix=prefix))
        self._figures += 1

    def pictures(
        self, rows: Sequence[Sequence[Picture]], *, caption: str, side: int = SIDE
    ) -> None:
        """Adds a grid of pictures: small ones enlarged in whole pixels, large ones reduced.

        Args:
            rows: The grid, for example a query and its nearest neighbours in every row.
            caption: What it shows.
            side: Pixels of a picture's longer side on a wide screen, at most.

        Raises:
            UserError: If there is no picture, or `side` is below 1.
        """
        self._parts.append(pictures_html(rows, caption=caption, side=side))

    def html(self) -> str:
        """Returns the page as it stands."""
        title = escape(self._title)
        subtitle = f'<p class="subtitle">{escape(self._subtitle)}</p>' if self._subtitle else ""
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta http-equiv="Content-Security-Policy"'
            " content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
            f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n"
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
        if len(self._headings) < 3:
            return ""
        links = (
            f'<li{_CLASS if chapter else ""}><a href="#section-{number}">{escape(title)}</a></li>'
            for number, (title, chapter) in enumerate(self._headings, start=1)
        )
        return f'<nav aria-label="Contents"><ol>{"".join(links)}</ol></nav>'
