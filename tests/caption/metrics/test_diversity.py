"""How varied captions are, counted by hand."""

import pytest

from caption.metrics import diversity
from simlearn.errors import UserError

CAPTIONS = [["a", "dog", "runs"], ["a", "dog"], ["a", "dog"], [], ["cats"]]


def test_by_hand():
    found = diversity(CAPTIONS, longest=3, training=iter([["a", "dog"], ["cats", "run"]]))
    # 4 words of 8; "a dog" three times, "dog runs" once; one 3-gram.
    assert found.distinct == {1: 4 / 8, 2: 2 / 4, 3: 1.0}
    assert found.vocabulary == 4
    assert found.unique == 4 / 5
    assert found.novel == 3 / 5
    assert found.lengths == {0: 1, 1: 1, 2: 2, 3: 1}
    assert found.mean_length == 8 / 5


def test_without_training_captions_nothing_is_said_of_novelty():
    assert diversity([["a"]]).novel is None
    assert diversity([["a"]], training=[]).novel == 1.0
    assert diversity([["a"]]).distinct == {1: 1.0, 2: 0.0}


def test_what_cannot_be_measured():
    with pytest.raises(UserError, match="at least one, got none"):
        diversity([])
    with pytest.raises(UserError, match="lists of words, got the text"):
        diversity(["a dog"])
    with pytest.raises(UserError, match="at least 1, got 0"):
        diversity([["a"]], longest=0)
