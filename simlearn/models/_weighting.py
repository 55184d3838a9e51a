"""What several tasks' losses count in their sum: fixed, or learned from their uncertainty."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError


class FixedWeights(keras.layers.Layer):
    """A weighted sum of the losses: `sum_t w_t L_t`.

    The weights are part of the layer's state, so that a callback can stop a task
    (`simlearn.training.TaskWiseStopping`) and a resumed run goes on without it.

    Args:
        weights: of each task, by name, at least 0.

    Raises:
        UserError: there is no task, or a weight is below 0.

    Examples:
        >>> losses = {"points": ops.array(2.0), "smile": ops.array(4.0)}
        >>> float(FixedWeights({"points": 1.0, "smile": 0.5})(losses))
        4.0
    """

    def __init__(self, weights: Mapping[str, float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not weights or min(weights.values()) < 0:
            raise UserError(f"expected weights of at least 0 by task; got {dict(weights)}")
        self.tasks = tuple(weights)
        self.factors = [
            self.add_weight(
                name=f"{task}_weight",
                shape=(),
                initializer=keras.initializers.Constant(weight),
                trainable=False,
            )
            for task, weight in weights.items()
        ]
        self.built = True

    def call(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum."""
        _check_tasks(losses, self.tasks)
        return sum(
            factor * losses[task] for task, factor in zip(self.tasks, self.factors, strict=True)
        )

    def weights_by_task(self) -> dict[str, float]:
        """The weights as they are now."""
        return {
            task: float(ops.convert_to_numpy(factor))
            for task, factor in zip(self.tasks, self.factors, strict=True)
        }

    def stop(self, task: str) -> None:
        """Let a task count no more.

        Raises:
            UserError: there is no such task.
        """
        if task not in self.tasks:
            raise UserError(f"expected a task of {list(self.tasks)}; got {task!r}")
        self.factors[self.tasks.index(task)].assign(0.0)


class UncertaintyWeights(keras.layers.Layer):
    """Each loss over its task's variance, which is learned: no weight has to be chosen.

    `sum_t c_t exp(-s_t) L_t + s_t / 2`, where `s_t = log sigma_t^2` is a trainable number, at first
    0, and c is 1 for classification and 1/2 for regression.

    Args:
        tasks: names of all tasks.
        regressions: those of them that are regressions.

    Raises:
        UserError: there is no task, one occurs twice, or a regression is none of them.

    Examples:
        >>> weighting = UncertaintyWeights(["points", "smile"], regressions=["points"])
        >>> float(weighting({"points": ops.array(2.0), "smile": ops.array(4.0)}))
        5.0

    Reference:
        Kendall, Gal, Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses for
        Scene Geometry and Semantics", equations 7 and 10.
    """

    def __init__(
        self, tasks: Sequence[str], *, regressions: Collection[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not tasks or len(set(tasks)) < len(tasks) or set(regressions) - set(tasks):
            raise UserError(
                f"expected different tasks, the regressions among them; got {list(tasks)} and "
                f"{list(regressions)}"
            )
        self.tasks = tuple(tasks)
        self.shares = tuple(0.5 if task in regressions else 1.0 for task in tasks)
        self.log_variances = [
            self.add_weight(name=f"{task}_log_variance", shape=(), initializer="zeros")
            for task in tasks
        ]
        self.built = True

    def call(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The sum of what is left of each loss, and of the price of a large variance."""
        _check_tasks(losses, self.tasks)
        return sum(
            share * ops.exp(-log_variance) * losses[task] + 0.5 * log_variance
            for task, share, log_variance in zip(
                self.tasks, self.shares, self.log_variances, strict=True
            )
        )

    def weights_by_task(self) -> dict[str, float]:
        """`c_t exp(-s_t)` as it is now."""
        return {
            task: share * float(ops.convert_to_numpy(ops.exp(-log_variance)))
            for task, share, log_variance in zip(
                self.tasks, self.shares, self.log_variances, strict=True
            )
        }


def _check_tasks(losses: Mapping[str, Tensor], tasks: Sequence[str]) -> None:
    if set(losses) != set(tasks):
        raise UserError(f"expected losses of the tasks {list(tasks)}; got those of {list(losses)}")
