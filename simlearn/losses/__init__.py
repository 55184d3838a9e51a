"""Losses: pure functions on tensors, and thin Keras classes for `compile(loss=...)`.

In-batch losses take integer labels `(batch,)` and embeddings `(batch, dim)` and work on the whole
batch; feed them batches that hold several items of several classes (simlearn.data.sampling).
"""

from simlearn.losses._batch_triplet import (
    MinedTripletLoss,
    TripletBatchAllLoss,
    TripletDistanceWeightedLoss,
    TripletEasyPositiveLoss,
    TripletHardLoss,
    TripletSemiHardLoss,
    batch_all_triplet_loss,
    mined_triplet_loss,
)
from simlearn.losses._contrastive import (
    BatchContrastiveLoss,
    ContrastiveLoss,
    batch_contrastive_loss,
    contrastive_loss,
)
from simlearn.losses._margin_softmax import ArcFaceLoss, arcface_loss
from simlearn.losses._multi_similarity import MultiSimilarityLoss, multi_similarity_loss
from simlearn.losses._softmax import (
    NPairsLoss,
    NTXentLoss,
    SupConLoss,
    n_pairs_loss,
    nt_xent_loss,
    supcon_loss,
)
from simlearn.losses._streamed import StreamedLoss
from simlearn.losses._triplet import TripletLoss, triplet_loss

__all__ = [
    "ArcFaceLoss",
    "BatchContrastiveLoss",
    "ContrastiveLoss",
    "MinedTripletLoss",
    "MultiSimilarityLoss",
    "NPairsLoss",
    "NTXentLoss",
    "StreamedLoss",
    "SupConLoss",
    "TripletBatchAllLoss",
    "TripletDistanceWeightedLoss",
    "TripletEasyPositiveLoss",
    "TripletHardLoss",
    "TripletLoss",
    "TripletSemiHardLoss",
    "arcface_loss",
    "batch_all_triplet_loss",
    "batch_contrastive_loss",
    "contrastive_loss",
    "mined_triplet_loss",
    "multi_similarity_loss",
    "n_pairs_loss",
    "nt_xent_loss",
    "supcon_loss",
    "triplet_loss",
]
