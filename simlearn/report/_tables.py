"""Tables: checked, formatted column by column, laid out."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from simlearn.errors import UserError
from simlearn.report._html import escape

Best = Literal["highest", "lowest"]
_LONG = ' class="long"'
_MISSING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_NUMBER = re.compile(rf"[-+±<>≤≥{_MINUS}]?\s?(\d|inf$)")  # also "0.98 ± 0.01" and "12 %"


def table_html(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    caption: str,
    best: Mapping[str, Best],
) -> str:
    """The table as a `<figure>`, for `Report.table`."""
    names = [str(column) for column in columns]
    _check_table(names, rows, best)
    cells, numeric = [], []
    for index, name in enumerate(names):
        column = [row[index] for row in rows]
        cells.append(_format_column(column, best.get(name)))
        numeric.append(_looks_numeric(column))
    note = "Bold: the best of its column." if best else ""
    return _laid_out(names, cells, numeric, escape(f"{caption} {note}".strip()))


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
        text = escape(_cell(cell, style))
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


def _laid_out(
    names: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], caption: str
) -> str:
    kinds = [' class="number"' if flag else "" for flag in numeric]
    heads = (
        f'<th scope="col"{kind}>{escape(name)}</th>'
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
