"""Settings of `python -m experiments.mnist_siamese`."""

import dataclasses

from experiments._similarity.config import SimilaritySettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class MnistSettings(SimilaritySettings):
    """Learn to tell MNIST's digits apart, two ways, beside raw pixels, PCA and LDA.

    The comparison of experiments.digits (a Siamese network with the contrastive loss of Hadsell
    et al. 2006; an embedding with FaceNet's semi-hard triplet loss, Schroff et al. 2015) on MNIST:
    idx files under --data, a folder or zip; without --data in $SIMLEARN_DATA/mnist (data/mnist
    where that is not set), where python datasets/mnist/prepare.py downloads them.
    """

    epochs: int = 5
    """Epochs of each of the two trainings."""

    pairs_per_batch: int = 128
    """Siamese: pairs in a batch, half of them positive."""

    validation: int = 10_000
    """Pictures at the end of the training file that choose the threshold instead of training."""
