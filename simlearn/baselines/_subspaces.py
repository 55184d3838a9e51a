"""Eigenfaces and Fisherfaces: principal components, and discriminants within them."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import FloatArray, IntArray
from simlearn.baselines._linear import LinearEmbedding
from simlearn.baselines._pixels import as_pixels, picture_shape, raw_pixels
from simlearn.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Eigenfaces:
    """Principal components of pictures: the directions in which the training pictures vary most.

    ``e(x) = U^T (x - m)`` with the mean m and the leading eigenvectors U of the covariance.

    With all components, nearest neighbours among the training pictures are those of raw pixels: the
    part of a picture outside their span is equally far from all of them.

    Args:
        components: length of the embedding, at least 1; by default as many as the pictures span,
            which is their number less one for pictures in general position.

    Raises:
        UserError: `components` is not an integer of at least 1.

    Examples:
        >>> from simlearn.data import digits
        >>> train, _, test = digits.splits()
        >>> embed = Eigenfaces(components=10).fit(train.images)
        >>> embed, embed(test.images).shape
        (LinearEmbedding(pictures of 8x8x1, dim=10), (510, 10))

    Reference:
        Turk, Pentland 1991, "Eigenfaces for Recognition", Journal of Cognitive Neuroscience 3(1);
        also their way to the eigenvectors by way of the smaller one of the two products of the
        data matrix with itself. Deviation: nearest picture instead of nearest class mean.
    """

    components: int | None = None

    def __post_init__(self) -> None:
        if self.components is not None:
            search.as_count(self.components, "components")

    def fit(self, images: ArrayLike, labels: ArrayLike | None = None) -> LinearEmbedding:
        """Find the components.

        Args:
            images: ``(items, height, width)`` or with channels, 0..255, at least two different.
            labels: not used; here so that all baselines are fitted alike.

        Raises:
            UserError: these are no pictures, or they span fewer than `components` dimensions.
        """
        pixels = as_pixels(images)
        mean, basis = _principal_axes(raw_pixels(pixels).astype(np.float64))
        wanted = _at_most(
            self.components, len(basis), f"the dimensions that {len(pixels)} centred images span"
        )
        return LinearEmbedding(mean, basis[:wanted], picture_shape(pixels))


@dataclass(frozen=True, kw_only=True)
class Fisherfaces:
    """Linear discriminants of pictures: directions that vary between classes and not within them.

    ``W = arg max |W^T S_B W| / |W^T S_W W|``, with the scatter between and within classes: the
    generalised eigenvectors of ``S_B w = l S_W w``, looked for in the leading principal components,
    where S_W is not singular.

    The criterion leaves the lengths of the rows of W open, and nearest neighbours depend on them.
    Unit length is what a general eigensolver returns. With `whiten` the covariance within classes
    becomes the identity, as linear discriminant analysis measures distances: the better scale where
    pictures are many against the components, and ruin where there are as many components as S_W
    has dimensions at all, the paper's choice, for its smallest ones are then blown up.

    Args:
        components: length of the embedding, at least 1; by default one less than there are classes,
            or fewer where the pictures span fewer.
        principal: principal components to look in, at least 1; by default the rank of S_W, which is
            the paper's ``items - classes`` for pictures in general position.
        whiten: scale so that the covariance within classes is the identity, not to unit length.

    Raises:
        UserError: `components` or `principal` is not an integer of at least 1.

    Examples:
        >>> from simlearn.data import digits
        >>> train, _, test = digits.splits()
        >>> Fisherfaces().fit(train.images, train.labels)(test.images).shape
        (510, 9)

    Reference:
        Belhumeur, Hespanha, Kriegman 1997, "Eigenfaces vs. Fisherfaces", IEEE Transactions on
        Pattern Analysis and Machine Intelligence 19(7), its section on Fisherfaces. Deviation:
        where pictures coincide, S_W has a rank below ``items - classes``, and as many components
        are taken as it has.
    """

    components: int | None = None
    principal: int | None = None
    whiten: bool = False

    def __post_init__(self) -> None:
        for name in ("components", "principal"):
            if getattr(self, name) is not None:
                search.as_count(getattr(self, name), name)

    def fit(self, images: ArrayLike, labels: ArrayLike) -> LinearEmbedding:
        """Find the discriminants.

        Args:
            images: ``(items, height, width)`` or with channels, 0..255.
            labels: ``(items,)`` integers or strings; at least two classes, one of which has two
                different pictures.

        Raises:
            UserError: these are no pictures; there is one class, or no class that varies; or there
                are not as many discriminants as `components`, or components as `principal`.
        """
        pixels = as_pixels(images)
        _, codes = np.unique(search.as_keys(labels, len(pixels), "labels"), return_inverse=True)
        _check_classes(codes)
        flat = raw_pixels(pixels).astype(np.float64)
        mean, axes = _principal_axes(flat)
        projected = (flat - mean) @ axes.T
        rank = _rank(_within_classes(projected, codes))
        if not rank:
            raise UserError("labels: expected a class with two different images, got none")
        inner = _at_most(
            self.principal, rank, "the rank of the scatter within classes", name="principal"
        )
        directions = _discriminants(projected[:, :inner], codes, whiten=self.whiten)
        wanted = _at_most(
            self.components,
            len(directions),
            f"the discriminants of {codes.max() + 1} classes in {inner} principal components",
        )
        return LinearEmbedding(mean, directions[:wanted] @ axes[:inner], picture_shape(pixels))


def _check_classes(codes: IntArray) -> None:
    counts = np.bincount(codes)
    if len(counts) < 2:
        raise UserError(f"labels: expected at least 2 classes, got {len(counts)}")
    if counts.max() < 2:
        raise UserError(
            "labels: expected a class with at least 2 images, whose difference shows what varies "
            f"within a class, got one image in each of {len(counts)} classes"
        )


def _principal_axes(flat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and orthonormal axes ``(rank, pixels)`` by descending variance, as many as there are."""
    if len(flat) < 2:
        raise UserError(f"images: expected at least 2, got {len(flat)}")
    mean = flat.mean(axis=0)
    centred = flat - mean
    wide = len(flat) < flat.shape[1]
    # X^T X and X X^T have the same eigenvalues; where u is an eigenvector of the second, X^T u is
    # one of the first. The smaller of the two takes a small part of the time of a full SVD.
    values, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    kept = np.flatnonzero(_significant(values, max(flat.shape)))[::-1]
    if not kept.size:
        raise UserError(f"images: expected pictures that differ, got {len(flat)} equal ones")
    axes = (centred.T @ vectors[:, kept]).T if wide else vectors[:, kept].T
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return mean, axes * _signs(axes)


