"""Settings of `python -m experiments.digits`."""

import dataclasses

from experiments._similarity.config import SimilaritySettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class DigitsSettings(SimilaritySettings):
    """Learn to tell handwritten digits apart, two ways, beside raw pixels, PCA and LDA.

    Trains a Siamese network with the contrastive loss (Hadsell et al. 2006) and an embedding with
    FaceNet's semi-hard triplet loss (Schroff et al. 2015) on scikit-learn's 1,797 real digits of
    8x8 pixels, which come with scikit-learn: nothing is downloaded. README.md in this folder has
    the expected scores and the time they take.
    """

    enlarge: int = 2
    """How many times larger, along each side, the encoder makes the pictures first."""

    filters: tuple[int, int] = (32, 64)
    """Channels of the encoder's two convolutions."""
