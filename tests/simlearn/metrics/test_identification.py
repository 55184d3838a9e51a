import math

import numpy as np
import pytest

from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics import (
    OpenSet,
    closed_set_identification,
    detection_at,
    detection_at_far,
    open_set_matches,
)


def faces(probes=31, gallery=43, people=11, strangers=0, seed=0, levels=None):
    """Probes and a gallery of people with 1 to several items; strangers are in no gallery."""
    rng = np.random.default_rng(seed)
    centres = 2.0 * rng.normal(size=(people + strangers, 3))
    gallery_labels = np.concatenate(
        [np.arange(people), rng.integers(people, size=gallery - people)]
    )
    rng.shuffle(gallery_labels)
    labels = rng.integers(people + strangers, size=probes)
    points = centres[labels] + rng.normal(size=(probes, 3))
    items = centres[gallery_labels] + rng.normal(size=(gallery, 3))
    if levels is not None:
        points, items = np.rint(points * levels) / levels, np.rint(items * levels) / levels
    return points, labels, items, gallery_labels


def to_people(point, items, gallery_labels):
    """Distance to the nearest item of each person."""
    found = {}
    for item, person in zip(items.tolist(), gallery_labels.tolist(), strict=True):
        found[person] = min(found.get(person, math.inf), math.dist(point, item))
    return found


@pytest.mark.parametrize("block", [1, 2, 7, 13, 256])
@pytest.mark.parametrize("levels", [None, 1], ids=["distinct", "ties"])
def test_ranks_are_those_of_a_loop(block, levels):
    points, labels, items, gallery_labels = faces(levels=levels)
    found = closed_set_identification(points, labels, items, gallery_labels, block=block)
    ranks, tied = [], 0
    for point, label in zip(points.tolist(), labels.tolist(), strict=True):
        others = to_people(point, items, gallery_labels)
        own = others.pop(label)
        ranks.append(1 + sum(d <= own for d in others.values()))
        tied += own in others.values()
    np.testing.assert_array_equal(found.ranks, ranks)
    assert found.tied == tied
    assert (tied > 0) == (levels is not None)
    expected = [np.mean(found.ranks <= k) for k in range(1, 12)]
    np.testing.assert_allclose(found.curve, expected, rtol=1e-15)
    assert found.curve[-1] == 1.0


def test_labels_may_be_names_and_any_order():
    points, labels, items, gallery_labels = faces(seed=1)
    names = np.array([f"person {i}" for i in np.random.default_rng(3).permutation(11)])
    order = np.random.default_rng(4).permutation(len(items))
    plain = closed_set_identification(points, labels, items, gallery_labels)
    other = closed_set_identification(
        points, names[labels], items[order], names[gallery_labels][order]
    )
    np.testing.assert_array_equal(plain.ranks, other.ranks)


def test_a_distance_may_be_any_function():
    points, labels, items, gallery_labels = faces(seed=2)
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (points, items)]
    by_cosine = closed_set_identification(
        points, labels, items, gallery_labels, distance=search.cosine
    )
    np.testing.assert_array_equal(
        by_cosine.ranks, closed_set_identification(unit[0], labels, unit[1], gallery_labels).ranks
    )


@pytest.mark.parametrize("block", [2, 256])
def test_a_probe_is_not_compared_with_itself(block):
    # Two items a person, the second one at distance 3, the next person's at 1: without ids all
    # would find themselves.
    points = np.array([[0.0], [3.0], [1.0], [4.0]])
    labels = ["ann", "ann", "bob", "bob"]
    ids = [10, 20, 30, 40]
    found = closed_set_identification(
        points, labels, points, labels, ids=ids, gallery_ids=ids, block=block
    )
    assert found.ranks.tolist() == [2, 2, 2, 2]
    assert closed_set_identification(points, labels, points, labels).curve.tolist() == [1.0, 1.0]


def test_collapsed_embeddings_identify_nobody():
    # All at one place: every person is as near as the right one, and ties count against it.
    found = closed_set_identification(
        np.ones((5, 2)), [0, 1, 2, 1, 0], np.ones((7, 2)), [0, 1, 2, 0, 1, 2, 0]
    )
    assert found.curve.tolist() == [0.0, 0.0, 1.0]
    assert found.tied == 5
    matches = open_set_matches(np.ones((2, 2)), [0, 9], np.ones((3, 2)), [0, 1, 1])
    assert matches.correct.tolist() == [False, False]


