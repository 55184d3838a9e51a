"""Both parts in figures: means, spreads and intervals, and plain text."""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.orl_faces.config import PUBLISHED, PUBLISHED_PICTURES
from experiments.orl_faces.recognition import Rates
from experiments.orl_faces.unknown import NETWORK, Outcome

VERIFICATION: Mapping[str, str] = {
    "auc": "AUC",
    "eer": "EER",
    "tar": "TAR",
    "far": "measured FAR",
    "accuracy": "accuracy",
}
IDENTIFICATION: Mapping[str, str] = {
    "rank_1": "rank 1",
    "dir": "DIR",
    "alarms": "measured alarms",
    "carried_dir": "DIR, validation's threshold",
    "carried_alarms": "its alarms",
}

Curves = Mapping[str, Mapping[int, Rates]]
Summary = Mapping[str, Mapping[str, Mapping[str, float]]]


def recognition_table(curves: Curves) -> str:
    """Means and standard deviations over the splits, a row a number of training pictures."""
    rows = [
        [str(pictures), *(cell(curves[name].get(pictures)) or "-" for name in curves)]
        for pictures in numbers(curves)
    ]
    return _aligned(["pictures", *curves], rows)


def beside_published(curves: Curves) -> dict[str, dict[str, float | bool]]:
    """Where the published number of training pictures was run: ours, its spread, and theirs."""
    return {
        name: {
            "mean": rates.mean,
            "spread": rates.spread,
            "low": rates.interval[0],
            "high": rates.interval[1],
            "published": PUBLISHED[name],
            "within_spread": abs(rates.mean - PUBLISHED[name]) <= rates.spread,
        }
        for name in curves
        if (rates := curves[name].get(PUBLISHED_PICTURES)) and name in PUBLISHED
    }


def unknown_table(found: Summary) -> str:
    """Verification above identification, a row a method."""
    return "\n\n".join(
        _aligned(["", *columns.values()], summary_rows(found, columns))
        for columns in (VERIFICATION, IDENTIFICATION)
    )


def summary(outcomes: Sequence[Outcome]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean over the folds of each method's scores, standard deviation, and interval if resampled.

    `low` and `high` are the 95 % percentile interval of the mean over the folds when each fold's
    people are drawn anew. The folds share no people, so their draws are independent. `ahead_low`
    and `ahead_high` are that of the network's score minus the method's, in the same draws.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in outcomes[0].scored:
        found[name] = {}
        for key in (*VERIFICATION, *IDENTIFICATION):
            values = [outcome.scored[name].scores[key] for outcome in outcomes]
            found[name][key] = {
                "mean": float(np.mean(values)),
                "spread": float(np.std(values, ddof=1)),
            }
        for key in outcomes[0].scored[name].resamples:
            draws, network = _draws(outcomes, name, key), _draws(outcomes, NETWORK, key)
            found[name][key] |= _interval("", draws)
            if name != NETWORK:
                found[name][key] |= _interval("ahead_", network - draws)
    return found


def summary_rows(
    found: Summary, columns: Mapping[str, str], interval: bool = False
) -> list[list[str]]:
    """The name and a cell a column; with `interval` the interval stands for the spread."""
    return [
        [name, *(_mean(scores[key], interval and "low" in scores[key]) for key in columns)]
        for name, scores in found.items()
    ]


def numbers(curves: Curves) -> list[int]:
    """Of training pictures."""
    return sorted({pictures for by in curves.values() for pictures in by})


def cell(rates: Rates | None) -> str | None:
    """Mean and spread, if there are any."""
    return f"{rates.mean:.4f} ± {rates.spread:.4f}" if rates else None


def _mean(scores: Mapping[str, float], interval: bool) -> str:
    if interval:
        return f"{scores['mean']:.3f} ({scores['low']:.3f} to {scores['high']:.3f})"
    return f"{scores['mean']:.4f} ± {scores['spread']:.4f}"


def _draws(outcomes: Sequence[Outcome], name: str, key: str) -> np.ndarray:
    parts = [outcome.scored[name].resamples[key] for outcome in outcomes]
    # A draw that holds one person only has no score; the others are as good in any order.
    count = min(map(len, parts))
    return np.mean([part[:count] for part in parts], axis=0)


def _interval(prefix: str, draws: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return {f"{prefix}low": float(low), f"{prefix}high": float(high)}


def _aligned(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    return "\n".join(
        f"{line[0]:<{widths[0]}}"
        + "".join(f"  {text:>{width}}" for text, width in zip(line[1:], widths[1:], strict=True))
        for line in (titles, *rows)
    )
