"""Layers that end a network: unit features, proxies, pairs of features, landmarks, attributes.

Every pair head is called on the features of two pictures, `head(left, right)`, both `(batch, dim)`.
Layers with proxies (`Proxies` and its relatives, `Centers`) hold one trainable vector a class, or
several, and give what a loss over proxies takes beside integer labels in `[0, classes)`.
Landmark heads give points in pixels of the picture that the network sees.
Whatever the dtype policy, results are float32 at least: a loss on float16 cosines or
probabilities loses the differences that it is meant to learn from.
"""

from simlearn.heads._attributes import attribute_heads
from simlearn.heads._base import L2Normalize
from simlearn.heads._landmarks import LandmarkRegression, SoftArgmax
from simlearn.heads._norms import ProxiesWithNorm, ProxiesWithQuality
from simlearn.heads._pairs import ConcatenatedHead, DistanceHead, KochHead
from simlearn.heads._proxies import Centers, MultiProxies, Proxies

__all__ = [
    "Centers",
    "ConcatenatedHead",
    "DistanceHead",
    "KochHead",
    "L2Normalize",
    "LandmarkRegression",
    "MultiProxies",
    "Proxies",
    "ProxiesWithNorm",
    "ProxiesWithQuality",
    "SoftArgmax",
    "attribute_heads",
]
