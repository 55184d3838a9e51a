"""Encoder plus head: embeddings, siamese networks, two views, proxy classifiers, landmarks.

An *encoder* is any `keras.Model` with one input and one output `(batch, dim)`: what
`simlearn.backbones` makes, or your own. These functions share its layers, never copy them: training
the model trains the encoder you passed in, and `encoder.trainable = False` before compiling freezes
it, its batch normalisation included.

`MultiTask` trains a network with several named outputs, each with a loss of its own, weighted by
`FixedWeights` or `UncertaintyWeights`.
"""

from simlearn.models._embedding import embedding, proxy_classifier, siamese, simsiam, two_views
from simlearn.models._landmarks import POINTS, heatmap_landmarks, landmarks
from simlearn.models._multi_task import MultiTask
from simlearn.models._weighting import FixedWeights, UncertaintyWeights

__all__ = [
    "POINTS",
    "FixedWeights",
    "MultiTask",
    "UncertaintyWeights",
    "embedding",
    "heatmap_landmarks",
    "landmarks",
    "proxy_classifier",
    "siamese",
    "simsiam",
    "two_views",
]
