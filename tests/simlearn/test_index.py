"""Indexes against the exact search functions, a dict and numpy."""

import subprocess
import sys
import textwrap

import faiss
import numpy as np
import pytest

from simlearn import search
from simlearn.errors import UserError

# Beside other tests, threads wait for each other longer than these small searches take.
faiss.omp_set_num_threads(1)

DISTANCES = [search.euclidean, search.squared_euclidean, search.cosine, search.dot]
over_distances = pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.__name__)


def vectors(count, dim=5, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def every_cell(dim=5, **settings):
    """An approximate index that visits all its cells, so that what it finds is exact."""
    return search.ApproximateIndex(dim, **{"nlist": 7, "nprobe": 7, "exact_below": 30} | settings)


KINDS = [search.ExactIndex, every_cell]
over_kinds = pytest.mark.parametrize("make", KINDS, ids=["exact", "approximate"])


@over_distances
def test_exact_index_is_nearest_with_ids(distance):
    gallery, queries = vectors(53), vectors(11, seed=1)
    index = search.ExactIndex(5, distance=distance)
    index.add(gallery[:19], range(100, 119))
    index.add(gallery[19:], range(119, 153))
    expected = search.nearest(queries, gallery, 7, distance=distance)
    found = index.search(queries, 7)
    np.testing.assert_array_equal(found.distances, expected.distances)
    np.testing.assert_array_equal(found.ids, expected.indices + 100)
    assert found.ids.dtype == np.int64


@over_distances
def test_approximate_index_that_visits_all_cells_is_exact(distance):
    gallery, queries = 3 * vectors(211) + 2, vectors(13, seed=1)
    index = every_cell(distance=distance)
    index.add(gallery, range(211))
    expected = search.nearest(queries, gallery, 7, distance=distance)
    found = index.search(queries, 7)
    np.testing.assert_array_equal(found.ids, expected.indices)
    np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-6, atol=1e-12)


@over_kinds
def test_equal_distances_rank_by_order_of_addition(make):
    base = vectors(5)
    index = make(5)
    ids = [f"{i % 5}-{9 - i // 5}" for i in range(35)]
    index.add(np.tile(base, (7, 1)), ids)
    index.remove([ids[i] for i in range(5)])
    index.add(base, ids[:5])
    found = index.search(base, 7)
    # The first five went and came back: they are the latest now.
    expected = [[ids[i + 5 * turn] for turn in (1, 2, 3, 4, 5, 6, 0)] for i in range(5)]
    assert found.ids.tolist() == expected
    assert (found.distances == 0).all()


@over_kinds
def test_equal_distances_of_unequal_vectors(make):
    # A grid around the query, shuffled: up to eight points at one distance, in several cells.
    grid = np.stack(np.meshgrid(np.arange(-3, 4), np.arange(-3, 4)), axis=-1).reshape(-1, 2)
    gallery = np.random.default_rng(1).permutation(grid)
    index = make(2)
    index.add(gallery, range(49))
    expected = search.nearest(np.zeros((1, 2)), gallery, 49)
    np.testing.assert_array_equal(index.search([[0, 0]], 49).ids, expected.indices)


@over_kinds
def test_excluded_ids(make):
    gallery = vectors(47)
    index = make(5)
    index.add(gallery, range(47))
    own = index.search(gallery, 3, exclude=range(47))
    expected = search.nearest(
        gallery, gallery, 3, query_keys=np.arange(47), gallery_keys=np.arange(47)
    )
    np.testing.assert_array_equal(own.ids, expected.indices)
    # Two for each query, one of which the index does not know.
    pairs = np.stack([np.arange(47), np.full(47, 1000)], axis=1)
    np.testing.assert_array_equal(index.search(gallery, 3, exclude=pairs).ids, own.ids)
    both = np.stack([np.arange(47), own.ids[:, 0]], axis=1)
    np.testing.assert_array_equal(index.search(gallery, 2, exclude=both).ids, own.ids[:, 1:])
    everything = index.search(gallery[:1], 3, exclude=[list(range(47))])
    assert everything.ids.tolist() == [[-1, -1, -1]]


@over_kinds
def test_more_wanted_than_there_are(make):
    index = make(5)
    nothing = index.search(vectors(2), 3)
    assert nothing.ids.tolist() == [[-1] * 3] * 2
    assert np.isinf(nothing.distances).all()
    index.add(vectors(2), ["a", "bcd"])
    found = index.search(vectors(1), 3)
    assert found.ids.tolist() == [["a", "bcd", ""]]
    assert found.distances[0, 0] == 0
    assert np.isinf(found.distances[0, 2])
    assert index.search(np.empty((0, 5)), 3).ids.shape == (0, 3)
    rows = index.search_rows(vectors(1), 3)
    assert rows.indices.tolist() == [[0, 1, -1]]