def _significant(eigenvalues: FloatArray, size: int) -> NDArray[np.bool_]:
    """Which eigenvalues of a product of a matrix with itself are more than rounding."""
    return eigenvalues > eigenvalues.max() * size * np.finfo(np.float64).eps


def _signs(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signs that make the largest entry of each row positive: eigenvectors come with either."""
    largest = np.abs(axes).argmax(axis=1)
    return np.sign(axes[np.arange(len(axes)), largest])[:, None]


def _within_classes(rows: NDArray[np.float64], codes: IntArray) -> NDArray[np.float64]:
    """Each row less the mean of its class."""
    sums = np.zeros((codes.max() + 1, rows.shape[1]))
    np.add.at(sums, codes, rows)
    return rows - (sums / np.bincount(codes)[:, None])[codes]


def _rank(rows: NDArray[np.float64]) -> int:
    product = rows.T @ rows if len(rows) > rows.shape[1] else rows @ rows.T
    return int(_significant(np.linalg.eigvalsh(product), max(rows.shape)).sum())


def _discriminants(
    rows: NDArray[np.float64], codes: IntArray, *, whiten: bool
) -> NDArray[np.float64]:
    """Discriminants ``(count, dim)`` of centred rows ``(items, dim)``, the most telling first."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # slow to load

    analysis = LinearDiscriminantAnalysis(solver="svd")
    with warnings.catch_warnings():
        # Should a direction without scatter within the classes be left, scikit-learn drops it and
        # says so.
        warnings.filterwarnings("ignore", "Variables are collinear", UserWarning)
        analysis.fit(rows, codes)
    found: NDArray[np.float64] = analysis.scalings_[:, : int(codes.max())].T
    # Scaled here in both cases: scikit-learn's own scale is not the same in all versions.
    lengths = np.linalg.norm(found, axis=1)
    if whiten:
        within = _within_classes(rows, codes) @ found.T
        lengths = np.sqrt(np.sum(within**2, axis=0) / (len(rows) - codes.max() - 1))
    return found / lengths[:, None] * _signs(found)


def _at_most(wanted: int | None, there: int, what: str, *, name: str = "components") -> int:
    if wanted is not None and wanted > there:
        raise UserError(f"{name}: expected at most {there}, {what}, got {wanted}")
    return there if wanted is None else wanted
