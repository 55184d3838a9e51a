"""Learning curves of one or more runs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from simlearn.errors import UserError
from simlearn.figures._drawing import INK, add_legend, distinct_colours, new_figure, styled

_TRAINING: Any = (0, (3, 2))  # matplotlib's way to say: 3 points drawn, 2 left out
_VALIDATION: Any = "solid"


def learning_curves(histories: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draws one panel a metric; in it a line a run, training dashed and validation solid.

    Args:
        histories: `{run: {metric: one value an epoch}}`, as in `keras.callbacks.History.history`;
            `val_` before a metric's name marks its validation values. All metrics of a run have
            the same length; an epoch without a value holds NaN.

    Returns:
        The figure; epochs count from 1.

    Raises:
        UserError: If there is nothing to draw, or a run's metrics differ in length.

    Examples:
        >>> figure = learning_curves({"seed 1": {"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]}})
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['loss']
    """
    metrics = _base_metrics(histories)
    columns = 1 if len(metrics) == 1 else 2
    rows = math.ceil(len(metrics) / columns)
    figure = new_figure(6.0 if columns == 1 else 9.2, 0.7 + 3.1 * rows)
    colours = dict(zip(histories, distinct_colours(len(histories)), strict=True))
    for place, metric in enumerate(metrics, start=1):
        axes = styled(figure.add_subplot(rows, columns, place))
        axes.set_title(metric, loc="left", color=INK, parse_math=False)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        longest = max(len(values) for history in histories.values() for values in history.values())
        axes.set_xlim(1 - 0.03 * longest, 1.03 * longest)
        for run, history in histories.items():
            _draw_history(axes, history, metric, colours[run])
    _history_legend(figure, histories, colours)
    return figure


def _base_metrics(histories: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """Checks the histories and lists their metrics, without `val_`, in order of appearance."""
    metrics: dict[str, None] = {}
    for run, history in histories.items():
        lengths = {metric: len(values) for metric, values in history.items()}
        if len(set(lengths.values())) > 1:
            raise UserError(
                f"run {run!r}: expected one value an epoch in every metric (NaN where it was not"
                f" measured), got lengths {lengths}"
            )
        metrics |= dict.fromkeys(
            metric.removeprefix("val_") for metric, length in lengths.items() if length
        )
    if not metrics:
        raise UserError(f"learning_curves: expected at least one value, got {dict(histories)}")
    return list(metrics)


def _draw_history(
    axes: Axes, history: Mapping[str, Sequence[float]], metric: str, colour: str
) -> None:
    for name, style in ((metric, _TRAINING), ("val_" + metric, _VALIDATION)):
        values = np.asarray(history.get(name, ()), np.float64)
        epochs = np.flatnonzero(np.isfinite(values))
        few = "o" if len(epochs) < 3 else ""
        axes.plot(
            epochs + 1, values[epochs], color=colour, linestyle=style, marker=few, linewidth=1.7
        )


def _history_legend(
    figure: Figure,
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    colours: Mapping[str, str],
) -> None:
    handles = [Line2D([], [], color=colour, linewidth=5) for colour in colours.values()]
    names = list(histories)
    kinds = {metric.startswith("val_") for history in histories.values() for metric in history}
    for name, style, validation in (
        ("training", _TRAINING, False),
        ("validation", _VALIDATION, True),
    ):
        if validation in kinds:
            handles.append(Line2D([], [], color=INK, linestyle=style))
            names.append(name)
    columns = min(len(names), 3 if figure.get_figwidth() < 7 else 5)
    add_legend(figure, handles, names, loc="outside upper left", ncols=columns)
