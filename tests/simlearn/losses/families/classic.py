"""Contrastive, triplet and softmax losses of the batch."""

from simlearn import distances, losses, mining
from tests.simlearn.losses import oracle
from tests.simlearn.losses.row import Row

SQUARED = {"margin": 0.2, "distance": distances.squared_euclidean}
PLAIN = {"margin": 0.2, "distance": distances.euclidean}

TABLE = [
    Row(
        loss=losses.BatchContrastiveLoss,
        function=losses.batch_contrastive_loss,
        oracle=oracle.batch_contrastive,
        defaults={"margin": 1.0, "distance": distances.euclidean},
        settings={"margin": 2.3, "distance": distances.squared_euclidean},
        pairs_alone=("one_class", "all_distinct"),
    ),
    Row(
        loss=losses.ContrastiveLoss,
        function=losses.contrastive_loss,
        oracle=oracle.contrastive,
        defaults={"margin": 1.0},
        settings={"margin": 1.7},
        kind="pairs",
    ),
    Row(
        loss=losses.MinedTripletLoss,
        function=losses.mined_triplet_loss,
        oracle=oracle.mined_triplet,
        defaults={**SQUARED, "miner": mining.batch_hard},
        settings={
            "margin": 0.9,
            "distance": distances.euclidean,
            "miner": mining.easy_positive,
        },
        required={"miner": mining.batch_hard},
    ),
    Row(
        loss=losses.MultiSimilarityLoss,
        function=losses.multi_similarity_loss,
        oracle=oracle.multi_similarity,
        defaults={"alpha": 2.0, "beta": 50.0, "base": 0.5, "epsilon": 0.1},
        settings={"alpha": 3.0, "beta": 17.0, "base": 0.3, "epsilon": 0.23},
    ),
    Row(
        loss=losses.NPairsLoss,
        function=losses.n_pairs_loss,
        oracle=oracle.n_pairs,
        defaults={},
        settings={},
    ),
    Row(
        loss=losses.NTXentLoss,
        function=losses.nt_xent_loss,
        oracle=oracle.nt_xent,
        defaults={"temperature": 0.1},
        settings={"temperature": 0.27},
    ),
    Row(
        loss=losses.SupConLoss,
        function=losses.supcon_loss,
        oracle=oracle.supcon,
        defaults={"temperature": 0.1},
        settings={"temperature": 0.31},
        pairs_alone=("one_class",),
    ),
    Row(
        loss=losses.TripletBatchAllLoss,
        function=losses.batch_all_triplet_loss,
        oracle=lambda *batch, **settings: oracle.mined_triplet(
            *batch, miner=oracle.all_triplets, **settings
        ),
        defaults=PLAIN,
        settings={"margin": 1.3, "distance": distances.squared_euclidean},
    ),
    Row(
        loss=losses.TripletDistanceWeightedLoss,
        function=losses.mined_triplet_loss,
        oracle=oracle.mined_triplet,
        defaults={"margin": 0.2},
        settings={"dim": 5, "margin": 0.8, "seed": 29},
        required={"dim": 5, "seed": 29},
        fixed={"distance": distances.euclidean},
        drawn=True,
    ),
    Row(
        loss=losses.TripletEasyPositiveLoss,
        function=losses.mined_triplet_loss,
        oracle=oracle.mined_triplet,
        defaults=SQUARED,
        settings={"margin": 0.7, "distance": distances.euclidean},
        fixed={"miner": mining.easy_positive},
    ),
    Row(
        loss=losses.TripletHardLoss,
        function=losses.mined_triplet_loss,
        oracle=oracle.mined_triplet,
        defaults=PLAIN,
        settings={"margin": 0.6, "distance": distances.squared_euclidean},
        fixed={"miner": mining.batch_hard},
    ),
    Row(
        loss=losses.TripletLoss,
        function=losses.triplet_loss,
        oracle=oracle.triplet,
        defaults=SQUARED,
        settings={"margin": 0.5, "distance": distances.euclidean},
        kind="triplets",
    ),
    Row(
        loss=losses.TripletSemiHardLoss,
        function=losses.mined_triplet_loss,
        oracle=oracle.mined_triplet,
        defaults=SQUARED,
        settings={"margin": 0.4, "distance": distances.euclidean},
        fixed={"miner": mining.semi_hard},
    ),
]
