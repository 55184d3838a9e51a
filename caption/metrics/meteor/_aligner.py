"""The one-to-one alignment of two sentences, out of all matches between their words and phrases."""

from operator import itemgetter
from typing import Any, Final

Match = tuple[int, int, int, int, int, int]
"""Start in the reference, stage, order within it, start in the hypothesis, words there, words in the
reference.

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
_COVERED: Final = -(1 << 48)
_CHUNK: Final = 1 << 32
_WEIGHTS: Final = (1.0, 0.6, 0.8, 0.6, 0.6)
_GAINS: Final = tuple(
    tuple(int(weight * words) for words in range(64)) for weight in _WEIGHTS
)

# rank, end of the open chunk in the hypothesis or -1, hypothesis' words used, next free word of
# the reference, matches (linked, last first)
_Path = tuple[int, int, int, int, Any]
_rank = itemgetter(0)


def align(matches: list[Match], hypothesis: int, reference: int) -> list[Match]:
    """Choose the matches that METEOR's aligner chooses.

    A match that overlaps no other one is always taken. Over the others a beam search goes from left
    to right through the reference; a path ranks by covered words, then by fewer chunks, then by a
    shorter distance. Observed on METEOR 1.5, and kept:

    - a match covers its weight times its words, *rounded down* in each sentence: an ambiguous
      synonym (weight 0.8) counts nothing, and is taken only where it saves a chunk or distance;
    - a distance is not that of a match taken but of each match *passed over*: those tried before the
      one taken, and all of them where the word stays unmatched;
    - a chunk counts when it closes; ties keep the order in which they arose.

    Args:
        matches: Sorted.
        hypothesis: Its number of words.
        reference: Its number of words.

    Returns:
        The matches taken, sorted.

    Reference:
        Denkowski and Lavie, "Meteor Universal: Language Specific Translation Evaluation for Any Target
        Language", WMT 2014, section 2 (criteria of the alignment).
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
    fixed, open_ = [], []
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
    events: dict[int, list[Match]] = {}
    for match in fixed:
        used |= ((1 << match[4]) - 1) << match[3]
    fixed_at = {match[0]: match for match in fixed}
    for match in open_:
        events.setdefault(match[0], []).append(match)
    paths: list[_Path] = [(0, -1, used, 0, None)]
    place = 0
    for j in sorted({*events, *fixed_at}):
        paths = _passed(paths, place, j)
        if j in fixed_at:
            paths = [_with(path, fixed_at[j], path[0]) for path in paths]
        else:
            paths = _extended(paths, events[j], j)
        paths.sort(key=_rank)
        del paths[BEAM:]
        place = j + 1
    paths = _passed(paths, place, reference)
    best = min((_closed(path) for path in paths), key=_rank)
    taken, link = list(fixed), best[4]
    while link:
        if link[1][0] not in fixed_at:
            taken.append(link[1])
        link = link[0]
    taken.sort()
    return taken


def _closed(path: _Path) -> _Path:
    if path[1] < 0:
        return path
    return (path[0] + _CHUNK, -1, path[2], path[3], path[4])


def _passed(paths: list[_Path], start: int, end: int) -> list[_Path]:
    """Words without matches close the chunks, save under a phrase that goes on over them."""
    for place in range(start, end):
        paths = [path if path[3] > place else _closed(path) for path in paths]
        paths.sort(key=_rank)
        if all(path[1] < 0 for path in paths):
            break
    return paths


def _with(path: _Path, match: Match, rank: int) -> _Path:
    j, _, _, i, i_length, j_length = match
    if path[1] >= 0 and path[1] != i:
        rank += _CHUNK
    return (
        rank,
        i + i_length,
        path[2] | ((1 << i_length) - 1) << i,
        j + j_length,
        (path[4], match),
    )


def _extended(paths: list[_Path], options: list[Match], j: int) -> list[_Path]:
    # Plain tuples, unpacked here: this loop is where the time goes.
    trials = [
        (
            i,
            ((1 << i_length) - 1) << i,
            abs(i - j),
            _COVERED * (_GAINS[stage][i_length] + _GAINS[stage][j_length]),
            i + i_length,
            j + j_length,
            match,
        )
        for match in options
        for (_, stage, _, i, i_length, j_length) in (match,)
    ]
    extended: list[_Path] = []
    for path in paths:
        rank, end, used, free, link = path
        if free > j:
            extended.append(path)
            continue
        for i, words, distance, gain, i_end, j_end, match in trials:
            if used & words:
                continue
            chunk = _CHUNK if end >= 0 and end != i else 0
            extended.append((rank + gain + chunk, i_end, used | words, j_end, (link, match)))
            rank += distance
        extended.append((rank + _CHUNK if end >= 0 else rank, -1, used, j + 1, link))
    return extended
