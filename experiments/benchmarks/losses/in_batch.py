"""Losses that compare the items of a batch with each other."""

from experiments.benchmarks.losses.case import ADDONS, METRIC_LEARNING, SENTENCE, SIMILARITY, Case

_RANDOM = "draws at random, as ours does"
# pytorch-metric-learning's distances would normalise the embeddings, which ours leave alone: equal
# values here, but other gradients.
_PLAIN = "distances.LpDistance(normalize_embeddings=False)"
_SQUARED = "distances.LpDistance(power=2, normalize_embeddings=False)"
_MEAN = "reducer=reducers.MeanReducer()"

TRIPLETS = (
    Case(
        "semi-hard",
        "losses.TripletSemiHardLoss(margin=0.2)",
        {
            ADDONS: "losses.TripletSemiHardLoss(0.2, 'squared-L2')",
            METRIC_LEARNING: f"mined(losses.TripletMarginLoss(0.2, distance={_SQUARED}), "
            f"miners.TripletMarginMiner(0.2, 'semihard', distance={_SQUARED}))",
            SENTENCE: "losses.BatchSemiHardTripletLoss(None, squared_euclidean, 0.2)",
            SIMILARITY: "losses.TripletLoss('sql2', 'hard', 'semi-hard', 0.2)",
        },
        {
            METRIC_LEARNING: "mean over every semi-hard triplet, not the closest of each pair",
            SIMILARITY: "one triplet an anchor, of its farthest positive",
        },
    ),
    Case(
        "batch-hard",
        "losses.TripletHardLoss(margin=0.2)",
        {
            ADDONS: "losses.TripletHardLoss(0.2)",
            METRIC_LEARNING: f"mined(losses.TripletMarginLoss(0.2, distance={_PLAIN}, {_MEAN}), "
            f"miners.BatchHardMiner(distance={_PLAIN}))",
            SENTENCE: "losses.BatchHardTripletLoss(None, euclidean, 0.2)",
            SIMILARITY: "losses.TripletLoss('l2', 'hard', 'hard', 0.2)",
        },
    ),
    Case(
        "batch-hard soft",
        "losses.TripletSoftMarginLoss()",
        {
            ADDONS: "losses.TripletHardLoss(soft=True)",
            METRIC_LEARNING: "mined(losses.TripletMarginLoss(0, smooth_loss=True, "
            f"distance={_PLAIN}, {_MEAN}), miners.BatchHardMiner(distance={_PLAIN}))",
            SENTENCE: "losses.BatchHardSoftMarginTripletLoss(None, euclidean)",
            SIMILARITY: "losses.TripletLoss('l2', 'hard', 'hard', None)",
        },
    ),
    Case(
        "batch-all",
        "losses.TripletBatchAllLoss(margin=0.2)",
        {
            METRIC_LEARNING: f"losses.TripletMarginLoss(0.2, distance={_PLAIN}, {_MEAN})",
            SENTENCE: "losses.BatchAllTripletLoss(None, euclidean, 0.2)",
        },
        {SENTENCE: "mean over the triplets that cost something, not over all"},
    ),
    Case(
        "easy-positive",
        "losses.TripletEasyPositiveLoss(margin=0.2)",
        {
            METRIC_LEARNING: f"mined(losses.TripletMarginLoss(0.2, distance={_SQUARED}, {_MEAN}), "
            f"miners.BatchEasyHardMiner('easy', 'semihard', distance={_SQUARED}))",
        },
    ),
    Case(
        "distance-weighted",
        "losses.TripletDistanceWeightedLoss(dim=dim, margin=0.2, seed=0)",
        {
            METRIC_LEARNING: "mined(losses.TripletMarginLoss(0.2), miners.DistanceWeightedMiner())",
        },
        {METRIC_LEARNING: _RANDOM},
    ),
)

