"""Choosing a threshold on validation pairs."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

import simlearn
from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics.verification._arguments import as_pairs
from simlearn.metrics.verification._operating import accuracy_at
from simlearn.metrics.verification._saved import Threshold


class HasThreshold(Protocol):
    """What a rule returns: `BestAccuracy`, `EqualErrorRate`, `OperatingPoint`, or your own."""

    @property
    def threshold(self) -> float:
        """Accept where the distance is at most this."""


def choose_threshold(
    distances: ArrayLike,
    same: ArrayLike,
    rule: Callable[[ArrayLike, ArrayLike], HasThreshold],
    *,
    distance: search.Distance,
    data: str,
    data_fingerprint: str = "",
    model_fingerprint: str = "",
) -> Threshold:
    """Choose a threshold on validation pairs, and write down how.

    Args:
        distances: ``(pairs,)``, finite; smaller is more similar.
        same: ``(pairs,)`` booleans (or 0 and 1), both values present.
        rule: `best_accuracy_threshold`, `equal_error_rate` or
            ``functools.partial(tar_at_far, far=1e-3)``; or a function of your own with a name.
        distance: the function that measured the distances, such as `search.cosine`.
        data: name of the data.
        data_fingerprint: what tells the data from all others.
        model_fingerprint: what tells the model that made the embeddings from all others, such as
            the SHA-256 of its file.

    Returns:
        `Threshold`, with the rates measured on these pairs.

    Raises:
        UserError: as the rule, if the rule or the distance has no name, or if the rule accepts
            nothing, at threshold minus infinity.

    Examples:
        >>> from functools import partial
        >>> from simlearn.metrics import tar_at_far
        >>> chosen = choose_threshold(
        ...     [0.1, 0.2, 0.3, 0.4, 0.5], [True, False, True, False, False],
        ...     partial(tar_at_far, far=0.5), distance=search.cosine, data="five pairs")
        >>> print(chosen)
        cosine <= 0.3 by tar_at_far(far=0.5) on 2 same and 3 different pairs of five pairs: TAR 1,
        FAR 0.3333, accuracy 0.8
    """
    values, positive = as_pairs(distances, same)
    value = float(rule(values, positive).threshold)
    accepted = values <= value
    if not math.isfinite(value):
        raise UserError(
            f"rule: expected a threshold that accepts something, "
            f"got {value} from {_name(rule, 'rule')}"
        )
    return Threshold(
        value=value,
        distance=_name(distance, "distance"),
        rule=_name(rule, "rule"),
        data=data,
        data_fingerprint=data_fingerprint,
        model_fingerprint=model_fingerprint,
        same_pairs=int(np.count_nonzero(positive)),
        different_pairs=int(np.count_nonzero(~positive)),
        tar=float(accepted[positive].mean()),
        far=float(accepted[~positive].mean()),
        accuracy=accuracy_at(values, positive, value),
        simlearn_version=simlearn.__version__,
    )


def _name(function: Any, argument: str) -> str:
    """``tar_at_far(far=0.001)`` for a partial function, else its name."""
    settings: dict[str, Any] = {}
    while isinstance(function, partial) and not function.args:
        settings = function.keywords | settings
        function = function.func
    name = getattr(function, "__name__", "<nameless>")
    if name.startswith("<"):
        raise UserError(f"{argument}: expected a function with a name to write down, got {name}")
    shown = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    return f"{name}({shown})" if shown else name
