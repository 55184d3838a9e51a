"""Classical embeddings against scikit-learn, SciPy, naive loops and derivations on paper."""

import sys

import numpy as np
import pytest
import scipy.linalg
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics.pairwise import additive_chi2_kernel

from simlearn import metrics, search
from simlearn.baselines import (
    Eigenfaces,
    Fisherfaces,
    LinearEmbedding,
    chi_square,
    lbph,
    raw_pixels,
)
from simlearn.errors import UserError


def pictures(count, height, width, *channels, seed=0):
    shape = (count, height, width, *channels)
    return np.random.default_rng(seed).integers(256, size=shape).astype(np.uint8)


def flat(images):
    return images.reshape(len(images), -1).astype(np.float64) / 255


def distances(rows):
    return np.linalg.norm(rows[:, None] - rows[None, :], axis=2)


@pytest.mark.parametrize("shape", [(3, 5, 7), (3, 5, 7, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_flattens_in_row_major_order_and_scales(shape, dtype):
    images = np.random.default_rng(0).integers(256, size=shape).astype(dtype)
    embedded = raw_pixels(images)
    assert embedded.dtype == np.float32
    expected = [[float(value) / 255 for value in image.flat] for image in images]
    np.testing.assert_allclose(embedded, expected, rtol=1e-6)


def test_no_images_give_no_rows():
    assert raw_pixels(np.empty((0, 5, 7), np.uint8)).shape == (0, 35)


NO_PICTURES = [
    (np.zeros((5, 7)), r"got float64 of shape \(5, 7\)"),
    (np.zeros((2, 5, 7), np.bool_), "got bool of shape"),
    (np.array([[[0.0, 1.0]], [[-0.5, 3.0]]]), r"0\.\.255, got -0\.5 to 3\.0 in image 1"),
    (np.array([[[0, 256]]]), r"0\.\.255, got 0 to 256 in image 0"),
    (np.array([[[0.0, np.nan]]]), r"0\.\.255, got nan to nan in image 0"),
]
EMBEDDINGS = {
    "raw_pixels": raw_pixels,
    "lbph": lbph,
    "eigenfaces": Eigenfaces().fit,
    "fisherfaces": lambda images: Fisherfaces().fit(images, range(len(images))),
    "fitted": Eigenfaces().fit(pictures(3, 5, 7)),
}


@pytest.mark.parametrize(("images", "message"), NO_PICTURES)
@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_refuses_what_are_no_pixels(embedding, images, message):
    with pytest.raises(UserError, match=message):
        EMBEDDINGS[embedding](images)


# Eigenfaces


@pytest.mark.parametrize("size", [(11, 5, 7), (53, 3, 5, 2)], ids=["wide", "tall"])
def test_eigenfaces_are_scikit_learns_principal_components(size):
    images, others = pictures(*size), pictures(4, *size[1:], seed=1)
    embed = Eigenfaces(components=6).fit(images)
    peer = PCA(6, svd_solver="full").fit(flat(images))  # scikit-learn 1.5 and later
    expected = peer.transform(flat(others))
    signs = np.sign(np.sum(peer.components_ * embed.basis, axis=1))
    np.testing.assert_allclose(embed(others), expected * signs, atol=1e-5)
    np.testing.assert_allclose(embed.basis @ embed.basis.T, np.eye(6), atol=1e-10)
    assert embed(others).dtype == np.float32


def test_all_components_keep_distances_among_the_training_pictures():
    # n points span n - 1 dimensions about their mean, in which nothing of their distances is lost.
    images = pictures(11, 5, 7)
    embed = Eigenfaces().fit(images)
    assert embed.dim == 10
    np.testing.assert_allclose(distances(embed(images)), distances(flat(images)), atol=1e-5)


def test_repeated_pictures_span_fewer_dimensions():
    images = pictures(5, 5, 7)[[0, 1, 2, 3, 4, 4, 2, 0]]
    assert Eigenfaces().fit(images).dim == 4
    with pytest.raises(UserError, match=r"components: expected at most 4, .* 8 .* got 5"):
        Eigenfaces(components=5).fit(images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (pictures(1, 5, 7), "images: expected at least 2, got 1"),
        (np.full((3, 5, 7), 77, np.uint8), "expected pictures that differ, got 3 equal ones"),
    ],
)
def test_pictures_that_do_not_vary_are_refused(images, message):
    with pytest.raises(UserError, match=message):
        Eigenfaces().fit(images)
    if len(images) > 1:
        with pytest.raises(UserError, match=message):
            Fisherfaces().fit(images, [0, 0, 1])


# Fisherfaces

CLASSES = np.repeat([7, 3, 5, 11], [5, 3, 7, 2])  # 17 pictures, 4 classes


def scatters(rows, labels):
    mean = rows.mean(axis=0)
    between = np.zeros((rows.shape[1], rows.shape[1]))
    within = np.zeros_like(between)
    for label in set(labels.tolist()):
        own = rows[labels == label]
        centre = own.mean(axis=0)
        between += len(own) * np.outer(centre - mean, centre - mean)
        for row in own:
            within += np.outer(row - centre, row - centre)
    return between, within


def test_fisherfaces_solve_the_papers_eigenproblem():
    images = pictures(17, 5, 7)
    embed = Fisherfaces().fit(images, CLASSES)
    assert embed.dim == 3  # classes - 1
    axes = PCA(17 - 4, svd_solver="full").fit(flat(images)).components_  # items - classes
    between, within = scatters((flat(images) - flat(images).mean(axis=0)) @ axes.T, CLASSES)
    values, vectors = scipy.linalg.eigh(between, within)
    expected = vectors[:, ::-1][:, :3].T @ axes
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    cosines = np.abs(np.sum(embed.basis * expected, axis=1))
    np.testing.assert_allclose(cosines, 1, atol=1e-8)
    np.testing.assert_allclose(np.linalg.norm(embed.basis, axis=1), 1, atol=1e-10)
    assert values[-1] > values[-2] > values[-3]  # in that order


def test_whitened_fisherfaces_are_scikit_learns_and_have_unit_covariance_within():
    images, labels = pictures(61, 3, 5), np.arange(61) % 4
    embed = Fisherfaces(whiten=True).fit(images, labels)
    peer = LinearDiscriminantAnalysis(solver="eigen").fit(flat(images), labels)
    expected = distances(peer.transform(flat(images))[:, :3])
    # The same but for one factor, which its versions do not agree on (1.9: n, before: n - c).
    ratio = distances(embed(images))[0, 1] / expected[0, 1]
    np.testing.assert_allclose(distances(embed(images)), expected * ratio, rtol=1e-4)
    _, within = scatters(embed(images).astype(np.float64), labels)
    np.testing.assert_allclose(within / (61 - 4), np.eye(3), atol=1e-4)


def test_fewer_principal_components_look_in_a_smaller_space():
    images = pictures(17, 5, 7)
    axes = Eigenfaces(components=5).fit(images).basis
    basis = Fisherfaces(principal=5).fit(images, CLASSES).basis
    np.testing.assert_allclose(basis @ axes.T @ axes, basis, atol=1e-10)
    outside = Fisherfaces(principal=6).fit(images, CLASSES).basis
    assert np.abs(outside @ axes.T @ axes - outside).max() > 1e-3


def test_repeated_pictures_leave_the_rank_of_the_scatter_within():
    # Classes of 3, of which two pictures are equal: each spans 1 dimension, not 2, about its mean.
    images = pictures(8, 5, 7)[[0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7]]
    labels = np.repeat(np.arange(4), 3)
    assert Fisherfaces().fit(images, labels).dim == 3
    with pytest.raises(UserError, match=r"principal: expected at most 4, the rank .* got 5"):
        Fisherfaces(principal=5).fit(images, labels)


def test_order_and_names_of_classes_do_not_matter():
    images = pictures(17, 5, 7)
    expected = Fisherfaces().fit(images, CLASSES).basis
    order = np.random.default_rng(3).permutation(17)
    names = np.array([f"person {label}" for label in CLASSES])
    other = Fisherfaces().fit(images[order], names[order]).basis
    np.testing.assert_allclose(other, expected, atol=1e-8)


def test_fisherfaces_see_the_class_through_a_greater_nuisance():
    # One column holds the class, the other ones a light of ten times its strength.
    random = np.random.default_rng(5)
    labels = np.repeat([0, 1], 23)
    images = random.integers(0, 200, (46, 1, 1)) + np.zeros((46, 3, 4))
    images[:, :, 0] += 10 * labels[:, None] + random.integers(0, 4, (46, 3))
    images[:, :, 1:] += random.integers(0, 4, (46, 3, 3))
    rank1 = {
        name: metrics.retrieval_scores(fitted(images), labels)["recall_at_1"]
        for name, fitted in {
            "eigenfaces": Eigenfaces(components=1).fit(images),
            "fisherfaces": Fisherfaces().fit(images, labels),
        }.items()
    }
    assert rank1["fisherfaces"] == 1
    assert rank1["eigenfaces"] < 0.8


@pytest.mark.parametrize(
    ("settings", "labels", "message"),
    [
        ({}, [1, 1, 1, 1, 1], "labels: expected at least 2 classes, got 1"),
        ({}, [1, 2, 3, 4, 5], "a class with at least 2 images, .* got one image in each of 5"),
        ({"components": 2}, [1, 1, 2, 2, 2], "components: expected at most 1, .* of 2 classes"),
        ({"principal": 4}, [1, 1, 2, 2, 2], "principal: expected at most 3, .* got 4"),
        ({}, [1, 2], r"labels: expected integers or strings of shape \(5,\), got int64 of shape"),
        ({}, [0.5, 1, 1, 2, 2], "labels: expected integers or strings"),
    ],
)
def test_labels_that_cannot_be_discriminated_are_refused(settings, labels, message):
    with pytest.raises(UserError, match=message):
        Fisherfaces(**settings).fit(pictures(5, 5, 7), labels)


def test_classes_of_equal_pictures_have_no_scatter_within():
    with pytest.raises(UserError, match="a class with two different images, got none"):
        Fisherfaces().fit(pictures(3, 5, 7)[[0, 0, 1, 1, 2]], [0, 0, 1, 1, 2])


@pytest.mark.parametrize("make", [Eigenfaces, Fisherfaces])
@pytest.mark.parametrize("value", [0, -1, 2.5, True])
def test_components_are_whole_and_positive(make, value):
    with pytest.raises(UserError, match="components: expected an integer of at least 1, got"):
        make(components=value)


# What is fitted


def test_pictures_of_another_size_are_refused_and_one_channel_is_none():
    images = pictures(5, 5, 7)
    embed = Eigenfaces().fit(images)
    np.testing.assert_array_equal(embed(images[..., None]), embed(images))
    for other in (pictures(2, 7, 5), pictures(2, 5, 7, 3)):
        with pytest.raises(UserError, match="expected pictures of 5x7x1 as in fit, got"):
            embed(other)


def test_a_saved_embedding_is_the_same(tmp_path):
    images = pictures(6, 5, 7, 2)
    embed = Fisherfaces().fit(images, [0, 0, 1, 1, 2, 2])
    path = embed.save(tmp_path / "fisherfaces.npz")
    again = LinearEmbedding.load(path)
    assert repr(again) == "LinearEmbedding(pictures of 5x7x2, dim=2)"
    np.testing.assert_array_equal(again(images), embed(images))


@pytest.mark.parametrize("content", [b"", b"no zip", {"mean": np.zeros(3)}, {"shape": None}])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    with pytest.raises(UserError, match=r"other\.npz: expected an npz file with mean, basis"):
        LinearEmbedding.load(path)


def test_arrays_that_do_not_fit_the_pictures_are_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, mean=np.zeros(6), basis=np.zeros((2, 5)), shape=[2, 3, 1])
    with pytest.raises(UserError, match=r"\(6,\) and \(dim, 6\) .* 2x3x1, got \(6,\) and \(2, 5\)"):
        LinearEmbedding.load(path)
    np.savez(path, mean=np.full(6, np.nan), basis=np.zeros((2, 6)), shape=[2, 3, 1])
    with pytest.raises(UserError, match="expected finite mean and basis"):
        LinearEmbedding.load(path)


def test_bases_are_shown_with_zero_as_mid_grey():
    embed = LinearEmbedding(np.zeros(2), np.array([[0.0, -0.5], [3.0, 1.5]]), (2, 1, 1))
    # 127.5 rounds to the even 128; -0.5 is that row's largest, 1.5 half of the other's.
    assert embed.pictures().tolist() == [[[[128]], [[0]]], [[[255]], [[191]]]]


# Local binary patterns


def uniform_labels(points):
    """Bin of each binary pattern, by its definition: up to two changes along the circle."""
    found = {}
    for start in range(points):
        for length in range(1, points):
            bits = [0] * points
            for step in range(length):
                bits[(start + step) % points] = 1
            found[tuple(bits)] = None
    return set(found) | {(0,) * points, (1,) * points}


def naive_patterns(image, points, radius):
    """The pattern of each pixel off the margin, by a loop with bilinear interpolation."""
    margin = int(np.ceil(radius))
    grey = image.astype(np.float64)
    height, width = image.shape
    rows = []
    for y in range(margin, height - margin):
        for x in range(margin, width - margin):
            bits = []
            for point in range(points):
                angle = 2 * np.pi * point / points
                py, px = y - round(radius * np.sin(angle), 5), x + round(radius * np.cos(angle), 5)
                top, left = min(int(py), height - 2), min(int(px), width - 2)
                down, right = py - top, px - left
                value = (1 - down) * (
                    (1 - right) * grey[top, left] + right * grey[top, left + 1]
                ) + down * ((1 - right) * grey[top + 1, left] + right * grey[top + 1, left + 1])
                bits.append(int(value >= grey[y, x]))
            rows.append(tuple(bits))
    return rows


def test_lbph_counts_patterns_as_a_loop_does():
    points, radius = 8, 2
    image = pictures(1, 13, 16)[0]
    patterns = naive_patterns(image, points, radius)  # 9 x 12 of them
    uniform = uniform_labels(points)
    assert len(uniform) == 58  # 8 * 7 + 2: the 59th bin is for all others
    embedded = lbph(image[None], points=points, radius=radius, grid=(3, 4)).reshape(12, 59)
    for region, histogram in enumerate(embedded):
        top, left = region // 4 * 3, region % 4 * 3
        own = [patterns[(top + y) * 12 + left + x] for y in range(3) for x in range(3)]
        counts = np.array([own.count(pattern) for pattern in sorted(uniform)])
        others = sum(pattern not in uniform for pattern in own)
        # Which bin is which pattern's does not matter, so the counts are compared as sorted.
        np.testing.assert_allclose(np.sort(histogram[:-1] * 9), np.sort(counts), atol=1e-5)
        assert histogram[-1] * 9 == pytest.approx(others, abs=1e-5)


def test_lbph_does_not_see_the_light():
    # Brighter and of less contrast, but rounded nowhere: every pattern stays.
    image = pictures(1, 19, 23)[0] // 2 * 2
    np.testing.assert_array_equal(lbph(image[None]), lbph(image[None] // 2 + 60))


def test_regions_cover_every_pixel_once():
    # 19 - 4 = 15 rows in 4 parts and 23 - 4 = 19 columns in 3: parts of 3 or 4, 6 or 7.
    images = pictures(3, 19, 23)
    parts = lbph(images, grid=(4, 3)).reshape(3, 12, 59)
    np.testing.assert_allclose(parts.sum(axis=2), 1, rtol=1e-5)
    # All regions together are the whole: weigh each with its pixels.
    height = np.array([4, 4, 4, 3])
    width = np.array([7, 6, 6])
    whole = lbph(images, grid=(1, 1))
    joined = (parts * np.outer(height, width).reshape(1, 12, 1)).sum(axis=1) / (15 * 19)
    np.testing.assert_allclose(joined, whole, atol=1e-6)


def test_lbph_of_other_radii_and_numbers_of_points():
    images = pictures(2, 19, 23, 1)
    assert lbph(images, points=5, grid=(1, 2)).shape == (2, 2 * 23)  # 5 * 4 + 3 bins
    assert np.any(lbph(images, radius=1) != lbph(images, radius=1.5))
    fractions = np.where(np.arange(images.size).reshape(images.shape) % 2, 0.25, -0.25)
    np.testing.assert_array_equal(lbph(np.clip(images + fractions, 0, 255)), lbph(images))


@pytest.mark.parametrize(
    ("images", "settings", "message"),
    [
        (pictures(2, 19, 23, 3), {}, "expected grey images, .* got 3 channels"),
        (pictures(2, 10, 23), {}, "at most 6 rows and 19 columns .* margin of 2, got 7 and 7"),
        (pictures(2, 3, 23), {}, "at most 0 rows"),
        (pictures(2, 19, 23), {"radius": 0.5}, "radius: expected a finite number of at least 1"),
        (pictures(2, 19, 23), {"radius": np.nan}, "radius: expected a finite number"),
        (pictures(2, 19, 23), {"points": 2}, "points: expected 3 to 24, got 2"),
        (pictures(2, 19, 23), {"points": 25}, "points: expected 3 to 24, got 25"),
        (pictures(2, 19, 23), {"grid": (0, 3)}, "grid: expected an integer of at least 1, got 0"),
    ],
)
def test_lbph_refuses_what_does_not_fit(images, settings, message):
    with pytest.raises(UserError, match=message):
        lbph(images, **settings)


def test_a_missing_scikit_image_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    with pytest.raises(UserError, match=r"pip install 'simlearn\[baselines\]'"):
        lbph(pictures(1, 19, 23))


# Chi-square


def histograms(count, dim, seed):
    random = np.random.default_rng(seed)
    values = random.integers(0, 7, (count, dim)) * (random.random((count, dim)) < 0.4)
    return values.astype(np.float32)


def test_chi_square_is_scikit_learns():
    left, right = histograms(5, 31, 0), histograms(7, 31, 1)
    expected = -additive_chi2_kernel(left.astype(np.float64), right.astype(np.float64))
    np.testing.assert_allclose(chi_square(left, right), expected, rtol=1e-6)
    assert chi_square(left, right).dtype == np.float32
    assert chi_square(left.astype(np.float64), right).dtype == np.float64


def test_equal_histograms_are_at_zero_and_order_does_not_matter():
    rows = histograms(11, 31, 2) / np.float32(3)
    found = chi_square(rows, rows)
    assert not np.diag(found).any()
    np.testing.assert_allclose(found, found.T, rtol=1e-6)
    assert chi_square(np.zeros((1, 3)), np.zeros((1, 3))).tolist() == [[0]]


@pytest.mark.parametrize("side", [0, 1])
def test_negative_values_are_no_histogram(side):
    pair = [histograms(3, 5, 0), histograms(3, 5, 1)]
    pair[side][1, 2] = -0.5
    with pytest.raises(UserError, match=r"values of at least 0, got -0\.5"):
        chi_square(*pair)


def test_searches_and_metrics_take_it():
    rows, labels = histograms(11, 31, 4), np.arange(11) % 3
    found = search.nearest(rows, rows, 1, distance=chi_square).indices[:, 0]
    np.testing.assert_array_equal(found, np.arange(11))
    pairs, _ = metrics.pair_distances(rows, labels, distance=chi_square)
    assert len(pairs) == 55
