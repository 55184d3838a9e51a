"""Curves of means, each within a band of its spread."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError
from simlearn.figures._arguments import as_vector
from simlearn.figures._drawing import add_legend, distinct_colours, new_figure, styled


def curves_with_spread(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]], *, xlabel: str, ylabel: str
) -> Figure:
    """Draws means over some quantity, each in a band from mean - spread to mean + spread.

    Curves need not share their places: one that begins later, as of a method that needs more
    pictures, begins later in the figure too. What the spread is, the caption should say.

    Args:
        curves: `{name: (x, mean, spread)}`, each (n,), x ascending, spread at least 0.
        xlabel: What x is.
        ylabel: What the means are of.

    Returns:
        The figure.

    Raises:
        UserError: If there is no curve, lengths differ, a value is not finite, x does not ascend or
            a spread is negative.

    Examples:
        >>> figure = curves_with_spread(
        ...     {"pixels": ([1, 2], [0.7, 0.8], [0.03, 0.02])}, xlabel="pictures", ylabel="rank 1"
        ... )
        >>> figure.axes[0].get_xlabel()
        'pictures'
    """
    checked = {name: _checked(name, *curve) for name, curve in curves.items()}
    if not checked:
        raise UserError("curves_with_spread: expected at least one curve, got none")
    figure = new_figure(6.0, 4.6)
    axes = styled(figure.add_subplot())
    handles = []
    colours = distinct_colours(len(checked))
    for colour, (x, mean, spread) in zip(colours, checked.values(), strict=True):
        axes.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
        axes.plot(x, mean, color=colour, marker="o", markersize=4, linewidth=1.7)
        handles.append(Line2D([], [], color=colour, marker="o", markersize=4))
    axes.set_xlabel(xlabel, parse_math=False)
    axes.set_ylabel(ylabel, parse_math=False)
    add_legend(figure, handles, list(checked), loc="outside upper left", ncols=3)
    return figure


def _checked(
    name: str, x: ArrayLike, mean: ArrayLike, spread: ArrayLike
) -> tuple[NDArray[np.float64], ...]:
    parts = {"x": x, "mean": mean, "spread": spread}
    values = tuple(as_vector(f"{name}: {part}", value) for part, value in parts.items())
    lengths = [len(value) for value in values]
    if len(set(lengths)) > 1:
        raise UserError(f"{name}: expected as many x as means and spreads, got {lengths}")
    if (np.diff(values[0]) <= 0).any():
        raise UserError(f"{name}: expected ascending x, got {values[0].tolist()}")
    if values[2].min() < 0:
        raise UserError(f"{name}: expected spreads of at least 0, got {values[2].min()}")
    return values
