"""Losses of rankings: NCA, FastAP, Smooth-AP, histogram, ranked list and deep ranking."""

import math

import numpy as np

from simlearn import distances, losses
from tests.simlearn.losses import oracle
from tests.simlearn.losses.row import Row


def unit(vector):
    length = math.sqrt(oracle.inner(vector, vector))
    return [float(v) / length if length > 0 else 0.0 for v in vector]


def with_both(labels):
    """Anchors that have a positive and a negative, with both lists."""
    for a in range(len(labels)):
        positives, negatives = oracle.partners(labels, a)
        if positives and negatives:
            yield a, positives, negatives


def nca(labels, rows, weights, *, temperature):
    """Goldberger et al., minus the logarithm of p_i; Frosst et al., eq. 1."""
    terms = []
    for a, positives, negatives in with_both(labels):
        logits = {
            j: -oracle.squared_euclidean(rows[a], rows[j]) / temperature
            for j in positives + negatives
        }
        whole = oracle.log_sum_exp(list(logits.values()))
        terms.append(weights[a] * (whole - oracle.log_sum_exp([logits[p] for p in positives])))
    return oracle.mean(terms)


def triangle(value, node, width):
    return max(0.0, 1.0 - abs(value - node) / width)


def fast_ap(labels, rows, weights, *, bins):
    """Cakir et al., with the histogram of each anchor's positives and that of all others."""
    width = 4.0 / bins
    nodes = [width * r for r in range(bins + 1)]
    terms = []
    for a, positives, negatives in with_both(labels):
        apart = {j: 2.0 * oracle.cosine(rows[a], rows[j]) for j in positives + negatives}
        total = 0.0
        for r, node in enumerate(nodes):
            mine = sum(triangle(apart[p], node, width) for p in positives)
            reached = sum(triangle(apart[p], n, width) for p in positives for n in nodes[: r + 1])
            everything = sum(triangle(d, n, width) for d in apart.values() for n in nodes[: r + 1])
            total += mine * reached / everything if mine > 0 else 0.0
        terms.append(weights[a] * (1.0 - total / len(positives)))
    return oracle.mean(terms)


def sigmoid(value):
    return 1.0 / (1.0 + math.exp(-value)) if value > -700 else 0.0


def smooth_ap(labels, rows, weights, *, temperature):
    """Brown et al.: the ranks among the positives and among all, comparisons softened."""
    terms = []
    for a, positives, negatives in with_both(labels):
        alike = {j: oracle.cosine_similarity(rows[a], rows[j]) for j in positives + negatives}
        precision = 0.0
        for p in positives:
            above = {j: sigmoid((alike[j] - alike[p]) / temperature) for j in alike if j != p}
            among = 1.0 + sum(above[q] for q in positives if q != p)
            precision += among / (among + sum(above[n] for n in negatives)) / len(positives)
        terms.append(weights[a] * (1.0 - precision))
    return oracle.mean(terms)


def histogram(labels, rows, weights, *, bins):
    """Ustinova and Lempitsky, eqs. 1 to 5, over ordered pairs."""
    width = 2.0 / bins
    nodes = [-1.0 + width * r for r in range(bins + 1)]
    near, far = [], []
    for a in range(len(labels)):
        positives, negatives = oracle.partners(labels, a)
        near += [(weights[a], oracle.cosine_similarity(rows[a], rows[p])) for p in positives]
        far += [(weights[a], oracle.cosine_similarity(rows[a], rows[n])) for n in negatives]
    if not (near and far):
        return 0.0
    positive = [sum(w * triangle(s, node, width) for w, s in near) for node in nodes]
    negative = [sum(w * triangle(s, node, width) for w, s in far) for node in nodes]
    reached = [sum(positive[: r + 1]) / sum(w for w, _ in near) for r in range(bins + 1)]
    return sum(h * phi for h, phi in zip(negative, reached, strict=True)) / len(far)


def ranked_list(labels, rows, weights, *, alpha, margin, temperature, balance, constant=None):
    """Wang et al., section 3. `constant` are the embeddings that the weights of pairs are of."""
    rows = [unit(row) for row in rows]
    settled = rows if constant is None else [unit(row) for row in constant]
    terms = []
    for a in range(len(labels)):
        positives, negatives = oracle.partners(labels, a)
        far = [oracle.euclidean(rows[a], rows[p]) - (alpha - margin) for p in positives]
        pulled = oracle.mean([excess for excess in far if excess > 0])
        close = [(n, alpha - oracle.euclidean(rows[a], rows[n])) for n in negatives]
        factors = {
            n: math.exp(temperature * (alpha - oracle.euclidean(settled[a], settled[n])))
            for n, lack in close
            if lack > 0
        }
        pushed = sum(factors[n] * lack for n, lack in close if lack > 0)
        pushed = pushed / sum(factors.values()) if factors else 0.0
        if positives or negatives:
            terms.append(weights[a] * ((1.0 - balance) * pulled + balance * pushed))
    return oracle.mean(terms)


def relevance(one, other):
    """Number of leading levels that two items share."""
    shared = 0
    for mine, yours in zip(np.atleast_1d(one), np.atleast_1d(other), strict=True):
        if mine != yours:
            break
        shared += 1
    return shared


def deep_ranking(labels, rows, weights, *, gap, distance):
    """Wang et al., section 3: the hinge of every triplet in order of relevance."""
    terms = []
    for i in range(len(labels)):
        others = [j for j in range(len(labels)) if j != i]
        apart = {j: distance(rows[i], rows[j]) for j in others}
        terms += [
            weights[i] * max(0.0, gap + apart[j] - apart[k])
            for j in others
            for k in others
            if relevance(labels[i], labels[j]) > relevance(labels[i], labels[k])
        ]
    return oracle.mean(terms)


TABLE = [
    Row(
        loss=losses.DeepRankingLoss,
        function=losses.deep_ranking_loss,
        oracle=deep_ranking,
        defaults={"gap": 1.0, "distance": distances.squared_euclidean},
        settings={"gap": 0.7, "distance": distances.euclidean},
        levels=True,
    ),
    Row(
        loss=losses.FastAPLoss,
        function=losses.fast_ap_loss,
        oracle=fast_ap,
        defaults={"bins": 10},
        settings={"bins": 7},
    ),
    Row(
        loss=losses.HistogramLoss,
        function=losses.histogram_loss,
        oracle=histogram,
        defaults={"bins": 100},
        settings={"bins": 23},
    ),
    Row(
        loss=losses.NCALoss,
        function=losses.nca_loss,
        oracle=nca,
        defaults={"temperature": 1.0},
        settings={"temperature": 3.1},
    ),
    Row(
        loss=losses.RankedListLoss,
        function=losses.ranked_list_loss,
        oracle=ranked_list,
        defaults={"alpha": 1.2, "margin": 0.4, "temperature": 10.0, "balance": 0.5},
        settings={"alpha": 1.31, "margin": 0.47, "temperature": 3.0, "balance": 0.6},
        pairs_alone=("one_class", "all_distinct", "two_unlike"),
        constant=True,
    ),
    Row(
        loss=losses.SmoothAPLoss,
        function=losses.smooth_ap_loss,
        oracle=smooth_ap,
        defaults={"temperature": 0.01},
        settings={"temperature": 0.13},
    ),
]
