"""Center loss."""

from simlearn._typing import Tensor
from simlearn.losses._base import check_batch, register
from simlearn.losses._proxy import ProxyLoss, true_class


@register
def center_loss(labels: Tensor, squared_distances: Tensor) -> Tensor:
    """Center loss: half the squared distance to the centre of the item's class.

    `|x_i - c_y|^2 / 2`. The centres are a layer's weights: simlearn.heads.Centers, which also
    says how they move. It only pulls; another loss has to keep the classes apart.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        squared_distances: `(batch, classes)`, at least 0.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, or shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import center_loss
        >>> print(float(center_loss(np.array([1]), np.array([[9.0, 4.0]], "float32"))[0]))
        2.0

    Reference:
        Wen et al., "A Discriminative Feature Learning Approach for Deep Face Recognition", ECCV
        2016, eq. 2. Deviation: the class takes the mean over the batch, eq. 2 the sum; and
        centres follow the gradient, not eq. 4.
    """
    labels, squared_distances, _ = check_batch(labels, squared_distances)
    true = true_class(labels, squared_distances.shape[1])
    return true.guarded(0.5 * true.of(squared_distances), squared_distances)


@register
class CenterLoss(ProxyLoss):
    """Center loss on the distances that a `simlearn.heads.Centers` layer gives: `center_loss`.

    Args:
        name: of the loss.
    """

    def __init__(self, *, name: str = "center") -> None:
        super().__init__(name=name)

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return center_loss(labels, rows)
