"""ROC curves, and distances of same against different pairs."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError
from simlearn.figures._arguments import as_vector
from simlearn.figures._drawing import (
    INK,
    PALETTE,
    PAPER,
    add_legend,
    distinct_colours,
    new_figure,
    styled,
    write_text,
)


def roc_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    chosen: Mapping[str, tuple[float, float, float]] | None = None,
) -> Figure:
    """Draws true accept rate over false accept rate, the latter on a logarithmic axis.

    A false accept rate of 0 has no place on that axis: it is drawn at the left edge, and the
    axis says so. Curves are steps, as measured rates are: nothing is interpolated.

    Args:
        curves: `{name: (far, tar)}`, both (n,) in [0, 1].
        chosen: `{name: (far, tar, threshold)}`: the working point of a curve, which is marked
            and written into the legend.

    Returns:
        The figure.

    Raises:
        UserError: If rates are outside [0, 1], lengths differ or `chosen` names no curve.

    Examples:
        >>> figure = roc_curves({"faces": ([0, 0.01, 1], [0.5, 0.9, 1])},
        ...                     chosen={"faces": (0.01, 0.9, 1.25)})
        >>> figure.axes[0].get_xscale()
        'log'
    """
    chosen = chosen or {}
    rates = {name: _rates(name, *curve) for name, curve in curves.items()}
    if not rates:
        raise UserError("roc_curves: expected at least one curve, got none")
    if unknown := sorted(set(chosen) - set(rates)):
        raise UserError(f"roc_curves: chosen names {unknown}, but the curves are {sorted(rates)}")
    marks = {name: _rates(f"chosen {name}", [far], [tar]) for name, (far, tar, _) in chosen.items()}
    every_far = np.concatenate([far for far, _ in [*rates.values(), *marks.values()]])
    edge = _left_edge(every_far)
    figure = new_figure(6.0, 4.8)
    axes = styled(figure.add_subplot())
    handles = []
    for colour, (name, (far, tar)) in zip(distinct_colours(len(rates)), rates.items(), strict=True):
        reached = np.append(np.maximum(far, edge), 1.0)
        axes.step(reached, np.append(tar, tar[-1]), where="post", color=colour, linewidth=1.8)
        for x, y in zip(*marks.get(name, ()), strict=True):
            ring: dict[str, Any] = {
                "markeredgecolor": PAPER,
                "markeredgewidth": 1.5,
                "markersize": 9,
            }
            axes.plot(max(x, edge), y, "o", color=colour, clip_on=False, zorder=4, **ring)
        handles.append(Line2D([], [], color=colour, marker="o" if name in marks else ""))
    axes.set(xscale="log", xlim=(edge, 1), ylim=(0, 1.02), ylabel="true accept rate")
    axes.set_xlabel("false accept rate" + (" (left edge: 0)" if (every_far == 0).any() else ""))
    add_legend(
        figure,
        handles,
        [_curve_name(name, chosen.get(name)) for name in rates],
        loc="outside upper left",
    )
    return figure


def distance_histogram(distances: ArrayLike, same: ArrayLike, *, threshold: float) -> Figure:
    """Draws the distances of same pairs against those of different pairs, with the threshold.

    Each kind is scaled to its own number of pairs, since different pairs outnumber the same.

    Args:
        distances: (n,), finite.
        same: (n,) booleans, True where both halves of the pair are of one class.
        threshold: The distance up to which a pair counts as the same.

    Returns:
        The figure.

    Raises:
        UserError: If the shapes differ, a value is not finite or `same` is not boolean.

    Examples:
        >>> figure = distance_histogram([0.2, 0.4, 0.9], [True, True, False], threshold=0.5)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['threshold 0.5']
    """
    values = as_vector("distances", distances)
    kinds = np.asarray(same)
    if kinds.dtype != np.bool_ or kinds.shape != values.shape:
        raise UserError(
            f"same: expected {values.shape} booleans, got {kinds.shape} of {kinds.dtype}"
        )
    if not math.isfinite(threshold):
        raise UserError(f"threshold: expected a finite number, got {threshold}")
    figure = new_figure(6.0, 4.0)
    axes = styled(figure.add_subplot())
    edges = np.histogram_bin_edges(values, bins=int(np.clip(math.sqrt(len(values)), 10, 60)))
    handles, names = [], []
    for name, mask, colour in (("same", kinds, PALETTE[0]), ("different", ~kinds, PALETTE[1])):
        share = np.histogram(values[mask], edges)[0] / max(1, int(mask.sum()))
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.3)
        axes.stairs(share, edges, color=colour, linewidth=1.6)
        handles.append(Line2D([], [], color=colour, linewidth=6))
        names.append(f"{name}, {int(mask.sum()):,} pairs")
    axes.axvline(threshold, color=INK, linestyle=(0, (4, 3)), linewidth=1.3)
    axes.margins(y=0.12)
    axes.set(xlabel="distance", ylabel="share of pairs of its kind")
    write_text(
        axes,
        threshold,
        0.985,
        f"threshold {threshold:.4g}",
        transform=axes.get_xaxis_transform(),
        va="top",
        ha="center",
    )
    add_legend(figure, handles, names, loc="outside upper left", ncols=2)
    return figure


def _rates(name: str, far: ArrayLike, tar: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Checks one curve and sorts it by false, then true accept rate."""
    x, y = as_vector(f"{name}: far", far), as_vector(f"{name}: tar", tar)
    if x.shape != y.shape:
        raise UserError(f"{name}: expected as many tar as far, got {len(y)} and {len(x)}")
    for kind, values in (("far", x), ("tar", y)):
        if values.min() < 0 or values.max() > 1:
            raise UserError(
                f"{name}: expected {kind} within [0, 1], got {values.min()} to {values.max()}"
            )
    order = np.lexsort((y, x))
    return x[order], y[order]


def _left_edge(far: NDArray[np.float64]) -> float:
    """The power of ten to the left of every positive rate: the axis must begin above 0."""
    smallest = far[far > 0].min(initial=0.1)
    exponent = math.floor(math.log10(smallest))
    return 10.0 ** (exponent - 1 if (far == 0).any() else exponent)


def _curve_name(name: str, chosen: tuple[float, float, float] | None) -> str:
    if chosen is None:
        return name
    far, tar, threshold = chosen
    return f"{name}: threshold {threshold:.4g}, FAR {far:.2g}, TAR {tar:.3f}"
