"""Our numbers and gradients beside tensorflow-addons' own, which make_reference.py wrote down.

Where theirs are right they are ours. Where they are wrong the case is named in WRONG, and ours are
those of loops in float64.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from simlearn import addons
from tests.simlearn.addons import oracle
from tests.simlearn.losses.backend import value_and_gradient

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
SEMI_HARD, HARD, LIFTED = "triplet_semihard_loss", "triplet_hard_loss", "lifted_struct_loss"
SOFT = "soft " + HARD

WRONG = {
    ("one class", SEMI_HARD): "each anchor is its own negative",
    ("one class", HARD): "the farthest positive is the negative too",
    ("one class", SOFT): "the farthest positive is the negative too",
    ("one class", LIFTED): "NaN: the logarithm of a sum over no negatives",
    ("all distinct", SEMI_HARD): "NaN: divided by the number of positive pairs",
    ("all distinct", SOFT): "each anchor is its own positive",
    ("all distinct", LIFTED): "NaN: divided by the number of positive pairs",
    ("singletons", HARD): "an item alone in its class is its own positive",
    ("singletons", SOFT): "an item alone in its class is its own positive",
    ("far", SOFT): "infinite: the exponential overflows",
    ("far", LIFTED): "NaN: an exponential overflows at a masked pair, and infinity times 0",
    ("ties", LIFTED): "the gradient: that of a largest exponent cancels only without a tie",
}
# Equal distances: the value is one, but there the gradient is shared among the equal items.
SHARED = [(batch, loss) for batch in ("ties", "duplicates") for loss in (SEMI_HARD, HARD, SOFT)]
# The angle to a zero vector has no gradient.
UNDEFINED = [("zero row", SEMI_HARD), ("zero row", HARD)]


def kind(case):
    soft = "soft " if case["arguments"].get("soft") else ""
    return case["batch"], soft + case["loss"]


def numbers(values):
    return np.array(values, "float64")


def manhattan(embeddings):
    return ops.sum(ops.abs(embeddings[:, None] - embeddings[None]), axis=-1)


def ours(case, labels, rows):
    arguments = dict(case["arguments"])
    if arguments.get("distance_metric") == "manhattan":
        arguments["distance_metric"] = manhattan
    function = getattr(addons, case["loss"])
    value, gradient, _ = value_and_gradient(
        lambda labels, rows, _: ops.sum(function(labels, rows, **arguments)),
        np.array(labels),
        np.array(rows, case.get("cast", "float32")),
    )
    return value, gradient


def batch_of(case):
    batch = REFERENCE["batches"][case["batch"]]
    return batch["labels"], np.array(batch["rows"], "float32")


def assert_close(value, expected, tolerance=1e-5):
    expected = numbers(expected)
    assert np.isfinite(expected).all()
    scale = max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance * scale)


def differs(left, right):
    left, right = numbers(left), numbers(right)
    return not np.allclose(left, right, rtol=1e-3, atol=1e-3 * max(np.abs(right).max(), 1e-3))


def cases(chosen):
    found = [case for case in REFERENCE["in batch"] if chosen(kind(case))]
    names = [
        "-".join([*kind(case), *map(str, case["arguments"].values()), case.get("cast", "")])
        for case in found
    ]
    return pytest.mark.parametrize("case", found, ids=names)


def test_every_wrong_case_is_in_the_reference():
    assert set(WRONG) <= {kind(case) for case in REFERENCE["in batch"]}
    assert REFERENCE["versions"]["tensorflow_addons"] == "0.23.0"


@cases(lambda name: name not in [*WRONG, *SHARED, *UNDEFINED])
def test_value_and_gradient_are_theirs(case):
    value, gradient = ours(case, *batch_of(case))
    # Of float16 embeddings they return a float16, and we a float32.
    tolerance = 2e-3 if "cast" in case else 1e-5
    assert_close(value, case["value"], tolerance)
    assert_close(gradient, case["gradient"], tolerance)


@cases(lambda name: name in WRONG)
def test_where_theirs_are_wrong_ours_are_right(case):
    labels, rows = batch_of(case)
    value, gradient = oracle.loss_of(case["loss"], labels, rows, **case["arguments"])
    reason = WRONG[kind(case)]
    assert differs(case["value"], value) or differs(case["gradient"], gradient), reason
    found, slopes = ours(case, labels, rows)
    assert_close(found, value)
    assert_close(slopes, gradient)


@cases(lambda name: name in SHARED)
def test_among_equals_the_first_is_taken(case):
    labels, rows = batch_of(case)
    value, gradient = ours(case, labels, rows)
    assert_close(value, case["value"])
    assert differs(case["gradient"], gradient)
    assert_close(gradient, oracle.loss_of(case["loss"], labels, rows, **case["arguments"])[1])


@cases(lambda name: name[0] == "duplicates")
def test_equal_embeddings_get_the_same_gradient_together(case):
    _, rows = batch_of(case)
    _, which = np.unique(rows, axis=0, return_inverse=True)
    together = np.eye(which.max() + 1)[which.ravel()].T
    _, gradient = ours(case, *batch_of(case))
    assert_close(together @ gradient, together @ numbers(case["gradient"]))


@cases(lambda name: name in UNDEFINED)
def test_a_zero_vector_has_no_gradient(case):
    value, gradient = ours(case, *batch_of(case))
    theirs = numbers(case["gradient"])
    zero = 4
    assert_close(value, case["value"])
    assert np.abs(theirs[zero]).max() > 1e4 * np.abs(np.delete(theirs, zero, axis=0)).max()
    assert not gradient[zero].any()
    assert_close(np.delete(gradient, zero, axis=0), np.delete(theirs, zero, axis=0))


SIMILARITIES = {
    (case["loss"], case["batch"], np.abs(case["rows"]).max() > 50): case
    for case in REFERENCE["similarities"]
}
WRONG_SIMILARITIES = {
    ("npairs_loss", "large ids", False): "ids become float32, and neighbours one number",
    ("npairs_loss", "column of labels", False): "NaN: labels (batch, 1) broadcast to a cube",
    ("npairs_multilabel_loss", "an empty set", False): "NaN: divided by the number of labels",
}


@pytest.mark.parametrize("key", [k for k in SIMILARITIES if k not in WRONG_SIMILARITIES], ids=str)
def test_npairs(key):
    case = SIMILARITIES[key]
    value, gradient = ours(case, case["labels"], case["rows"])
    assert_close(value, case["value"])
    assert_close(gradient, case["gradient"])


@pytest.mark.parametrize("key", WRONG_SIMILARITIES, ids=str)
def test_npairs_where_theirs_are_wrong(key):
    case = SIMILARITIES[key]
    sets = [
        list(np.flatnonzero(label)) if key[0] == "npairs_multilabel_loss" else [np.ravel(label)[0]]
        for label in case["labels"]
    ]
    rows = np.array(case["rows"], "float64")
    value = oracle.npairs(sets, rows)
    assert differs(case["value"], value), WRONG_SIMILARITIES[key]
    found, gradient = ours(case, case["labels"], case["rows"])
    assert_close(found, value)
    assert_close(gradient, oracle.slope(lambda x: oracle.npairs(sets, x), rows))


def test_their_large_ids_are_those_of_float32():
    case = SIMILARITIES["npairs_loss", "large ids", False]
    collided = np.array(case["labels"], "float32").astype("int64")
    assert len(set(collided)) < len(set(case["labels"]))
    assert_close(ours(case, collided, case["rows"])[0], case["value"])


@pytest.mark.parametrize("case", REFERENCE["contrastive"], ids=lambda c: str(c["arguments"]))
def test_contrastive(case):
    labels, rows = np.array(case["labels"]), np.array(case["rows"], "float32")
    values = ops.convert_to_numpy(addons.contrastive_loss(labels, rows, **case["arguments"]))
    assert values.shape == (len(rows),)
    assert_close(values, np.ravel(numbers(case["value"])))
    assert_close(ours(case, labels, rows)[1], case["gradient"])


@pytest.mark.parametrize(
    "case", REFERENCE["distances"], ids=lambda c: f"{c['function']}-{c['batch']}-{c['arguments']}"
)
def test_distances(case):
    rows = batch_of(case)[1]
    found = getattr(addons, case["function"])(rows, **case["arguments"])
    assert_close(ops.convert_to_numpy(found), case["value"])


def test_lifted_structure_of_one_weighted_anchor_among_ties():
    # Anchors 0 and 1 have negatives at the same distances: both must move, not only the first.
    labels, rows = [0, 0, 1], np.array([[0.0, 1.0], [0.0, -1.0], [2.0, 0.0]])
    weights = np.array([1.0, 0.0, 0.0])
    _, gradient, _ = value_and_gradient(
        lambda labels, rows, _: addons.lifted_struct_loss(labels, rows, sample_weight=weights),
        np.array(labels),
        rows.astype("float32"),
    )
    # The pair counts twice and is weighted once: half of both.
    assert_close(gradient, 0.5 * oracle.slope(lambda x: oracle.lifted(labels, x, 1.0), rows))
