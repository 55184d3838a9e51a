"""Losses: pure functions on tensors, and thin Keras classes for `compile(loss=...)`.

In-batch losses take integer labels `(batch,)` and embeddings `(batch, dim)` and work on the whole
batch; feed them batches that hold several items of several classes (simlearn.data.sampling).
Losses of landmarks and attributes take what `simlearn.data.pipeline.landmark_targets` gives.
"""

from simlearn.losses._angular import AngularLoss, angular_loss
from simlearn.losses._attributes import AttributeLoss, attribute_loss
from simlearn.losses._average_precision import (
    FastAPLoss,
    SmoothAPLoss,
    fast_ap_loss,
    smooth_ap_loss,
)
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
from simlearn.losses._center import CenterLoss, center_loss
from simlearn.losses._circle import CircleLoss, circle_loss
from simlearn.losses._contrastive import (
    BatchContrastiveLoss,
    ContrastiveLoss,
    batch_contrastive_loss,
    contrastive_loss,
)
from simlearn.losses._decorrelation import (
    BarlowTwinsLoss,
    VICRegLoss,
    barlow_twins_loss,
    vicreg_loss,
)
from simlearn.losses._deep_ranking import DeepRankingLoss, deep_ranking_loss
from simlearn.losses._histogram import HistogramLoss, histogram_loss
from simlearn.losses._landmark_means import (
    LandmarkL1Loss,
    LandmarkNormalizedLoss,
    LandmarkSmoothL1Loss,
    LandmarkSquaredLoss,
    LandmarkWingLoss,
)
from simlearn.losses._landmarks import (
    landmark_l1_loss,
    landmark_normalized_loss,
    landmark_smooth_l1_loss,
    landmark_squared_loss,
    landmark_wing_loss,
)
from simlearn.losses._lifted import (
    GeneralizedLiftedStructureLoss,
    LiftedStructureLoss,
    generalized_lifted_structure_loss,
    lifted_structure_loss,
)
from simlearn.losses._margin import MarginLoss, margin_loss
from simlearn.losses._margin_softmax import (
    ArcFaceLoss,
    CosFaceLoss,
    SubCenterArcFaceLoss,
    arcface_loss,
    cosface_loss,
    sub_center_arcface_loss,
)
from simlearn.losses._multi_similarity import MultiSimilarityLoss, multi_similarity_loss
from simlearn.losses._multilabel_n_pairs import MultilabelNPairsLoss, multilabel_n_pairs_loss
from simlearn.losses._neighbourhood import NCALoss, nca_loss
from simlearn.losses._norm_softmax import (
    AdaFaceLoss,
    SphereFaceLoss,
    adaface_loss,
    sphereface_loss,
)
from simlearn.losses._proxy_anchor import ProxyAnchorLoss, proxy_anchor_loss
from simlearn.losses._proxy_softmax import (
    NormalizedSoftmaxLoss,
    ProxyNCALoss,
    ProxyNCAPlusPlusLoss,
    normalized_softmax_loss,
    proxy_nca_loss,
    proxy_nca_plus_plus_loss,
)
from simlearn.losses._quadruplet import QuadrupletLoss, quadruplet_loss
from simlearn.losses._ranked_list import RankedListLoss, ranked_list_loss
from simlearn.losses._simsiam import SimSiamLoss, simsiam_loss
from simlearn.losses._soft_triple import SoftTripleLoss, soft_triple_loss
from simlearn.losses._soft_triplet import TripletSoftMarginLoss, soft_margin_triplet_loss
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
from simlearn.losses._tuplet import TupletMarginLoss, tuplet_margin_loss

__all__ = [
    "AdaFaceLoss",
    "AngularLoss",
    "ArcFaceLoss",
    "AttributeLoss",
    "BarlowTwinsLoss",
    "BatchContrastiveLoss",
    "CenterLoss",
    "CircleLoss",
    "ContrastiveLoss",
    "CosFaceLoss",
    "DeepRankingLoss",
    "FastAPLoss",
    "GeneralizedLiftedStructureLoss",
    "HistogramLoss",
    "LandmarkL1Loss",
    "LandmarkNormalizedLoss",
    "LandmarkSmoothL1Loss",
    "LandmarkSquaredLoss",
    "LandmarkWingLoss",
    "LiftedStructureLoss",
    "MarginLoss",
    "MinedTripletLoss",
    "MultiSimilarityLoss",
    "MultilabelNPairsLoss",
    "NCALoss",
    "NPairsLoss",
    "NTXentLoss",
    "NormalizedSoftmaxLoss",
    "ProxyAnchorLoss",
    "ProxyNCALoss",
    "ProxyNCAPlusPlusLoss",
    "QuadrupletLoss",
    "RankedListLoss",
    "SimSiamLoss",
    "SmoothAPLoss",
    "SoftTripleLoss",
    "SphereFaceLoss",
    "StreamedLoss",
    "SubCenterArcFaceLoss",
    "SupConLoss",
    "TripletBatchAllLoss",
    "TripletDistanceWeightedLoss",
    "TripletEasyPositiveLoss",
    "TripletHardLoss",
    "TripletLoss",
    "TripletSemiHardLoss",
    "TripletSoftMarginLoss",
    "TupletMarginLoss",
    "VICRegLoss",
    "adaface_loss",
    "angular_loss",
    "arcface_loss",
    "attribute_loss",
    "barlow_twins_loss",
    "batch_all_triplet_loss",
    "batch_contrastive_loss",
    "center_loss",
    "circle_loss",
    "contrastive_loss",
    "cosface_loss",
    "deep_ranking_loss",
    "fast_ap_loss",
    "generalized_lifted_structure_loss",
    "histogram_loss",
    "landmark_l1_loss",
    "landmark_normalized_loss",
    "landmark_smooth_l1_loss",
    "landmark_squared_loss",
    "landmark_wing_loss",
    "lifted_structure_loss",
    "margin_loss",
    "mined_triplet_loss",
    "multi_similarity_loss",
    "multilabel_n_pairs_loss",
    "n_pairs_loss",
    "nca_loss",
    "normalized_softmax_loss",
    "nt_xent_loss",
    "proxy_anchor_loss",
    "proxy_nca_loss",
    "proxy_nca_plus_plus_loss",
    "quadruplet_loss",
    "ranked_list_loss",
    "simsiam_loss",
    "smooth_ap_loss",
    "soft_margin_triplet_loss",
    "soft_triple_loss",
    "sphereface_loss",
    "sub_center_arcface_loss",
    "supcon_loss",
    "triplet_loss",
    "tuplet_margin_loss",
    "vicreg_loss",
]