def test_k_neighbours_come_though_the_visited_cells_hold_fewer():
    index = search.ApproximateIndex(2, nlist=10, nprobe=1, exact_below=20)
    # Ten far clusters of four.
    centres = np.repeat(np.arange(10.0), 4)[:, None] * [100.0, 0.0]
    index.add(centres + vectors(40, dim=2), range(40))
    found = index.search([[0.0, 0.0], [900.0, 0.0]], 11)
    assert (found.ids >= 0).all()
    assert set(found.ids[0, :4]) == {0, 1, 2, 3}
    assert (index.search([[0.0, 0.0]], 40).ids >= 0).all()


@over_kinds
def test_everything_removed_and_added_again(make):
    index = make(5)
    index.add(vectors(53), range(53))
    index.search(vectors(1), 1)
    index.remove(range(53))
    assert len(index) == 0
    assert index.ids.tolist() == []
    assert index.search(vectors(1), 1).ids.tolist() == [[-1]]
    # An empty index takes ids of the other kind.
    index.add(vectors(59, seed=1), [f"new {i}" for i in range(59)])
    assert index.search(vectors(3, seed=1), 1).ids[:, 0].tolist() == ["new 0", "new 1", "new 2"]
    assert "new 58" in index
    assert 3 not in index
    assert [] not in index


def test_removed_from_cells_and_others_added():
    gallery = vectors(120)
    index = every_cell()
    index.add(gallery[:90], range(90))
    index.build()
    index.remove(range(1, 90, 2))
    assert len(index.state()[1]["cells"]) == 45
    expected = search.nearest(vectors(9, seed=1), gallery[0:90:2], 45)
    np.testing.assert_array_equal(index.search(vectors(9, seed=1), 45).ids, 2 * expected.indices)
    cells = index.state()[1]["cells"]
    index.add(gallery[90:], range(90, 120))
    left = [*range(0, 90, 2), *range(90, 120)]
    expected = search.nearest(vectors(9, seed=1), gallery[left], 75)
    found = index.search(vectors(9, seed=1), 75)
    np.testing.assert_array_equal(found.ids, np.array(left)[expected.indices])
    # Without training anew: those that were there are in their cells still.
    np.testing.assert_array_equal(index.state()[1]["cells"][:45], cells)


@over_kinds
def test_vectors_by_id(make):
    gallery = vectors(41)
    index = make(5)
    index.add(gallery, [f"{i}" for i in range(41)])
    index.remove(["3", "7"])
    np.testing.assert_array_equal(index.vectors(["40", "0", "8", "0"]), gallery[[40, 0, 8, 0]])
    assert index.vectors([]).shape == (0, 5)
    copy = index.vectors(["0"])
    copy[:] = 9
    np.testing.assert_array_equal(index.vectors(["0"]), gallery[:1])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float64])
def test_other_numbers_are_held_in_float32(dtype):
    values = np.array([[0, 1], [1, 1]], dtype)
    index = search.ExactIndex(2)
    index.add(values, range(2))
    assert index.vectors([0, 1]).dtype == np.float32
    found = index.search(values, 2)
    np.testing.assert_array_equal(found.distances, [[0, 1], [0, 1]])
    assert found.distances.dtype == np.float32


def test_removing_moves_rows_up_over_block_borders(monkeypatch):
    monkeypatch.setattr("simlearn.search._rows._BLOCK", 5)
    gallery = vectors(101)
    index = search.ExactIndex(5)
    index.add(gallery, range(101))
    gone = np.random.default_rng(3).choice(101, 37, replace=False)
    index.remove(gone)
    left = np.setdiff1d(np.arange(101), gone)
    np.testing.assert_array_equal(index.ids, left)
    np.testing.assert_array_equal(index.vectors(left), gallery[left])


def test_the_same_calls_give_the_same_results():
    gallery, queries = vectors(3001, dim=17), vectors(97, dim=17, seed=1)
    found = []
    for _ in range(2):
        index = search.ApproximateIndex(17, nprobe=3, exact_below=100, seed=5)
        index.add(gallery, range(3001))
        found.append(index.search(queries, 10))
    np.testing.assert_array_equal(found[0].ids, found[1].ids)
    np.testing.assert_array_equal(found[0].distances, found[1].distances)
    # And approximate it is, or the test above had nothing to find.
    exact = search.nearest(queries, gallery, 10).indices
    assert not np.array_equal(found[0].ids, exact)


