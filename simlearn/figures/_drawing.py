"""The look that all figures share: colours, axes, legends and texts."""

import colorsys
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

PAPER = "#fefefd"
INK = "#23282e"
RULE = "#d9dde2"

# Mid-tones: each keeps a contrast of at least 3:1 on white paper and on the dark scheme's ground.
PALETTE = (
    "#2f7fc1",
    "#d9730d",
    "#2a9668",
    "#d1495b",
    "#8f6fd0",
    "#96792c",
    "#1690a6",
    "#c45aae",
    "#66911a",
    "#7b858f",
)
_GOLDEN_RATIO = (1 + math.sqrt(5)) / 2


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, outside pyplot."""
    return Figure(figsize=(width, height), dpi=160, layout="constrained", facecolor=PAPER)


def styled(axes: Axes, *, grid: bool = True) -> Axes:
    """The same axes, in the colours and sizes of the page."""
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(RULE)
    axes.tick_params(which="both", color=RULE, labelcolor=INK, labelsize=10)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set(color=INK, fontsize=10.5)
    if grid:
        axes.grid(color=RULE, linewidth=0.7)
        axes.set_axisbelow(True)
    return axes


def add_legend(
    figure: Figure, handles: Sequence[Line2D], names: Sequence[str], **options: Any
) -> None:
    """Adds a legend that shows every name as it is: no mathematics, no hidden underscore."""
    settings: dict[str, Any] = {
        "fontsize": 10,
        "frameon": False,
        "labelcolor": INK,
        "handlelength": 1.8,
    }
    legend = figure.legend(list(handles), ["name"] * len(names), **(settings | options))
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)


def write_text(axes: Axes, x: float, y: float, text: str, **options: Any) -> None:
    """Writes a text with a halo that keeps it legible over points and lines."""
    halo = [withStroke(linewidth=3, foreground=PAPER)]
    settings: dict[str, Any] = {"color": INK, "fontsize": 10.5, "parse_math": False, "zorder": 5}
    axes.text(x, y, text, path_effects=halo, **(settings | options))


def distinct_colours(count: int) -> list[str]:
    """The palette; beyond its ten colours, hues by the golden ratio in three lightnesses."""
    if count <= len(PALETTE):
        return list(PALETTE[:count])
    return [
        to_hex(colorsys.hls_to_rgb(index / _GOLDEN_RATIO % 1, (0.42, 0.52, 0.62)[index % 3], 0.58))
        for index in range(count)
    ]
