import numpy as np
import pytest
import tensorflow as tf

from simlearn import pairs
from simlearn.errors import UserError

LABELS = [4, 2, 4, 7, 2, 4, 9]


def test_masks_against_loops():
    positives = np.asarray(pairs.positive_pairs(np.array(LABELS)))
    negatives = np.asarray(pairs.negative_pairs(np.array(LABELS)))
    for i, left in enumerate(LABELS):
        for j, right in enumerate(LABELS):
            assert positives[i, j] == (left == right and i != j)
            assert negatives[i, j] == (left != right)


def test_a_bank_has_no_diagonal():
    bank = np.array([2, 4, 4])
    positives = np.asarray(pairs.positive_pairs(np.array(LABELS), bank))
    negatives = np.asarray(pairs.negative_pairs(np.array(LABELS), bank))
    assert positives.shape == negatives.shape == (7, 3)
    for i, left in enumerate(LABELS):
        for j, right in enumerate(bank):
            assert positives[i, j] == (left == right)
            assert negatives[i, j] == (left != right)


def test_valid_anchors_need_both_kinds():
    labels = np.array(LABELS)
    valid = pairs.valid_anchors(pairs.positive_pairs(labels), pairs.negative_pairs(labels))
    np.testing.assert_array_equal(valid, [True, True, True, False, True, True, False])
    alike = np.array([3, 3])
    assert not np.any(pairs.valid_anchors(pairs.positive_pairs(alike), pairs.negative_pairs(alike)))


@pytest.mark.parametrize("base", [2**24, 2**31, 2**53, 2**63 - 2])
def test_neighbouring_large_labels_stay_apart(base):
    labels = np.array([0, 1, 0], "int64") + np.int64(base)
    expected = [[False, False, True], [False, False, False], [True, False, False]]
    np.testing.assert_array_equal(pairs.positive_pairs(labels), expected)
    np.testing.assert_array_equal(pairs.positive_pairs(labels, labels)[1], [False, True, False])


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]
)
def test_any_integer_type_will_do(dtype):
    labels = np.array([1, 0, 1]).astype(dtype)
    expected = [[False, False, True], [False, False, False], [True, False, False]]
    np.testing.assert_array_equal(pairs.positive_pairs(labels), expected)
    np.testing.assert_array_equal(pairs.positive_pairs(labels[:, None]), expected)


def test_unknown_batch_size_and_xla():
    def masks(labels):
        return pairs.positive_pairs(labels), pairs.negative_pairs(labels)

    labels = np.array(LABELS)
    for options in ({"input_signature": [tf.TensorSpec([None], "int64")]}, {"jit_compile": True}):
        found = tf.function(masks, **options)(labels)
        np.testing.assert_array_equal(found[0], pairs.positive_pairs(labels))
        np.testing.assert_array_equal(found[1], pairs.negative_pairs(labels))


def test_no_labels_give_no_pairs():
    assert pairs.positive_pairs(np.zeros(0, "int64")).shape == (0, 0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([1.0, 2.0], "float32"), "expected integer labels, received float32; convert"),
        (np.array([1.0, 2.0], "float16"), "expected integer labels, received float16"),
        (np.array(["a", "b"]), "expected integer labels, received string"),
        (np.eye(3, dtype="int32"), r"shape \(batch,\), received \(3, 3\)"),
        (np.int32(4), r"shape \(batch,\), received \(\)"),
        (np.ones((3, 1, 1), "int32"), r"shape \(batch,\), received \(3, 1, 1\)"),
    ],
)
def test_wrong_labels_are_refused(labels, message):
    for make in (pairs.positive_pairs, pairs.negative_pairs, pairs.as_labels):
        with pytest.raises(UserError, match=message):
            make(labels)
    with pytest.raises(UserError, match=message):
        pairs.positive_pairs(np.array(LABELS), labels)
