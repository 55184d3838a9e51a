import numpy as np
import pytest

from caption.data import scenes
from caption.data.scenes import _distance, _phrases, _relations, _scene


def test_distances_to_outlines():
    # Points: the middle, on an edge, outside by 3 and 4 from a corner.
    x, y = np.array([[0, 2, 5]], np.float32), np.array([[0, 0, 5]], np.float32)
    square = [(-2, -1), (2, -1), (2, 1), (-2, 1)]
    np.testing.assert_allclose(_distance.box(x, y, (-2, -1), (2, 1)), [[-1, 0, 5]], atol=1e-6)
    np.testing.assert_allclose(_distance.polygon(x, y, square), [[-1, 0, 5]], atol=1e-6)
    np.testing.assert_allclose(_distance.circle(x, y, (2, 1), 1), [[5**0.5 - 1, 0, 4]], atol=1e-6)
    np.testing.assert_allclose(
        _distance.segment(x, y, (-2, 1), (2, 1), 0.5), [[0.5, 0.5, 4.5]], atol=1e-6
    )
    ellipse = _distance.ellipse(x, y, (0, 0.5), (2, 1))
    assert ellipse[0, 0] == pytest.approx(-0.5, abs=0.01)
    assert ellipse[0, 2] > 2
    assert _distance.ellipse(x, y, (0, 0), (2, 1))[0, 1] == pytest.approx(0, abs=1e-6)
    # Rounded by 1 the corner's centre is at (-1, -2): 6 and 7 from (5, 5), less 1.
    corner = _distance.box(x, y, (-5, -5), (0, -1), 1)[0, 2]
    assert corner == pytest.approx((6**2 + 7**2) ** 0.5 - 1, abs=1e-5)
    union = _distance.union(np.array([[1.0, -2]]), np.array([[0.5, 3]]))
    assert union.tolist() == [[0.5, -2]]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 10, 10, 20), "left of"),
        ((10, 8, 20, 22), "left of"),  # Side by side: the edges are one line.
        ((11, 8, 21, 22), None),
        ((32, 12, 40, 22), "right of"),
        ((20, 0, 30, 9), "above"),
        ((22, 25, 32, 40), "below"),
        ((0, 20, 10, 30), "left of"),  # 20 aside and 10 down.
        ((0, 20, 10, 32), None),  # 20 aside and 11 down.
        ((5, 30, 35, 80), "below"),
        ((10, 0, 22, 40), None),
    ],
)
def test_boxes_apart(box, expected):
    assert _relations.apart(box, (20, 10, 30, 20)) == expected
    inverse = None if expected is None else scenes.INVERSES[expected]
    assert _relations.apart((20, 10, 30, 20), box) == inverse


def drawn(*boxes, shapes=None):
    """Things that fill their boxes, the later hiding the earlier, and the label of each pixel."""
    labels = np.zeros((40, 60), np.uint8)
    things = []
    for number, (left, top, right, bottom) in enumerate(boxes):
        labels[top:bottom, left:right] = number + 1
        shape = shapes[number] if shapes else "ball"
        area = (right - left) * (bottom - top)
        things.append(scenes.Thing(shape, "red", "small", (left, top, right, bottom), area))
    return tuple(things), labels


def test_relations_of_what_is_seen():
    def names(*boxes, shapes=None):
        found = _relations.relations_of(*drawn(*boxes, shapes=shapes))
        return None if found is None else [tuple(r) for r in found if r.subject < r.object]

    assert names((0, 0, 9, 9), (20, 2, 30, 12)) == [(0, "left of", 1)]
    assert names((0, 0, 9, 9), (13, 13, 22, 22)) == []
    # Hidden: 5 x 5 of 10 x 10, none of it, 2 x 5, and 8 x 8.
    assert names((0, 0, 10, 10), (5, 5, 15, 15)) == [(0, "behind", 1)]
    assert names((0, 0, 10, 10), (8, 5, 18, 15)) is None
    assert names((0, 0, 10, 10), (2, 2, 12, 12)) is None
    # The nearer is lower by 0: nobody could say which is nearer.
    assert names((0, 0, 10, 10), (5, 5, 15, 10)) is None
    # What is left of the farther, 0 to 7, lies beside the nearer.
    assert names((0, 0, 10, 12), (7, 0, 17, 13)) is None
    # On the top of a table, and of what is no table.
    on = ((0, 10, 20, 30), (5, 3, 12, 13))
    assert names(*on, shapes=("table", "ball")) == [(0, "under", 1)]
    assert names(*on, shapes=("car", "ball")) is None
    assert names((0, 10, 20, 30), (15, 3, 22, 13), shapes=("table", "ball")) is None
    # 8 of 12 columns are seen of the first: its middle is 3 right of the last one's and 9 below
    # it. That of the whole would be 5 to the right.
    boxes = (0, 8, 12, 16), (8, 8, 18, 38), (0, 0, 2, 6)
    assert names(*boxes) == [(0, "behind", 1), (0, "below", 2)]


def test_groups_are_related_where_all_their_things_are():
    things, _ = drawn(
        (0, 0, 9, 9), (0, 20, 9, 29), (20, 2, 29, 11), shapes=("ball", "ball", "cube")
    )
    for relations, expected in (
        ((scenes.Relation(0, "left of", 2),), []),
        (
            (scenes.Relation(0, "left of", 2), scenes.Relation(1, "left of", 2)),
            [((0, 1), "left of", (2,))],
        ),
    ):
        scene = scenes.Scene("sand", things, relations)
        assert _phrases.Writer(scene, np.random.default_rng(0)).claims() == expected


def test_a_relation_and_its_inverse_are_held_out():
    things, _ = drawn((0, 0, 9, 9), (20, 0, 29, 9), shapes=("star", "table"))
    assert _scene.is_held_out(scenes.Relation(0, "on", 1), things)
    assert _scene.is_held_out(scenes.Relation(1, "under", 0), things)
    assert not _scene.is_held_out(scenes.Relation(1, "on", 0), things)
    assert not _scene.is_held_out(scenes.Relation(0, "left of", 1), things)
