"""From the distance of two faces to how likely they show one person."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import metrics, search
from simlearn._files import write_atomically
from simlearn.errors import UserError

_FORMAT: Final = "simlearn face calibration 1"
_TEXTS: Final = ("distance", "data", "data_fingerprint", "model_fingerprint")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calibration:
    """`P(same | d) = 1 / (1 + exp(slope d - intercept))`, where both kinds are equally likely.

    Attributes:
        slope: how fast it falls, over 0.
        intercept: where the distance is `intercept / slope`, both are as likely.
        distance: name of the function that measured the distances.
        data: name of the pairs that it was fitted on.
        data_fingerprint: what tells these data from all others.
        model_fingerprint: of the embedder.
        pairs: how many it was fitted on.

    Raises:
        UserError: a number is not finite, or the slope not over 0.
    """

    slope: float
    intercept: float
    distance: str
    data: str
    data_fingerprint: str
    model_fingerprint: str
    pairs: int

    def __post_init__(self) -> None:
        numbers = (self.slope, self.intercept)
        good = all(isinstance(n, float) and math.isfinite(n) for n in numbers) and self.slope > 0
        texts = all(isinstance(getattr(self, name), str) for name in _TEXTS)
        if not good or not texts or type(self.pairs) is not int:
            raise UserError(f"expected a calibration with a slope over 0, got {self}")

    def probability(self, distances: ArrayLike) -> NDArray[np.float64]:
        """How likely each distance, of any shape, is one of two pictures of one person.

        Where one person's pairs are rarer than others', as in a crowd, it is less likely: see
        `prior`.
        """
        return _logistic(self.intercept - self.slope * np.asarray(distances, np.float64))

    def prior(self, share: float) -> "Calibration":
        """The same for data in which this share of the pairs is of one person, in (0, 1)."""
        if not 0 < share < 1:
            raise UserError(f"expected a share between 0 and 1 exclusive, got {share}")
        odds = math.log(share / (1 - share))
        return dataclasses.replace(self, intercept=self.intercept + odds)

    def threshold(self) -> float:
        """The distance of a pair that is as likely of one person as of two."""
        return self.intercept / self.slope

    def save(self, path: Path) -> None:
        """Write it to a file, a JSON object."""
        content = {"format": _FORMAT} | dataclasses.asdict(self)
        try:
            write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path, *, model_fingerprint: str) -> "Calibration":
        """Read what `save` wrote.

        Raises:
            UserError: it is missing, damaged or of another model.
        """
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: expected a calibration in JSON, got {error}") from error
        names = {field.name for field in dataclasses.fields(cls)} | {"format"}
        if not isinstance(content, dict) or set(content) != names or content["format"] != _FORMAT:
            raise UserError(f"{path}: expected {_FORMAT!r}, got {str(content)[:80]}")
        found = cls(**{name: content[name] for name in names - {"format"}})
        if found.model_fingerprint != model_fingerprint:
            raise UserError(
                f"{path}: expected a calibration of the model {model_fingerprint[:12]}, got one of "
                f"{found.model_fingerprint[:12]}"
            )
        return found


def calibrate(
    distances: ArrayLike,
    same: ArrayLike,
    *,
    distance: search.Distance = search.cosine,
    data: str,
    data_fingerprint: str = "",
    model_fingerprint: str = "",
) -> Calibration:
    """Fit a calibration to validation pairs: logistic regression on the distance.

    Both kinds of pairs weigh the same, however many there are of each.

    Args:
        distances: `(pairs,)`, finite.
        same: `(pairs,)` booleans, both values present.
        distance: the function that measured the distances.
        data: name of the pairs.
        data_fingerprint: what tells them from all others.
        model_fingerprint: of the embedder.

    Raises:
        UserError: as `metrics.roc`, or the same pairs are not nearer than the others.

    Examples:
        >>> near, far = np.linspace(0.1, 0.6, 50), np.linspace(0.4, 0.9, 50)
        >>> found = calibrate(np.append(near, far), np.arange(100) < 50, data="made up")
        >>> found.probability([0.45, 0.5, 0.55]).round(2).tolist()
        [0.67, 0.5, 0.33]

    Reference:
        Platt 1999, "Probabilistic Outputs for Support Vector Machines". Deviations: classes weigh
        the same, and the targets are 0 and 1, a weak ridge keeping the slope finite where a
        threshold separates both kinds.
    """
    from sklearn.linear_model import LogisticRegression

    metrics.roc(distances, same)  # Checks both.
    values = np.asarray(distances, np.float64)
    scale = max(float(values.std()), 1e-9)
    fitted = LogisticRegression(C=100.0, class_weight="balanced", tol=1e-8, max_iter=1000).fit(
        values[:, np.newaxis] / scale, np.asarray(same, np.int64)
    )
    slope = -float(fitted.coef_[0, 0]) / scale
    if not slope > 0:
        raise UserError(f"expected same pairs nearer than others, got a slope of {slope:.3g}")
    return Calibration(
        slope=slope,
        intercept=float(fitted.intercept_[0]),
        distance=getattr(distance, "__name__", str(distance)),
        data=data,
        data_fingerprint=data_fingerprint,
        model_fingerprint=model_fingerprint,
        pairs=len(values),
    )


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(x))
