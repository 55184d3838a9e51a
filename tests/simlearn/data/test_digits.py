import difflib
import itertools

import numpy as np
from sklearn.datasets import load_digits

from simlearn.data import digits


def test_values_are_the_ink_counts_scaled_to_bytes():
    data = digits.load()
    ink = load_digits().images.astype(int)
    assert data.images.shape == (1797, 8, 8, 1)
    assert set(np.unique(ink)) == set(range(17))
    # n ink of 16 is n * 255 / 16 = 15.9375 n. No scaled value but that of 8, 127.5, lies half-way
    # between integers, and the even neighbour of that is 128.
    levels = [0, 16, 32, 48, 64, 80, 96, 112, 128, 143, 159, 175, 191, 207, 223, 239, 255]
    np.testing.assert_array_equal(data.images[..., 0], np.array(levels)[ink])
    np.testing.assert_array_equal(data.labels, load_digits().target)
    np.testing.assert_array_equal(data.ids, np.arange(1797))


def test_splits_are_contiguous_and_cover_everything_once():
    parts = digits.splits()
    assert [len(part) for part in parts] == [1029, 258, 510]
    np.testing.assert_array_equal(np.concatenate([part.ids for part in parts]), np.arange(1797))
    whole = digits.load()
    for part in parts:
        np.testing.assert_array_equal(part.images, whole.images[part.ids])
        np.testing.assert_array_equal(part.labels, whole.labels[part.ids])
        assert set(part.labels.tolist()) == set(range(10))


def test_every_form_is_a_run_through_the_same_text():
    # The claim on which the cuts rest: with a few digits left out, each form repeats the text of
    # the first. A start that is off by m rows would cost 2 m of some 260 matching characters.
    text = "".join(map(str, digits.load().labels))
    bounds = [*digits.FORM_STARTS, len(text)]
    forms = [text[a:b] for a, b in itertools.pairwise(bounds)]
    assert len(forms) == 14
    for form in forms:
        assert difflib.SequenceMatcher(None, forms[0], form, autojunk=False).ratio() > 0.96
        assert form.startswith(("0123456789", "123456789"))
        assert form.endswith(("0898", "0893", "4908"))


def test_cuts_lie_between_forms():
    parts = digits.splits()
    assert parts.validation.ids[0] in digits.FORM_STARTS
    assert parts.test.ids[0] in digits.FORM_STARTS
