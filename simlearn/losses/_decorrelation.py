"""Losses of two views that keep the dimensions of the embedding apart: no negatives needed."""

from keras import ops

from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._views import (
    TwoViewLoss,
    centred,
    check_views,
    dims_of,
    items_of,
    on_diagonal,
    views_of,
)


@register
def vicreg_loss(
    left: Tensor,
    right: Tensor,
    *,
    lambda_: float = 25.0,
    mu: float = 25.0,
    nu: float = 1.0,
    gamma: float = 1.0,
    epsilon: float = 1e-4,
) -> Tensor:
    """VICReg: views alike, each dimension spread out, no two dimensions correlated.

    `lambda s(Z, Z') + mu (v(Z) + v(Z')) + nu (c(Z) + c(Z'))`, with
    `s = mean_ij (z_ij - z'_ij)^2`, `v = mean_j max(0, gamma - sqrt(var_j + epsilon))` and
    `c = 1/dim sum_{j != k} cov_jk^2`; variances and covariances divide by `batch - 1`.

    Args:
        left: embeddings of one view, `(batch, dim)`, not normalised.
        right: embeddings of the other view of the same items, `(batch, dim)`.
        lambda_: weight of the invariance term s, at least 0.
        mu: weight of the variance term v, at least 0.
        nu: weight of the covariance term c, at least 0.
        gamma: the standard deviation that each dimension shall reach, above 0.
        epsilon: added to a variance before its root, above 0: a dimension that is constant over
            the batch has gradient 0, not infinity.

    Returns:
        Scalar. A single item has no variance: v and c count as 0. An empty batch is worth 0.

    Raises:
        UserError: the views are not of one shape `(batch, dim)`, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import vicreg_loss
        >>> x = np.array([[1.0, 1.0], [-1.0, -1.0]], "float32")  # both variances and cov are 2
        >>> print(float(vicreg_loss(x, x)))  # only c is left: (2^2 + 2^2) / 2, twice
        8.0

    Reference:
        Bardes, Ponce, LeCun, "VICReg: Variance-Invariance-Covariance Regularization for
        Self-Supervised Learning", ICLR 2022, eqs. 1 to 6. Deviation: eq. 5 adds the squares up
        over the dimensions; here they are averaged, as in the authors' code, for which the weights
        25, 25 and 1 were found (`lambda_=25 * dim` is eq. 5). That code also halves the variance
        term (`mu=12.5`); here eq. 6 holds. At the bend of the hinge the gradient is 0.
    """
    _check_vicreg(lambda_, mu, nu, gamma, epsilon)
    left, right = check_views(left, right)
    size = ops.maximum(items_of(left) * dims_of(left), 1.0)
    apart = ops.sum(ops.square(left - right)) / size
    spread, covariance = _variance_and_covariance(left, right, gamma, epsilon)
    # A number that is not finite makes `apart` so, whatever the hinges make of it.
    return lambda_ * apart + mu * spread + nu * covariance


@register
def barlow_twins_loss(
    left: Tensor, right: Tensor, *, lambda_: float = 0.005, epsilon: float = 1e-5
) -> Tensor:
    """Barlow Twins: each dimension correlated with itself in the other view, with no other.

    `sum_i (1 - C_ii)^2 + lambda sum_{i != j} C_ij^2`, where C is the correlation over the batch of
    dimension i of one view with dimension j of the other.

    Args:
        left: embeddings of one view, `(batch, dim)`, not normalised.
        right: embeddings of the other view of the same items, `(batch, dim)`.
        lambda_: weight of what is off the diagonal, at least 0.
        epsilon: added to a variance before its root, above 0: a dimension that is constant over
            the batch correlates with none, and its gradient stays finite.

    Returns:
        Scalar. Between fewer than two items there is no correlation: 0, with zero gradient.

    Raises:
        UserError: the views are not of one shape `(batch, dim)`, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import barlow_twins_loss
        >>> x = np.array([[1.0, 1.0], [-1.0, -1.0]], "float32")  # every correlation is 1
        >>> print(round(float(barlow_twins_loss(x, x)), 4))  # 2 off the diagonal, times lambda
        0.01

    Reference:
        Zbontar, Jing, Misra, LeCun, Deny, "Barlow Twins: Self-Supervised Learning via Redundancy
        Reduction", ICML 2021, eqs. 1 and 2. Deviation: eq. 2 has no epsilon; the authors' code
        has this one, in a batch normalisation without scale and offset.
    """
    _check_barlow_twins(lambda_, epsilon)
    left, right = check_views(left, right)
    count = ops.maximum(items_of(left), 1.0)
    scaled = _standardised(left, epsilon), _standardised(right, epsilon)
    correlation = ops.matmul(ops.transpose(scaled[0]), scaled[1]) / count
    costs = ops.where(
        on_diagonal(left),
        ops.square(1.0 - correlation),
        lambda_ * ops.square(correlation),
    )
    # A product, unlike a choice, keeps a NaN.
    return ops.cast(count > 1, costs.dtype) * ops.sum(costs)


