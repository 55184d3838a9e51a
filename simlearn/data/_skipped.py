"""The list of pictures that could not be read."""

import logging
import threading
from typing import Any

from simlearn.errors import DatasetError, UserError

_LOG = logging.getLogger(__name__)


class Skipped:
    """Pictures of one data set that could not be read, counted once each and listed.

    `reasons` says of each path what was wrong; `len` counts them.

    Args:
        limit: Largest share of the data set's pictures that may be bad, [0, 1]; one more stops the
            run.

    Examples:
        >>> skipped = Skipped(limit=0.5)
        >>> skipped.add("ann/1.jpg", "expected a whole picture", total=3)
        >>> len(skipped), skipped.reasons
        (1, {'ann/1.jpg': 'expected a whole picture'})
    """

    def __init__(self, *, limit: float = 0.01) -> None:
        if not 0 <= limit <= 1:
            raise UserError(f"limit must lie in [0, 1], and came as {limit}")
        self.limit = limit
        self.reasons: dict[str, str] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        # A lock stays in its process.
        return _skipped, (self.limit, self.reasons)

    def __len__(self) -> int:
        return len(self.reasons)

    def __repr__(self) -> str:
        return f"<Skipped {len(self)} pictures, limit {self.limit:.1%}>"

    def add(self, where: str, reason: str, *, total: int) -> None:
        """Count a bad picture, and log it the first time.

        Args:
            where: Its path.
            reason: What is wrong with it.
            total: Pictures in the data set.

        Raises:
            DatasetError: More than the limit are bad now.
        """
        with self._lock:
            if where not in self.reasons:
                self.reasons[where] = reason
                _LOG.warning("skipped %s: %s", where, reason)
            if len(self.reasons) > self.limit * total:
                raise DatasetError(
                    f"expected at most {self.limit:.1%} of {total} pictures to be bad, and found "
                    f"{len(self)}; skipped=Skipped(limit=...) allows more: {self.last(3)}"
                )

    def last(self, count: int) -> str:
        """The last few, for a message."""
        shown = list(self.reasons.items())[-count:]
        return "; ".join(f"{where}: {reason}" for where, reason in shown)


def _skipped(limit: float, reasons: dict[str, str]) -> Skipped:
    skipped = Skipped(limit=limit)
    skipped.reasons.update(reasons)
    return skipped