def test_cells_follow_the_vectors():
    index = search.ApproximateIndex(5, nprobe=2, exact_below=100, seed=5)
    index.add(vectors(400), range(400))
    index.build()
    # Four times as many, far away: with the old centroids all would be in one cell.
    index.add(vectors(1600, seed=1) + 50, range(400, 2000))
    _, arrays = index.state()
    assert np.bincount(arrays["cells"]).max() < 400
    assert len(arrays["centroids"]) == round(2000**0.5)
    # A few more do not start over.
    index.add(vectors(7, seed=2), range(3000, 3007))
    _, later = index.state()
    assert later["centroids"] is arrays["centroids"]
    assert len(later["cells"]) == 2007
    assert index.search(vectors(7, seed=2), 1).ids[:, 0].tolist() == list(range(3000, 3007))


def clusters(count, dim, seed):
    """A quarter as many clusters as a list of 10 could fill, of different widths."""
    centres = np.random.default_rng(0).normal(size=(500, dim))
    random = np.random.default_rng(seed)
    of = random.integers(0, 500, count)
    width = 0.2 + 0.6 * (of % 7) / 7
    return (centres[of] + width[:, None] * random.normal(size=(count, dim))).astype(np.float32)


@over_distances
def test_recall_at_the_defaults_on_clusters(distance):
    gallery, queries = clusters(20_011, 32, seed=1), clusters(307, 32, seed=2)
    index = search.ApproximateIndex(32, distance=distance)
    index.add(gallery, range(len(gallery)))
    assert "centroids" in index.state()[1]
    exact = search.nearest(queries, gallery, 10, distance=distance).indices

    def recall():
        found = index.search(queries, 10).ids
        return np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)])

    assert recall() >= 0.97
    at_default = recall()
    index.nprobe = 2
    assert recall() < at_default


NOT_FINITE = np.array([[1.0, 2.0], [3.0, np.nan], [1.0, 1.0]])
OK = np.ones((3, 2))


@pytest.mark.parametrize(
    ("values", "ids", "message"),
    [
        (NOT_FINITE, range(3), r"vectors: .*in 1 of 3 rows, first in row 1"),
        (np.ones((3, 5)), range(3), r"vectors: expected 2 dimensions, got shape \(3, 5\)"),
        (np.ones(2), [0], r"vectors: expected real numbers of shape"),
        (OK * -1e16, range(3), r"from -1e\+15 to 1e\+15, got 1e\+16 in size"),
        (OK, range(2), r"ids: expected one for each vector, got 2 for 3"),
        (OK, [0, 5, 5], r"ids: expected each id once, got 5 twice"),
        (OK, [0, 77, 1], r"ids that are not in the index yet, got 77"),
        (OK, [0, -1, 1], r"integers from 0 to 2\^63 - 1.*got -1 in place 1"),
        (OK, [0, 2**63, 1], r"got 9223372036854775808 in place 1"),
        (OK, ["a", "b", "c"], r"expected integers, as the ids in the index are, got strings"),
        (OK, [0, "a", 1], r"expected integers or strings, got both"),
        (OK, [0.0, 1.0, 2.0], r"expected integers or strings, got 0.0"),
        (OK, [0, True, 2], r"expected integers or strings, got True"),
        (OK, "abc", r"expected a sequence of ids, got 'abc'"),
        (OK, 3, r"expected a sequence of ids, got 3"),
    ],
)
@over_kinds
def test_refused_items_change_nothing(make, values, ids, message):
    index = make(2)
    index.add([[7.0, 7.0]], [77])
    with pytest.raises(UserError, match=message):
        index.add(values, ids)
    assert index.ids.tolist() == [77]
    index.add(OK, range(3))
    assert index.search([[1.0, 1.0]], 1).ids.tolist() == [[0]]


@pytest.mark.parametrize("text", ["", "a\0", "\ud800"])
def test_text_that_numpy_or_a_file_cannot_hold_is_no_id(text):
    with pytest.raises(UserError, match="strings of Unicode text"):
        search.ExactIndex(2).add(OK[:1], [text])


