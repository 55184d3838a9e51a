"""Landmarks of new pictures: a trained model that carries its own preprocessing.

A `Predictor` is one file. It says itself how a picture becomes what its networks see, so a caller
gives pictures, and perhaps the box of each face, and gets points in pixels of those pictures.
"""

from simlearn.landmarks._drawing import draw
from simlearn.landmarks._plan import Crop, Plan, Stage
from simlearn.landmarks._predictor import Prediction, Predictor
from simlearn.landmarks._saving import load, save

__all__ = ["Crop", "Plan", "Prediction", "Predictor", "Stage", "draw", "load", "save"]
