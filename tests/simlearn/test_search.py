import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from simlearn import search
from simlearn.errors import UserError

DISTANCES = {
    search.euclidean: "euclidean",
    search.squared_euclidean: "sqeuclidean",
    search.cosine: "cosine",
}


def vectors(count, dim=5, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).gamma(2.0, size=(count, dim)).astype(dtype)


def naive(queries, gallery, k, *, keys=None, groups=None, sign=1):
    """Sort (distance, index) of every admissible pair in plain Python."""
    rows = []
    for q, query in enumerate(queries):
        found = []
        for g, item in enumerate(gallery):
            if keys is not None and keys[0][q] == keys[1][g]:
                continue
            if groups is not None and groups[0][q] != groups[1][g]:
                continue
            squared = math.fsum(
                (float(a) - float(b)) ** 2 for a, b in zip(query, item, strict=True)
            )
            found.append((sign * math.sqrt(squared), g))
        found = sorted(found)[:k] + [(math.inf, -1)] * max(0, k - len(found))
        rows.append([(sign * distance, index) for distance, index in found])
    table = np.array(rows, dtype=np.float64).reshape(len(queries), k, 2)
    return table[..., 0], table[..., 1].astype(np.int64)


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distances_agree_with_scipy(distance, dtype):
    queries, gallery = vectors(7, dtype=dtype), vectors(11, seed=1, dtype=dtype)
    expected = cdist(queries.astype(np.float64), gallery.astype(np.float64), DISTANCES[distance])
    result = distance(queries, gallery)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=4 * np.finfo(dtype).eps * 100)


def test_dot_is_the_negated_inner_product():
    queries, gallery = vectors(3), vectors(2, seed=1)
    expected = [[-sum(a * b for a, b in zip(q, g, strict=True)) for g in gallery] for q in queries]
    np.testing.assert_allclose(search.dot(queries, gallery), expected, rtol=1e-14)


def test_nearly_equal_rows_far_from_the_origin_keep_their_digits():
    # The expanded square would be off by about 1e-16 * 2e8 = 2e-8, against a true 5e-12.
    queries = np.full((1, 2), 1e4)
    gallery = 1e4 + np.array([[1e-6, 2e-6], [0.0, 0.0]])
    exact = [math.fsum((float(a) - 1e4) ** 2 for a in row) for row in gallery]
    np.testing.assert_allclose(search.squared_euclidean(queries, gallery)[0], exact, rtol=1e-12)