@over_kinds
def test_refuses_what_it_cannot_use(make):
    index = make(2)
    index.add(OK, ["a", "b", "c"])
    for call, message in [
        (lambda: index.remove(["a", "d"]), r"ids that are in the index, got 'd'"),
        (lambda: index.remove(["a", "a"]), r"each id once, got 'a' twice"),
        (lambda: index.remove([0]), r"ids that are in the index, got 0"),
        (lambda: index.vectors(["x"]), r"ids that are in the index, got 'x'"),
        (lambda: index.search(NOT_FINITE, 1), r"queries: .*NaN"),
        (lambda: index.search(np.ones((1, 3)), 1), r"queries: expected 2 dimensions"),
        (lambda: index.search(OK, 0), r"k: expected an integer of at least 1, got 0"),
        (lambda: index.search(OK, 1, exclude=["a"]), r"exclude: .* of 3 queries, got 1 entries"),
        (
            lambda: index.search(OK, 1, exclude=[["a"], ["a", "b"], []]),
            r"exclude: .*got 3 entries of \[0, 1, 2\] ids",
        ),
        (lambda: index.search(OK, 1, exclude=[1, 2, 3]), r"exclude: expected strings"),
        (lambda: index.search(OK, 1, exclude=7), r"exclude: expected ids.*got 7"),
        (lambda: index.search(OK, 1, exclude=[0.5] * 3), r"exclude: expected ids.*got \[0.5"),
        (lambda: make(2, distance=np.dot), r"distance: expected one of cosine, dot, euclidean"),
        (lambda: make(2, model=3), r"model: expected a fingerprint as text, got 3"),
        (lambda: make(0), r"dim: expected an integer of at least 1, got 0"),
        (lambda: make(10**9), r"dim: expected at most 1048576, got 1000000000"),
    ]:
        with pytest.raises(UserError, match=message):
            call()
    assert index.ids.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nlist": 0}, "nlist: .*got 0"),
        ({"nprobe": 1.5}, "nprobe: .*got 1.5"),
        ({"exact_below": True}, "exact_below: .*got True"),
        ({"seed": -1}, "seed: .*got -1"),
    ],
)
def test_refuses_settings(settings, message):
    with pytest.raises(UserError, match=message):
        search.ApproximateIndex(2, **settings)


def test_zero_vectors_and_one_point_many_times():
    index = search.ApproximateIndex(3, distance=search.cosine, exact_below=10, nprobe=1)
    index.add(np.zeros((97, 3)), range(97))
    assert index.search(np.zeros((1, 3)), 2).distances.tolist() == [[1.0, 1.0]]
    index = search.ApproximateIndex(3, exact_below=10, nprobe=1)
    index.add(np.ones((97, 3)), range(97))
    found = index.search(np.ones((1, 3)), 97)
    assert sorted(found.ids[0]) == list(range(97))
    assert (found.distances == 0).all()


def test_missing_faiss_names_the_extra():
    code = """
        import sys
        sys.modules["faiss"] = None
        from simlearn import search
        search.ExactIndex(2)
        try:
            search.ApproximateIndex(2)
        except search.Index.add.__globals__["UserError"] as error:
            print(error)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().endswith("pip install 'simlearn[ann]'")


# A fresh process, because the peak of a process never falls; and the peak of its own memory map,
# because ru_maxrss starts from the one of the process that forked it.
BIG = """
import re, sys, time
from pathlib import Path
import numpy as np
from simlearn import search

kind, path = sys.argv[1], Path(sys.argv[2])
random = np.random.default_rng(0)
centres = random.normal(size=(997, 128)).astype(np.float32)

def batch(count):
    rows = centres[random.integers(0, 997, count)]
    return rows + 0.5 * random.standard_normal((count, 128), dtype=np.float32)

index = {"exact": search.ExactIndex, "approximate": search.ApproximateIndex}[kind](128, model="m")
for start in range(0, 1_000_000, 20_000):
    index.add(batch(20_000), range(start, start + 20_000))
queries = batch(1000)
start = time.perf_counter()
getattr(index, "build", lambda: None)()
built = time.perf_counter()
before = index.search(queries, 10)
searched = time.perf_counter()
index.save(path)
saved = time.perf_counter()
del index
again = search.Index.load(path, model="m")
loaded = time.perf_counter()
after = again.search(queries, 10)
assert len(again) == 1_000_000 and np.array_equal(before.ids, after.ids)
assert (before.ids >= 0).all()
print("build %.1f s, search %.1f s, save %.1f s, load %.1f s" % (
    built - start, searched - built, saved - searched, loaded - saved), file=sys.stderr)
print(1024 * int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory as Linux does")
@pytest.mark.parametrize("kind", ["exact", "approximate"])
def test_a_million_vectors_stay_within_two_gigabytes(kind, tmp_path):
    command = [sys.executable, "-c", BIG, kind, str(tmp_path / "index")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(result.stdout) < 2e9
