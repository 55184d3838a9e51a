"""Curves of landmark errors."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from simlearn.errors import UserError
from simlearn.figures._arguments import as_vector
from simlearn.figures._drawing import add_legend, distinct_colours, new_figure, styled


def cumulative_error_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], *, unit: str = "inter-ocular distance"
) -> Figure:
    """Draws the share of pictures whose mean error is at most x, one staircase a method.

    Args:
        curves: `{name: (x, share)}`, each (n,), as `simlearn.metrics.cumulative_errors` gives.
        unit: What x is a share of.

    Returns:
        The figure, both axes in percent.

    Raises:
        UserError: If there is no curve, lengths differ or a value is not finite.

    Examples:
        >>> figure = cumulative_error_curves({"network": ([0.0, 0.03, 0.1], [0.0, 0.5, 0.5])})
        >>> figure.axes[0].get_xlabel()
        'mean error over the inter-ocular distance'
    """
    if not curves:
        raise UserError("cumulative_error_curves: expected at least one curve, got none")
    figure = new_figure(6.0, 4.6)
    axes = styled(figure.add_subplot())
    handles = []
    for colour, (name, (x, share)) in zip(
        distinct_colours(len(curves)), curves.items(), strict=True
    ):
        places, shares = as_vector(f"{name}: x", x), as_vector(f"{name}: share", share)
        if len(places) != len(shares):
            raise UserError(
                f"{name}: expected as many x as shares, got {len(places)}, {len(shares)}"
            )
        axes.step(places, shares, where="post", color=colour, linewidth=1.7)
        handles.append(Line2D([], [], color=colour, linewidth=1.7))
    axes.set_xlim(left=0.0)
    axes.set_ylim(0.0, 1.0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=0))
    axes.set_xlabel(f"mean error over the {unit}", parse_math=False)
    axes.set_ylabel("share of pictures")
    add_legend(figure, handles, list(curves), loc="outside upper left", ncols=2)
    return figure
