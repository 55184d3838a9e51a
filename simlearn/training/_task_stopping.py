"""TCDCN's task-wise early stopping: side tasks leave when they no longer help the main one."""

import math
from collections.abc import Mapping
from typing import Any, Protocol

import keras
import numpy as np

from simlearn.errors import UserError


class _Weighting(Protocol):
    tasks: tuple[str, ...]

    def stop(self, task: str) -> None: ...


class TaskWiseStopping(keras.callbacks.Callback):
    """After each epoch, stops each side task whose training stalls while it overfits.

    Task a stops once the product of its two terms exceeds the threshold,

    `k med E_tr / |sum E_tr - k med E_tr| * (E_val(t) - min E_tr) / (lambda min E_tr) > epsilon`,

    with the median and the sum over the last k epochs and the minima over all of them. The first
    term is small while the training loss falls fast, the second while the task generalises.

    The epochs' losses are looked for under `<task>_loss` and `val_<task>_loss`, where
    `simlearn.models.MultiTask` puts them; without validation data nothing is ever stopped. What
    has been stopped stays so when a run resumes.

    Args:
        weighting: what weighs the tasks, with `tasks` and `stop(task)`, such as
            `simlearn.models.FixedWeights`.
        main: the task that is never stopped.
        strip: epochs that the trend is taken over, at least 2; k in the paper.
        threshold: epsilon in the paper, above 0.
        importances: lambda in the paper, above 0, by task; 1 where left out.

    Raises:
        UserError: an argument is out of range, or `main` is no task.

    Reference:
        Zhang, Luo, Loy, Tang 2014, "Facial Landmark Detection by Deep Multi-task Learning",
        section 3.2, equation 5. Deviations: the absolute value of the trend's
        denominator, which may be negative, and may be 0, where the term counts as infinite; lambda
        is fixed, not learned; an epoch is a step of t.
    """

    def __init__(
        self,
        weighting: _Weighting,
        *,
        main: str,
        strip: int = 5,
        threshold: float = 3.0,
        importances: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        if main not in weighting.tasks:
            raise UserError(f"expected main as one of {list(weighting.tasks)}; got {main!r}")
        if strip < 2 or not threshold > 0:
            raise UserError(
                f"expected strip of at least 2 and threshold above 0; got {strip} and {threshold}"
            )
        if any(not value > 0 for value in (importances or {}).values()):
            raise UserError(f"expected importances above 0; got {importances}")
        self.weighting = weighting
        self.main = main
        self.strip = strip
        self.threshold = threshold
        self.importances = dict(importances or {})
        # Counted and collected: simlearn.checkpoint brings them back.
        self.losses: dict[str, list[float]] = {}
        self.stopped: dict[str, int] = {}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Look at each side task's losses."""
        for task in self.weighting.tasks:
            train, validation = ((logs or {}).get(f"{part}{task}_loss") for part in ("", "val_"))
            if task == self.main or task in self.stopped or train is None or validation is None:
                continue
            history = self.losses.setdefault(task, [])
            history.append(float(train))
            measure = stopping_measure(
                history, float(validation), self.strip, self.importances.get(task, 1.0)
            )
            if measure > self.threshold:
                self.weighting.stop(task)
                self.stopped[task] = epoch


def stopping_measure(
    train: list[float], validation: float, strip: int, importance: float = 1.0
) -> float:
    """The product that is compared with the threshold; 0 before there are `strip` epochs."""
    if len(train) < strip:
        return 0.0
    last, least = np.array(train[-strip:]), min(train)
    middle = strip * float(np.median(last))
    gap = abs(float(last.sum()) - middle)
    generalisation = (validation - least) / (importance * max(least, 1e-12))
    trend = middle / gap if gap > 0 else math.inf
    return trend * generalisation if generalisation > 0 else 0.0
