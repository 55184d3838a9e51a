"""Losses of lifted, circular, angular and other structures over the pairs of a batch."""

import math

import numpy as np

from simlearn import distances, losses, mining
from tests.simlearn.losses import oracle
from tests.simlearn.losses.row import Row


def unit(vector):
    length = math.sqrt(oracle.inner(vector, vector))
    return np.asarray(vector, "float64") / length if length > 0 else np.zeros(len(vector))


def with_both(labels):
    """Anchors that have a positive and a negative, with both lists."""
    for a in range(len(labels)):
        positives, negatives = oracle.partners(labels, a)
        if positives and negatives:
            yield a, positives, negatives


def lifted(labels, rows, weights, *, margin, distance):
    """Oh Song et al., eq. 4, over ordered pairs."""
    apart = oracle.matrix(distance, rows)
    terms = []
    for i, positives, negatives in with_both(labels):
        for j in positives:
            pushes = [margin - apart[i][k] for k in negatives]
            pushes += [margin - apart[j][k] for k in oracle.partners(labels, j)[1]]
            structure = apart[i][j] + oracle.log_sum_exp(pushes)
            terms.append(weights[i] * max(0.0, structure) ** 2 / 2.0)
    return oracle.mean(terms)


def generalized_lifted(labels, rows, weights, *, margin, distance):
    """Hermans et al., section 2."""
    apart = oracle.matrix(distance, rows)
    terms = []
    for a, positives, negatives in with_both(labels):
        pull = oracle.log_sum_exp([apart[a][p] for p in positives])
        push = oracle.log_sum_exp([margin - apart[a][n] for n in negatives])
        terms.append(weights[a] * max(0.0, pull + push))
    return oracle.mean(terms)


def circle(labels, rows, weights, *, margin, gamma, constant=None):
    """Sun et al., eqs. 5 and 6; the weights are those of the embeddings `constant`."""
    still = rows if constant is None else constant
    terms = []
    for a, positives, negatives in with_both(labels):
        exponents = []
        for p in positives:
            for n in negatives:
                w_p = max(0.0, 1.0 + margin - oracle.cosine_similarity(still[a], still[p]))
                w_n = max(0.0, oracle.cosine_similarity(still[a], still[n]) + margin)
                s_p = oracle.cosine_similarity(rows[a], rows[p])
                s_n = oracle.cosine_similarity(rows[a], rows[n])
                # The product of the two sums, multiplied out.
                exponents.append(gamma * (w_n * (s_n - margin) - w_p * (s_p - 1.0 + margin)))
        terms.append(weights[a] * oracle.log_one_plus_sum_exp(exponents))
    return oracle.mean(terms)


def angular(labels, rows, weights, *, alpha):
    """Wang et al.: the triangle's own inequality, |a - p|^2 <= 4 tan(alpha)^2 |n - c|^2.

    Between unit vectors the exponent is the excess over it, plus 6 tan(alpha)^2 - 2. A zero vector
    has no angle: there the exponent as printed, in inner products.
    """
    t = math.tan(alpha) ** 2
    units = [unit(row) for row in rows]
    terms = []
    for a, positives, negatives in with_both(labels):
        for p in positives:
            exponents = []
            for n in negatives:
                x_a, x_p, x_n = units[a], units[p], units[n]
                if all(np.any(x) for x in (x_a, x_p, x_n)):
                    beside = oracle.squared_euclidean(x_n, (x_a + x_p) / 2.0)
                    excess = oracle.squared_euclidean(x_a, x_p) - 4.0 * t * beside
                    exponents.append(excess + 6.0 * t - 2.0)
                else:
                    toward = oracle.inner(x_a, x_n) + oracle.inner(x_p, x_n)
                    exponents.append(4 * t * toward - 2 * (1 + t) * oracle.inner(x_a, x_p))
            terms.append(weights[a] * oracle.log_one_plus_sum_exp(exponents))
    return oracle.mean(terms)


def margin_of_pairs(labels, rows, weights, *, margin, beta, miner, distance):
    """Wu et al., over all pairs or over those of triplets; the mean of what is not 0."""
    apart = oracle.matrix(distance, rows)
    if miner is None:
        pairs = [(a, j) for a in range(len(labels)) for j in range(len(labels)) if a != j]
    else:
        pairs = [(a, j) for a, p, n in miner(apart, labels) for j in (p, n)]
    terms = []
    for a, j in pairs:
        kind = 1.0 if labels[a] == labels[j] else -1.0
        cost = max(0.0, margin + kind * (apart[a][j] - beta))
        terms += [weights[a] * cost] if cost > 0.0 else []
    return oracle.mean(terms)