def test_nearly_parallel_vectors_keep_their_digits():
    # 1 - cos(t) = t^2 / 2 - ...: 5e-21 for an angle of 1e-10, where 1 - cos in float64 gives 0.
    result = search.cosine(np.array([[3.0, 0.0]]), np.array([[2.0, 2e-10]]))
    np.testing.assert_allclose(result, [[5e-21]], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_cosine_neither_over_nor_underflows(scale):
    queries, gallery = vectors(3), vectors(2, seed=1)
    expected = cdist(queries, gallery, "cosine")
    np.testing.assert_allclose(search.cosine(queries * scale, gallery), expected, rtol=1e-12)


def test_zero_vectors_are_orthogonal_to_everything():
    zero_then_not = np.array([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_array_equal(
        search.cosine(zero_then_not, zero_then_not[::-1]), [[1.0, 1.0], [0.0, 1.0]]
    )


@pytest.mark.parametrize("distance", [*DISTANCES, search.dot], ids=lambda d: d.__name__)
def test_bytes_are_measured_as_numbers(distance):
    # In uint8 itself 200 - 100 - 200 and 200 * 100 would wrap around.
    queries = np.array([[200, 3]], np.uint8)
    gallery = np.array([[100, 250], [201, 3]], np.uint8)
    expected = distance(queries.astype(np.float64), gallery.astype(np.float64))
    result = distance(queries, gallery)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-6)


@pytest.mark.parametrize("block", [1, 3, 7, 64])
@pytest.mark.parametrize("k", [1, 5, 17, 23])
@pytest.mark.parametrize("sign", [1, -1], ids=["nearest", "farthest"])
def test_agrees_with_the_naive_loop(block, k, sign):
    queries, gallery = vectors(13), vectors(17, seed=1)
    find = search.nearest if sign == 1 else search.farthest
    distances, indices = find(queries, gallery, k, block=block)
    expected_distances, expected_indices = naive(queries, gallery, k, sign=sign)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-12)
    assert indices.dtype == np.int64


@given(st.data())
def test_agrees_with_the_naive_loop_on_grids_full_of_ties(data):
    count, others = data.draw(st.integers(0, 7)), data.draw(st.integers(0, 11))

    def grid(size):
        row = st.lists(st.integers(0, 2), min_size=2, max_size=2)
        drawn = data.draw(st.lists(row, min_size=size, max_size=size))
        return np.array(drawn, np.float32).reshape(size, 2)

    def pairing(alphabet):
        sides = [
            np.array(
                data.draw(st.lists(st.sampled_from(alphabet), min_size=size, max_size=size)),
                dtype=np.array(alphabet).dtype,
            )
            for size in (count, others)
        ]
        return sides if data.draw(st.booleans()) else None

    queries, gallery = grid(count), grid(others)
    keys, groups = pairing([3, 5, -7]), pairing(["a", "bb"])
    k, block = data.draw(st.integers(1, 13)), data.draw(st.integers(1, 12))
    chosen = {}
    if keys is not None:
        chosen |= {"query_keys": keys[0], "gallery_keys": keys[1]}
    if groups is not None:
        chosen |= {"query_groups": groups[0], "gallery_groups": groups[1]}
    for find, sign in ((search.nearest, 1), (search.farthest, -1)):
        distances, indices = find(queries, gallery, k, block=block, **chosen)
        expected = naive(queries, gallery, k, keys=keys, groups=groups, sign=sign)
        np.testing.assert_array_equal(indices, expected[1])
        np.testing.assert_array_equal(distances, expected[0].astype(np.float32))


def test_duplicates_rank_by_index_whatever_the_blocks():
    # Each of 5 rows stands 7 times in the gallery, so ranking by anything but index shows.
    base = vectors(5, dim=31, dtype=np.float32)
    gallery = np.tile(base, (7, 1))
    nearest_index = cdist(base, base).argmin(axis=1)
    for block in (2, 3, 11, 100):
        found = search.nearest(base, gallery, 7, block=block)
        expected = nearest_index[:, None] + 5 * np.arange(7)
        np.testing.assert_array_equal(found.indices, expected)
        np.testing.assert_array_equal(found.distances, 0.0)


def test_blocks_stream_what_nearest_returns():
    queries, gallery = vectors(13), vectors(17, seed=1)
    whole = search.nearest(queries, gallery, 3)
    blocks = list(search.nearest_blocks(queries, gallery, 3, block=5))
    assert [(rows.start, rows.stop) for rows, _ in blocks] == [(0, 5), (5, 10), (10, 13)]
    for rows, found in blocks:
        np.testing.assert_array_equal(found.indices, whole.indices[rows])


def test_never_measures_more_than_a_block():
    shapes = []

    def recording(left, right):
        shapes.append((len(left), len(right)))
        return search.euclidean(left, right)

    search.nearest(vectors(13), vectors(17), 3, distance=recording, block=5)
    assert len(shapes) == 3 * 4
    assert max(left for left, _ in shapes) == 5
    assert max(right for _, right in shapes) == 5


def test_distances_come_in_float32_unless_an_input_is_wider():
    found = search.nearest(vectors(2, dtype=np.float32), vectors(3, dtype=np.float64), 1)
    assert found.distances.dtype == np.float64
    found = search.nearest(vectors(2, dtype=np.float16), vectors(3, dtype=np.float32), 1)
    assert found.distances.dtype == np.float32


GOOD = np.ones((3, 2))
BAD_ROW = np.array([[1.0, 2.0], [3.0, np.nan], [np.inf, 1.0]])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((GOOD[0], GOOD, 1), {}, r"queries: expected .*got float64 of shape \(2,\)"),
        ((GOOD, np.array([["a"]]), 1), {}, r"gallery: expected real numbers"),
        ((GOOD, np.ones((3, 5)), 1), {}, r"same dimension, got \(3, 2\) and \(3, 5\)"),
        ((BAD_ROW, GOOD, 1), {}, r"queries: .*in 2 of 3 rows, first in row 1"),
        ((GOOD, BAD_ROW, 1), {}, r"gallery: .*first in row 1"),
        ((GOOD, GOOD, 0), {}, r"k: expected an integer of at least 1, got 0"),
        ((GOOD, GOOD, 1.0), {}, r"k: expected an integer of at least 1, got 1.0"),
        ((GOOD, GOOD, True), {}, r"k: .*got True"),
        ((GOOD, GOOD, 1), {"block": 0}, r"block: .*got 0"),
        ((GOOD, GOOD, 1), {"query_keys": [1, 2, 3]}, r"together, got only query_keys"),
        ((GOOD, GOOD, 1), {"gallery_groups": [1, 2, 3]}, r"together, got only gallery_groups"),
        (
            (GOOD, GOOD, 1),
            {"query_keys": [1, 2], "gallery_keys": [1, 2, 3]},
            r"query_keys: expected .*shape \(3,\), got int64 of shape \(2,\)",
        ),
        (
            (GOOD, GOOD, 1),
            {"query_keys": [1.0, 2, 3], "gallery_keys": [1, 2, 3]},
            r"query_keys: expected integers or strings .*got float64",
        ),
        (
            (GOOD, GOOD, 1),
            {"query_keys": ["1", "2", "3"], "gallery_keys": [1, 2, 3]},
            r"keys: expected one kind .*got <U1 and int64",
        ),
        (
            (GOOD, GOOD, 1),
            {"query_keys": np.arange(3, dtype=np.uint64), "gallery_keys": [1, 2, 3]},
            r"keys: expected one kind .*got uint64 and int64",
        ),
        ((GOOD * 1e200, -GOOD, 1), {"distance": search.squared_euclidean}, r"distance: .*finite"),
        (
            (GOOD, GOOD, 1),
            {"distance": lambda left, right: np.zeros(3)},
            r"distance: expected shape \(3, 3\), got \(3,\)",
        ),
    ],
)
@pytest.mark.parametrize("find", [search.nearest, search.farthest])
def test_refuses_what_it_cannot_use(find, arguments, options, message):
    with pytest.raises(UserError, match=message):
        find(*arguments, **options)


def test_blocks_refuse_before_the_first_block():
    with pytest.raises(UserError, match="k: expected"):
        search.nearest_blocks(GOOD, GOOD, 0)


def test_large_ids_do_not_collide():
    # 2^53 + 1 is no float64: an id that went through floats would equal its neighbour.
    ids = np.array([2**53, 2**53 + 1])
    found = search.nearest(GOOD[:2], GOOD[:2], 1, query_keys=ids, gallery_keys=ids)
    np.testing.assert_array_equal(found.indices[:, 0], [1, 0])


def test_loads_without_keras_or_tensorflow():
    code = (
        "import sys, simlearn.search, simlearn.metrics, simlearn.baselines; "
        "print([m for m in ('keras', 'tensorflow', 'sklearn', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
