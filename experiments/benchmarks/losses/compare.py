"""What the measurements say: ratios, agreement of values, rows where we are behind."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from experiments.benchmarks.losses.case import OURS, PEERS, XLA

OK = "ok"
FAILED = "failed"
NOT_RUN = "not run"

# Relative differences that float32 and another order of sums explain.
VALUE_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
# What XLA may cost beside graph mode.
XLA_TIME, XLA_MEMORY = 4.0, 2.0
# Threads that wait for each other, as PyTorch's do, lose far more than the share they are denied.
QUIET = 0.05


@dataclass(frozen=True, kw_only=True)
class Row:
    """One subject on one loss and batch; ratios and differences are to ours in graph mode.

    Attributes:
        loss: name of the case.
        batch: its size.
        subject: ours, or a peer.
        expression: what was evaluated.
        status: OK, or why there are no numbers.
        reason: more of the why, or how the peer's definition differs.
        compared: whether the values should agree.
        seconds: median of one value and gradient.
        busy_elsewhere: share of the machine's cores that other processes used meanwhile.
        memory: bytes, the peak less what was resident after the imports.
        steady_memory: bytes, likewise of the timed calls alone, tracing and compilation past.
        peak: bytes.
        compile_seconds: what the first call took longer.
        value: of the loss.
        gradient_norm: Euclidean, of the gradient with respect to the embeddings.
        time_ratio: this over ours.
        memory_ratio: this over ours.
        value_difference: relative.
        gradient_difference: of the norms, relative.
    """

    loss: str
    batch: int
    subject: str
    expression: str = ""
    status: str = OK
    reason: str = ""
    compared: bool = True
    seconds: float | None = None
    fastest_seconds: float | None = None
    slowest_seconds: float | None = None
    repeats: int | None = None
    busy_elsewhere: float | None = None
    memory: int | None = None
    steady_memory: int | None = None
    peak: int | None = None
    peak_includes_imports: bool | None = None
    compile_seconds: float | None = None
    value: float | None = None
    gradient_norm: float | None = None
    time_ratio: float | None = None
    memory_ratio: float | None = None
    value_difference: float | None = None
    gradient_difference: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether value and gradient are ours, up to rounding; True where there is none."""
        return (self.value_difference or 0.0) <= VALUE_TOLERANCE and (
            self.gradient_difference or 0.0
        ) <= GRADIENT_TOLERANCE


def with_ratios(rows: Iterable[Row]) -> list[Row]:
    """Rows of one loss and batch, with their ratios and differences to ours."""
    rows = list(rows)
    ours = next((row for row in rows if row.subject == OURS and row.status == OK), None)
    return rows if ours is None else [_beside(ours, row) for row in rows]


def _beside(ours: Row, row: Row) -> Row:
    if row is ours or row.status != OK:
        return row
    return replace(
        row,
        time_ratio=_ratio(row.seconds, ours.seconds),
        memory_ratio=_ratio(row.memory, ours.memory),
        value_difference=_difference(row.value, ours.value) if row.compared else None,
        gradient_difference=_difference(row.gradient_norm, ours.gradient_norm)
        if row.compared
        else None,
    )


def _ratio(theirs: float | None, ours: float | None) -> float | None:
    return theirs / ours if theirs is not None and ours else None


def _difference(theirs: float | None, ours: float | None) -> float | None:
    if theirs is None or ours is None:
        return None
    # A value that is not a number agrees with nothing.
    difference = abs(theirs - ours) / max(abs(theirs), abs(ours), 1e-30)
    return difference if difference == difference else float("inf")


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Where we are behind, where XLA costs too much, and where values disagree.

    Returns:
        `slower` and `heavier`: our rows behind the fastest and the lightest peer, with the ratio
        peer / ours, below 1. `xla`: rows that cost more than it may. `disagree`: peers' rows whose
        definition is ours and whose value is not. `disturbed`: rows whose times are worth nothing,
        for other processes were busy. `not_measured`: rows without numbers.
    """
    peers = [row for row in rows if row.subject in PEERS and row.status == OK]
    return {
        "slower": _behind(peers, "time_ratio"),
        "heavier": _behind(peers, "memory_ratio"),
        "xla": [
            _pick(row, "time_ratio", "memory_ratio")
            for row in rows
            if row.subject == XLA
            and ((row.time_ratio or 0) > XLA_TIME or (row.memory_ratio or 0) > XLA_MEMORY)
        ],
        "disagree": [
            _pick(row, "value_difference", "gradient_difference") for row in rows if not row.agrees
        ],
        "disturbed": [
            _pick(row, "busy_elsewhere") for row in rows if (row.busy_elsewhere or 0) > QUIET
        ],
        "not_measured": [_pick(row, "status", "reason") for row in rows if row.status != OK],
    }


def _behind(peers: Sequence[Row], ratio: str) -> list[dict[str, Any]]:
    """For each loss and batch the peer with the smallest ratio, where that is below 1."""
    best: dict[tuple[str, int], Row] = {}
    for row in peers:
        value = getattr(row, ratio)
        key = (row.loss, row.batch)
        if value is not None and (key not in best or value < getattr(best[key], ratio)):
            best[key] = row
    return [_pick(row, ratio) for row in best.values() if getattr(row, ratio) < 1]


def _pick(row: Row, *fields: str) -> dict[str, Any]:
    values = asdict(row)
    return {name: values[name] for name in ("loss", "batch", "subject", *fields)}
