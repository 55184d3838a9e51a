"""Captions that are somebody else's."""

import numpy as np
import pytest

from caption.baselines import most_frequent_caption, neighbour_captions
from caption.metrics import CiderD
from simlearn.errors import UserError
from tests.caption.metrics import naive


def words(*texts):
    return [text.split() for text in texts]


def test_a_caption_that_comes_twice_is_the_most_frequent():
    train = [words("a dog runs", "a cat"), words("two men"), words("a dog", "two men", "a dog sat")]
    assert most_frequent_caption(train) == ["two", "men"]


def test_else_the_one_whose_words_are():
    # a: 4, dog: 2, cat: 1, runs: 2, bird: 1. "a dog": 6 / 2 = 3; "a cat runs": 7 / 3;
    # "a dog runs a": (4 + 2 + 2 + 4) / 4 = 3 comes later; "bird": 1.
    train = [words("bird", "a dog"), words("a cat runs"), words("a dog runs a"), [[]]]
    assert most_frequent_caption(train) == ["a", "dog"]


def test_captions_without_words_are_nobodys():
    assert most_frequent_caption([[[], []], [["dog"]], [[]]]) == ["dog"]
    for nothing in ([], [[]], [[[]]]):
        with pytest.raises(UserError, match="expected training captions with words, got none"):
            most_frequent_caption(nothing)


TRAIN = np.array([[1.0, 0.0, 0.1], [0.0, 1.0, 0.0], [3.0, 0.3, 0.0], [0.9, -0.2, 0.0]])
CAPTIONS = [
    words("a horse stands", "the brown dog sleeps"),
    words("a cat sleeps on a mat"),
    words("one red dog runs home now", "the dog"),
    words("a red dog runs", "a red dog runs home"),
]


def test_the_nearest_is_so_by_angle_and_says_its_first_caption():
    # (9, 0.9, 0) points as row 2 does, (0, 0.01, 0) as row 1.
    pictures = np.array([[9.0, 0.9, 0.0], [0.0, 0.01, 0.0], [2.0, 0.0, 0.2]])
    found = neighbour_captions(TRAIN, CAPTIONS, pictures)
    assert found == words("one red dog runs home now", "a cat sleeps on a mat", "a horse stands")


def test_of_several_the_one_the_others_agree_with():
    # By a loop: each caption of a neighbour is scored against the captions of the *other* two.
    group = [0, 2, 3]
    own = [(row, caption) for row in group for caption in CAPTIONS[row]]
    support = []
    for row, caption in own:
        others = [other for other in group if other != row]
        support.append(sum(naive.cider(CAPTIONS, [caption] * 2, others, CAPTIONS)))
    best = own[int(np.argmax(support))]
    (found,) = neighbour_captions(TRAIN, CAPTIONS, [[1.0, 0.0, 0.0]], neighbours=3)
    assert found == best[1]
    # Counted with its own picture's captions, another would win: the test has teeth.
    scorer = CiderD(CAPTIONS)
    selfish = [sum(scorer.score([caption] * 3, group).per_image["cider_d"]) for _, caption in own]
    assert own[int(np.argmax(selfish))] != best


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserError, match="each of 4 training pictures, got 3, 0 of them empty"):
        neighbour_captions(TRAIN, CAPTIONS[:3], TRAIN)
    with pytest.raises(UserError, match="got 4, 1 of them empty"):
        neighbour_captions(TRAIN, [*CAPTIONS[:3], []], TRAIN)
