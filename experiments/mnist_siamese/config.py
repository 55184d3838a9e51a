"""Settings of `python -m experiments.mnist_siamese`."""

import dataclasses

from experiments._similarity.config import SimilaritySettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class MnistSettings(SimilaritySettings):
    """Learn to tell MNIST's digits apart, two ways, beside raw pixels.

    The comparison of experiments.digits (a Siamese network with the contrastive loss of Hadsell
    et al. 2006; an embedding with FaceNet's semi-hard triplet loss, Schroff et al. 2015) on MNIST:
    idx files under --data, gzipped or not; without --data they are looked for in
    $SIMLEARN_DATA/mnist (data/mnist where that is not set) and downloaded there, 11.6 MB.
    """

    epochs: int = 5
    """Epochs of each of the two trainings."""

    pairs_per_batch: int = 128
    """Siamese: pairs in a batch, half of them positive."""

    validation: int = 10_000
    """Pictures at the end of the training file that choose the threshold instead of training."""
