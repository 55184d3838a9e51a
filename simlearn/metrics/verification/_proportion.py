"""The confidence interval of a proportion."""

import math
from statistics import NormalDist
from typing import NamedTuple

from simlearn.errors import UserError


class Interval(NamedTuple):
    """Both ends of a confidence interval."""

    low: float
    high: float


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Interval of the chance of success in independent trials, after Wilson.

    ``(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)`` with ``p = successes / n`` and z
    the normal quantile of ``(1 + level) / 2``. Pairs that share an identity are not independent:
    see `identity_bootstrap`.

    Args:
        successes: from 0 to `trials`.
        trials: n, at least 1.
        level: the coverage, in 0..1 exclusive.

    Returns:
        `Interval` within 0..1.

    Raises:
        UserError: if an argument is outside its range.

    Examples:
        >>> low, high = wilson_interval(9, 10)
        >>> round(low, 4), round(high, 4)
        (0.5958, 0.9821)

    Reference:
        E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal
        of the American Statistical Association 22, 1927.
    """
    check_level(level)
    if not 0 <= successes <= trials or trials < 1:
        raise UserError(
            f"successes: expected 0 to trials, and at least 1 trial, "
            f"got {successes} of {trials} trials"
        )
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    share, spread = successes / trials, z * z / trials
    centre = share + spread / 2.0
    reach = z * math.sqrt(share * (1.0 - share) / trials + spread / (4.0 * trials))
    # Rounding must not leave an end beside 0 or 1 where the formula gives exactly that.
    low = 0.0 if successes == 0 else (centre - reach) / (1.0 + spread)
    high = 1.0 if successes == trials else (centre + reach) / (1.0 + spread)
    return Interval(low, high)


def check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise UserError(f"level: expected a share between 0 and 1 exclusive, got {level!r}")
