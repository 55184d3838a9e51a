"""tensorflow-addons' metric learning, with its names, arguments and defaults, on Keras 3.

tensorflow-addons is archived and runs with no TensorFlow after 2.15. Code written for it runs here
after one changed line, `import simlearn.addons as tfa`; numbers and gradients are equal wherever
its own were right. New code wants `simlearn.losses`: the papers' defaults, any distance, any miner.

What differs, whichever the loss:

- items without a positive or without a negative count for nothing, and a batch without pairs
  costs 0: there they got phantom triplets, or the loss became NaN;
- labels are integers of any size, and a class, not a function, goes to `compile(loss=...)`;
- results are float32, or float64 for float64 embeddings, never float16;
- `sample_weight` works, and scales each anchor's share;
- an argument that does not exist is an error.

Examples:
    >>> import numpy as np
    >>> import simlearn.addons as tfa
    >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
    >>> print(float(tfa.losses.triplet_semihard_loss(np.array([0, 0, 1]), x)))
    1.0
"""

from simlearn.addons import losses
from simlearn.addons.losses import (
    ContrastiveLoss,
    LiftedStructLoss,
    NpairsLoss,
    NpairsMultilabelLoss,
    TripletHardLoss,
    TripletSemiHardLoss,
    contrastive_loss,
    lifted_struct_loss,
    npairs_loss,
    npairs_multilabel_loss,
    triplet_hard_loss,
    triplet_semihard_loss,
)
from simlearn.addons.losses.metric_learning import angular_distance, pairwise_distance

__all__ = [
    "ContrastiveLoss",
    "LiftedStructLoss",
    "NpairsLoss",
    "NpairsMultilabelLoss",
    "TripletHardLoss",
    "TripletSemiHardLoss",
    "angular_distance",
    "contrastive_loss",
    "lifted_struct_loss",
    "losses",
    "npairs_loss",
    "npairs_multilabel_loss",
    "pairwise_distance",
    "triplet_hard_loss",
    "triplet_semihard_loss",
]
