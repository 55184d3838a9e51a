"""Scores of found boxes against annotated ones."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from simlearn.errors import UserError
from simlearn.metrics import detection


def naive_overlap(a, b):
    """Counted on a grid of whole pixels."""
    cells = [
        {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])} for box in (a, b)
    ]
    either = cells[0] | cells[1]
    return len(cells[0] & cells[1]) / len(either) if either else 0.0


def some_boxes(random, count):
    low = random.integers(0, 9, (count, 2))
    return np.concatenate([low, low + random.integers(0, 8, (count, 2))], axis=1)


def test_overlaps_as_counted_on_a_grid():
    random = np.random.default_rng(0)
    left, right = some_boxes(random, 7), some_boxes(random, 11)
    found = detection.box_overlaps(left, right)
    for i, j in np.ndindex(found.shape):
        assert found[i, j] == pytest.approx(naive_overlap(left[i], right[j]))


def test_a_face_counts_once_and_the_surest_box_has_it():
    face = [0, 0, 10, 10]
    matches = detection.detection_matches([[[0, 0, 9, 10], [0, 0, 10, 10]]], [[0.6, 0.9]], [[face]])
    assert matches.scores.tolist() == [0.9, 0.6]
    assert matches.correct.tolist() == [True, False]


def test_a_box_between_two_faces_takes_the_one_that_it_overlaps_most():
    faces = [[0, 0, 10, 10], [4, 0, 14, 10]]
    matches = detection.detection_matches([[[3, 0, 13, 10], [0, 0, 10, 10]]], [[0.9, 0.8]], [faces])
    # The first box covers 9 of 11 columns of the second face, and 7 of 13 of the first.
    assert matches.correct.tolist() == [True, True]


def test_ignored_faces_count_neither_way():
    matches = detection.detection_matches(
        [[[0, 0, 10, 10], [20, 20, 30, 30], [50, 50, 60, 60]]],
        [[0.9, 0.8, 0.7]],
        [[[0, 0, 10, 10], [20, 20, 30, 30]]],
        ignored=[[True, False]],
    )
    assert matches.annotated == 1
    assert matches.scores.tolist() == [0.8, 0.7]
    assert matches.correct.tolist() == [True, False]


def test_exactly_the_overlap_is_not_more_than_it():
    # Half of the box: 5 of 10 columns, exactly 0.5.
    matches = detection.detection_matches([[[0, 0, 5, 10]]], [[0.9]], [[[0, 0, 10, 10]]])
    assert matches.correct.tolist() == [False]


def test_average_precision_by_hand():
    # Right, wrong, right of four faces: precision 1 up to recall 1/4, then 2/3 up to 1/2.
    matches = detection.DetectionMatches(
        np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), 4, 3
    )
    expected = 1 / 4 * 1 + 1 / 4 * 2 / 3
    assert detection.detection_average_precision(matches) == pytest.approx(expected)


def test_average_precision_is_scikit_learns_where_precision_falls_and_all_is_found():
    correct = np.array([True, True, True, False, True, False, False])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.4])
    matches = detection.DetectionMatches(scores, correct, 4, 1)
    expected = average_precision_score(correct, scores)
    assert detection.detection_average_precision(matches) == pytest.approx(expected)


def test_no_box_at_all_scores_zero():
    matches = detection.detection_matches([[]], [[]], [[[0, 0, 1, 1]]])
    assert detection.detection_average_precision(matches) == 0
    assert len(detection.detection_roc(matches).scores) == 0


def test_the_curve_by_hand_with_equal_scores_as_one_point():
    matches = detection.DetectionMatches(
        np.array([0.9, 0.8, 0.8, 0.5]), np.array([True, False, True, False]), 5, 7
    )
    curve = detection.detection_roc(matches)
    assert curve.scores.tolist() == [0.9, 0.8, 0.5]
    assert curve.false_positives.tolist() == [0, 1, 2]
    assert curve.true_positive_rate.tolist() == [0.2, 0.4, 0.4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[[0, 0, 1, 1]]], [[0.5]], []), "as many pictures"),
        (([[[0, 0, 1]]], [[0.5]], [[[0, 0, 1, 1]]]), r"found: expected boxes \(n, 4\)"),
        (([[[2, 0, 1, 1]]], [[0.5]], [[[0, 0, 1, 1]]]), "beyond its other"),
        (([[[0, 0, 1, 1]]], [[np.nan]], [[[0, 0, 1, 1]]]), "1 finite"),
        (([[[0, 0, 1, 1]]], [[0.1, 0.2]], [[[0, 0, 1, 1]]]), "got 2"),
        (([[[0, 0, 1, 1]]], [[0.5]], [[]]), "got none"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        detection.detection_matches(*arguments)
    with pytest.raises(UserError, match="share"):
        detection.detection_matches([], [], [], overlap=1.0)