def tuplet_margin(labels, rows, weights, *, margin, scale):
    """Yu and Tao, in angles."""
    terms = []
    for a, positives, negatives in with_both(labels):
        angles = {
            j: math.acos(max(-1.0, min(1.0, oracle.cosine_similarity(rows[a], rows[j]))))
            for j in positives + negatives
        }
        for p in positives:
            own = math.cos(angles[p] - margin)
            over = [scale * (math.cos(angles[n]) - own) for n in negatives]
            terms.append(weights[a] * oracle.log_one_plus_sum_exp(over))
    return oracle.mean(terms)


def quadruplet(labels, rows, weights, *, alpha1, alpha2, distance):
    """Chen et al., of stacked quadruplets `(n, 4, dim)`."""
    terms = []
    for weight, (i, j, k, other) in zip(weights, rows, strict=True):
        first = max(0.0, distance(i, j) - distance(i, k) + alpha1)
        second = max(0.0, distance(i, j) - distance(other, k) + alpha2)
        terms.append(weight * (first + second))
    return oracle.mean(terms)


def soft_margin(labels, rows, weights, *, miner, distance):
    """Hermans et al., section 2: the softplus for the hinge."""
    apart = oracle.matrix(distance, rows)
    return oracle.mean(
        [
            weights[a] * oracle.log_one_plus_sum_exp([apart[a][p] - apart[a][n]])
            for a, p, n in miner(apart, labels)
        ]
    )


def multilabel_n_pairs(sets, rows, weights):
    """Sohn, eq. 7, as the cross-entropy with shares for each partner's common labels."""
    terms = []
    for i in range(len(rows)):
        others = [j for j in range(len(rows)) if j != i]
        common = {j: sum(a and b for a, b in zip(sets[i], sets[j], strict=True)) for j in others}
        if not any(common.values()):
            continue
        scores = {j: oracle.inner(rows[i], rows[j]) for j in others}
        whole = oracle.log_sum_exp(list(scores.values()))
        shares = {j: common[j] / sum(common.values()) for j in others}
        terms.append(-weights[i] * sum(shares[j] * (scores[j] - whole) for j in others))
    return oracle.mean(terms)


PLAIN = {"margin": 1.0, "distance": distances.euclidean}

TABLE = [
    Row(
        loss=losses.AngularLoss,
        function=losses.angular_loss,
        oracle=angular,
        defaults={"alpha": math.pi / 4},
        settings={"alpha": 0.9},
    ),
    Row(
        loss=losses.CircleLoss,
        function=losses.circle_loss,
        oracle=circle,
        defaults={"margin": 0.4, "gamma": 80.0},
        settings={"margin": 0.27, "gamma": 7.0},
        constant=True,
    ),
    Row(
        loss=losses.GeneralizedLiftedStructureLoss,
        function=losses.generalized_lifted_structure_loss,
        oracle=generalized_lifted,
        defaults=PLAIN,
        settings={"margin": 2.3, "distance": distances.squared_euclidean},
    ),
    Row(
        loss=losses.LiftedStructureLoss,
        function=losses.lifted_structure_loss,
        oracle=lifted,
        defaults=PLAIN,
        settings={"margin": 1.7, "distance": distances.squared_euclidean},
    ),
    Row(
        loss=losses.MarginLoss,
        function=losses.margin_loss,
        oracle=margin_of_pairs,
        defaults={"margin": 0.2, "beta": 1.2, "miner": None, "distance": distances.euclidean},
        settings={
            "margin": 0.25,
            "beta": 4.5,
            "miner": mining.batch_hard,
            "distance": distances.squared_euclidean,
        },
    ),
    Row(
        loss=losses.MultilabelNPairsLoss,
        function=losses.multilabel_n_pairs_loss,
        oracle=multilabel_n_pairs,
        defaults={},
        settings={},
        kind="sets",
        whole=True,
    ),
    Row(
        loss=losses.QuadrupletLoss,
        function=losses.quadruplet_loss,
        oracle=quadruplet,
        defaults={"alpha1": 1.0, "alpha2": 0.5, "distance": distances.squared_euclidean},
        settings={"alpha1": 0.7, "alpha2": 0.3, "distance": distances.euclidean},
        kind="quadruplets",
    ),
    Row(
        loss=losses.TripletSoftMarginLoss,
        function=losses.soft_margin_triplet_loss,
        oracle=soft_margin,
        defaults={"miner": mining.batch_hard, "distance": distances.euclidean},
        settings={"miner": mining.semi_hard, "distance": distances.squared_euclidean},
    ),
    Row(
        loss=losses.TupletMarginLoss,
        function=losses.tuplet_margin_loss,
        oracle=tuplet_margin,
        defaults={"margin": 0.1, "scale": 64.0},
        settings={"margin": 0.13, "scale": 9.0},
    ),
]
