"""Losses over class proxies: what each item, or each proxy, adds, in angles and distances."""

import math

import numpy as np

from simlearn import losses
from tests.simlearn.losses.oracle import log_one_plus_sum_exp, log_sum_exp, mean
from tests.simlearn.losses.row import Row


def each(labels, rows, weights, compute):
    return mean(
        [
            weight * compute(int(label), [float(c) for c in row])
            for label, row, weight in zip(labels, rows, weights, strict=True)
        ]
    )


def negative_log_softmax(logits, label):
    return log_sum_exp(logits) - logits[label]


def with_target(cosines, label, target, scale):
    """The cross-entropy of scaled cosines, the true one another."""
    logits = [scale * c for c in cosines]
    logits[label] = scale * target
    return negative_log_softmax(logits, label)


def normalized_softmax(labels, rows, weights, *, temperature):
    return each(
        labels, rows, weights, lambda y, c: negative_log_softmax([v / temperature for v in c], y)
    )


def proxy_nca(labels, rows, weights, *, scale):
    """Movshovitz-Attias et al., eq. 4, of squared distances between unit vectors."""

    def item(label, cosines):
        apart = [2.0 - 2.0 * c for c in cosines]
        others = [-scale * d for j, d in enumerate(apart) if j != label]
        return log_sum_exp(others) + scale * apart[label]

    return each(labels, rows, weights, item)


def proxy_nca_plus_plus(labels, rows, weights, *, temperature):
    """Teh et al., eq. 7."""

    def item(label, cosines):
        return negative_log_softmax([-(2.0 - 2.0 * c) / temperature for c in cosines], label)

    return each(labels, rows, weights, item)


def center(labels, rows, weights):
    """Wen et al., eq. 2, over the size of the batch."""
    return each(labels, rows, weights, lambda label, squared: squared[label] / 2.0)


def cosface(labels, rows, weights, *, margin, scale):
    """Wang et al., eq. 4."""
    return each(labels, rows, weights, lambda y, c: with_target(c, y, c[y] - margin, scale))


def arcface(labels, rows, weights, *, margin, scale):
    """Deng et al., eq. 3, with angles; past pi the target falls linearly instead."""

    def item(label, cosines):
        angle = math.acos(cosines[label])
        target = math.cos(angle + margin)
        if angle + margin > math.pi:
            target = math.cos(angle) - margin * math.sin(margin)
        return with_target(cosines, label, target, scale)

    return each(labels, rows, weights, item)


def sub_center_arcface(labels, rows, weights, *, margin, scale):
    """Deng et al. 2020: the best of a class's centres."""
    best = [[max(row[:, j]) for j in range(row.shape[1])] for row in rows]
    return arcface(labels, best, weights, margin=margin, scale=scale)


def sphereface(labels, rows, weights, *, margin, annealing):
    """Liu et al., eq. 7, with the angle and the number of its section."""

    def item(label, row):
        *cosines, length = row
        angle = math.acos(cosines[label])
        k = min(math.floor(margin * angle / math.pi), margin - 1)
        psi = (-1) ** k * math.cos(margin * angle) - 2 * k
        target = (annealing * math.cos(angle) + psi) / (1.0 + annealing)
        return with_target(cosines, label, target, length)

    return each(labels, rows, weights, item)


def adaface(labels, rows, weights, *, margin, h, scale):
    """Kim et al., with angles, limited to [0, pi]."""

    def item(label, row):
        *cosines, length = row
        quality = max(-1.0, min(1.0, length * h))
        angle = max(0.0, min(math.pi, math.acos(cosines[label]) - margin * quality))
        target = math.cos(angle) - (margin * quality + margin)
        return with_target(cosines, label, target, scale)

    return each(labels, rows, weights, item)


def soft_triple(labels, rows, weights, *, scale, gamma, margin):
    """Qian et al.: a class's similarity is the mean over its centres, the near ones first."""
    relaxed = []
    for row in rows:
        similarity = []
        for j in range(row.shape[1]):
            own = [float(c) for c in row[:, j]]
            whole = log_sum_exp([c / gamma for c in own])
            similarity.append(sum(math.exp(c / gamma - whole) * c for c in own))
        relaxed.append(similarity)
    return each(labels, relaxed, weights, lambda y, s: with_target(s, y, s[y] - margin, scale))


