"""Training that can be killed at any moment and goes on as if nothing had happened.

`fit` is Keras' `fit` with a checkpoint after every epoch, a stop when the loss is no longer finite,
TensorBoard logs and a history that spans interruptions. Called by the experiments of both
packages; simlearn.runs owns the folder.
"""

from simlearn.training._fingerprint import model_fingerprint
from simlearn.training._fit import CHECKPOINT, fit, seed_everything
from simlearn.training._models import embed, save_model
from simlearn.training._scores import GalleryScores
from simlearn.training._task_stopping import TaskWiseStopping, stopping_measure

__all__ = [
    "CHECKPOINT",
    "GalleryScores",
    "TaskWiseStopping",
    "embed",
    "fit",
    "model_fingerprint",
    "save_model",
    "seed_everything",
    "stopping_measure",
]
