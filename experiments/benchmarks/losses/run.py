"""The benchmark itself: which processes run, in which order, and what becomes of their answers."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.benchmarks._command import Outcome
from experiments.benchmarks._environments import EnvironmentFailedError, python_of
from experiments.benchmarks._processes import (
    OUT_OF_MEMORY,
    TOO_SLOW,
    Limits,
    log,
    machine_now,
    measure,
)
from experiments.benchmarks.losses.case import (
    ADDONS,
    METRIC_LEARNING,
    OURS,
    SENTENCE,
    SIMILARITY,
    STREAMED,
    XLA,
    Case,
)
from experiments.benchmarks.losses.cases import CASES
from experiments.benchmarks.losses.compare import FAILED, NOT_RUN, Row, summary, with_ratios
from experiments.benchmarks.losses.config import LossesSettings
from experiments.benchmarks.losses.environments import RECIPES
from experiments.benchmarks.losses.present import summary_text, table

_FOLDER = Path(__file__).parent / "workers"
_WORKERS = {
    ADDONS: "addons",
    METRIC_LEARNING: "metric_learning",
    SENTENCE: "sentence",
    SIMILARITY: "similarity",
}
# What may be absent: nobody promised that it can be installed, or that every loss streams.
_OPTIONAL = (SIMILARITY, STREAMED)


def run(config: LossesSettings) -> Outcome:
    """Measure everything that the settings ask for."""
    return _Benchmark(config).outcome()


class _Benchmark:
    def __init__(self, config: LossesSettings) -> None:
        self.config = config
        self.limits = Limits(memory=config.max_memory * 1e9, seconds=config.max_seconds)
        self.pythons: dict[str, str | Path] = {OURS: sys.executable}
        self.versions: dict[str, dict[str, str]] = {}
        self.absent: dict[str, str] = {}
        # (loss, subject) that failed or hit a limit, and at which batch.
        self.ended: dict[tuple[str, str], str] = {}

    def outcome(self) -> Outcome:
        machine = machine_now()
        for subject in (OURS, *self.config.peers):
            self._look_at(subject)
        for subject, reason in self.absent.items():
            print(f"{subject} is left out: {reason}\n")
        rows: list[Row] = []
        for name in self.config.losses or CASES:
            found = [r for batch in sorted(self.config.batches) for r in self._rows(name, batch)]
            # At once: the rest can take hours.
            print(table(name, found) + "\n", flush=True)
            rows += found
        conclusion = summary(rows)
        result = {
            "benchmark": "losses",
            "config": _plain(self.config),
            "machine": machine,
            "versions": self.versions,
            "left_out": self.absent,
            "results": [dataclasses.asdict(row) for row in rows],
            "summary": conclusion,
        }
        return Outcome(summary_text(conclusion), result, tuple(self._missing(rows)))

    def _look_at(self, subject: str) -> None:
        """Make a subject's environment and import it once; note why where that fails."""
        try:
            if subject != OURS:
                self.pythons[subject] = python_of(RECIPES[subject], self.config.environments_folder)
            answer = self._measure(subject, {})
        except EnvironmentFailedError as error:
            answer = {"error": str(error)}
        if "error" in answer:
            self.absent[subject] = answer["error"]
        else:
            self.versions[subject] = answer["versions"]

    def _rows(self, name: str, batch: int) -> list[Row]:
        case = CASES[name]
        return with_ratios(
            self._row(case, batch, subject, expression)
            for subject, expression in self._subjects(case, batch)
        )

    def _subjects(self, case: Case, batch: int) -> Iterator[tuple[str, str]]:
        yield OURS, case.ours
        yield XLA, case.ours
        if case.streams and batch > self.config.chunk:
            yield STREAMED, case.streamed(self.config.chunk)
        for peer in self.config.peers:
            if peer in case.peers and peer not in self.absent:
                yield peer, case.peers[peer]

    def _row(self, case: Case, batch: int, subject: str, expression: str) -> Row:
        differs = case.differs.get(subject, "")
        row = Row(
            loss=case.name,
            batch=batch,
            subject=subject,
            expression=expression,
            compared=not differs,
            reason=differs,
        )
        if (before := self._ended_before(case, subject)) is not None:
            return dataclasses.replace(row, status=NOT_RUN, reason=before)
        request = {"loss": expression, "batch": batch, "compiled": subject == XLA}
        answer = self._measure(subject, request)
        log(f"{case.name}, B={batch}, {subject}: {_progress(answer)}")
        if "error" not in answer:
            answer.pop("versions")
            return dataclasses.replace(row, **answer)
        why = answer["error"]
        self.ended[case.name, subject] = f"{why} at B={batch}"
        if why in (OUT_OF_MEMORY, TOO_SLOW):
            return dataclasses.replace(row, status=why, reason="")
        return dataclasses.replace(row, status=FAILED, reason=why)

    def _ended_before(self, case: Case, subject: str) -> str | None:
        """Why this subject, or ours where it is a form of ours, is not to be run any more."""
        ours = self.ended.get((case.name, OURS), "")
        # Streaming is for the batches whose matrices are too large, and fails where ours fails.
        limit = ours.startswith((OUT_OF_MEMORY, TOO_SLOW))
        if ours and (subject == XLA or (subject == STREAMED and not limit)):
            return f"ours: {ours}"
        return self.ended.get((case.name, subject))

    def _measure(self, subject: str, request: dict[str, Any]) -> dict[str, Any]:
        config = self.config
        shared = {k: getattr(config, k) for k in ("dim", "per_class", "seed", "repeats", "threads")}
        worker = _FOLDER / f"{_WORKERS.get(subject, 'ours')}.py"
        python = self.pythons[subject if subject in _WORKERS else OURS]
        return measure(worker, python, shared | request, self.limits)

    def _missing(self, rows: list[Row]) -> Iterator[str]:
        for subject, reason in self.absent.items():
            if subject not in _OPTIONAL:
                yield f"{subject}: {reason}"
        for row in rows:
            if row.status == FAILED and row.subject not in _OPTIONAL:
                yield f"{row.loss}, B={row.batch}, {row.subject}: {row.reason}"


def _progress(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    return f"{answer['seconds'] * 1e3:.1f} ms, {answer['memory'] / 1e6:.0f} MB"


def _plain(config: LossesSettings) -> dict[str, Any]:
    values = dataclasses.asdict(config) | {"environments": str(config.environments_folder)}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
