"""Identification metrics: whom does a probe show, of the people in a gallery?

Each person of the gallery is as near to a probe as the nearest of its items. In a *closed set*
every probe shows somebody in the gallery; in an *open set* some show strangers, for whom any answer
is a false alarm.
"""

from simlearn.metrics.identification._closed import ClosedSet, closed_set_identification
from simlearn.metrics.identification._open import (
    DetectionRate,
    OpenSet,
    detection_at,
    detection_at_far,
    open_set_matches,
)

__all__ = [
    "ClosedSet",
    "DetectionRate",
    "OpenSet",
    "closed_set_identification",
    "detection_at",
    "detection_at_far",
    "open_set_matches",
]
