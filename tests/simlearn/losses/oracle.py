"""Every loss again, straight from its paper: float64, plain loops, nothing shared with the code.

`weights[a]` scales the terms of anchor a; a mean divides by the number of its terms, so that
weights of 1 are no weights. A term that does not exist is no term.
"""

import math

import numpy as np


def squared_euclidean(u, v):
    return sum((float(a) - float(b)) ** 2 for a, b in zip(u, v, strict=True))


def euclidean(u, v):
    return math.sqrt(squared_euclidean(u, v))


def inner(u, v):
    return sum(float(a) * float(b) for a, b in zip(u, v, strict=True))


def cosine_similarity(u, v):
    lengths = math.sqrt(inner(u, u)) * math.sqrt(inner(v, v))
    return inner(u, v) / lengths if lengths > 0 else 0.0


def cosine(u, v):
    return 1.0 - cosine_similarity(u, v)


def snr(u, v):
    return float(np.var(np.asarray(v) - np.asarray(u)) / np.var(u))


def matrix(measure, rows, others=None):
    return [[measure(u, v) for v in (rows if others is None else others)] for u in rows]


def partners(labels, anchor):
    """Columns of the anchor's positives and of its negatives."""
    others = [j for j in range(len(labels)) if j != anchor]
    positives = [j for j in others if labels[j] == labels[anchor]]
    return positives, [j for j in others if labels[j] != labels[anchor]]


def mean(terms):
    return sum(terms) / len(terms) if terms else 0.0


def log_sum_exp(values):
    peak = max(values)
    return peak + math.log(sum(math.exp(value - peak) for value in values))


def log_one_plus_sum_exp(values):
    return log_sum_exp([0.0, *values])


# Miners: (distances, labels) -> [(anchor, positive, negative)]


def semi_hard(apart, labels):
    """FaceNet, eq. 4: the closest negative that is strictly farther than the positive."""
    found = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        for p in positives if negatives else []:
            farther = [n for n in negatives if apart[a][n] > apart[a][p]]
            if farther:
                found.append((a, p, min(farther, key=lambda n: apart[a][n])))
            else:
                found.append((a, p, max(negatives, key=lambda n: apart[a][n])))
    return found


def batch_hard(apart, labels):
    """Hermans et al., eq. 5."""
    found = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        if positives and negatives:
            hardest = max(positives, key=lambda p: apart[a][p])
            found.append((a, hardest, min(negatives, key=lambda n: apart[a][n])))
    return found


def easy_positive(apart, labels):
    """Xuan et al., eqs. 3 and 6."""
    found = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        if positives and negatives:
            p = min(positives, key=lambda p: apart[a][p])
            farther = [n for n in negatives if apart[a][n] > apart[a][p]]
            if farther:
                found.append((a, p, min(farther, key=lambda n: apart[a][n])))
            else:
                found.append((a, p, max(negatives, key=lambda n: apart[a][n])))
    return found


def all_triplets(apart, labels):
    found = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        found += [(a, p, n) for p in positives for n in negatives]
    return found


# Losses: (labels, rows, weights, **settings) -> float


def mined_triplet(labels, rows, weights, *, miner, margin, distance):
    apart = matrix(distance, rows)
    return mean(
        [
            weights[a] * max(0.0, apart[a][p] - apart[a][n] + margin)
            for a, p, n in miner(apart, labels)
        ]
    )


def triplet(labels, rows, weights, *, margin, distance):
    """FaceNet, eq. 3, of stacked triplets `(n, 3, dim)`."""
    return mean(
        [
            weight * max(0.0, distance(a, p) - distance(a, n) + margin)
            for weight, (a, p, n) in zip(weights, rows, strict=True)
        ]
    )


def contrastive(labels, rows, weights, *, margin):
    """Hadsell et al., eq. 4, of labels 1 for same and distances."""
    terms = []
    for same, d, weight in zip(labels, rows, weights, strict=True):
        terms.append(weight * (0.5 * d**2 if same else 0.5 * max(0.0, margin - d) ** 2))
    return mean(terms)


def batch_contrastive(labels, rows, weights, *, margin, distance):
    pull, push = [], []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        pull += [weights[a] * distance(rows[a], rows[p]) ** 2 for p in positives]
        for n in negatives:
            push.append(weights[a] * max(0.0, margin - distance(rows[a], rows[n])) ** 2)
    return 0.5 * mean(pull) + 0.5 * mean(push)


def n_pairs(labels, rows, weights, *, similarity=inner, temperature=1.0):
    """Sohn, eq. 6; with the cosine over a temperature, NT-Xent (Chen et al., eq. 1)."""
    terms = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        for p in positives if negatives else []:
            own = similarity(rows[a], rows[p])
            over = [(similarity(rows[a], rows[n]) - own) / temperature for n in negatives]
            terms.append(weights[a] * log_one_plus_sum_exp(over))
    return mean(terms)


def nt_xent(labels, rows, weights, *, temperature):
    return n_pairs(labels, rows, weights, similarity=cosine_similarity, temperature=temperature)


def supcon(labels, rows, weights, *, temperature):
    """Khosla et al., eq. 2."""
    terms = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        logits = {
            j: cosine_similarity(rows[a], rows[j]) / temperature for j in positives + negatives
        }
        if positives:
            whole = log_sum_exp(list(logits.values()))
            terms.append(-weights[a] * mean([logits[p] - whole for p in positives]))
    return mean(terms)


def multi_similarity(labels, rows, weights, *, alpha, beta, base, epsilon):
    """Wang et al., eqs. 11 to 13, in similarities as printed there."""
    terms = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        if not (positives and negatives):
            continue
        near = {p: cosine_similarity(rows[a], rows[p]) for p in positives}
        far = {n: cosine_similarity(rows[a], rows[n]) for n in negatives}
        kept = [s for s in far.values() if s > min(near.values()) - epsilon]
        pushed = log_one_plus_sum_exp([beta * (s - base) for s in kept]) / beta
        kept = [s for s in near.values() if s < max(far.values()) + epsilon]
        pulled = log_one_plus_sum_exp([-alpha * (s - base) for s in kept]) / alpha
        terms.append(weights[a] * (pulled + pushed))
    return mean(terms)
