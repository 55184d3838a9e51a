"""The table and the summary as text."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from experiments.benchmarks.losses.compare import OK, QUIET, XLA_MEMORY, XLA_TIME, Row

_HEADER = (
    "B",
    "subject",
    "time",
    "memory",
    "steady",
    "peak",
    "compile",
    "time x",
    "memory x",
    "value",
)


def table(loss: str, rows: Iterable[Row]) -> str:
    """One loss: a line for each batch and subject."""
    lines = [_HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADER) - 1)]
    return "\n".join([loss, *("  " + _line(line, widths) for line in lines)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.ljust(width) if i == 1 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    return "  ".join([*aligned, cells[-1]]).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (
        _milliseconds(row.seconds),
        _megabytes(row.memory),
        _megabytes(row.steady_memory),
        _megabytes(row.peak),
        _milliseconds(row.compile_seconds),
        _times(row.time_ratio),
        _times(row.memory_ratio),
    )
    return (str(row.batch), row.subject, *numbers, _remark(row))


def _remark(row: Row) -> str:
    if row.status != OK:
        return f"{row.status}: {row.reason}" if row.reason else row.status
    if not row.compared:
        return f"{row.value:.6g}, not compared: {row.reason}"
    if row.value_difference is None:
        return f"{row.value:.6g}"
    if row.agrees:
        return f"{row.value:.6g}, agrees"
    return (
        f"{row.value:.6g}, DISAGREES: value by {row.value_difference:.1e}, "
        f"gradient by {row.gradient_difference:.1e}"
    )


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.1f} ms"


def _megabytes(amount: int | None) -> str:
    return "" if amount is None else f"{amount / 1e6:.0f} MB"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3g}x"


def summary_text(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The summary: one paragraph for each kind of finding."""
    return "\n".join(
        [
            "Summary (ratios are peer / ours)",
            *_part("slower than the fastest peer", found["slower"], _ratio("time_ratio")),
            *_part("heavier than the lightest peer", found["heavier"], _ratio("memory_ratio")),
            *_part(
                f"XLA above {XLA_TIME:g}x the time or {XLA_MEMORY:g}x the memory of graph mode",
                found["xla"],
                lambda row: (
                    f"{_times(row['time_ratio'])} time, {_times(row['memory_ratio'])} memory"
                ),
            ),
            *_part(
                "other value or gradient than ours, by an equal definition",
                found["disagree"],
                lambda row: f"{row['value_difference']:.1e}, {row['gradient_difference']:.1e}",
            ),
            f"  times not to be trusted, others used over {QUIET:.0%} of the cores meanwhile: "
            f"{len(found['disturbed'])}",
            *_part(
                "not measured",
                found["not_measured"],
                lambda row: ": ".join(filter(None, (row["status"], row["reason"]))),
            ),
        ]
    )


def _ratio(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: _times(row[name])


def _part(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    detail: Callable[[Mapping[str, Any]], str],
) -> list[str]:
    if not rows:
        return [f"  {title}: none"]
    lines = [
        f"    {row['loss']}, B={row['batch']}, {row['subject']}: {detail(row)}" for row in rows
    ]
    return [f"  {title}: {len(rows)}", *lines]
