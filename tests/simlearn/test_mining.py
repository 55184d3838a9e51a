import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist
from scipy.stats import chisquare

from simlearn import mining, search
from simlearn.errors import UserError

LABELS = {
    "mixed": np.array([3, 1, 3, 7, 1, 1, 7, 3, 9, 7, 1, 3, 1]),
    "one class": np.full(5, 2),
    "all distinct": np.arange(5),
    "two alike": np.array([1, 1]),
    "two unlike": np.array([0, 1]),
    "one item": np.array([4]),
}


def masks(labels, others=None):
    same = np.equal.outer(labels, labels if others is None else others)
    return (same & ~np.eye(len(labels), dtype=bool) if others is None else same), ~same


def measured(labels, kind, seed=0):
    """Distances: real ones, integers (full of ties), or any numbers, also negative ones."""
    rng, size = np.random.default_rng(seed), (len(labels), len(labels))
    if kind == "tied":
        return rng.integers(0, 4, size).astype("float32")
    if kind == "signed":
        return rng.normal(size=size).astype("float32")
    points = rng.normal(size=(len(labels), 3))
    return cdist(points, points).astype("float32")


CASES = [(name, kind) for name in LABELS for kind in ("metric", "tied", "signed")]
over_cases = pytest.mark.parametrize(("name", "kind"), CASES)


def triplets(chosen):
    """Valid triplets as a sorted list of (anchor, positive, negative)."""
    positive, negative, valid = (np.asarray(part) for part in chosen)
    assert positive.shape == negative.shape == valid.shape
    found = []
    for a, slot in zip(*np.nonzero(valid), strict=True):
        found.append((int(a), int(positive[a, slot]), int(negative[a, slot])))
    return sorted(found)


def loop(labels, apart, pick):
    """`pick(row, positives, negatives)` gives pairs for each anchor that has both kinds."""
    positives, negatives = masks(labels)
    found = []
    for a, row in enumerate(apart):
        p, n = np.flatnonzero(positives[a]), np.flatnonzero(negatives[a])
        if len(p) and len(n):
            found += [(a, int(i), int(j)) for i, j in pick(row, p, n)]
    return sorted(found)


def beyond(row, p, negatives):
    """Closest negative strictly farther than p, else the farthest negative."""
    farther = [n for n in negatives if row[n] > row[p]]
    return min(farther, key=lambda n: row[n]) if farther else max(negatives, key=lambda n: row[n])


@over_cases
def test_batch_hard(name, kind):
    labels = LABELS[name]
    apart = measured(labels, kind)

    def pick(row, positives, negatives):
        hardest = max(positives, key=lambda p: row[p])  # The first of equals, as documented.
        return [(hardest, min(negatives, key=lambda n: row[n]))]

    assert triplets(mining.batch_hard(apart, *masks(labels))) == loop(labels, apart, pick)


@over_cases
def test_easy_positive(name, kind):
    labels = LABELS[name]
    apart = measured(labels, kind)

    def pick(row, positives, negatives):
        p = min(positives, key=lambda p: row[p])
        return [(p, beyond(row, p, negatives))]

    assert triplets(mining.easy_positive(apart, *masks(labels))) == loop(labels, apart, pick)


@over_cases
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_semi_hard(name, kind, dtype):
    labels = LABELS[name]
    apart = measured(labels, kind).astype(dtype)

    def pick(row, positives, negatives):
        return [(p, beyond(row, p, negatives)) for p in positives]

    chosen = mining.semi_hard(apart, *masks(labels))
    assert np.asarray(chosen.positive).shape == apart.shape
    assert triplets(chosen) == loop(labels, apart, pick)


