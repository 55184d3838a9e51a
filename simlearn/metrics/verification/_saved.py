"""A threshold that knows where it comes from, and its file."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simlearn import search
from simlearn._files import write_atomically
from simlearn._typing import BoolArray
from simlearn.errors import UserError

_FORMAT = "simlearn threshold 1"
_RATES = ("tar", "far", "accuracy")
_MOST_PAIRS = 10**15
_LARGEST = sys.float_info.max
_DISTANCES = {
    function.__name__: function
    for function in (search.euclidean, search.squared_euclidean, search.cosine, search.dot)
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold on distances, with its provenance; made by `choose_threshold`.

    Attributes:
        value: accept where the distance is at most this.
        distance: name of the function that measured the distances.
        rule: how the value was chosen, such as ``"tar_at_far(far=0.001)"``.
        data: name of the data that it was chosen on.
        data_fingerprint: what tells these data from all others.
        model_fingerprint: what tells the model that made the embeddings from all others.
        same_pairs: how many pairs of one identity it was chosen on.
        different_pairs: how many of two.
        tar: true accept rate on them.
        far: false accept rate on them, as measured.
        accuracy: share of them that are decided rightly.
        simlearn_version: the version that chose it.

    Raises:
        UserError: if a field has the wrong type or is outside its range.
    """

    value: float
    distance: str
    rule: str
    data: str
    data_fingerprint: str
    model_fingerprint: str
    same_pairs: int
    different_pairs: int
    tar: float
    far: float
    accuracy: float
    simlearn_version: str

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))

    def __str__(self) -> str:
        pairs = f"{self.same_pairs:,} same and {self.different_pairs:,} different pairs"
        rates = f"TAR {self.tar:.4g}, FAR {self.far:.4g}, accuracy {self.accuracy:.4g}"
        return (
            f"{self.distance} <= {self.value:.6g} by {self.rule} on {pairs} of {self.data}: {rates}"
        )

    def accepts(self, distances: ArrayLike) -> BoolArray:
        """Whether each distance, of any shape, is at most the value; NaN is not.

        Examples:
            >>> from simlearn import metrics
            >>> chosen = metrics.choose_threshold(
            ...     [0.1, 0.2, 0.3], [True, True, False], metrics.best_accuracy_threshold,
            ...     distance=search.cosine, data="three pairs")
            >>> chosen.accepts([0.2, 0.25])
            array([ True, False])
        """
        # In float64: the value must not be rounded to the distances' type.
        return np.asarray(np.asarray(distances, np.float64) <= self.value)

    def distance_function(self) -> search.Distance:
        """The function of `simlearn.search` that the distances were measured with.

        Raises:
            UserError: it is none of them, so that only the caller knows it.
        """
        if self.distance not in _DISTANCES:
            raise UserError(
                f"distance: expected one of simlearn.search, {', '.join(sorted(_DISTANCES))}, "
                f"got {self.distance!r}"
            )
        return _DISTANCES[self.distance]

    def save(self, path: str | Path) -> None:
        """Write it to a file, a JSON object; the file is whole or not there.

        Raises:
            UserError: the file cannot be written.
        """
        content = {"format": _FORMAT} | dataclasses.asdict(self)
        try:
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            write_atomically(Path(path), text.encode())
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def load(cls, path: str | Path, *, model_fingerprint: str | None = None) -> "Threshold":
        """Read what `save` wrote.

        Args:
            path: the file.
            model_fingerprint: that of the model in use, to refuse a threshold of another one; not
                compared by default.

        Raises:
            UserError: the file is missing, damaged or of another kind, or the threshold belongs to
                another model.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: expected a threshold in JSON, got {error}") from error
        threshold = _from_content(cls, path, content)
        if model_fingerprint not in (None, threshold.model_fingerprint):
            raise UserError(
                f"{path}: expected a threshold of the model {model_fingerprint!r}, "
                f"got one of {threshold.model_fingerprint!r}"
            )
        return threshold


def _checked(field: dataclasses.Field[Any], value: object) -> Any:
    """The field's value if it is of its type and in its range."""
    kinds = {"float": (int, float), "int": (int,), "str": (str,)}
    type_name = getattr(field.type, "__name__", str(field.type))
    good = isinstance(value, kinds[type_name]) and not isinstance(value, bool)
    if not good:
        raise UserError(f"{field.name}: expected {type_name}, got {value!r}")
    if isinstance(value, int | float):
        smallest, largest = (1, _MOST_PAIRS) if type_name == "int" else (-_LARGEST, _LARGEST)
        low, high = (0, 1) if field.name in _RATES else (smallest, largest)
        # NaN is in no range.
        if not low <= value <= high:
            raise UserError(
                f"{field.name}: expected a number from {low:g} to {high:g}, got {value!r:.40}"
            )
    return float(value) if isinstance(value, int) and type_name == "float" else value


def _from_content(cls: type[Threshold], path: str | Path, content: object) -> Threshold:
    found = content.get("format") if isinstance(content, dict) else None
    if not isinstance(content, dict) or found != _FORMAT:
        kind = f"format {found!r}" if isinstance(content, dict) else type(content).__name__
        raise UserError(f"{path}: expected a JSON object of format {_FORMAT!r}, got {kind}")
    names = {field.name for field in dataclasses.fields(cls)}
    given = content.keys() - {"format"}
    if given != names:
        raise UserError(
            f"{path}: expected the fields of a threshold, got "
            f"{', '.join(sorted(names - given)) or 'none'} missing and "
            f"{', '.join(sorted(given - names)) or 'none'} unknown"
        )
    try:
        return cls(**{name: content[name] for name in names})
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
