"""METEOR 1.5, the metric itself, without Java."""

from caption.metrics.meteor._meteor import Meteor, MeteorScores

__all__ = ["Meteor", "MeteorScores"]
