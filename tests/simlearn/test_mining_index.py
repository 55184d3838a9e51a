"""Mining through an index against mining the whole corpus, and against labels."""

import faiss
import numpy as np
import pytest

from simlearn import mining, search
from simlearn.errors import UserError

# As in the tests of the index.
faiss.omp_set_num_threads(1)

DISTANCES = [search.euclidean, search.cosine, search.dot]


def corpus(classes=11, count=307, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    labels[5] = 1000  # Nobody else has it.
    centres = random.normal(size=(1001, 7))
    return (centres[labels] + random.normal(size=(count, 7))).astype(np.float32), labels


def indexed(embeddings, make=search.ExactIndex, **settings):
    index = make(embeddings.shape[1], **settings)
    index.add(embeddings, [f"picture {i}" for i in range(len(embeddings))])
    return index


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("text", [False, True], ids=["integers", "strings"])
def test_an_exact_index_with_full_reach_mines_as_mine_corpus_does(distance, text):
    embeddings, labels = corpus()
    labels = labels.astype(str) if text else labels
    expected = mining.mine_corpus(embeddings, labels, negatives=4, distance=distance)
    found = mining.mine_index(
        indexed(embeddings, distance=distance), labels, negatives=4, reach=307
    )
    for ours, theirs in zip(found[:3], expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found.left_out.tolist() == []


def test_an_approximate_index_that_visits_all_cells_does_so_too():
    embeddings, labels = corpus()
    index = indexed(embeddings, search.ApproximateIndex, nlist=13, nprobe=13, exact_below=50)
    expected = mining.mine_corpus(embeddings, labels, negatives=4)
    found = mining.mine_index(index, labels, negatives=4, reach=307)
    for ours, theirs in zip(found[:3], expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_approximate_index_misses_some_and_mistakes_none():
    embeddings, labels = corpus(classes=40, count=2003)
    index = indexed(embeddings, search.ApproximateIndex, nprobe=4, exact_below=50)
    expected = mining.mine_corpus(embeddings, labels, negatives=3)
    found = mining.mine_index(index, labels, negatives=3, reach=2003)
    np.testing.assert_array_equal(found.anchor, expected.anchor)
    np.testing.assert_array_equal(found.positive, expected.positive)
    assert (labels[found.negatives] != labels[found.anchor][:, None]).all()
    assert all(len(set(row)) == 3 for row in found.negatives.tolist())
    agree = np.mean([len(set(a) & set(b)) / 3 for a, b in zip(found[2], expected[2], strict=True)])
    assert 0.5 < agree < 1.0


def test_duplicates_of_the_anchor_are_negatives_or_not_by_their_label():
    labels = np.array([0, 1, 0, 1, 2])
    found = mining.mine_index(indexed(np.ones((5, 2))), labels, negatives=2)
    assert found.anchor.tolist() == [0, 1, 2, 3]
    assert found.positive.tolist() == [2, 3, 0, 1]
    assert found.negatives.tolist() == [[1, 3], [0, 2], [1, 3], [0, 2]]


def test_reach_decides_who_is_left_out():
    # On a line: class 0 at 0..9, class 1 at 100 and 101. Item 0 sees 10 of its own (itself, too).
    embeddings = np.array([*range(10), 100, 101], np.float32)[:, None]
    labels = np.array([0] * 10 + [1] * 2)
    index = indexed(embeddings)
    for reach, left in [(10, list(range(10))), (11, []), (1000, [])]:
        found = mining.mine_index(index, labels, negatives=1, reach=reach)
        assert found.left_out.tolist() == left
        assert found.anchor.tolist() == [i for i in range(12) if i not in left]
    # There are only two of another class.
    found = mining.mine_index(index, labels, negatives=3)
    assert found.anchor.tolist() == [10, 11]
    assert found.left_out.tolist() == list(range(10))
    assert found.negatives.tolist() == [[9, 8, 7], [9, 8, 7]]


def test_rows_are_those_of_the_index():
    embeddings, labels = corpus()
    index = indexed(embeddings)
    index.remove([f"picture {i}" for i in range(0, 307, 3)])
    left = np.setdiff1d(np.arange(307), np.arange(0, 307, 3))
    found = mining.mine_index(index, labels[left], negatives=2, reach=300)
    expected = mining.mine_corpus(embeddings[left], labels[left], negatives=2)
    np.testing.assert_array_equal(found.negatives, expected.negatives)


def test_blocks_of_anchors(monkeypatch):
    embeddings, labels = corpus()
    whole = mining.mine_index(indexed(embeddings), labels, reach=20)
    monkeypatch.setattr("simlearn.mining._indexed._BLOCK", 10)
    parts = mining.mine_index(indexed(embeddings), labels, reach=20)
    assert 0 < len(whole.left_out) < 300
    for one, two in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, two)


def test_nobody_has_a_positive():
    found = mining.mine_index(indexed(np.eye(3)), [0, 1, 2], negatives=1)
    assert [len(part) for part in found] == [0, 0, 0, 0]
    empty = mining.mine_index(search.ExactIndex(2), np.empty(0, np.int64))
    assert empty.negatives.shape == (0, 5)


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0, 1], {}, r"labels: expected .* of shape \(3,\), got int64 of shape \(2,\)"),
        ([0.0, 1.0, 1.0], {}, r"labels: expected integers or strings .*float64"),
        ([0, 1, 1], {"negatives": 0}, r"negatives: .*got 0"),
        ([0, 1, 1], {"reach": 4}, r"reach: expected at least negatives = 5, got 4"),
    ],
)
def test_refuses(labels, options, message):
    with pytest.raises(UserError, match=message):
        mining.mine_index(indexed(np.eye(3)), labels, **options)
