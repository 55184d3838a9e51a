"""The module `tensorflow_addons.losses`, as far as it is about metric learning."""

from simlearn.addons.losses import metric_learning
from simlearn.addons.losses._contrastive import ContrastiveLoss, contrastive_loss
from simlearn.addons.losses._lifted import LiftedStructLoss, lifted_struct_loss
from simlearn.addons.losses._npairs import (
    NpairsLoss,
    NpairsMultilabelLoss,
    npairs_loss,
    npairs_multilabel_loss,
)
from simlearn.addons.losses._triplet import (
    TripletHardLoss,
    TripletSemiHardLoss,
    triplet_hard_loss,
    triplet_semihard_loss,
)

__all__ = [
    "ContrastiveLoss",
    "LiftedStructLoss",
    "NpairsLoss",
    "NpairsMultilabelLoss",
    "TripletHardLoss",
    "TripletSemiHardLoss",
    "contrastive_loss",
    "lifted_struct_loss",
    "metric_learning",
    "npairs_loss",
    "npairs_multilabel_loss",
    "triplet_hard_loss",
    "triplet_semihard_loss",
]
