"""Few-shot metrics: how well are new classes told apart from one or a few examples?

An episode shows `ways` classes by `shots` examples each, the support, and asks for the class of
further items, the queries. Each query is decided on its own: the answers of one episode are never
matched against each other, which would be transduction, another and much easier task.
"""

from simlearn.metrics.few_shot._drawing import Episodes, draw_episodes, draw_one_shot_trials
from simlearn.metrics.few_shot._scores import (
    MeanInterval,
    episode_accuracies,
    mean_interval,
    nearest_accuracy,
)

__all__ = [
    "Episodes",
    "MeanInterval",
    "draw_episodes",
    "draw_one_shot_trials",
    "episode_accuracies",
    "mean_interval",
    "nearest_accuracy",
]
