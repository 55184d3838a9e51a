"""The one-to-one alignment of two sentences, out of all matches between their words and phrases."""

from math import prod
from operator import itemgetter
from typing import Any, Final

Match = tuple[int, int, int, int, int, int]
"""Start in the reference, stage, order within it, start in the hypothesis, words there, words in
the reference.

Sorted, matches stand in the order in which METEOR tries them.
"""

EXACT: Final = 0
STEM: Final = 1
SYNONYM: Final = 2
PARAPHRASE_OF_REFERENCE: Final = 3
"""The table lists the hypothesis' phrase under the reference's."""
PARAPHRASE_OF_HYPOTHESIS: Final = 4
"""The table lists the reference's phrase under the hypothesis'."""

BEAM: Final = 40

# A path's rank is one number, the smaller the better: covered words, then chunks, then distance.
_COVERED_BITS: Final = 48
_CHUNK: Final = 1 << 32
_NEVER: Final = 1 << 80
# rank, end of the open chunk in the hypothesis or -1, hypothesis' words used, next free word of
# the reference, matches (linked, last first)
_Path = tuple[int, int, int, int, Any]
# words in the hypothesis (bits), their start, distance, words gained, end there, end in the
# reference, the match
_Trial = tuple[int, int, int, int, int, int, Match]
_rank = itemgetter(0)


def align(matches: list[Match], hypothesis: int, reference: int) -> list[Match]:
    """Choose the matches that METEOR's aligner chooses.

    A match that overlaps no other one is always taken. Over the others a beam search goes from left
    to right through the reference; a path ranks by covered words, then by fewer chunks, then by a
    shorter distance. Observed on METEOR 1.5, and kept:

    - a match that is not exact covers half of its words, *rounded down* in each sentence, whatever
      weight its stage has in the score: an ambiguous synonym counts nothing, and is taken only
      where it saves a chunk or distance;
    - a distance is not that of a match taken but of each match *passed over*: those tried before
      the one taken, and all of them where the word stays unmatched;
    - a chunk counts when it closes; ties keep the order in which they arose.

    Args:
        matches: Sorted.
        hypothesis: Its number of words.
        reference: Its number of words.

    Returns:
        The matches taken, sorted.

    Reference:
        Denkowski and Lavie, "Meteor Universal: Language Specific Translation Evaluation for Any
        Target Language", WMT 2014, section 2 (criteria of the alignment).
    """
    fixed, open_ = _split(matches, hypothesis, reference)
    if not open_:
        return fixed
    return _search(fixed, open_, reference)


def chunks_of(matches: list[Match]) -> int:
    """Count runs of matches that are contiguous, and in the same order, in both sentences."""
    chunks, in_reference, in_hypothesis = 0, -1, -1
    for j, _, _, i, i_length, j_length in matches:
        if j != in_reference or i != in_hypothesis:
            chunks += 1
        in_reference, in_hypothesis = j + j_length, i + i_length
    return chunks


def _split(
    matches: list[Match], hypothesis: int, reference: int
) -> tuple[list[Match], list[Match]]:
    """Part the matches that overlap no other one from those that do."""
    in_hypothesis, in_reference = [0] * hypothesis, [0] * reference
    for j, _, _, i, i_length, j_length in matches:
        if i_length == 1 == j_length:
            in_hypothesis[i] += 1
            in_reference[j] += 1
        else:
            for at in range(i, i + i_length):
                in_hypothesis[at] += 1
            for at in range(j, j + j_length):
                in_reference[at] += 1
    fixed: list[Match] = []
    open_: list[Match] = []
    for match in matches:
        j, _, _, i, i_length, j_length = match
        alone = (
            in_hypothesis[i] == 1 == in_reference[j]
            if i_length == 1 == j_length
            else max(in_hypothesis[i : i + i_length]) == 1 == max(in_reference[j : j + j_length])
        )
        (fixed if alone else open_).append(match)
    return fixed, open_