def proxy_anchor(labels, rows, weights, *, margin, alpha):
    """Kim et al., eq. 4; an item of weight w is in a sum w times."""
    pull, push = [], []
    for proxy in range(rows.shape[1]):
        own, others = [], []
        for label, row, weight in zip(labels, rows, weights, strict=True):
            sign = -1.0 if label == proxy else 1.0
            share = math.log(weight) if weight > 0 else -math.inf
            logit = sign * alpha * (float(row[proxy]) + sign * margin) + share
            (own if label == proxy else others).append(logit)
        if own:
            pull.append(log_one_plus_sum_exp(own))
        push.append(log_one_plus_sum_exp(others))
    return mean(pull) + mean(push)


def centers(labels, vectors):
    """Three centres a class; in the last the classes are turned round."""
    stacked = [np.sin(1.3 * vectors), 0.9 * np.cos(0.7 * vectors), np.sin(vectors[:, ::-1])]
    return labels % vectors.shape[1], np.stack(stacked, axis=1)


def with_norms(labels, vectors):
    lengths = 0.5 + np.abs(vectors).sum(axis=1, keepdims=True)
    return labels % vectors.shape[1], np.concatenate([np.sin(1.3 * vectors), lengths], axis=1)


def with_quality(labels, vectors):
    """From far below the mean length to far above."""
    quality = 5.0 * np.sin(2.9 * vectors[:, -1:])
    return labels % vectors.shape[1], np.concatenate([np.sin(1.3 * vectors), quality], axis=1)


TABLE = [
    Row(
        loss=losses.AdaFaceLoss,
        function=losses.adaface_loss,
        oracle=adaface,
        defaults={"margin": 0.4, "h": 0.333, "scale": 64.0},
        settings={"margin": 0.31, "h": 0.4, "scale": 9.0},
        kind="normed",
        shape=with_quality,
    ),
    Row(
        loss=losses.ArcFaceLoss,
        function=losses.arcface_loss,
        oracle=arcface,
        defaults={"margin": 0.5, "scale": 64.0},
        settings={"margin": 0.37, "scale": 11.0},
        kind="proxies",
    ),
    Row(
        loss=losses.CenterLoss,
        function=losses.center_loss,
        oracle=center,
        defaults={},
        settings={},
        kind="proxies",
        shape=lambda labels, vectors: (labels % vectors.shape[1], 0.7 * vectors**2),
    ),
    Row(
        loss=losses.CosFaceLoss,
        function=losses.cosface_loss,
        oracle=cosface,
        defaults={"margin": 0.35, "scale": 64.0},
        settings={"margin": 0.23, "scale": 13.0},
        kind="proxies",
    ),
    Row(
        loss=losses.NormalizedSoftmaxLoss,
        function=losses.normalized_softmax_loss,
        oracle=normalized_softmax,
        defaults={"temperature": 0.05},
        settings={"temperature": 0.23},
        kind="proxies",
    ),
    Row(
        loss=losses.ProxyAnchorLoss,
        function=losses.proxy_anchor_loss,
        oracle=proxy_anchor,
        defaults={"margin": 0.1, "alpha": 32.0},
        settings={"margin": 0.17, "alpha": 7.0},
        kind="proxies",
        whole=True,
    ),
    Row(
        loss=losses.ProxyNCALoss,
        function=losses.proxy_nca_loss,
        oracle=proxy_nca,
        defaults={"scale": 1.0},
        settings={"scale": 3.1},
        kind="proxies",
    ),
    Row(
        loss=losses.ProxyNCAPlusPlusLoss,
        function=losses.proxy_nca_plus_plus_loss,
        oracle=proxy_nca_plus_plus,
        defaults={"temperature": 1.0 / 9.0},
        settings={"temperature": 0.37},
        kind="proxies",
    ),
    Row(
        loss=losses.SoftTripleLoss,
        function=losses.soft_triple_loss,
        oracle=soft_triple,
        defaults={"scale": 20.0, "gamma": 0.1, "margin": 0.01},
        settings={"scale": 7.0, "gamma": 0.3, "margin": 0.13},
        kind="centers",
        shape=centers,
    ),
    Row(
        loss=losses.SphereFaceLoss,
        function=losses.sphereface_loss,
        oracle=sphereface,
        defaults={"margin": 4, "annealing": 0.0},
        settings={"margin": 3, "annealing": 0.7},
        kind="normed",
        shape=with_norms,
    ),
    Row(
        loss=losses.SubCenterArcFaceLoss,
        function=losses.sub_center_arcface_loss,
        oracle=sub_center_arcface,
        defaults={"margin": 0.5, "scale": 64.0},
        settings={"margin": 0.41, "scale": 8.0},
        kind="centers",
        shape=centers,
    ),
]
