import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score

from simlearn import metrics, search
from simlearn.clustering import density_clusters, graph_clusters, k_means, threshold_clusters
from simlearn.data import orl
from simlearn.errors import UserError

CLUSTERERS = {
    "k_means": partial(k_means, k=5),
    "average": partial(threshold_clusters, threshold=2.0),
    "complete": partial(threshold_clusters, threshold=2.5, linkage="complete"),
    "graph": partial(graph_clusters, threshold=2.0, neighbours=20),
    "graph_without_overlap": partial(graph_clusters, threshold=1.2, neighbours=30, overlap=0.0),
    "density": density_clusters,
}
WITH_K_UNKNOWN = {name: c for name, c in CLUSTERERS.items() if name != "k_means"}
every = pytest.mark.parametrize("cluster", CLUSTERERS.values(), ids=CLUSTERERS)
every_with_k_unknown = pytest.mark.parametrize(
    "cluster", WITH_K_UNKNOWN.values(), ids=WITH_K_UNKNOWN
)


def blobs(sizes=(29, 19, 11, 7, 5), spread=0.2, seed=0):
    rng = np.random.default_rng(seed)
    centres = 5.0 * rng.normal(size=(len(sizes), 3))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    rng.shuffle(labels)
    return centres[labels] + spread * rng.normal(size=(len(labels), 3)), labels


def partition(labels):
    """The sets of items that share a cluster."""
    return {frozenset(np.flatnonzero(labels == c).tolist()) for c in set(labels.tolist()) - {-1}}


@every
def test_clusters_that_lie_apart_are_found_and_numbered_by_size(cluster):
    points, labels = blobs()
    found = cluster(points)
    assert found.dtype == np.int64
    kept = found >= 0
    assert kept.mean() > 0.9
    # Here the classes are numbered by size as well.
    np.testing.assert_array_equal(found[kept], labels[kept])


@every
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_items_does_not_matter(cluster, seed):
    # Overlapping, on a grid: with duplicates, and many distances exactly equal.
    points, _ = blobs(spread=1.3, seed=seed)
    points = np.rint(2 * points) / 2
    points = np.concatenate([points, points[:17], -points[3:5]])
    order = np.random.default_rng(seed).permutation(len(points))
    np.testing.assert_array_equal(cluster(points[order]), cluster(points)[order])
    np.testing.assert_array_equal(cluster(points), cluster(points))


@every
def test_numbers_run_from_the_largest_without_a_gap(cluster):
    points, _ = blobs(spread=1.3, seed=4)
    found = cluster(points)
    counts = np.bincount(found[found >= 0])
    assert counts.min() > 0
    assert counts.tolist() == sorted(counts, reverse=True)
    assert len(counts) > 1


@every
def test_equal_items_share_a_cluster(cluster):
    points, _ = blobs(spread=1.3, seed=2)
    points = np.concatenate([points, np.repeat(points[:3], 13, axis=0), [[0.0, -0.0, 0.0]]])
    points = np.concatenate([points, [[-0.0, 0.0, 0.0]]])
    found = cluster(points)
    for place in range(3):
        copies = found[71 + 13 * place : 84 + 13 * place]
        assert set(copies.tolist()) == {found[place]}
    assert found[-1] == found[-2]


@every
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int64, list])
def test_numbers_of_any_kind(cluster, kind):
    points, labels = blobs()
    values = np.rint(4 * points)
    plain = cluster(values / 1.0)
    other = values.tolist() if kind is list else values.astype(kind)
    np.testing.assert_array_equal(cluster(other), plain)
    assert values.tolist() == np.rint(4 * blobs()[0]).tolist()
    assert len(labels) == len(plain)


@every
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[np.nan, 1.0], [0.0, 1.0]], "embeddings: expected finite values, got NaN or infinity"),
        ([[np.inf, 1.0]], "embeddings: expected finite values"),
        ([1.0, 2.0], r"embeddings: expected real numbers of shape \(items, dim\)"),
        ([["a", "b"]], "embeddings: expected real numbers"),
    ],
)
def test_refuses_items_it_cannot_use(cluster, values, message):
    with pytest.raises(UserError, match=message):
        cluster(values)


@every_with_k_unknown
def test_no_item_gives_no_cluster(cluster):
    found = cluster(np.empty((0, 3)))
    assert found.shape == (0,)
    assert found.dtype == np.int64


def test_one_item():
    one = [[1.0, 2.0]]
    assert k_means(one, 1).tolist() == [0]
    assert threshold_clusters(one, 0.5).tolist() == [0]
    assert graph_clusters(one, 0.5).tolist() == [0]
    assert density_clusters(one).tolist() == [-1]


def test_items_all_at_one_place():
    points = np.ones((23, 3))
    assert set(k_means(points, 1)) == {0}
    assert set(threshold_clusters(points, 0.0)) == {0}
    assert set(graph_clusters(points, 0.0)) == {0}
    # Nowhere denser than elsewhere.
    assert set(density_clusters(points)) == {-1}


