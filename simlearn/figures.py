"""Matplotlib figures for reports: learning curves, embedding maps, ROC curves, distance histograms.

Every function returns a free `matplotlib.figure.Figure`: no pyplot, no global state, no display.
The figures use a few exact colours (`INK`, `PAPER`, `RULE`) by which `simlearn.report` recognises
them and lets them follow the page into the dark scheme; saved on their own they are dark on white.
"""

import colorsys
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError

PAPER = "#fefefd"
INK = "#23282e"
RULE = "#d9dde2"

# Mid-tones: each keeps a contrast of at least 3:1 on white paper and on the dark scheme's ground.
_PALETTE = (
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
_TRAINING: Any = (0, (3, 2))  # matplotlib's way to say: 3 points drawn, 2 left out
_VALIDATION: Any = "solid"
_GOLDEN_RATIO = (1 + math.sqrt(5)) / 2
_NAMED_CLASSES = 60
_VECTOR_POINTS = 2000
_TSNE_INPUT_DIM = 50


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
    figure = _figure(6.0 if columns == 1 else 9.2, 0.7 + 3.1 * rows)
    colours = dict(zip(histories, _colours(len(histories)), strict=True))
    for place, metric in enumerate(metrics, start=1):
        axes = _style(figure.add_subplot(rows, columns, place))
        axes.set_title(metric, loc="left", color=INK, parse_math=False)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        longest = max(len(values) for history in histories.values() for values in history.values())
        axes.set_xlim(1 - 0.03 * longest, 1.03 * longest)
        for run, history in histories.items():
            _draw_history(axes, history, metric, colours[run])
    _history_legend(figure, histories, colours)
    return figure


def embedding_map(points: ArrayLike, labels: ArrayLike) -> Figure:
    """Draws points on a plane, a colour a class, with the class's name in its midst.

    The name stands at the median of its points, which is inside a class that fell into pieces
    more often than the mean is. With more than 60 classes the 60 largest are named.

    Args:
        points: (n, 2), for example from `project`.
        labels: (n,), strings or integers.

    Returns:
        The figure, without ticks: the axes of such a map have no unit.

    Raises:
        UserError: If the shapes do not fit or a coordinate is not finite.

    Examples:
        >>> figure = embedding_map([[0.0, 0.0], [1.0, 2.0], [1.0, 3.0]], ["cat", "dog", "dog"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['cat', 'dog']
    """
    places = _matrix("points", points, columns=2)
    names, codes, counts = np.unique(
        _labels(labels, len(places)), return_inverse=True, return_counts=True
    )
    figure = _figure(6.0, 5.6)
    axes = _style(figure.add_subplot(), grid=False)
    colours = np.array(_colours(len(names)))
    axes.scatter(
        places[:, 0],
        places[:, 1],
        c=colours[codes],
        s=float(np.clip(4000 / len(places), 5, 28)),
        alpha=0.85,
        linewidths=0,
        rasterized=len(places) > _VECTOR_POINTS,
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_aspect("equal", adjustable="datalim")
    largest = np.sort(np.argsort(-counts, kind="stable")[:_NAMED_CLASSES])
    if len(largest) < len(names):
        axes.set_title(f"{len(largest)} largest of {len(names)} classes named", loc="left")
    for code in largest:
        x, y = np.median(places[codes == code], axis=0)
        size = 10.5 if len(largest) <= 20 else 8.5
        _write(axes, x, y, str(names[code]), fontsize=size, weight="bold", ha="center", va="center")
    return figure


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
    figure = _figure(6.0, 4.8)
    axes = _style(figure.add_subplot())
    handles = []
    for colour, (name, (far, tar)) in zip(_colours(len(rates)), rates.items(), strict=True):
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
    _legend(
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
    values = _vector("distances", distances)
    kinds = np.asarray(same)
    if kinds.dtype != np.bool_ or kinds.shape != values.shape:
        raise UserError(
            f"same: expected {values.shape} booleans, got {kinds.shape} of {kinds.dtype}"
        )
    if not math.isfinite(threshold):
        raise UserError(f"threshold: expected a finite number, got {threshold}")
    figure = _figure(6.0, 4.0)
    axes = _style(figure.add_subplot())
    edges = np.histogram_bin_edges(values, bins=int(np.clip(math.sqrt(len(values)), 10, 60)))
    handles, names = [], []
    for name, mask, colour in (("same", kinds, _PALETTE[0]), ("different", ~kinds, _PALETTE[1])):
        share = np.histogram(values[mask], edges)[0] / max(1, int(mask.sum()))
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.3)
        axes.stairs(share, edges, color=colour, linewidth=1.6)
        handles.append(Line2D([], [], color=colour, linewidth=6))
        names.append(f"{name}, {int(mask.sum()):,} pairs")
    axes.axvline(threshold, color=INK, linestyle=(0, (4, 3)), linewidth=1.3)
    axes.margins(y=0.12)
    axes.set(xlabel="distance", ylabel="share of pairs of its kind")
    _write(
        axes,
        threshold,
        0.985,
        f"threshold {threshold:.4g}",
        transform=axes.get_xaxis_transform(),
        va="top",
        ha="center",
    )
    _legend(figure, handles, names, loc="outside upper left", ncols=2)
    return figure


def project(embeddings: ArrayLike, *, seed: int, perplexity: float = 30.0) -> NDArray[np.float64]:
    """Projects embeddings to a plane with t-SNE, started from PCA.

    Fewer than three neighbours a point carry no local structure, so the perplexity is lowered to
    `(n - 1) / 3` for small n; below five points, and for embeddings that already have one or two
    dimensions, the answer is the (centred) projection on the first principal axes. More than 50
    dimensions are first reduced to 50 by PCA.

    Args:
        embeddings: (n, d), finite.
        seed: Fixes the projection (on one machine and one version of scikit-learn).
        perplexity: About how many neighbours count; above 0.

    Returns:
        (n, 2). Only neighbourhoods mean something, neither the axes nor far distances do.

    Raises:
        UserError: If the embeddings are not a finite matrix or the perplexity is not positive.

    Examples:
        >>> project([[0.0, 1.0, 2.0]], seed=1)
        array([[0., 0.]])

    Reference:
        van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008, section 3; the
        order of PCA to a few dozen dimensions first is that of its section 4.2.
    """
    values = _matrix("embeddings", embeddings)
    if not perplexity > 0:
        raise UserError(f"perplexity: expected a number above 0, got {perplexity}")
    if not np.ptp(values, axis=0).any():
        return np.zeros((len(values), 2))
    if len(values) < 5 or values.shape[1] <= 2:
        return _principal_axes(values, 2, seed)
    from sklearn.manifold import TSNE  # slow to load, and only this function needs it

    # t-SNE does not depend on the scale, but its float32 start must not underflow.
    values = values - values.mean(axis=0)
    values = _principal_axes(values / np.abs(values).max(), _TSNE_INPUT_DIM, seed)
    tsne = TSNE(perplexity=min(perplexity, (len(values) - 1) / 3), init="pca", random_state=seed)
    return np.asarray(tsne.fit_transform(values), np.float64)


def _principal_axes(values: NDArray[np.float64], axes: int, seed: int) -> NDArray[np.float64]:
    """(n, d) -> (n, min(axes, n, d)), filled up with zeros to at least two columns."""
    if values.shape[1] <= axes and axes > 2:
        return values
    from sklearn.decomposition import PCA

    wanted = min(axes, *values.shape)
    projected = PCA(wanted, random_state=seed).fit_transform(values)
    return np.pad(projected, ((0, 0), (0, max(0, 2 - wanted))))


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
    _legend(figure, handles, names, loc="outside upper left", ncols=columns)


def _rates(name: str, far: ArrayLike, tar: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Checks one curve and sorts it by false, then true accept rate."""
    x, y = _vector(f"{name}: far", far), _vector(f"{name}: tar", tar)
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


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), dpi=160, layout="constrained", facecolor=PAPER)


def _style(axes: Axes, *, grid: bool = True) -> Axes:
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


def _legend(
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


def _write(axes: Axes, x: float, y: float, text: str, **options: Any) -> None:
    """Writes a text with a halo that keeps it legible over points and lines."""
    halo = [withStroke(linewidth=3, foreground=PAPER)]
    settings: dict[str, Any] = {"color": INK, "fontsize": 10.5, "parse_math": False, "zorder": 5}
    axes.text(x, y, text, path_effects=halo, **(settings | options))


def _colours(count: int) -> list[str]:
    """The palette; beyond its ten colours, hues by the golden ratio in three lightnesses."""
    if count <= len(_PALETTE):
        return list(_PALETTE[:count])
    return [
        to_hex(colorsys.hls_to_rgb(index / _GOLDEN_RATIO % 1, (0.42, 0.52, 0.62)[index % 3], 0.58))
        for index in range(count)
    ]


def _labels(labels: ArrayLike, count: int) -> NDArray[Any]:
    values = np.asarray(labels)
    if values.shape != (count,):
        raise UserError(f"labels: expected shape ({count},), one a point, got {values.shape}")
    return values


def _vector(name: str, values: ArrayLike) -> NDArray[np.float64]:
    vector = np.asarray(values, np.float64)
    if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
        raise UserError(
            f"{name}: expected finite numbers of shape (n,) with n > 0, got {_describe(vector)}"
        )
    return vector


def _matrix(name: str, values: ArrayLike, *, columns: int | None = None) -> NDArray[np.float64]:
    matrix = np.asarray(values, np.float64)
    fits = matrix.ndim == 2 and matrix.size and columns in (None, matrix.shape[1])
    if not fits or not np.isfinite(matrix).all():
        raise UserError(
            f"{name}: expected finite numbers of shape (n, {columns or 'd'}) with n > 0,"
            f" got {_describe(matrix)}"
        )
    return matrix


def _describe(values: NDArray[np.float64]) -> str:
    return f"shape {values.shape} with {int((~np.isfinite(values)).sum())} not finite"
