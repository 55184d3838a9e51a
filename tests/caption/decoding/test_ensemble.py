"""An ensemble is a step like any other."""

import numpy as np
import pytest

from caption.decoding import beam_search, ensemble
from simlearn.errors import UserError
from tests.caption.decoding.scripted import Rules, Script, agree, best_captions, captions


class Averaged(Script):
    """Scripts whose probabilities are averaged, in float64."""

    def __init__(self, scripts):
        super().__init__(scripts[0].words)
        self.scripts = scripts

    def log_probabilities(self, image, history):
        each = [np.exp(script.log_probabilities(image, history)) for script in self.scripts]
        return np.log(np.mean(each, axis=0))


def test_probabilities_are_averaged():
    scripts = [Script(6, seed=seed) for seed in (1, 2, 3)]
    found = beam_search(
        ensemble([script.step for script in scripts]),
        tuple(script.state() for script in scripts),
        images=3,
        max_length=4,
        beams=80,
        results=5,
    )
    for image in range(3):
        expected = best_captions(Averaged(scripts), image, Rules(4), 5)
        agree(captions(found, image), expected)
    tokens = captions(found, 1)[0][0]
    # All spell out the same history: so does the mean of their attention.
    np.testing.assert_array_equal(
        np.array(found.attention)[1, 0, : len(tokens)], scripts[0].attention(1, tokens)
    )


def test_an_ensemble_of_one_is_the_model():
    script = Script(7, seed=4)
    arguments = {"images": 3, "max_length": 5, "beams": 3, "results": 3}
    alone = beam_search(script.step, script.state(), **arguments)
    one = beam_search(ensemble([script.step]), (script.state(),), **arguments)
    for left, right in zip(alone, one, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5)


def with_map(shape):
    def step(tokens, state):
        return np.zeros((2, 5), "float32"), state, None if shape is None else np.ones(shape)

    return step


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (((2, 3), (2, 3)), (2, 3)),
        (((2, 3), None), (2, 3)),
        ((None, None), None),
        (((2, 3), (2, 4)), None),
    ],
)
def test_attention_is_averaged_where_it_can_be(shapes, expected):
    step = ensemble([with_map(shape) for shape in shapes])
    _, _, attention = step(np.zeros(2, "int32"), ((), ()))
    assert (None if attention is None else tuple(attention.shape)) == expected


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(UserError, match="one or more models, received"):
        ensemble([])
    with pytest.raises(UserError, match="one or more models, received"):
        ensemble(["greedy"])
    small, large = Script(5), Script(6)
    both = ensemble([small.step, large.step])
    with pytest.raises(UserError, match="a tuple of 2 states"):
        both(np.ones(3, "int32"), small.state())
    with pytest.raises(UserError, match=r"one vocabulary, received \[5, 6\]"):
        both(np.ones(3, "int32"), (small.state(), large.state()))
