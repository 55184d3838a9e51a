"""The best captions that a beam finds."""

import math
from collections.abc import Iterable
from typing import Any

from caption.decoding._arguments import check_number, check_whole
from caption.decoding._decoded import Decoded, Step
from caption.decoding._normalize import Normalize, keep
from caption.decoding._required import make_required
from caption.decoding._rules import make_rules
from caption.decoding._search import Search, search_beams
from simlearn._typing import Tensor
from simlearn.errors import UserError


def beam_search(
    step: Step,
    state: Any,
    *,
    images: int | Tensor,
    max_length: int,
    beams: int = 5,
    results: int = 1,
    normalize: Normalize | None = None,
    minimum_length: int = 0,
    no_repeat: int = 0,
    forbidden: Iterable[int] = (),
    unknown: bool = False,
    required: Iterable[int | Iterable[int]] = (),
    groups: int = 1,
    diversity: float = 0.5,
) -> Decoded:
    """Captions that a beam search ranks highest, all images and all their beams in one step.

    At each step every hypothesis is continued by every token, and the `beams` continuations with
    the highest `normalize(log p, length)` are kept. One with END keeps its place and its score
    until something better takes it; the loop ends early where nothing can. Hypotheses without END
    at `max_length` are ranked as they are.

    Of `required` words, one of each set must come: END may not, before. Hypotheses are kept in
    banks by how many sets they met, and the places of the beam go round the banks, so that those
    with fewer, likelier words do not push out the others. Whoever met more is ranked first.

    With `groups`, each has its share of the beam. Group after group, a token costs a hypothesis
    `diversity` for each hypothesis of earlier groups that chose it at the same step.

    Args:
        step: as of `greedy`; called with `images`, then with `images * beams` rows, image 0 beam
            0, image 0 beam 1 and so on.
        state: as of `greedy`, one row an image; the rows are repeated here.
        images: how many.
        max_length: tokens of a caption at most, END included; 1 or more.
        beams: hypotheses kept an image; 1 is `greedy`, more slowly.
        results: captions returned an image, 1 to `beams`.
        normalize: of log-probabilities and lengths, such as `divide_by_length` or
            `gnmt_penalty(0.6)`; None for log-probabilities themselves.
        minimum_length: words before END may come.
        no_repeat: no n-gram of this many tokens comes twice in a caption; 0 for no such rule.
        forbidden: words that never come. PAD and START never do.
        unknown: whether UNKNOWN may come.
        required: words, or sets of words of which one must come.
        groups: a divisor of `beams`.
        diversity: lambda, in units of log-probability, 0 or more; 0 makes all groups alike.

    Returns:
        The best captions, best first. Scores are `normalize(log p, length)`, without what
        diversity cost.

    Raises:
        UserError: an argument is out of range, or the step returns what does not fit.

    Examples:
        >>> import numpy as np
        >>> from caption.decoding import beam_search
        >>> follows = np.log(np.full((7, 7), 1e-3, "float32"))
        >>> follows[1, [4, 5]] = np.log([0.6, 0.4])  # 4 looks better,
        >>> follows[4, [2, 6]] = np.log([0.5, 0.5])  # and leads nowhere
        >>> follows[5, [2, 6]] = np.log([0.9, 0.1])
        >>> def step(tokens, state):
        ...     return follows[np.asarray(tokens)], state, None
        >>> found = beam_search(step, np.zeros((1, 1)), images=1, max_length=3, beams=2, results=2)
        >>> np.array(found.tokens[0]), np.exp(found.scores[0]).round(2)
        (array([[5, 2, 0],
               [4, 2, 0]], dtype=int32), array([0.36, 0.3 ], dtype=float32))

    Reference:
        Banks: Post and Vilar, "Fast Lexically Constrained Decoding with Dynamic Beam Allocation",
        NAACL 2018, section 3; here for single words with alternatives, and with the places given
        in rounds, where the paper gives equal shares and then the rest. Groups: Vijayakumar et
        al., "Diverse Beam Search", 2016, equation 7 with Hamming diversity.
    """
    rules = make_rules(max_length, minimum_length, no_repeat, forbidden, unknown)
    check_whole("beams", beams, low=1)
    check_whole("results", results, low=1, high=beams)
    check_whole("groups", groups, low=1, high=beams)
    check_number("diversity", diversity, low=0.0, high=math.inf, bounds="[)")
    if beams % groups:
        raise UserError(f"expected groups as a divisor of beams = {beams}, received {groups}")
    if normalize is not None and not callable(normalize):
        raise UserError(f"expected normalize as a function, received {normalize!r}")
    search = Search(
        rules=rules,
        required=make_required(required, rules),
        beams=beams,
        results=results,
        groups=groups,
        diversity=diversity,
        normalize=normalize or keep,
    )
    return search_beams(step, state, images, search)
