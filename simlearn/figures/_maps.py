"""Embeddings on a plane: the projection and its picture."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError
from simlearn.figures._arguments import as_labels, as_matrix
from simlearn.figures._drawing import distinct_colours, new_figure, styled, write_text

_NAMED_CLASSES = 60
_VECTOR_POINTS = 2000
_TSNE_INPUT_DIM = 50


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
    places = as_matrix("points", points, columns=2)
    names, codes, counts = np.unique(
        as_labels(labels, len(places)), return_inverse=True, return_counts=True
    )
    figure = new_figure(6.0, 5.6)
    axes = styled(figure.add_subplot(), grid=False)
    colours = np.array(distinct_colours(len(names)))
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
        write_text(
            axes, x, y, str(names[code]), fontsize=size, weight="bold", ha="center", va="center"
        )
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
    values = as_matrix("embeddings", embeddings)
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