def _search(fixed: list[Match], open_: list[Match], reference: int) -> list[Match]:
    used = 0
    for match in fixed:
        used |= ((1 << match[4]) - 1) << match[3]
    trials: dict[int, list[_Trial]] = {}
    for match in open_:
        trials.setdefault(match[0], []).append(_trial(match))
    rooms = [len(options) + 1 for options in trials.values()]
    gains = [max([option[3] for option in options]) for options in trials.values()]
    gain, later, last_room = sum(gains), prod(rooms), rooms[-1]
    phrases = any(match[5] > 1 for match in open_)
    paths: list[_Path] = [(0, -1, used, 0, None)]
    place, at = 0, 0
    for (j, options), room, most in zip(trials.items(), rooms, gains, strict=True):
        start = at
        while at < len(fixed) and fixed[at][0] < j:
            at += 1
        if j > place:
            paths = _between(paths, fixed[start:at], place, j, phrases)
        gain -= most
        # How many paths one path may become, at most, before the beam is cut the last time:
        # behind the last ambiguous word only the best one counts.
        later //= room
        uncut = later == 1 or len(paths) * room * later <= BEAM * last_room
        paths = _extended(paths, options, j, _limit(paths, options, j, gain) if uncut else _NEVER)
        paths.sort(key=_rank)
        del paths[BEAM:]
        if len(paths) * later <= BEAM * last_room:
            _drop_hopeless(paths, gain)
        place = j + 1
    if reference > place:
        paths = _between(paths, fixed[at:], place, reference, phrases)
    best = min([_closed(path) for path in paths], key=_rank)
    taken, link = list(fixed), best[4]
    while link:
        taken.append(link[1])
        link = link[0]
    taken.sort()
    return taken


def _trial(match: Match) -> _Trial:
    j, stage, _, i, i_length, j_length = match
    gain = 2 if stage == EXACT else i_length // 2 + j_length // 2
    return (
        ((1 << i_length) - 1) << i,
        i,
        abs(i - j),
        gain,
        i + i_length,
        j + j_length,
        match,
    )


def _limit(paths: list[_Path], options: list[_Trial], j: int, gain: int) -> int:
    """Return the rank from which on a path is beaten by what the best one becomes.

    Only where the beam will cut no path any more: there a hopeless path keeps a place.

    Args:
        paths: Sorted.
        options: Matches of the word.
        j: The word.
        gain: Words that a path can cover yet behind it, at most.
    """
    rank, _, used, free, _ = paths[0]
    now = 0
    if free <= j:
        for option in options:
            if option[3] > now and not used & option[0]:
                now = option[3]
    return ((rank >> _COVERED_BITS) - now + gain + 1) << _COVERED_BITS


def _drop_hopeless(paths: list[_Path], gain: int) -> None:
    """Drop paths that the best one beats whatever follows; where `_limit` may do so."""
    most = (paths[0][0] >> _COVERED_BITS) + gain
    while paths[-1][0] >> _COVERED_BITS > most:
        paths.pop()


def _closed(path: _Path) -> _Path:
    if path[1] < 0:
        return path
    return (path[0] + _CHUNK, -1, path[2], path[3], path[4])


def _between(
    paths: list[_Path], fixed: list[Match], start: int, end: int, phrases: bool
) -> list[_Path]:
    """Go from one ambiguous word to the next.

    What happens behind the first chunk's end is the same to all paths and changes no order.
    """
    if phrases:
        first = fixed[0][0] if fixed else end
        while start < first and any(path[3] > start for path in paths):
            # Words without matches close a chunk, save under a phrase that goes on over them.
            paths = [path if path[3] > start else _closed(path) for path in paths]
            paths.sort(key=_rank)
            start += 1
        if start == end:
            return paths
    follows, last = -1, -1
    if fixed:
        follows = fixed[0][3] if fixed[0][0] == start else -1
        if fixed[-1][0] + fixed[-1][5] == end:
            last = fixed[-1][3] + fixed[-1][4]
    paths = [
        (rank + _CHUNK if chunk >= 0 and chunk != follows else rank, last, used, free, link)
        for rank, chunk, used, free, link in paths
    ]
    paths.sort(key=_rank)
    return paths


def _extended(paths: list[_Path], options: list[_Trial], j: int, limit: int) -> list[_Path]:
    # Plain tuples, unpacked here: this loop is where the time goes.
    extended: list[_Path] = []
    append = extended.append
    for path in paths:
        rank, end, used, free, link = path
        if free > j:
            append(path)
            continue
        broken = _CHUNK if end >= 0 else 0
        for words, i, distance, gain, i_end, j_end, match in options:
            if used & words:
                continue
            cost = rank - (gain << _COVERED_BITS)
            if cost < limit:
                if end != i:
                    cost += broken
                append((cost, i_end, used | words, j_end, (link, match)))
            rank += distance
        if rank < limit:
            append((rank + broken, -1, used, j + 1, link))
    return extended
