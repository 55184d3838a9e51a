"""The table of all losses: one row a loss. A new loss needs a row in its family, and its oracle."""

from tests.simlearn.losses.families import classic, proxies, ranking, structured, views
from tests.simlearn.losses.row import CASES, Row, batch_for, sets_for, weights_for

TABLE = [*classic.TABLE, *proxies.TABLE, *ranking.TABLE, *structured.TABLE, *views.TABLE]

__all__ = ["CASES", "TABLE", "Row", "batch_for", "sets_for", "weights_for"]