@pytest.mark.parametrize("block", [1, 5, 256])
@pytest.mark.parametrize("levels", [None, 1], ids=["distinct", "ties"])
def test_open_set_is_that_of_a_loop(block, levels):
    points, labels, items, gallery_labels = faces(61, 29, 7, strangers=6, levels=levels)
    matches = open_set_matches(points, labels, items, gallery_labels, block=block)
    best, known, correct = [], [], []
    for point, label in zip(points.tolist(), labels.tolist(), strict=True):
        people = to_people(point, items, gallery_labels)
        nearest = min(people.values())
        best.append(nearest)
        known.append(label in people)
        correct.append([p for p, d in people.items() if d == nearest] == [label])
    np.testing.assert_allclose(matches.distances, best)
    np.testing.assert_array_equal(matches.known, known)
    np.testing.assert_array_equal(matches.correct, correct)
    assert 0 < sum(correct) < sum(known) < len(known)
    rates = []
    for far in (0.05, 0.2, 0.5):
        threshold = max(
            t
            for t in [-math.inf, *matches.distances]
            if np.mean(matches.distances[~matches.known] <= t) <= far
        )
        found = detection_at_far(matches, far)
        assert found.threshold == threshold
        within = matches.distances <= threshold
        assert found.far == pytest.approx(within[~matches.known].mean())
        assert found.far <= far
        assert found.rate == pytest.approx((within & matches.correct)[matches.known].mean())
        assert detection_at(matches, threshold) == found
        rates.append(found.rate)
    assert rates == sorted(rates)
    assert rates[0] < rates[-1]


def test_at_an_open_threshold_it_is_rank_one():
    points, labels, items, gallery_labels = faces(61, 29, 7, strangers=6)
    matches = open_set_matches(points, labels, items, gallery_labels)
    inside = labels < 7
    closed = closed_set_identification(points[inside], labels[inside], items, gallery_labels)
    assert detection_at(matches, math.inf)[:2] == (closed.curve[0], 1.0)


def test_who_stands_in_the_gallery_alone_is_a_stranger():
    points, labels = np.array([[0.0], [1.0], [5.0]]), ["ann", "ann", "bob"]
    matches = open_set_matches(points, labels, points, labels, ids=range(3), gallery_ids=range(3))
    assert matches.known.tolist() == [True, True, False]
    assert matches.distances.tolist() == [1.0, 1.0, 4.0]


def test_ties_keep_the_measured_far_down():
    # Three of four strangers at 2: 1/2 cannot be had, only 0 or 3/4.
    known = np.array([True, False, False, False, False])
    matches = OpenSet(np.array([1.0, 2.0, 2.0, 2.0, 3.0]), known, known)
    assert detection_at_far(matches, 0.5) == (1.0, 0.0, 1.0)
    first = OpenSet(np.array([3.0, 2.0, 2.0, 2.0, 3.0]), known, known)
    assert detection_at_far(first, 0.5) == (0.0, 0.0, -math.inf)


@pytest.mark.parametrize("strangers", [49, 300])
def test_far_needs_one_over_far_strangers(strangers):
    distances = np.arange(strangers + 1.0)
    known = distances == 0
    assert detection_at_far(OpenSet(distances, known, known), 1 / strangers).far == 1 / strangers
    with pytest.raises(UserError, match=f"with {strangers - 1} probes of strangers"):
        detection_at_far(OpenSet(distances[:-1], known[:-1], known[:-1]), 1 / strangers)


@pytest.mark.parametrize("width", [np.float16, np.float32])
def test_a_threshold_is_not_rounded_to_the_distances(width):
    near = width(0.1)
    far = np.nextafter(near, width(1))
    matches = OpenSet(np.array([near, far]), np.array([True, False]), np.array([True, False]))
    assert detection_at(matches, 0.25 * float(near) + 0.75 * float(far))[:2] == (1.0, 0.0)