PAIRS = (
    Case(
        "contrastive",
        "losses.BatchContrastiveLoss(margin=1.0)",
        {METRIC_LEARNING: f"losses.ContrastiveLoss(0, 1, distance={_PLAIN}, {_MEAN})"},
        {METRIC_LEARNING: "distances and hinges are not squared, nor halved"},
    ),
    Case(
        "lifted structure",
        "losses.LiftedStructureLoss(margin=1.0)",
        {
            ADDONS: "losses.LiftedStructLoss(1.0)",
            METRIC_LEARNING: f"losses.LiftedStructureLoss(1, 0, distance={_PLAIN})",
        },
        streams=False,
    ),
    Case(
        "generalised lifted structure",
        "losses.GeneralizedLiftedStructureLoss(margin=1.0)",
        {METRIC_LEARNING: f"losses.GeneralizedLiftedStructureLoss(1, 0, distance={_PLAIN})"},
    ),
    Case(
        "multi-similarity",
        "losses.MultiSimilarityLoss(alpha=2.0, beta=50.0, base=0.5, epsilon=0.1)",
        {
            METRIC_LEARNING: "mined(losses.MultiSimilarityLoss(2, 50, 0.5), "
            "miners.MultiSimilarityMiner(0.1))",
            SIMILARITY: "losses.MultiSimilarityLoss('cosine', 2.0, 50.0, 0.1, 0.5)",
        },
        {SIMILARITY: "does not normalise the embeddings: equal values, other gradients"},
    ),
    Case(
        "circle",
        "losses.CircleLoss(margin=0.4, gamma=80.0)",
        {
            METRIC_LEARNING: "losses.CircleLoss(0.4, 80)",
            SIMILARITY: "losses.CircleLoss('cosine', 80.0, 0.4)",
        },
        {SIMILARITY: "log(1 + P) + log(1 + N), not log(1 + P N); gradients through the weights"},
    ),
    Case(
        "margin",
        "losses.MarginLoss(margin=0.2, beta=1.2)",
        {METRIC_LEARNING: f"losses.MarginLoss(0.2, beta=1.2, distance={_PLAIN})"},
        {METRIC_LEARNING: "each pair counted once for each of its triplets"},
    ),
)

SOFTMAX = (
    Case(
        "n-pairs",
        "losses.NPairsLoss()",
        {
            ADDONS: "of_products(losses.NpairsLoss())",
            METRIC_LEARNING: "losses.NPairsLoss(distance=distances.DotProductSimilarity("
            "normalize_embeddings=False))",
        },
        {
            ADDONS: "one softmax with all positives, the item itself among them",
            METRIC_LEARNING: "one positive pair a class, not all of them",
        },
    ),
    Case(
        "multilabel n-pairs",
        "one_hot(losses.MultilabelNPairsLoss())",
        {ADDONS: "one_hot(of_products(losses.NpairsMultilabelLoss()))"},
        {ADDONS: "the item itself is one of its positives"},
        streams=False,
    ),
    Case(
        "n-pairs, tensorflow-addons' own",
        "of_products(addons.losses.NpairsLoss())",
        {ADDONS: "of_products(losses.NpairsLoss())"},
        streams=False,
    ),
    Case(
        "multilabel n-pairs, tensorflow-addons' own",
        "one_hot(of_products(addons.losses.NpairsMultilabelLoss()))",
        {ADDONS: "one_hot(of_products(losses.NpairsMultilabelLoss()))"},
        streams=False,
    ),
    Case(
        "nt-xent",
        "losses.NTXentLoss(temperature=0.1)",
        {METRIC_LEARNING: "losses.NTXentLoss(0.1)"},
    ),
    Case(
        "supcon",
        "losses.SupConLoss(temperature=0.1)",
        {METRIC_LEARNING: "losses.SupConLoss(0.1)"},
    ),
    Case(
        "angular",
        "losses.AngularLoss()",
        {METRIC_LEARNING: "losses.AngularLoss(45)"},
        {METRIC_LEARNING: "normalises anchor and positive, not the negatives: other gradients"},
    ),
    Case(
        "tuplet margin",
        "losses.TupletMarginLoss(margin=0.1, scale=64.0)",
        {METRIC_LEARNING: "losses.TupletMarginLoss(degrees(0.1), 64)"},
    ),
    Case(
        "nca",
        "losses.NCALoss(temperature=1.0)",
        {
            METRIC_LEARNING: f"losses.NCALoss(1, distance={_SQUARED})",
            SIMILARITY: "losses.SoftNearestNeighborLoss('sql2', 1)",
        },
    ),
)

RANKING = (
    Case("fastap", "losses.FastAPLoss(bins=10)", {METRIC_LEARNING: "losses.FastAPLoss(10)"}),
    Case(
        "smoothap",
        "losses.SmoothAPLoss(temperature=0.01)",
        {METRIC_LEARNING: "losses.SmoothAPLoss(0.01)"},
        {METRIC_LEARNING: "takes items per class for the number of classes: other positives"},
    ),
    Case(
        "histogram",
        "losses.HistogramLoss(bins=100)",
        {METRIC_LEARNING: "losses.HistogramLoss(100)"},
        streams=False,
    ),
    Case(
        "ranked list",
        "losses.RankedListLoss(alpha=1.2, margin=0.4, temperature=10.0)",
        {METRIC_LEARNING: "losses.RankedListLoss(margin=0.4, Tn=10, alpha=1.2, Tp=0)"},
        {METRIC_LEARNING: "weights of pairs carry gradients, 1e-5 is added to each"},
    ),
)
