"""Training of a network with several named outputs."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError

Measure: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""From truth and output of a task to one number, such as a loss."""


class MultiTask(keras.Model):
    """A network with named outputs, each with a loss, and a layer that weighs the losses.

    Progress bar, history and TensorBoard show `<task>_loss` of every task, unweighted, beside the
    weighted `loss`, and `<task>_<measure>` of every measure. Losses of the network itself, those of
    regularizers and `add_loss`, are part of `loss` as they are. Compile it with an optimizer alone.
    After training `network` holds the weights: save that.

    Args:
        network: model from pictures to a dictionary of outputs, as `landmarks` gives.
        losses: for each task, the name of an output, a function of truth and output.
        weighting: layer from the losses by task to their sum, such as `FixedWeights`.
        measures: for some tasks, functions by name that are only looked at.
        name: of the model.

    Raises:
        UserError: a task is not an output of the network.

    Examples:
        >>> from simlearn.backbones import landmark_cnn
        >>> from simlearn.models import FixedWeights, landmarks
        >>> network = landmarks(landmark_cnn(units=8), 5)
        >>> model = MultiTask(network, {"points": lambda y, p: 0.0}, FixedWeights({"points": 1.0}))
        >>> model.compile("adam")
        >>> [metric.name for metric in model.metrics]
        ['loss', 'points_loss']
    """

    def __init__(
        self,
        network: keras.Model,
        losses: Mapping[str, Measure],
        weighting: keras.layers.Layer,
        *,
        measures: Mapping[str, Mapping[str, Measure]] | None = None,
        name: str = "multi_task",
    ) -> None:
        super().__init__(name=name)
        known = network.output if isinstance(network.output, Mapping) else {}
        unknown = (set(losses) | set(measures or {})) - set(known)
        if unknown or not losses:
            raise UserError(
                f"expected tasks among the outputs {list(known)}; got {sorted(unknown) or 'none'}"
            )
        self.network = network
        self.weighting = weighting
        self._task_losses = dict(losses)
        self._measures = {
            f"{task}_{measure}": (task, function)
            for task, functions in (measures or {}).items()
            for measure, function in functions.items()
        }
        names = [f"{task}_loss" for task in losses] + list(self._measures)
        self._trackers = {one: keras.metrics.Mean(name=one) for one in names}
        self.built = True

    def call(self, pictures: Tensor, training: bool | None = None) -> Any:
        """The network's outputs."""
        return self.network(pictures, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The weighted sum of the tasks' losses, each of which is noted, and the network's own."""
        if sample_weight is not None:
            raise UserError("expected no sample_weight: each task has its own known pictures")
        values = {task: loss(y[task], y_pred[task]) for task, loss in self._task_losses.items()}
        for task, value in values.items():
            self._trackers[f"{task}_loss"].update_state(value)
        for measure, (task, function) in self._measures.items():
            self._trackers[measure].update_state(function(y[task], y_pred[task]))
        # What regularizers and `add_loss` ask for is no task's, and counts as it is.
        return sum(map(ops.sum, self.losses), self.weighting(values))