COMPILED_SEMI_HARD = tf.function(mining.semi_hard, jit_compile=True, autograph=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("distance", [0.0, 1e-6, 0.7, 1.0, 1.9999, 2.0, 1e8, -1.0, -0.3])
@pytest.mark.parametrize("mine", [mining.semi_hard, COMPILED_SEMI_HARD], ids=["eager", "xla"])
def test_semi_hard_is_strict_to_the_last_place(dtype, distance, mine):
    d = np.asarray(distance, dtype)
    tiny = np.asarray(1.2e-38 if dtype == "float32" else 2.3e-308, dtype)
    after = np.nextafter(d, np.asarray(np.inf, dtype)) if distance else tiny
    before = np.nextafter(d, np.asarray(-np.inf, dtype)) if distance else -tiny
    far = np.asarray(np.abs(d) * 3 + 1, dtype)
    # Column 0 is the anchor and 1 its positive; what is expected is the negative's distance.
    cases = [
        ([d, before], d),  # None farther: the farthest, which is the tie.
        ([d, after], after),
        ([after, d], after),
        ([after, after, far], after),
        ([before, d, far], far),
        ([d, d, far, after], after),
        ([before, before], before),
        ([far, after, d, before], after),
    ]
    width = max(len(negatives) for negatives, _ in cases)
    row = np.full((len(cases), width + 2), 99.0 * far, dtype)
    is_negative = np.zeros(row.shape, bool)
    for case, (negatives, _) in enumerate(cases):
        row[case, 1] = d
        row[case, 2 : 2 + len(negatives)] = negatives
        is_negative[case, 2 : 2 + len(negatives)] = True
    is_positive = np.zeros(row.shape, bool)
    is_positive[:, 1] = True
    for step in (1, -1):  # Equal keys are sorted by column: the positive ahead, then behind.
        batch = [part[:, ::step] for part in (row, is_positive, is_negative)]
        found = triplets(mine(*(tf.constant(part) for part in batch)))
        assert [batch[0][a, n] for a, _, n in found] == [expected for _, expected in cases]
        assert all(batch[2][a, n] for a, _, n in found)


# With more than 24 positives an anchor's row is sorted instead.
MANY = np.arange(67) % 2
over_counts = pytest.mark.parametrize(
    ("labels", "kind"),
    [
        pytest.param(labels, kind, id=f"{name} {kind}")
        for name, labels in {**LABELS, "many": MANY}.items()
        for kind in ("metric", "tied", "signed")
    ],
)


def check_active(found, apart, margin, listed):
    """`listed`: (anchor, positive, negative) that are valid; compare with loops over them."""
    signed, active, valid = np.zeros_like(apart), np.zeros(len(apart)), np.zeros(len(apart))
    value = np.zeros(len(apart))
    for a, p, n in listed:
        valid[a] += 1
        if apart[a, n] < apart[a, p] + np.float32(margin):
            signed[a, p] += 1
            signed[a, n] -= 1
            active[a] += 1
            value[a] += apart[a, p] + margin - apart[a, n]
    np.testing.assert_array_equal(found.signed, signed)
    np.testing.assert_array_equal(found.active, active)
    np.testing.assert_array_equal(found.valid, valid)
    np.testing.assert_allclose(found.hinges(apart, margin), value, rtol=1e-4, atol=1e-4)


@over_counts
def test_batch_all(labels, kind):
    apart, (positives, negatives) = measured(labels, kind), masks(labels)
    everything = [
        (a, p, n)
        for a, p, n in itertools.product(range(len(labels)), repeat=3)
        if positives[a, p] and negatives[a, n]
    ]
    found = mining.batch_all(apart, positives, negatives, margin=0.375)
    check_active(found, apart, 0.375, everything)


@over_counts
@pytest.mark.parametrize("margin", [0.375, 1.0])
def test_active_semi_hard_are_the_active_ones_of_semi_hard(labels, kind, margin):
    apart, (positives, negatives) = measured(labels, kind), masks(labels)
    chosen = []
    for a, row in enumerate(apart):
        others = np.flatnonzero(negatives[a])
        for p in np.flatnonzero(positives[a]) if len(others) else []:
            farther = others[row[others] > row[p]]
            # Of equals the lower column.
            n = farther[np.argmin(row[farther])] if len(farther) else others[np.argmax(row[others])]
            chosen.append((a, p, n))
    found = mining.active_semi_hard(apart, positives, negatives, margin=margin)
    check_active(found, apart, margin, chosen)


@pytest.mark.parametrize("labels", [LABELS["mixed"], MANY], ids=["few", "many"])
def test_batch_all_at_the_margin_keeps_its_value(labels):
    # Margin 1 on integers: many triplets are exactly at the margin, and worth 0.
    apart = measured(labels, "tied")
    positives, negatives = masks(labels)
    found = mining.batch_all(apart, positives, negatives, margin=1.0)
    signed, value = np.asarray(found.signed), 0.0
    at_least, at_most = np.zeros_like(apart), np.zeros_like(apart)
    for a, p, n in itertools.product(range(len(labels)), repeat=3):
        if positives[a, p] and negatives[a, n]:
            value += max(0.0, apart[a, p] + 1.0 - apart[a, n])
            at_least[a, p] += apart[a, n] < apart[a, p] + 1.0
            at_most[a, p] += apart[a, n] <= apart[a, p] + 1.0
    assert np.any(at_least < at_most)
    assert np.all(at_least[positives] <= signed[positives])
    assert np.all(signed[positives] <= at_most[positives])
    assert float(np.sum(found.hinges(apart, 1.0))) == value


@over_cases
def test_multi_similarity(name, kind):
    labels, epsilon = LABELS[name], 0.25
    apart = measured(labels, kind)
    positives, negatives = masks(labels)
    kept = mining.multi_similarity(apart, positives, negatives, epsilon=epsilon)
    expected_positives, expected_negatives = np.zeros_like(positives), np.zeros_like(positives)
    for a in range(len(labels)):
        p, n = np.flatnonzero(positives[a]), np.flatnonzero(negatives[a])
        if len(p) and len(n):
            expected_positives[a, p] = apart[a, p] > min(apart[a, n]) - epsilon
            expected_negatives[a, n] = apart[a, n] < max(apart[a, p]) + epsilon
    np.testing.assert_array_equal(kept.positives, expected_positives)
    np.testing.assert_array_equal(kept.negatives, expected_negatives)


def test_multi_similarity_is_strict():
    # Positive at 0.5, negatives at 0.75 (exactly epsilon beyond it) and 0.625.
    apart = np.array([[0.0, 0.5, 0.75, 0.625]])
    positives = np.array([[False, True, False, False]])
    negatives = np.array([[False, False, True, True]])
    kept = mining.multi_similarity(apart, positives, negatives, epsilon=0.25)
    np.testing.assert_array_equal(kept.negatives, [[False, False, False, True]])
    kept = mining.multi_similarity(apart, positives, negatives, epsilon=0.125)
    np.testing.assert_array_equal(kept.positives, [[False, False, False, False]])


MINERS = [
    mining.batch_hard,
    mining.semi_hard,
    mining.easy_positive,
    mining.multi_similarity,
    lambda *batch: mining.batch_all(*batch, margin=0.3),
    lambda *batch: mining.active_semi_hard(*batch, margin=0.3),
]


@pytest.mark.parametrize("miner", MINERS)
def test_no_gradient_flows_through_the_choice(miner):
    labels = LABELS["mixed"]
    apart = tf.constant(measured(labels, "metric"))
    with tf.GradientTape() as tape:
        tape.watch(apart)
        chosen = [tf.cast(part, "float32") for part in miner(apart, *masks(labels))]
        value = sum(tf.reduce_sum(part) for part in chosen)
    assert tape.gradient(value, apart) is None


@pytest.mark.parametrize("miner", [*MINERS, mining.DistanceWeighted(dim=5, seed=0)])
def test_anchors_against_a_bank(miner):
    labels, bank = np.array([3, 1, 8]), np.array([1, 3, 3, 5, 1])
    apart = np.random.default_rng(0).random((3, 5)).astype("float32")
    positives, negatives = masks(labels, bank)
    chosen = miner(apart, positives, negatives)
    if isinstance(chosen, mining.Triplets):
        found = triplets(chosen)
        assert {a for a, _, _ in found} == {0, 1}  # Nothing in the bank is an 8.
        assert all(positives[a, p] and negatives[a, n] for a, p, n in found)
    else:
        assert not np.any(np.asarray(chosen[0])[2])
        assert not np.any(np.asarray(chosen[1])[2])


# Distance-weighted draws


def draws(miner, distances, count):
    """Frequency of each column as a negative, from `count` equal anchors with one positive."""
    apart = np.tile(np.asarray([0.0, 0.1, *distances], "float32"), (count, 1))
    negatives = np.zeros(apart.shape, bool)
    negatives[:, 2:] = True
    positives = np.zeros(apart.shape, bool)
    positives[:, 1] = True
    chosen = miner(apart, positives, negatives)
    assert np.asarray(chosen.valid).all()
    assert set(np.asarray(chosen.positive).ravel()) == {1}
    return np.bincount(np.asarray(chosen.negative).ravel() - 2, minlength=len(distances))


def density(d, dim):
    """How often unit vectors are d apart: Wu et al., section 4.2."""
    return d ** (dim - 2) * (1.0 - 0.25 * d**2) ** ((dim - 3) / 2)


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_draws_follow_the_inverse_density(dim):
    distances = [0.6, 0.8, 0.95, 1.1, 1.35]
    counts = draws(mining.DistanceWeighted(dim=dim, seed=11), distances, 20_000)
    weights = np.array([1.0 / density(d, dim) for d in distances])
    # A correct miner fails this for one seed in ten thousand; a power of d off by one always.
    assert chisquare(counts, 20_000 * weights / weights.sum()).pvalue > 1e-4
    wrong = np.array([1.0 / density(d, dim + 1) for d in distances])
    assert chisquare(counts, 20_000 * wrong / wrong.sum()).pvalue < 1e-12


def test_draws_below_the_cutoff_are_equally_likely():
    counts = draws(mining.DistanceWeighted(dim=6, cutoff=0.5, seed=5), [0.1, 0.3, 0.5], 9_000)
    assert chisquare(counts).pvalue > 1e-4


def test_draws_leave_out_far_negatives_unless_there_are_no_others():
    miner = mining.DistanceWeighted(dim=6, nonzero_cutoff=1.2, seed=5)
    counts = draws(miner, [0.9, 1.2, 1.3], 500)  # At the cutoff is out.
    assert counts.tolist() == [500, 0, 0]
    counts = draws(miner, [1.3, 1.9, 2.0], 500)
    assert counts.sum() == 500


def test_antipodal_negatives_are_finite():
    miner = mining.DistanceWeighted(dim=128, nonzero_cutoff=2.0, seed=1)
    # 1/q explodes near 2, where unit vectors almost never are: with 128 dimensions it wins.
    assert draws(miner, [1.5, 1.99999], 100).tolist() == [0, 100]


def test_positives_are_drawn_evenly():
    count = 6_000
    apart = np.tile(np.array([0.0, 0.4, 0.9, 1.3, 1.0], "float32"), (count, 1))
    positives = np.tile([False, True, True, True, False], (count, 1))
    negatives = np.tile([False, False, False, False, True], (count, 1))
    chosen = mining.DistanceWeighted(dim=4, seed=3)(apart, positives, negatives)
    counts = np.bincount(np.asarray(chosen.positive).ravel(), minlength=5)
    assert counts[[0, 4]].tolist() == [0, 0]
    assert chisquare(counts[1:4]).pvalue > 1e-4


@over_cases
def test_random_triplets_are_triplets(name, kind):
    labels = LABELS[name]
    positives, negatives = masks(labels)
    chosen = mining.DistanceWeighted(dim=3, seed=0)(
        np.abs(measured(labels, kind)), positives, negatives
    )
    found = triplets(chosen)
    assert all(positives[a, p] and negatives[a, n] for a, p, n in found)
    has_both = positives.any(axis=1) & negatives.any(axis=1)
    assert [a for a, _, _ in found] == np.flatnonzero(has_both).tolist()


def test_seeded_draws_repeat_and_move_on():
    labels = np.repeat([0, 1], 20)
    batch = (measured(labels, "metric"), *masks(labels))
    first, second = (mining.DistanceWeighted(dim=3, seed=8) for _ in range(2))
    once = triplets(first(*batch))
    assert triplets(second(*batch)) == once
    assert triplets(first(*batch)) != once


def test_distance_weighted_round_trip():
    settings = {"dim": 7, "cutoff": 0.2, "nonzero_cutoff": 1.7, "seed": 4}
    miner = mining.DistanceWeighted(**settings)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(miner)))
    copy = keras.saving.deserialize_keras_object(saved)
    assert copy.get_config() == miner.get_config() == settings
    labels = LABELS["mixed"]
    batch = (measured(labels, "metric"), *masks(labels))
    assert triplets(copy(*batch)) == triplets(miner(*batch))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dim": 1}, "expected dim of 2 or more, received 1"),
        ({"dim": 3, "cutoff": 0.0}, "received cutoff=0.0, nonzero_cutoff=1.4"),
        ({"dim": 3, "cutoff": 1.5}, "received cutoff=1.5, nonzero_cutoff=1.4"),
        ({"dim": 3, "nonzero_cutoff": 2.1}, "received cutoff=0.5, nonzero_cutoff=2.1"),
    ],
)
def test_distance_weighted_out_of_range(settings, message):
    with pytest.raises(UserError, match=message):
        mining.DistanceWeighted(**settings)


