"""Recommendation against a naive loop over the formula."""

import faiss
import numpy as np
import pytest

from simlearn import search
from simlearn.errors import UserError

# As in the tests of the index.
faiss.omp_set_num_threads(1)

POINTS = np.random.default_rng(4).normal(size=(61, 3)).astype(np.float32)
POINTS[31:35] = POINTS[5:9]  # Exact duplicates of earlier items.
NAMES = [f"item {i}" for i in range(61)]
DISTANCES = [search.euclidean, search.squared_euclidean, search.cosine, search.dot]


def filled(distance=search.euclidean, make=search.ExactIndex, **settings):
    index = make(3, distance=distance, **settings)
    index.add(POINTS, NAMES)
    return index


def group_of(name):
    return int(name.split()[1]) % 13


def naive(distance, liked, lambda_, k, pool, *, own=(), group_of=None, distinct=False):
    """Every item ranked, filtered and chosen one by one, in plain Python."""

    def apart(a, b):
        return float(distance(np.atleast_2d(a), np.atleast_2d(b))[0, 0])

    def same(a, b):
        return np.array_equal(a, b) if distance is search.dot else apart(a, b) == 0

    ranked = sorted((min(apart(POINTS[i], q) for q in liked), i) for i in range(61))
    candidates, groups, seen = [], {group_of(NAMES[i]) for i in own} if group_of else set(), []
    for d, i in ranked:
        if i in own or len(candidates) == pool:
            continue
        if group_of and group_of(NAMES[i]) in groups:
            continue
        if distinct and any(same(POINTS[i], other) for other in [*liked, *seen]):
            continue
        if group_of:
            groups.add(group_of(NAMES[i]))
        seen.append(POINTS[i])
        candidates.append((d, i))
    taken = candidates[:1]
    while len(taken) < min(k, len(candidates)):
        best, best_score = None, -np.inf
        for d, i in candidates:
            if (d, i) in taken:
                continue
            redundancy = max(-apart(POINTS[i], POINTS[j]) for _, j in taken)
            score = lambda_ * -d - (1 - lambda_) * redundancy
            if score > best_score:
                best, best_score = (d, i), score
        taken.append(best)
    return [d for d, _ in taken], [NAMES[i] for _, i in taken]


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("lambda_", [1.0, 0.7, 0.3, 0.0])
@pytest.mark.parametrize("own", [[2], [7, 40, 19]], ids=["one liked", "three liked"])
@pytest.mark.parametrize(
    "options", [{}, {"group_of": group_of}, {"distinct": True}], ids=["plain", "groups", "distinct"]
)
def test_agrees_with_the_naive_loop(distance, lambda_, own, options):
    expected = naive(distance, POINTS[own], lambda_, 7, 11, own=own, **options)
    found = search.recommend(
        filled(distance), 7, ids=[NAMES[i] for i in own], lambda_=lambda_, pool=11, **options
    )
    assert found.ids.tolist() == expected[1]
    np.testing.assert_allclose(found.distances, expected[0], rtol=1e-5, atol=1e-7)


def test_liked_vectors_and_ids_together():
    stranger = np.array([[0.1, 3.0, -2.0]], np.float32)
    liked = np.concatenate([POINTS[[2]], stranger])
    expected = naive(search.euclidean, liked, 0.5, 5, 9, own=[2])
    found = search.recommend(filled(), 5, ids=["item 2"], vectors=stranger, lambda_=0.5, pool=9)
    assert found.ids.tolist() == expected[1]
    # By its vector alone an item of the index is found again: nothing says that it is the same.
    assert search.recommend(filled(), 1, vectors=POINTS[[2]]).ids.tolist() == ["item 2"]
    assert search.recommend(filled(), 1, vectors=POINTS[[2]], distinct=True).ids[0] != "item 2"


def test_a_pool_full_of_one_group_reaches_further():
    index = search.ExactIndex(1)
    index.add(np.arange(50.0)[:, None], range(50))
    found = search.recommend(index, 3, ids=[0], pool=3, group_of=lambda one: one // 20)
    # 1 to 19 are of the liked one's group; 20 and 40 are the nearest of the other two.
    assert found.ids.tolist() == [20, 40, -1]
    assert found.distances.tolist() == [20.0, 40.0, np.inf]


def test_two_tastes_of_which_one_is_crowded():
    # Near 1000 stand 20 close together, the first four of one group; near 0 few, far apart.
    crowd = 1000 + 0.125 * np.arange(21)
    index = search.ExactIndex(1)
    index.add(np.concatenate([crowd, 10.0 * np.arange(9)])[:, None], range(30))
    found = search.recommend(
        index, 3, ids=[0, 21], pool=3, group_of=lambda one: 1 if one in (1, 2, 3, 4) else -one
    )
    assert found.ids.tolist() == [1, 5, 6]


def test_on_an_approximate_index():
    index = filled(make=search.ApproximateIndex, exact_below=20, nlist=5, nprobe=5)
    expected = naive(search.euclidean, POINTS[[7, 40]], 0.5, 5, 11, own=[7, 40])
    found = search.recommend(index, 5, ids=["item 7", "item 40"], lambda_=0.5, pool=11)
    assert found.ids.tolist() == expected[1]


def test_nothing_to_recommend():
    index = search.ExactIndex(2)
    found = search.recommend(index, 2, vectors=[[0.0, 0.0]])
    assert found.ids.tolist() == [-1, -1]
    index.add([[1.0, 1.0]], ["only"])
    found = search.recommend(index, 2, ids=["only"])
    assert found.ids.tolist() == ["", ""]
    assert np.isinf(found.distances).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "at least one liked item, got none"),
        ({"ids": ["nobody"]}, "that are in the index, got 'nobody'"),
        ({"ids": ["item 1"], "lambda_": 1.5}, "lambda_: expected a number from 0 to 1, got 1.5"),
        ({"ids": ["item 1"], "lambda_": np.nan}, "lambda_: .*got nan"),
        ({"ids": ["item 1"], "pool": 2}, "pool: expected at least k = 3, got 2"),
        ({"vectors": np.ones((1, 2))}, r"vectors: expected 3 dimensions, got shape \(1, 2\)"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(UserError, match=message):
        search.recommend(filled(), 3, **arguments)
