"""Classical embeddings of pictures: what a trained one has to beat.

Each turns pictures into vectors as a trained encoder would, so that every metric, search and report
takes either. `raw_pixels` and `lbph` are functions; `Eigenfaces` and `Fisherfaces` are fitted on
training pictures, and what `fit` returns is called in the same way. Euclidean distance belongs to
all of them but `lbph`, whose histograms are compared by `chi_square`.
"""

from simlearn.baselines._histograms import chi_square, lbph
from simlearn.baselines._linear import LinearEmbedding
from simlearn.baselines._pixels import raw_pixels
from simlearn.baselines._subspaces import Eigenfaces, Fisherfaces

__all__ = [
    "Eigenfaces",
    "Fisherfaces",
    "LinearEmbedding",
    "chi_square",
    "lbph",
    "raw_pixels",
]
