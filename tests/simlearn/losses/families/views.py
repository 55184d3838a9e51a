"""Two views of each item, without labels: VICReg, Barlow Twins, SimSiam."""

import math

import numpy as np

from simlearn import losses
from tests.simlearn.losses.oracle import cosine_similarity, inner, mean, squared_euclidean
from tests.simlearn.losses.row import Row


def columns(rows):
    """Dimensions of a view `(n, dim)`, each less its mean over the batch."""
    return [
        [float(row[j]) - mean([float(r[j]) for r in rows]) for row in rows]
        for j in range(dim_of(rows))
    ]


def dim_of(rows):
    return len(rows[0])


def vicreg(labels, rows, weights, *, lambda_, mu, nu, gamma, epsilon):
    """Bardes et al., eqs. 1 to 6, eq. 5 over the number of dimensions."""
    views, count, dim = (rows[:, 0], rows[:, 1]), len(rows), rows.shape[-1]
    loss = lambda_ * mean([squared_euclidean(u, v) / dim for u, v in zip(*views, strict=True)])
    for view in views if count > 1 else ():
        z = columns(view)
        covariance = [[inner(a, b) / (count - 1) for b in z] for a in z]
        for j in range(dim):
            loss += mu * max(0.0, gamma - math.sqrt(covariance[j][j] + epsilon)) / dim
            loss += nu * sum(covariance[j][k] ** 2 for k in range(dim) if k != j) / dim
    return loss


def barlow_twins(labels, rows, weights, *, lambda_, epsilon):
    """Zbontar et al., eqs. 1 and 2, each variance larger by epsilon."""
    count = len(rows)
    if count < 2:
        return 0.0
    left, right = columns(rows[:, 0]), columns(rows[:, 1])
    loss = 0.0
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            spread = math.sqrt(inner(a, a) + count * epsilon) * math.sqrt(
                inner(b, b) + count * epsilon
            )
            correlation = inner(a, b) / spread
            loss += (1.0 - correlation) ** 2 if i == j else lambda_ * correlation**2
    return loss


def simsiam(labels, rows, weights, *, constant=None):
    """Chen and He, eqs. 3 and 4: the projections are those of `constant`."""
    constant = rows if constant is None else constant
    terms = []
    for moving, still, weight in zip(rows, constant, weights, strict=True):
        (p, _), (q, _) = moving
        (_, z), (_, y) = still
        terms.append(-weight * (cosine_similarity(p, y) / 2 + cosine_similarity(q, z) / 2))
    return mean(terms)


def predicted_and_projected(labels, vectors):
    """`(n, 2, 2, dim)`: of each view, a prediction and a projection."""
    first = np.stack([vectors, 0.5 * vectors[:, ::-1] + 0.1], axis=1)
    second = np.stack([np.roll(vectors, 1, axis=1), 0.3 * vectors + 0.2], axis=1)
    return labels, np.stack([first, second], axis=1)


TABLE = [
    Row(
        loss=losses.BarlowTwinsLoss,
        function=losses.barlow_twins_loss,
        oracle=barlow_twins,
        defaults={"lambda_": 0.005, "epsilon": 1e-5},
        settings={"lambda_": 0.23, "epsilon": 0.07},
        kind="views",
        weighted=False,
    ),
    Row(
        loss=losses.SimSiamLoss,
        function=losses.simsiam_loss,
        oracle=simsiam,
        defaults={},
        settings={},
        kind="views",
        shape=predicted_and_projected,
        constant=True,
    ),
    Row(
        loss=losses.VICRegLoss,
        function=losses.vicreg_loss,
        oracle=vicreg,
        defaults={"lambda_": 25.0, "mu": 25.0, "nu": 1.0, "gamma": 1.0, "epsilon": 1e-4},
        settings={"lambda_": 3.0, "mu": 2.1, "nu": 0.4, "gamma": 1.3, "epsilon": 0.03},
        kind="views",
        weighted=False,
    ),
]
