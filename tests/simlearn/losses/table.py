"""The table of all losses: one row a loss. A new loss needs a row in its family, and its oracle."""

from tests.simlearn.losses.families import classic
from tests.simlearn.losses.row import CASES, Row, batch_for, weights_for

TABLE = [*classic.TABLE]

__all__ = ["CASES", "TABLE", "Row", "batch_for", "weights_for"]