def test_thresholds_at_both_ends():
    points, _ = blobs()
    for cluster in (threshold_clusters, partial(graph_clusters, neighbours=70, overlap=0.0)):
        assert set(cluster(points, 1e3)) == {0}
        assert sorted(cluster(points, 1e-9)) == list(range(71))
        assert sorted(cluster(points, -1.0)) == list(range(71))


def test_k_means_is_that_of_scikit_learn():
    points, _ = blobs(spread=1.3)
    found = k_means(points, 7, restarts=20)
    peer = KMeans(7, n_init=20, random_state=1).fit(points)
    inertia = sum(((p - p.mean(axis=0)) ** 2).sum() for p in (points[found == c] for c in range(7)))
    # Both are the best of twenty starts, so nearly the same optimum.
    assert inertia == pytest.approx(peer.inertia_, rel=0.02)


def test_k_means_takes_as_many_clusters_as_items_differ():
    points = np.repeat(np.arange(5.0)[:, None], [3, 1, 4, 1, 5], axis=0)
    assert np.bincount(k_means(points, 5)).tolist() == [5, 4, 3, 1, 1]
    with pytest.raises(UserError, match="at most the number of distinct items, 5, got 6"):
        k_means(points, 6)
    with pytest.raises(UserError, match="at most the number of distinct items, 0, got 1"):
        k_means(np.empty((0, 2)), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k: expected an integer of at least 1"),
        ({"k": 2.0}, "k: expected an integer of at least 1"),
        ({"k": 2, "restarts": 0}, "restarts: expected an integer of at least 1"),
        ({"k": 2, "seed": -1}, "seed: expected 0 to 2"),
    ],
)
def test_k_means_refuses(options, message):
    with pytest.raises(UserError, match=message):
        k_means(np.eye(3), **options)


@pytest.mark.parametrize("kind", ["average", "complete"])
@pytest.mark.parametrize("threshold", [0.4, 1.1, 2.3, 4.0])
def test_threshold_clusters_are_those_of_scikit_learn(kind, threshold):
    points, _ = blobs(spread=1.3)
    # scikit-learn 1.9 joins below the threshold, we up to it: no distance here is equal to it.
    peer = AgglomerativeClustering(None, linkage=kind, distance_threshold=threshold).fit(points)
    found = threshold_clusters(points, threshold, linkage=kind)
    assert partition(found) == partition(peer.labels_)


def test_complete_linkage_keeps_every_pair_within_the_threshold():
    points, _ = blobs(spread=1.3)
    found = threshold_clusters(points, 2.0, linkage="complete")
    distances = search.euclidean(points, points)
    assert distances[found[:, None] == found[None]].max() <= 2.0


def test_a_distance_equal_to_the_threshold_joins():
    assert threshold_clusters([[0.0], [3.0]], 3.0).tolist() == [0, 0]
    assert graph_clusters([[0.0], [3.0]], 3.0).tolist() == [0, 0]
    below = np.nextafter(3.0, 0.0)
    assert sorted(threshold_clusters([[0.0], [3.0]], below)) == [0, 1]
    assert sorted(graph_clusters([[0.0], [3.0]], below)) == [0, 1]


def test_average_linkage_with_another_distance():
    points, _ = blobs(spread=1.3)
    condensed = search.cosine(points, points)[np.triu_indices(71, 1)]
    tree = linkage(condensed, "average")
    together = cophenet(tree)[None] <= 0.05
    found = threshold_clusters(points, 0.05, distance=search.cosine)
    same = (found[:, None] == found[None])[np.triu_indices(71, 1)]
    np.testing.assert_array_equal(same, together[0])


def test_linkage_is_one_of_two():
    with pytest.raises(UserError, match="expected 'average' or 'complete', got 'single'"):
        threshold_clusters(np.eye(2), 1.0, linkage="single")


def naive_graph_labels(points, threshold, neighbours, overlap):
    """Lists of neighbours by sorting, shared ones as sets."""
    distances = search.euclidean(points, points)
    near = []
    for i in range(len(points)):
        others = sorted((distances[i, j], j) for j in range(len(points)) if j != i)[:neighbours]
        near.append({i} | {j for d, j in others if d <= threshold})
    edges = np.zeros((len(points),) * 2, bool)
    for i, mine in enumerate(near):
        for j in mine:
            share = len(mine & near[j]) / len(mine | near[j])
            edges[i, j] = i in near[j] and share >= overlap
    return connected_components(edges, directed=False)[1]


@pytest.mark.parametrize("neighbours", [1, 3, 8, 70, 500])
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("threshold", [0.7, 1.5, 9.0])
def test_graph_clusters_are_those_of_a_loop(neighbours, overlap, threshold):
    points, _ = blobs(spread=1.3)
    expected = naive_graph_labels(points, threshold, neighbours, overlap)
    for block in (13, 1024):
        found = graph_clusters(
            points, threshold, neighbours=neighbours, overlap=overlap, block=block
        )
        assert partition(found) == partition(expected)


def test_graph_clusters_do_not_depend_on_how_many_edges_are_looked_at_at_once(monkeypatch):
    points, _ = blobs(spread=1.3)
    whole = graph_clusters(points, 1.5)
    monkeypatch.setattr("simlearn.clustering._graph._EDGES_AT_ONCE", 7)
    np.testing.assert_array_equal(graph_clusters(points, 1.5), whole)


