import math

import numpy as np
import pytest
import scipy.stats

from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics import few_shot
from simlearn.metrics.few_shot import Episodes

RANDOM = np.random.default_rng(0)
# 13 classes of 7 items, in 2 groups of 6 and 7 classes; the rows shuffled.
LABELS = RANDOM.permutation(np.repeat(np.arange(13), 7))
GROUPS = (LABELS >= 6).astype(int)


def draw(**changes):
    options = {"ways": 5, "shots": 2, "queries": 3, "count": 211, "seed": 1}
    return few_shot.draw_episodes(LABELS, **options | changes)


def test_an_episode_holds_different_items_of_different_classes():
    episodes = draw()
    assert episodes.support.shape == (211, 5, 2)
    assert episodes.query.shape == (211, 5, 3)
    for support, query in zip(*episodes, strict=True):
        rows = np.concatenate([support, query], axis=1)
        assert len(set(rows.ravel())) == 25
        classes = LABELS[rows]
        assert (classes == classes[:, :1]).all()
        assert len(set(classes[:, 0])) == 5


def test_groups_keep_an_episode_to_themselves():
    episodes = draw(groups=GROUPS)
    groups = GROUPS[episodes.support].reshape(211, -1)
    assert (groups == groups[:, :1]).all()
    assert set(groups[:, 0]) == {0, 1}
    with_seven = draw(groups=GROUPS, ways=7)
    assert (GROUPS[with_seven.support] == 1).all()


def test_the_seed_determines_the_episodes():
    np.testing.assert_array_equal(draw().query, draw().query)
    assert (draw().query != draw(seed=2).query).any()


def test_strings_serve_as_labels():
    names = np.array([f"c{label:02}" for label in LABELS])
    by_name = few_shot.draw_episodes(names, ways=5, shots=2, queries=3, count=211, seed=1)
    np.testing.assert_array_equal(by_name.support, draw().support)


def naive_accuracies(vectors, episodes):
    """Nearest class mean by Euclidean distance, one query at a time."""
    for support, query in zip(*episodes, strict=True):
        means = [[sum(column) / len(rows) for column in zip(*vectors[rows], strict=True)]
                 for rows in support]  # fmt: skip
        right = total = 0
        for way, rows in enumerate(query):
            for row in rows:
                distances = [math.dist(vectors[row], mean) for mean in means]
                right += distances.index(min(distances)) == way
                total += 1
        yield right / total


def test_accuracies_agree_with_the_naive_loop():
    centres = np.random.default_rng(2).normal(size=(13, 3))
    vectors = centres[LABELS] + np.random.default_rng(3).normal(size=(91, 3))
    expected = list(naive_accuracies(vectors, draw()))
    assert 0.3 < np.mean(expected) < 0.9
    found = few_shot.episode_accuracies(vectors, draw(), distance=search.euclidean)
    np.testing.assert_allclose(found, expected)


def test_equal_embeddings_score_chance():
    found = few_shot.episode_accuracies(np.ones((91, 4)), draw())
    np.testing.assert_allclose(found, 0.2)


def test_a_query_that_ties_counts_for_its_chance():
    # Query 1 lies on prototypes 0 and 1 alike (1/2), query 0 on its own alone (1).
    found = few_shot.nearest_accuracy([[2.0, 0.0], [1.0, 0.0]], [[1, 0], [1, 0], [0, 1]], [2, 0])
    assert found == pytest.approx((0 + 0.5) / 2)


def test_trials_are_of_one_alphabet_and_two_hands():
    # 3 alphabets of 4, 9 and 11 characters by 5 drawers; some drawings are missing.
    labels = np.repeat(np.arange(24), 5)
    drawers = np.tile(np.arange(5), 24)
    kept = np.random.default_rng(4).random(120) < 0.9
    labels, drawers = labels[kept], drawers[kept]
    alphabets = np.digitize(labels, [4, 13])
    trials = few_shot.draw_one_shot_trials(labels, alphabets, drawers, ways=6, count=307, seed=5)
    assert trials.support.shape == trials.query.shape == (307, 6, 1)
    for support, query in zip(trials.support[..., 0], trials.query[..., 0], strict=True):
        np.testing.assert_array_equal(labels[support], labels[query])
        assert len(set(labels[support])) == 6
        assert len(set(alphabets[support])) == 1
        assert len({*drawers[support]}) == len({*drawers[query]}) == 1
        assert drawers[support[0]] != drawers[query[0]]
    assert set(alphabets[trials.support[:, 0, 0]]) == {1, 2}


def test_the_interval_is_that_of_the_normal_distribution():
    values = np.random.default_rng(6).random(101)
    found = few_shot.mean_interval(values)
    low, high = scipy.stats.norm.interval(0.95, values.mean(), scipy.stats.sem(values))
    assert found.mean - found.half_width == pytest.approx(low, rel=1e-12)
    assert found.mean + found.half_width == pytest.approx(high, rel=1e-12)
    assert found.draws == 101


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ways": 14}, "ways: expected 2 to 13, .* got 14"),
        ({"ways": 8, "groups": GROUPS}, "ways: expected 2 to 7, .* got 8"),
        ({"ways": 1}, "got 1"),
        ({"shots": 5}, "ways: expected 2 to 0"),
        ({"queries": 0}, "queries: expected an integer of at least 1, got 0"),
        ({"groups": GROUPS[1:]}, r"groups: expected .* of shape \(91,\)"),
    ],
)
def test_episodes_that_cannot_be_drawn_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        draw(**changes)


def test_trials_that_cannot_be_drawn_are_refused():
    labels, drawers = np.repeat(np.arange(3), 2), np.tile([0, 1], 3)
    with pytest.raises(UserError, match="a group with 4 classes from two sources"):
        few_shot.draw_one_shot_trials(labels, labels * 0, drawers, ways=4, count=1, seed=0)
    with pytest.raises(UserError, match="at most once from each source"):
        few_shot.draw_one_shot_trials(labels, labels * 0, drawers * 0, ways=2, count=1, seed=0)


def test_scores_that_cannot_be_worked_out_are_refused():
    vectors, rows = np.eye(3), np.array([[[0], [1]]])
    with pytest.raises(UserError, match="NaN or infinity in 1 of 3 rows"):
        few_shot.episode_accuracies(np.diag([1, np.nan, 1]), Episodes(rows, rows))
    with pytest.raises(UserError, match="rows from 0 to 2, got 2 to 3"):
        few_shot.episode_accuracies(vectors, Episodes(rows, rows + 2))
    with pytest.raises(UserError, match=r"got \(1, 2, 1\) and \(2, 1\)"):
        few_shot.episode_accuracies(vectors, Episodes(rows, rows[0]))
    with pytest.raises(UserError, match=r"one dimension, got \(3, 3\) and \(2, 2\)"):
        few_shot.nearest_accuracy(vectors, np.eye(2), [0, 1, 1])
    with pytest.raises(UserError, match="answers: expected 0 to 2, got 0 to 3"):
        few_shot.nearest_accuracy(vectors, vectors, [0, 1, 3])
    with pytest.raises(UserError, match="at least two finite numbers"):
        few_shot.mean_interval([0.5])