# Whole corpora


def corpus(seed=0):
    """Clusters with duplicates within and across classes, and a class of one."""
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(37, 3))
    embeddings[5], embeddings[20], embeddings[30] = embeddings[4], embeddings[4], embeddings[4]
    labels = rng.permutation(np.repeat([2**40, 3, 3, 9, -5], [7, 5, 6, 18, 1]))
    return embeddings, labels


@pytest.mark.parametrize("block", [1, 5, 37, 1024])
@pytest.mark.parametrize(
    ("distance", "metric"), [(search.euclidean, "euclidean"), (search.cosine, "cosine")]
)
def test_mine_corpus(block, distance, metric):
    embeddings, labels = corpus()
    apart = cdist(embeddings, embeddings, metric)
    mined = mining.mine_corpus(embeddings, labels, negatives=4, distance=distance, block=block)
    assert mined.negatives.shape == (36, 4)
    lonely = np.flatnonzero(labels == -5)[0]
    assert mined.anchor.tolist() == [i for i in range(37) if i != lonely]
    for anchor, positive, negatives in zip(*mined, strict=True):
        others = [i for i in range(37) if labels[i] == labels[anchor] and i != anchor]
        assert positive in others
        assert apart[anchor, positive] == pytest.approx(max(apart[anchor, i] for i in others))
        assert len(set(negatives)) == 4
        assert all(labels[i] != labels[anchor] for i in negatives)
        hardest = sorted(apart[anchor, labels != labels[anchor]])[:4]
        np.testing.assert_allclose(apart[anchor, negatives], hardest, atol=1e-7)


