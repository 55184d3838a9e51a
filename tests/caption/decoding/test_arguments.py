"""Bad input is one clear error."""

import numpy as np
import pytest

from caption.decoding import beam_search, divide_by_length, gnmt_penalty, greedy, sample
from simlearn.errors import UserError
from tests.caption.decoding.scripted import Script

SCRIPT = Script(7)
DECODERS = [greedy, sample, beam_search]


def decode(decoder, **changed):
    arguments = {
        "step": SCRIPT.step,
        "state": SCRIPT.state(),
        "images": 3,
        "max_length": 4,
    } | changed
    return decoder(arguments.pop("step"), arguments.pop("state"), **arguments)


def returning(change):
    def step(tokens, state):
        return change(*SCRIPT.step(tokens, state))

    return step


COMMON = [
    ({"images": 0}, "expected images as a whole number of 1 or more, received 0"),
    ({"images": 2.0}, r"expected images .* received 2\.0"),
    ({"images": 2}, r"one row for each of 2 images, received a tensor of shape \(3,\)"),
    ({"state": 1.0}, r"one row for each of 3 images, received a tensor of shape \(\)"),
    ({"state": {"a": object()}}, "expected a state of tensors, received {'a': 'object'}"),
    ({"step": "greedy"}, "expected step as a function, received 'greedy'"),
    ({"max_length": 0}, "max_length as a whole number of 1 or more, received 0"),
    ({"max_length": True}, "max_length .* received True"),
    ({"minimum_length": 5}, "minimum_length as a whole number from 0 to 4, received 5"),
    ({"no_repeat": -1}, "no_repeat as a whole number of 0 or more, received -1"),
    ({"forbidden": "dog"}, "forbidden as numbers of words, received 'dog'"),
    ({"forbidden": ["dog"]}, r"forbidden as numbers of words, received \['dog'\]"),
    ({"forbidden": [4.0]}, r"forbidden as numbers of words, received \[4\.0\]"),
    ({"forbidden": [-1]}, "forbidden of 0 or more, received -1"),
    ({"forbidden": [2]}, r"forbidden without END \(2\)"),
    ({"forbidden": [7]}, "forbidden below 7, the model's words, received 7"),
    ({"step": returning(lambda *given: given[:2])}, "to return .*, received tuple"),
    ({"step": lambda tokens, state: None}, "to return .*, received NoneType"),
    ({"step": returning(lambda a, b, c: (a[:, :3], b, c))}, "words above 3, received 3"),
    ({"step": returning(lambda a, b, c: (a[:2], b, c))}, r"logits .* 3 rows, received \(2, 7\)"),
    ({"step": returning(lambda a, b, c: (a[0], b, c))}, r"logits .* 3 rows, received \(7,\)"),
    ({"step": returning(lambda a, b, c: (a, b, c[0]))}, r"attention .* received \(3,\)"),
    ({"step": returning(lambda a, b, c: (a, b["code"], c))}, "a state like the one it got"),
    (
        {"step": returning(lambda a, b, c: (a, b | {"code": np.zeros(3)}, c))},
        r"int32 \(3,\).*received .*float64 \(3,\)",
    ),
    (
        {"step": returning(lambda a, b, c: (a, b | {"code": np.zeros((3, 1), "int32")}, c))},
        r"keep its state's shapes",
    ),
]
OF_SAMPLE = [
    ({"samples": 0}, "samples as a whole number of 1 or more, received 0"),
    ({"temperature": 0.0}, r"temperature in \(0.0, inf\), received 0.0"),
    ({"temperature": "hot"}, "temperature as a number, received 'hot'"),
    ({"top_k": 0}, "top_k as a whole number of 1 or more, received 0"),
    ({"top_p": 0.0}, r"top_p in \(0.0, 1.0\], received 0.0"),
    ({"top_p": 1.5}, r"top_p in \(0.0, 1.0\], received 1.5"),
    ({"seed": "a"}, "seed as a number or a SeedGenerator, received 'a'"),
]
OF_BEAM = [
    ({"beams": 0}, "beams as a whole number of 1 or more, received 0"),
    ({"results": 6}, "results as a whole number from 1 to 5, received 6"),
    ({"groups": 2}, "groups as a divisor of beams = 5, received 2"),
    ({"diversity": -1.0}, r"diversity in \[0.0, inf\), received -1.0"),
    ({"normalize": "length"}, "normalize as a function, received 'length'"),
    ({"required": "dog"}, "required as words or sets of words, received 'dog'"),
    ({"required": 4}, "required as words or sets of words, received 4"),
    ({"required": [[]]}, "at least one word in each set"),
    ({"required": ["dog"]}, "required as numbers of words, received 'dog'"),
    ({"required": [4] * 5}, "up to max_length = 4 sets, received 5"),
    ({"required": [3]}, "required words that may come, received 3"),
    ({"required": [2]}, "required words that may come, received 2"),
    ({"required": [[4, 5]], "forbidden": [5]}, "required words that may come, received 5"),
    ({"required": [9]}, "required below 7, the model's words, received 9"),
]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(("changed", "message"), COMMON)
def test_what_no_decoder_can_use_is_refused(decoder, changed, message):
    with pytest.raises(UserError, match=message):
        decode(decoder, **changed)


@pytest.mark.parametrize(
    ("decoder", "changed", "message"),
    [(sample, *row) for row in OF_SAMPLE] + [(beam_search, *row) for row in OF_BEAM],
)
def test_what_one_decoder_cannot_use_is_refused(decoder, changed, message):
    with pytest.raises(UserError, match=message):
        decode(decoder, **changed)


def test_lengths_are_divided_by_as_the_papers_say():
    # Wu et al., equation 14: 11 tokens at alpha 0.5 give sqrt(16 / 6).
    assert float(gnmt_penalty(0.5)(-4.0, 11.0)) == pytest.approx(-4.0 * (6 / 16) ** 0.5)
    assert float(gnmt_penalty(0.0)(-4.0, 11.0)) == -4.0
    assert float(divide_by_length(-4.0, 8.0)) == -0.5
    with pytest.raises(UserError, match=r"alpha in \[0.0, inf\), received -0.1"):
        gnmt_penalty(-0.1)