def test_never_holds_probes_times_gallery():
    seen = []

    def measure(left, right):
        seen.append((len(left), len(right)))
        return search.euclidean(left, right)

    points, labels, items, gallery_labels = faces(67, 211, 101)
    closed_set_identification(points, labels, items, gallery_labels, distance=measure, block=17)
    largest = np.bincount(gallery_labels).max()
    assert max(left for left, _ in seen) == 17
    assert max(right for _, right in seen) <= max(17, largest)
    assert sum(left * right for left, right in seen) == 67 * 211


TWO = (np.eye(2), [0, 1], np.eye(2), [0, 1])


@pytest.mark.parametrize("function", [closed_set_identification, open_set_matches])
@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({0: [[np.nan, 0], [0, 0]]}, {}, "probes: expected finite values, got NaN"),
        ({2: np.full((2, 2), np.inf)}, {}, "gallery: expected finite values"),
        ({0: np.eye(3)[:2]}, {}, r"same dimension and a gallery.*\(2, 3\) and \(2, 2\)"),
        ({2: np.empty((0, 2)), 3: []}, {}, r"not empty, got \(2, 2\) and \(0, 2\)"),
        ({1: [0]}, {}, r"labels: expected integers or strings of shape \(2,\)"),
        ({3: [0, 1, 1]}, {}, r"gallery_labels: expected integers or strings of shape \(2,\)"),
        ({3: ["a", "b"]}, {}, "labels: expected one kind"),
        ({}, {"ids": [0, 1]}, "gallery_ids: expected ids and gallery_ids together"),
        ({}, {"gallery_ids": [0, 1]}, "^ids: expected ids and gallery_ids together"),
        ({}, {"block": 0}, "block: expected an integer of at least 1"),
        (
            {},
            {"distance": lambda a, b: np.zeros(3)},
            r"distance: .* shape \(2, 2\), got shape \(3,",
        ),
        ({}, {"distance": lambda a, b: a @ b.T + np.nan}, "distance: expected finite values"),
    ],
)
def test_refuses_what_it_cannot_use(function, changes, options, message):
    arguments = [changes.get(place, argument) for place, argument in enumerate(TWO)]
    with pytest.raises(UserError, match=message):
        function(*arguments, **options)


def test_refuses_strangers_in_a_closed_set():
    with pytest.raises(UserError, match="got none for probe 3; where there are strangers"):
        closed_set_identification(np.ones((4, 1)), [0, 0, 1, 2], np.ones((2, 1)), [0, 1], block=2)
    points = np.arange(3.0)[:, None]
    with pytest.raises(UserError, match="got none for probe 2"):
        closed_set_identification(
            points, [0, 0, 1], points, [0, 0, 1], ids=range(3), gallery_ids=range(3)
        )


def test_refuses_probes_without_anything():
    with pytest.raises(UserError, match="probes: expected at least 1, got none"):
        closed_set_identification(np.empty((0, 2)), [], *TWO[2:])
    assert open_set_matches(np.empty((0, 2)), [], *TWO[2:]).known.shape == (0,)
    with pytest.raises(UserError, match="an item of another id for probe 1, got none"):
        open_set_matches(np.eye(2), [0, 1], np.eye(2)[:1], [0], ids=["a", "b"], gallery_ids=["b"])


@pytest.mark.parametrize("far", [0.0, 1.0, math.nan])
def test_refuses_a_far_outside_its_range(far):
    known = np.array([True, False])
    with pytest.raises(UserError, match="far: expected a rate between 0 and 1"):
        detection_at_far(OpenSet(np.ones(2), known, known), far)


def test_refuses_scores_of_one_kind_of_probes():
    for known in (np.ones(3, bool), np.zeros(3, bool)):
        matches = OpenSet(np.ones(3), known, known)
        with pytest.raises(UserError, match="known people and of strangers, got"):
            detection_at_far(matches, 0.5)
        with pytest.raises(UserError, match="known people and of strangers, got"):
            detection_at(matches, 0.5)
    with pytest.raises(UserError, match="threshold: expected a number, got NaN"):
        detection_at(OpenSet(np.ones(2), known[:2], known[:2]), math.nan)
