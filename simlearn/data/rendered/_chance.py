"""Random numbers that depend on names alone: what was drawn before changes nothing."""

import bisect
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

PERSON, LOOKS, PICTURE, SCENE, LISTS = range(5)
"""What a stream of random numbers is for."""


def stream(seed: int, *key: int) -> np.random.Generator:
    """The random numbers of one thing.

    Args:
        seed: Of the whole set, not negative.
        key: Names the thing: what it is for, the person, the picture.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def bell(random: np.random.Generator, centre: float, spread: float) -> float:
    """A normal number within two and a half standard deviations of its centre."""
    return centre + spread * min(2.5, max(-2.5, random.standard_normal()))


def clamped(value: float, low: float, high: float) -> float:
    """The nearest number from `low` to `high`."""
    return min(high, max(low, value))


def pick(random: np.random.Generator, shares: Sequence[float]) -> int:
    """A position, drawn with its share of the sum."""
    return bisect.bisect(
        list(accumulate(shares)), random.random() * sum(shares), hi=len(shares) - 1
    )
