"""Matplotlib figures for reports: learning curves, curves with their spread, maps, ROC, distances.

Every function returns a free `matplotlib.figure.Figure`: no pyplot, no global state, no display.
The figures use a few exact colours (`INK`, `PAPER`, `RULE`) by which `simlearn.report` recognises
them and lets them follow the page into the dark scheme; saved on their own they are dark on white.
"""

from simlearn.figures._drawing import INK, PAPER, RULE
from simlearn.figures._landmarks import cumulative_error_curves
from simlearn.figures._learning import learning_curves
from simlearn.figures._maps import embedding_map, project
from simlearn.figures._spread import curves_with_spread
from simlearn.figures._verification import distance_histogram, roc_curves

__all__ = [
    "INK",
    "PAPER",
    "RULE",
    "cumulative_error_curves",
    "curves_with_spread",
    "distance_histogram",
    "embedding_map",
    "learning_curves",
    "project",
    "roc_curves",
]
