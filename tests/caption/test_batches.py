"""Batches of pictures and captions: padding, epochs, draws."""

from itertools import islice

import numpy as np
import pytest

from caption.batches import Captions, caption_batches
from caption.vocabulary import Vocabulary
from simlearn.errors import UserError

VOCABULARY = Vocabulary(tuple("abcde"))  # Numbers 4 to 8.
PICTURES, LOCATIONS, CHANNELS = 11, 3, 5


def features():
    """The picture's row in every number, so that a batch tells which pictures it holds."""
    rows = np.arange(PICTURES, dtype=np.float16)[:, None, None]
    return np.broadcast_to(rows, (PICTURES, LOCATIONS, CHANNELS))


def captions():
    """Of picture k, 1 + k % 3 captions: the letter of k % 5, once, twice, thrice."""
    letters = ["abcde"[k % 5] for k in range(PICTURES)]
    return Captions.of(
        [[[letters[k]] * (1 + i) for i in range(1 + k % 3)] for k in range(PICTURES)], VOCABULARY
    )


def pictures_of(batch):
    return batch[0]["features"][:, 0, 0].astype(int).tolist()


def test_captions_are_padded_to_one_number_of_captions_and_words():
    found = Captions.of([[["b", "z"], []], [["a", "c", "e"]], []], VOCABULARY)
    assert found.tokens.tolist() == [
        [[1, 5, 3, 0], [1, 0, 0, 0]],
        [[1, 4, 6, 8], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 0, 0]],
    ]
    # A caption without words is an END; no caption is nothing.
    assert found.targets.tolist() == [
        [[5, 3, 2, 0], [2, 0, 0, 0]],
        [[4, 6, 8, 2], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 0, 0]],
    ]
    assert found.words == 3 + 1 + 4


def test_long_captions_are_cut_without_an_end():
    found = Captions.of([[list("abcd"), ["e"]]], VOCABULARY, longest=2)
    assert found.tokens.tolist() == [[[1, 4, 5], [1, 8, 0]]]
    assert found.targets.tolist() == [[[4, 5, 6], [8, 2, 0]]]
    with pytest.raises(UserError, match="longest: expected at least 1 word, got 0"):
        Captions.of([[["a"]]], VOCABULARY, longest=0)


def test_an_epoch_goes_through_the_pictures_once():
    batches = caption_batches(features(), captions(), batch_size=4, seed=3)
    epochs = list(islice(batches(0), 6))
    orders = []
    for epoch in (epochs[:2], epochs[2:4], epochs[4:]):
        seen = [picture for batch in epoch for picture in pictures_of(batch)]
        assert len(set(seen)) == len(seen) == 8  # 11 // 4 batches of 4; 3 wait.
        orders.append(seen)
    assert orders[0] != orders[1] != orders[2]
    # Over some epochs nobody waits forever.
    assert {p for batch in islice(batches(0), 12) for p in pictures_of(batch)} == set(range(11))


def test_batches_hold_what_belongs_together():
    every = captions()
    for inputs, targets in islice(caption_batches(features(), every, batch_size=4, seed=3)(0), 3):
        assert inputs["features"].dtype == np.float32
        assert (inputs["tokens"].dtype, targets.dtype) == (np.int32, np.int32)
        rows = inputs["features"][:, 0, 0].astype(int)
        np.testing.assert_array_equal(inputs["tokens"], every.tokens[rows])
        np.testing.assert_array_equal(targets, every.targets[rows])


@pytest.mark.parametrize("each", [None, 2])
def test_who_goes_on_from_an_epoch_sees_its_batches(each):
    settings = {"batch_size": 3, "seed": 5, "captions_each": each}
    whole = list(islice(caption_batches(features(), captions(), **settings)(0), 12))
    for epoch in (1, 3):
        later = caption_batches(features(), captions(), **settings)(epoch)
        for (inputs, targets), (expected, expected_targets) in zip(
            later, whole[3 * epoch :], strict=False
        ):
            np.testing.assert_array_equal(targets, expected_targets)
            for name, values in inputs.items():
                np.testing.assert_array_equal(values, expected[name])


def test_seeds_make_other_orders():
    firsts = [
        pictures_of(next(caption_batches(features(), captions(), batch_size=5, seed=seed)(0)))
        for seed in range(4)
    ]
    assert len({tuple(first) for first in firsts}) > 1


def test_no_padded_caption_is_drawn_where_there_is_another():
    batches = caption_batches(features(), captions(), batch_size=5, seed=3, captions_each=2)
    lengths = {1: set(), 2: set(), 3: set()}
    for inputs, targets in islice(batches(0), 80):
        assert targets.shape[:2] == (5, 2)
        rows = inputs["features"][:, 0, 0].astype(int)
        for row, tokens, target in zip(rows, inputs["tokens"], targets, strict=True):
            has = 1 + row % 3
            real = sorted((target != 0).sum(axis=1) - 1)  # Words, without END; -1 is padding.
            assert len([length for length in real if length > 0]) == min(2, has)
            assert len(set(real)) == 2, "one caption twice"
            lengths[has].add(tuple(real))
            # Inputs and targets of the same captions: START and words are words and END.
            np.testing.assert_array_equal(tokens[:, 1:], np.where(target == 2, 0, target)[:, :-1])
    # All pairs of three come, in time.
    assert lengths == {1: {(-1, 1)}, 2: {(1, 2)}, 3: {(1, 2), (1, 3), (2, 3)}}


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserError, match="captions of 7 pictures, as there are features, got 11"):
        caption_batches(features()[:7], captions(), batch_size=2, seed=0)
    for size in (0, 12):
        with pytest.raises(UserError, match=f"expected 1 to 11, the pictures, got {size}"):
            caption_batches(features(), captions(), batch_size=size, seed=0)
    with pytest.raises(UserError, match="captions_each: expected at least 1, got 0"):
        caption_batches(features(), captions(), batch_size=2, seed=0, captions_each=0)
