"""Landmarks of new pictures: a trained model that carries its own preprocessing.

A `Predictor` is one file. It says itself how a picture becomes what its networks see, so a caller
gives pictures, and perhaps the box of each face, and gets points in pixels of those pictures. Keras
is imported when a predictor is first asked for: plans and drawing do without.
"""

import importlib
from typing import TYPE_CHECKING, Any

from simlearn.landmarks._drawing import draw
from simlearn.landmarks._plan import Crop, Plan, Stage

if TYPE_CHECKING:
    from simlearn.landmarks._predictor import Prediction, Predictor
    from simlearn.landmarks._saving import load, save

__all__ = ["Crop", "Plan", "Prediction", "Predictor", "Stage", "draw", "load", "save"]

_LAZY = {
    "Prediction": "_predictor",
    "Predictor": "_predictor",
    "load": "_saving",
    "save": "_saving",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"simlearn.landmarks.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'simlearn.landmarks' has no attribute {name!r}")
