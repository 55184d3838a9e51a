"""Is one system better than another, or were its images easy? Intervals by resampling images."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import TypeAlias

import numpy as np

from caption.metrics._checks import check_whole
from caption.metrics._scored import Floats, MetricScores
from caption.metrics.scores import CaptionScores
from simlearn.errors import UserError

Progress: TypeAlias = Callable[[int, int], None]

# Numbers of a block of draws, which bounds the memory.
_BLOCK = 2**22


@dataclass(frozen=True)
class Interval:
    """A score of all images and the ends of its interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two systems by one score.

    Attributes:
        first: the first system's score.
        second: the second's.
        difference: second minus first, from the same draws of images.
        p_value: how often a difference as large as this, either way, comes of the choice of images
            where there is none.
    """

    first: Interval
    second: Interval
    difference: Interval
    p_value: float


def bootstrap_intervals(
    scores: CaptionScores, *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Percentile intervals of corpus scores, from resampled images.

    Images are drawn with replacement, as many as there are, and the corpus' score computed again
    from their counts; that of CIDEr with the weights of the whole corpus.

    Args:
        scores: of a system.
        level: the coverage aimed at, in 0..1 exclusive.
        resamples: how many draws, at least 1.
        seed: non-negative.

    Raises:
        UserError: an argument is out of its range.

    Examples:
        >>> from caption.metrics import score
        >>> references = [["a dog runs"], ["a cat"], ["two birds"]]
        >>> found = score(references, ["a dog", "a cat", "birds"], tokenize=str.split)
        >>> interval = bootstrap_intervals(found, resamples=200)["rouge_l"]
        >>> interval.low < interval.estimate < interval.high
        True

    Reference:
        M. Bisani, H. Ney, Bootstrap Estimates for Confidence Intervals in ASR Performance
        Evaluation, ICASSP 2004.
    """
    _check(level, resamples, seed)
    found: dict[str, Interval] = {}
    for part in scores.parts.values():
        draws = _resampled([part], len(scores.ids), resamples, seed)[0]
        for column, (name, estimate) in enumerate(part.corpus.items()):
            found[name] = _interval(estimate, draws[:, column], level)
    return found


def compare(
    first: CaptionScores,
    second: CaptionScores,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Comparison]:
    """Compare two systems by the same draws of images, a paired bootstrap.

    With D the difference of the two corpus scores and D_b that of draw b, the p-value is
    ``(1 + #{b: |D_b - mean D_b| >= |D|}) / (1 + resamples)``.

    Args:
        first: scores of one system.
        second: of another, on the same images with the same metrics and references.
        level: the coverage of the intervals aimed at, in 0..1 exclusive.
        resamples: how many draws, at least 1; no p-value is below 1 / (1 + resamples).
        seed: non-negative.
        progress: called now and then with how many draws are made, and of how many.

    Returns:
        `Comparison` by the name of the score.

    Raises:
        UserError: the two are not of the same images, references and metrics, or an argument is
            out of its range.

    Reference:
        P. Koehn, Statistical Significance Tests for Machine Translation Evaluation, EMNLP 2004;
        the p-value centred as by S. Riezler, J. T. Maxwell, On Some Pitfalls in Automatic
        Evaluation and Significance Testing for MT, 2005.
    """
    _check(level, resamples, seed)
    if first.ids != second.ids or first.signatures != second.signatures:
        differing = [k for k, v in first.signatures.items() if second.signatures.get(k) != v]
        what = f"signature of {differing[0]}" if differing else "images or metrics"
        raise UserError(f"compare: expected two systems with one {what}, got two")
    found: dict[str, Comparison] = {}
    for place, (name, part) in enumerate(first.parts.items()):
        other = second.parts[name]
        draws, others = _resampled(
            [part, other],
            len(first.ids),
            resamples,
            seed,
            _part_of(progress, place * resamples, len(first.parts) * resamples),
        )
        for column, (label, estimate) in enumerate(part.corpus.items()):
            one, two = draws[:, column], others[:, column]
            difference = other.corpus[label] - estimate
            centred = np.abs(two - one - (two - one).mean())
            # Rounding must not tell equal systems apart.
            as_large = np.count_nonzero(centred >= abs(difference) - 1e-12)
            found[label] = Comparison(
                first=_interval(estimate, one, level),
                second=_interval(other.corpus[label], two, level),
                difference=_interval(difference, two - one, level),
                p_value=float((1 + as_large) / (1 + resamples)),
            )
    return found


def _check(level: float, resamples: int, seed: int) -> None:
    if not (isinstance(level, Real) and 0 < level < 1):
        raise UserError(f"level: expected a number between 0 and 1, got {level!r}")
    check_whole("resamples", resamples, 1)
    check_whole("seed", seed, 0)


def _interval(estimate: float, draws: Floats, level: float) -> Interval:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high))


def _part_of(progress: Progress | None, before: int, total: int) -> Progress:
    def part(done: int, _: int) -> None:
        if progress is not None:
            progress(before + done, total)

    return part


def _resampled(
    parts: list[MetricScores],
    images: int,
    resamples: int,
    seed: int,
    progress: Progress = lambda done, total: None,
) -> list[Floats]:
    """Corpus scores ``(resamples, names)`` of each part, of the same draws."""
    random = np.random.default_rng(seed)
    found: list[list[Floats]] = [[] for _ in parts]
    block = max(1, _BLOCK // images)
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        drawn = random.integers(images, size=(count, images))
        times = np.zeros((count, images))
        np.add.at(times, (np.arange(count)[:, None], drawn), 1.0)
        for part, scores in zip(parts, found, strict=True):
            scores.append(part.aggregate(times @ part.statistics, images))
        progress(start + count, resamples)
    return [np.concatenate(scores) for scores in found]