def test_all_neighbours_without_overlap_are_dbscan_of_one():
    points, _ = blobs(spread=1.3)
    # With one item making a core, DBSCAN (scikit-learn 1.9) finds the components within eps.
    peer = DBSCAN(eps=1.2, min_samples=1).fit(points)
    found = graph_clusters(points, 1.2, neighbours=70, overlap=0.0)
    assert partition(found) == partition(peer.labels_)


def test_overlap_keeps_a_bridge_from_joining_two_clusters():
    # Two groups of seven and a chain of single items between them, each within the threshold.
    rng = np.random.default_rng(0)
    left, right = 0.3 * rng.normal(size=(7, 2)), [10.0, 0.0] + 0.3 * rng.normal(size=(7, 2))
    bridge = np.stack([np.arange(1.2, 9.5, 0.9), np.zeros(10)], axis=1)
    points = np.concatenate([left, right, bridge])
    assert len(partition(graph_clusters(points, 1.1, overlap=0.0))) == 1
    found = graph_clusters(points, 1.1, overlap=0.4)
    assert found[0] != found[7]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbours": 0}, "neighbours: expected an integer of at least 1"),
        ({"overlap": 1.1}, "overlap: expected a share in 0..1, got 1.1"),
        ({"overlap": np.nan}, "overlap: expected a share in 0..1"),
        ({"block": 0}, "block: expected an integer of at least 1"),
        ({"threshold": np.nan}, "threshold: expected a number, got NaN"),
    ],
)
def test_graph_clusters_refuse(options, message):
    with pytest.raises(UserError, match=message):
        graph_clusters(np.eye(3), **({"threshold": 1.0} | options))


@pytest.mark.parametrize("cluster", [threshold_clusters, graph_clusters])
def test_a_chosen_threshold_brings_its_distance(cluster):
    points, labels = blobs()
    distances, same = metrics.pair_distances(points, labels, distance=search.cosine)
    chosen = metrics.choose_threshold(
        distances, same, metrics.equal_error_rate, distance=search.cosine, data="blobs"
    )
    expected = cluster(points, chosen.value, distance=search.cosine)
    np.testing.assert_array_equal(cluster(points, chosen), expected)
    np.testing.assert_array_equal(cluster(points, chosen, distance=search.cosine), expected)
    assert cluster(points, chosen.value).tolist() != expected.tolist()
    with pytest.raises(UserError, match=r"expected cosine, .* was chosen, got euclidean"):
        cluster(points, chosen, distance=search.euclidean)


@pytest.mark.parametrize("smallest", [2, 4, 9])
def test_density_clusters_are_those_of_scikit_learn(smallest):
    points, _ = blobs(spread=0.8)
    peer = HDBSCAN(min_cluster_size=smallest, copy=True).fit(points)
    found = density_clusters(points, smallest=smallest)
    assert partition(found) == partition(peer.labels_)
    np.testing.assert_array_equal(found == -1, peer.labels_ == -1)


def test_density_clusters_leave_lone_items_out():
    points, _ = blobs()
    lone = np.array([[60.0, 0.0, 0.0], [0.0, -70.0, 0.0]])
    found = density_clusters(np.concatenate([points, lone]))
    assert found[-2:].tolist() == [-1, -1]
    assert adjusted_rand_score(blobs()[1][found[:-2] >= 0], found[:-2][found[:-2] >= 0]) == 1.0


@pytest.mark.parametrize("smallest", [1, 0, 2.5])
def test_density_clusters_refuse(smallest):
    with pytest.raises(UserError, match="smallest: expected"):
        density_clusters(np.eye(3), smallest=smallest)


@pytest.mark.real_data
def test_faces_of_people_never_seen():
    # 20 people of the AT&T faces, raw pixels, the threshold from the 20 others; over ten splits of
    # another kind B-cubed F was 0.83 with a standard deviation of 0.04, that of average linkage
    # 0.75 with 0.08. Everybody in one cluster scores 0.095, everybody alone 0.18.
    record = orl.load(f"{os.environ['SIMLEARN_DATA']}/orl")
    pictures = np.stack([np.asarray(record.pictures.open(row)) for row in range(len(record))])
    vectors = pictures[:, ::2, ::2].reshape(len(record), -1) / 255.0
    seen = record.labels % 2 == 0
    chosen = metrics.choose_threshold(
        *metrics.pair_distances(vectors[seen], record.labels[seen]),
        metrics.best_accuracy_threshold,
        distance=search.euclidean,
        data="orl-even",
    )
    for found, floor in (
        (graph_clusters(vectors[~seen], chosen, neighbours=5), 0.75),
        (threshold_clusters(vectors[~seen], chosen), 0.55),
    ):
        assert metrics.b_cubed(record.labels[~seen], found).f_score > floor


def test_importing_loads_neither_keras_nor_scikit_learn():
    code = (
        "import sys, simlearn; simlearn.clustering.k_means; simlearn.metrics.b_cubed;"
        "print(sorted({'keras', 'tensorflow', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
