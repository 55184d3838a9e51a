"""Losses that need a layer of their own, two views of each item, or labels of another kind."""

from experiments.benchmarks.losses.case import METRIC_LEARNING, SIMILARITY, Case

PROXIES = (
    Case(
        "normalised softmax",
        "with_head(heads.Proxies(classes), losses.NormalizedSoftmaxLoss(temperature=0.05))",
        {METRIC_LEARNING: "losses.NormalizedSoftmaxLoss(classes, dim, 0.05)"},
        streams=False,
    ),
    Case(
        "sphereface",
        "with_head(heads.ProxiesWithNorm(classes), losses.SphereFaceLoss(margin=4))",
        {METRIC_LEARNING: "losses.SphereFaceLoss(classes, dim, 4, 1)"},
        streams=False,
    ),
    Case(
        "cosface",
        "with_head(heads.Proxies(classes), losses.CosFaceLoss(margin=0.35, scale=64.0))",
        {METRIC_LEARNING: "losses.CosFaceLoss(classes, dim, margin=0.35, scale=64)"},
        streams=False,
    ),
    Case(
        "arcface",
        "with_head(heads.Proxies(classes), losses.ArcFaceLoss(margin=0.5, scale=64.0))",
        {METRIC_LEARNING: "losses.ArcFaceLoss(classes, dim, margin=degrees(0.5), scale=64)"},
        streams=False,
    ),
    Case(
        "sub-center arcface",
        "with_head(heads.MultiProxies(classes, centers=3), "
        "losses.SubCenterArcFaceLoss(margin=0.5, scale=64.0))",
        {
            METRIC_LEARNING: "losses.SubCenterArcFaceLoss(num_classes=classes, embedding_size=dim, "
            "margin=degrees(0.5), scale=64, sub_centers=3)"
        },
        streams=False,
    ),
    Case(
        "proxy-nca",
        "with_head(heads.Proxies(classes), losses.ProxyNCALoss(scale=1.0))",
        {METRIC_LEARNING: "losses.ProxyNCALoss(classes, dim, softmax_scale=1)"},
        {METRIC_LEARNING: "the positive proxy stays in the denominator"},
        streams=False,
    ),
    Case(
        "proxy-nca++",
        "with_head(heads.Proxies(classes), losses.ProxyNCAPlusPlusLoss(temperature=1.0))",
        {METRIC_LEARNING: "losses.ProxyNCALoss(classes, dim, softmax_scale=1)"},
        streams=False,
    ),
    Case(
        "proxy-anchor",
        "with_head(heads.Proxies(classes), losses.ProxyAnchorLoss(margin=0.1, alpha=32.0))",
        {METRIC_LEARNING: "losses.ProxyAnchorLoss(classes, dim, 0.1, 32)"},
        streams=False,
    ),
    Case(
        "softtriple",
        "with_head(heads.MultiProxies(classes, centers=10), "
        "losses.SoftTripleLoss(scale=20.0, gamma=0.1, margin=0.01))",
        {METRIC_LEARNING: "losses.SoftTripleLoss(classes, dim, 10, 20, 0.1, 0.01)"},
        streams=False,
    ),
)

TWO_VIEWS = (
    Case(
        "vicreg",
        "two_views(losses.VICRegLoss(mu=12.5))",
        {
            METRIC_LEARNING: "two_views(losses.VICRegLoss())",
            SIMILARITY: "two_views(losses.VicReg())",
        },
        {SIMILARITY: "variances divide by n, not n - 1"},
        streams=False,
    ),
    Case(
        "barlow twins",
        "two_views(losses.BarlowTwinsLoss(lambda_=0.005, epsilon=1e-12))",
        {SIMILARITY: "two_views(losses.Barlow(0.005))"},
        streams=False,
    ),
)

# No peer has these: they are measured for what XLA and streaming cost.
ALONE = (
    Case("deep ranking", "two_levels(losses.DeepRankingLoss(gap=1.0))", streams=False),
    Case("quadruplet", "stacked(losses.QuadrupletLoss(), 4)", streams=False),
    Case(
        "center",
        "with_head(heads.Centers(classes), losses.CenterLoss())",
        streams=False,
    ),
    Case(
        "adaface",
        "with_head(heads.ProxiesWithQuality(classes), losses.AdaFaceLoss())",
        streams=False,
    ),
    Case("simsiam", "stacked(losses.SimSiamLoss(), 2, 2)", streams=False),
)