def _variance_and_covariance(
    left: Tensor, right: Tensor, gamma: float, epsilon: float
) -> tuple[Tensor, Tensor]:
    """Terms v and c of both views, added up; 0 where there are fewer than two items."""
    views, count = ops.stack([left, right]), items_of(left)
    freedom = ops.maximum(count - 1.0, 1.0)
    moved = views - ops.sum(views, axis=1, keepdims=True) / ops.maximum(count, 1.0)
    deviation = ops.sqrt(ops.sum(ops.square(moved), axis=1) / freedom + epsilon)
    hinge = ops.sum(ops.relu(gamma - deviation)) / dims_of(left)
    covariance = ops.einsum("vni,vnj->vij", moved, moved) / freedom
    crossed = ops.sum(ops.where(on_diagonal(left), 0.0, ops.square(covariance))) / dims_of(left)
    return ops.where(count > 1, hinge, 0.0), ops.where(count > 1, crossed, 0.0)


def _standardised(rows: Tensor, epsilon: float) -> Tensor:
    moved = centred(rows)
    variance = ops.sum(ops.square(moved), axis=0) / ops.maximum(items_of(rows), 1.0)
    return moved * ops.rsqrt(variance + epsilon)


@register
class VICRegLoss(TwoViewLoss):
    """VICReg of two views stacked as `(batch, 2, dim)`: `vicreg_loss`.

    `y_true` is not used (zeros will do); `sample_weight` is refused, for the loss is made of
    statistics of the batch. Replicas gather theirs: the loss is that of the whole batch.

    Args:
        lambda_: weight of the invariance term, at least 0.
        mu: weight of the variance term, at least 0.
        nu: weight of the covariance term, at least 0.
        gamma: the standard deviation that each dimension shall reach, above 0.
        epsilon: added to a variance before its root, above 0.
        name: of the loss.
    """

    gathers = True

    def __init__(
        self,
        *,
        lambda_: float = 25.0,
        mu: float = 25.0,
        nu: float = 1.0,
        gamma: float = 1.0,
        epsilon: float = 1e-4,
        name: str = "vicreg",
    ) -> None:
        super().__init__(name=name)
        _check_vicreg(lambda_, mu, nu, gamma, epsilon)
        self.lambda_ = lambda_
        self.mu = mu
        self.nu = nu
        self.gamma = gamma
        self.epsilon = epsilon

    def call(self, views: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Scalar loss of one batch."""
        return vicreg_loss(
            *views_of(views),
            lambda_=self.lambda_,
            mu=self.mu,
            nu=self.nu,
            gamma=self.gamma,
            epsilon=self.epsilon,
        )


@register
class BarlowTwinsLoss(TwoViewLoss):
    """Barlow Twins of two views stacked as `(batch, 2, dim)`: `barlow_twins_loss`.

    `y_true` is not used (zeros will do); `sample_weight` is refused, for the loss is made of
    statistics of the batch. Replicas gather theirs: the loss is that of the whole batch.

    Args:
        lambda_: weight of what is off the diagonal, at least 0.
        epsilon: added to a variance before its root, above 0.
        name: of the loss.
    """

    gathers = True

    def __init__(
        self, *, lambda_: float = 0.005, epsilon: float = 1e-5, name: str = "barlow_twins"
    ) -> None:
        super().__init__(name=name)
        _check_barlow_twins(lambda_, epsilon)
        self.lambda_ = lambda_
        self.epsilon = epsilon

    def call(self, views: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Scalar loss of one batch."""
        settings = {"lambda_": self.lambda_, "epsilon": self.epsilon}
        return barlow_twins_loss(*views_of(views), **settings)


def _check_vicreg(lambda_: float, mu: float, nu: float, gamma: float, epsilon: float) -> None:
    for name, value in (("lambda_", lambda_), ("mu", mu), ("nu", nu)):
        check_range(name, value, bounds="[)")
    check_range("gamma", gamma)
    check_range("epsilon", epsilon)


def _check_barlow_twins(lambda_: float, epsilon: float) -> None:
    check_range("lambda_", lambda_, bounds="[)")
    check_range("epsilon", epsilon)