def test_mine_corpus_of_duplicates_only():
    labels = np.array([0, 1, 0, 1, 2])
    mined = mining.mine_corpus(np.ones((5, 2)), labels, negatives=2)
    assert mined.anchor.tolist() == [0, 1, 2, 3]
    assert mined.positive.tolist() == [2, 3, 0, 1]
    assert all(
        labels[a] not in labels[n] for a, n in zip(mined.anchor, mined.negatives, strict=True)
    )


def test_mine_corpus_without_enough_negatives():
    embeddings, labels = np.eye(5), np.array([6, 6, 8, 6, 6])
    with pytest.raises(UserError, match="2 items outside every class, received 5 items of which 4"):
        mining.mine_corpus(embeddings, labels, negatives=2)
    with pytest.raises(UserError, match=r"received 5 items of which 4 have label ada$"):
        mining.mine_corpus(embeddings, np.where(labels == 6, "ada", "bob"), negatives=2)
    mined = mining.mine_corpus(embeddings, labels, negatives=1)
    assert mined.anchor.tolist() == [0, 1, 3, 4]
    assert mined.negatives.ravel().tolist() == [2, 2, 2, 2]


def test_mine_corpus_refuses_what_search_refuses():
    with pytest.raises(UserError, match="finite"):
        mining.mine_corpus(np.array([[0.0], [np.nan]]), np.array([0, 1]), negatives=1)
    with pytest.raises(UserError, match=r"shape \(2,\), got int64 of shape \(3,\)"):
        mining.mine_corpus(np.eye(2), np.array([0, 1, 1]), negatives=1)
    with pytest.raises(UserError, match=r"integers or strings .* got float64"):
        mining.mine_corpus(np.eye(2), np.array([0.0, 1.0]), negatives=1)
