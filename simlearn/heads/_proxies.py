"""Layers that hold the trainable vectors of classes, and compare features with them."""

from typing import Any

import keras
from keras import ops

from simlearn import distances
from simlearn._numerics import l2_normalize, safe_sqrt
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.heads._base import WideLayer, check_features, register


class _ClassLayer(WideLayer):
    """A layer with vectors for each of some classes."""

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if classes < 1:
            raise UserError(f"expected classes to be at least 1; got {classes}")
        self.classes = classes

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Makes one proxy a class; a normal draw points in a uniformly random direction."""
        check_features(tuple(features_shape))
        self.proxies = self.add_weight(
            name="proxies",
            shape=(self.classes, features_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {**super().get_config(), "classes": self.classes}


@register
class Proxies(_ClassLayer):
    """Cosines to one trainable unit-length proxy a class.

    `cos(theta_ij) = x_i . w_j / (|x_i| |w_j|)`.

    What the losses take beside the labels that compare with one proxy a class: NormalizedSoftmax,
    CosFace, ArcFace, ProxyNCA, ProxyNCAPlusPlus, ProxyAnchor. Proxies are normalised on use, so
    any optimiser may move them. Rounding can leave a cosine a few 1e-7 outside [-1, 1]: it is not
    clipped here, for that would cut the gradient off.

    Args:
        classes: number of classes, at least 1.

    Call arguments:
        features: `(batch, dim)`; they need not be normalised.

    Call returns:
        `(batch, classes)`, float32 at least.

    Raises:
        UserError: if `classes` is below 1 or the features have no fixed dimension.

    Examples:
        >>> import numpy as np
        >>> tuple(Proxies(5)(np.ones((2, 3))).shape)
        (2, 5)

    Reference:
        Deng, Guo, Xue, Zafeiriou 2019, "ArcFace", equation 2; Movshovitz-Attias et al. 2017, "No
        Fuss Distance Metric Learning using Proxies".
    """

    def call(self, features: Tensor) -> Tensor:
        """Cosine of every feature with every proxy."""
        return ops.matmul(l2_normalize(features), ops.transpose(l2_normalize(self.proxies)))

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """`(batch, classes)`."""
        return (features_shape[0], self.classes)


@register
class MultiProxies(_ClassLayer):
    """Cosines to several trainable unit-length centres a class.

    `cos(theta_ikj) = x_i . w_jk / (|x_i| |w_jk|)`, for `SubCenterArcFaceLoss` and
    `SoftTripleLoss`.

    With `tau`, centres of one class that are not needed are drawn together, by a term among
    `model.losses` that `fit` adds to the loss:
    `tau / (classes K (K - 1)) sum_j sum_{s < t} |w_js - w_jt|`. At two equal centres its gradient
    is 0.

    Args:
        classes: number of classes, at least 1.
        centers: centres a class, K, at least 1.
        tau: weight of the term that draws centres together, at least 0; SoftTriple has 0.2.

    Call arguments:
        features: `(batch, dim)`; they need not be normalised.

    Call returns:
        `(batch, centers, classes)`, float32 at least: classes last, as wherever they are logits.

    Raises:
        UserError: if an argument is out of range or the features have no fixed dimension.

    Examples:
        >>> import numpy as np
        >>> tuple(MultiProxies(5, centers=2)(np.ones((4, 3))).shape)
        (4, 2, 5)

    Reference:
        Deng et al. 2020, "Sub-center ArcFace" (K of 3); Qian et al. 2019, "SoftTriple Loss",
        section 3 (several centres a class and the term on them; K of 10 in its experiments).
    """

    def __init__(self, classes: int, *, centers: int = 3, tau: float = 0.0, **kwargs: Any) -> None:
        super().__init__(classes, **kwargs)
        if centers < 1:
            raise UserError(f"expected centers to be at least 1; got {centers}")
        if not 0 <= tau < float("inf"):
            raise UserError(f"expected tau in [0, inf); got {tau}")
        self.centers = centers
        self.tau = tau

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Makes the centres, in uniformly random directions."""
        check_features(tuple(features_shape))
        together = _Together(self.tau) if self.tau and self.centers > 1 else None
        self.proxies = self.add_weight(
            name="proxies",
            shape=(self.centers, self.classes, features_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            regularizer=together,
        )

    def call(self, features: Tensor) -> Tensor:
        """Cosine of every feature with every centre."""
        # One matrix product: a batched one is slower.
        centers = ops.reshape(self.proxies, (self.centers * self.classes, -1))
        cosines = ops.matmul(l2_normalize(features), ops.transpose(l2_normalize(centers)))
        return ops.reshape(cosines, (-1, self.centers, self.classes))

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """`(batch, centers, classes)`."""
        return (features_shape[0], self.centers, self.classes)

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {**super().get_config(), "centers": self.centers, "tau": self.tau}


class _Together(keras.regularizers.Regularizer):
    """SoftTriple's sum over the distances between the centres of a class."""

    def __init__(self, tau: float) -> None:
        self.tau = tau

    def __call__(self, proxies: Tensor) -> Tensor:
        centers, classes = proxies.shape[:2]
        units = ops.transpose(l2_normalize(proxies), (1, 0, 2))
        squared = 2.0 - 2.0 * ops.matmul(units, ops.transpose(units, (0, 2, 1)))
        order = ops.arange(centers)
        once = ops.broadcast_to(order[:, None] < order[None, :], (classes, centers, centers))
        apart = safe_sqrt(ops.where(once, squared, 0.0))
        return self.tau * ops.sum(apart) / (classes * centers * (centers - 1))


@register
class Centers(_ClassLayer):
    """Squared Euclidean distances to one trainable centre a class, for `CenterLoss`.

    `d_ij = |x_i - c_j|^2`.

    Centre loss goes beside a loss that keeps classes apart, or all features and centres meet in
    one point: a model with two outputs, `compile(loss=[..., CenterLoss()],
    loss_weights=[1, 0.003])`.

    Deviation: centres are weights like any other, moved by the optimiser along the gradient of
    the loss; the paper moves them by a rule of their own (eq. 4), the sum over the class's items
    in the batch divided by one more than their number. Adam and its like, which adapt the size of
    steps, move them well; under plain SGD a small loss weight leaves them all but still.

    Args:
        classes: number of classes, at least 1.

    Call arguments:
        features: `(batch, dim)`, of any length.

    Call returns:
        `(batch, classes)`, float32 at least.

    Raises:
        UserError: if `classes` is below 1 or the features have no fixed dimension.

    Examples:
        >>> import numpy as np
        >>> tuple(Centers(5)(np.ones((2, 3))).shape)
        (2, 5)

    Reference:
        Wen et al. 2016, "A Discriminative Feature Learning Approach for Deep Face Recognition",
        section 3.2 (equation 2).
    """

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Makes one centre a class, not far from zero."""
        check_features(tuple(features_shape))
        self.centers = self.add_weight(
            name="centers", shape=(self.classes, features_shape[-1]), initializer="glorot_uniform"
        )

    def call(self, features: Tensor) -> Tensor:
        """Squared distance of every feature to every centre."""
        return distances.squared_euclidean(features, self.centers)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """`(batch, classes)`."""
        return (features_shape[0], self.classes)
