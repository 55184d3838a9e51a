"""Which continuations a beam keeps."""

import math
from typing import NamedTuple

from keras import ops

from caption._tokens import PAD
from caption.decoding._normalize import Normalize
from caption.decoding._required import Required
from caption.decoding._top import largest
from simlearn._typing import Tensor


class Candidates(NamedTuple):
    """What could come next in each hypothesis.

    Attributes:
        gains: `(images, hypotheses, n)`, log-probabilities; minus infinity for none.
        tokens: int32 `(images, hypotheses, n)`.
    """

    gains: Tensor
    tokens: Tensor


class Hypotheses(NamedTuple):
    """What choosing must know of the hypotheses so far, each `(images, hypotheses, ...)`.

    Attributes:
        objectives: log-probabilities, less what was taken for sameness with other groups.
        lengths: int32, tokens.
        done: bool; with END, or dead.
        met: bool, `(images, hypotheses, sets)`, required sets that a word came from.
    """

    objectives: Tensor
    lengths: Tensor
    done: Tensor
    met: Tensor


class Chosen(NamedTuple):
    """Continuations that were chosen, each `(images, kept)`.

    Attributes:
        parents: int32, which hypothesis each continues.
        tokens: int32, by what.
        gains: log-probability of that.
        penalties: taken for sameness with other groups.
    """

    parents: Tensor
    tokens: Tensor
    gains: Tensor
    penalties: Tensor


def candidates(
    logits: Tensor, normalizer: Tensor, done: Tensor, count: int, required: Required
) -> Candidates:
    """The best of each row; a hypothesis that is done has one, PAD, at no cost.

    Args:
        logits: `(rows, vocabulary)`, minus infinity for what may not come.
        normalizer: `(rows,)`.
        done: bool `(images, hypotheses)`.
        count: how many of each row.
        required: whose words are candidates however unlikely.
    """
    # Words that must come are candidates anyhow: so many more are asked for.
    wanted = min(count + len(required.words), logits.shape[-1])
    values, tokens = largest(logits, wanted)
    tokens = ops.cast(tokens, "int32")
    if required.count:
        values, tokens = required.add_to(values, tokens, logits)
    ended = ops.reshape(done, (-1, 1))
    only_first = [0.0] + [-math.inf] * (values.shape[1] - 1)
    frozen = ops.convert_to_tensor(only_first, dtype=values.dtype)
    shape = (-1, done.shape[1], values.shape[1])
    return Candidates(
        ops.reshape(ops.where(ended, frozen, values - normalizer[:, None]), shape),
        ops.reshape(ops.where(ended, PAD, tokens), shape),
    )


def sameness(tokens: Tensor, others: Tensor, strength: float) -> Tensor:
    """Hamming diversity: `strength` for each earlier group's hypothesis with the same token now.

    Args:
        tokens: candidates, `(images, hypotheses, n)`.
        others: `(images, chosen)`.
        strength: lambda in the paper.
    """
    same = ops.equal(tokens[..., None], others[:, None, None, :])
    counted = ops.logical_and(same, tokens[..., None] != PAD)
    return strength * ops.sum(ops.cast(counted, "float32"), axis=-1)


def choose(
    hypotheses: Hypotheses,
    found: Candidates,
    penalties: Tensor,
    time: Tensor,
    size: int,
    *,
    normalize: Normalize,
    required: Required,
) -> Chosen:
    """The `size` best continuations of each image's hypotheses.

    Args:
        hypotheses: so far.
        found: their candidates.
        penalties: of the candidates, `(images, hypotheses, n)`.
        time: tokens so far of hypotheses that are not done.
        size: how many to keep.
        normalize: of log-probabilities and lengths.
        required: sets of words, whose banks share the places.
    """
    gains = found.gains - penalties
    totals = hypotheses.objectives[..., None] + gains
    lengths = ops.where(hypotheses.done, hypotheses.lengths, time + 1)
    scores = normalize(totals, ops.cast(lengths, totals.dtype)[..., None])
    ranks = scores = _flat(scores)
    if required.count:
        met = ops.logical_or(hypotheses.met[:, :, None], required.met_by(found.tokens))
        banks = ops.sum(ops.cast(met, "int32"), axis=-1)
        ranks = _bank_ranks(scores, _flat(banks), required.count)
    missing = size - ranks.shape[1]
    if missing > 0:
        ranks = ops.pad(ranks, ((0, 0), (0, missing)), constant_values=-math.inf)
    _, places = ops.top_k(ranks, size)
    dead = places >= scores.shape[1]
    places = ops.where(dead, 0, places)
    picked = [
        ops.take_along_axis(_flat(values), places, axis=1)
        for values in (found.tokens, found.gains, penalties)
    ]
    tokens, gains, taken = picked
    gains = ops.where(dead, -math.inf, gains)
    # A hypothesis that is dead says nothing that a later group could differ from.
    tokens = ops.where(gains == -math.inf, PAD, tokens)
    return Chosen(ops.cast(places // found.gains.shape[2], "int32"), tokens, gains, taken)


def _bank_ranks(scores: Tensor, banks: Tensor, full: int) -> Tensor:
    """Larger for what gets a place earlier, `(images, n)`.

    A bank holds candidates with as many met sets. Places go round the banks, the fullest first,
    each giving its best that is left; a bank that is out of candidates is passed over.
    """
    count = scores.shape[1]
    _, order = ops.top_k(scores, count)
    back = ops.argsort(order, axis=-1)
    banks_in_order = ops.take_along_axis(banks, order, axis=1)
    member = ops.equal(banks_in_order[..., None], ops.arange(full + 1, dtype="int32"))
    member = ops.cast(member, "int32")
    round_of = ops.sum((ops.cumsum(member, axis=1) - 1) * member, axis=-1)
    turn = round_of * (full + 1) + full - banks_in_order
    turn = ops.cast(ops.take_along_axis(turn, back, axis=1), scores.dtype)
    return ops.where(scores == -math.inf, -math.inf, -turn)


def _flat(values: Tensor) -> Tensor:
    return ops.reshape(values, (-1, values.shape[1] * values.shape[2]))
