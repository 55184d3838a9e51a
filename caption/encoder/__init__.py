"""From pictures to what a captioner looks at: features `(locations, channels)` of each picture.

An `Encoder` is a backbone of `simlearn.backbones`, cut at a map of features, with all that is done
to a picture before. A `FeatureCache` keeps what a frozen one computes, one entry a picture, however
many captions that has:

    encoder = vgg16()
    features = FeatureCache("cache").of(record.pictures, encoder)
    features[[0, 7]]  # float16 (2, 196, 512)

For fine-tuning there is no cache: `Encoder.model` then stands in front of the captioner.
"""

from caption.encoder._cache import FeatureCache
from caption.encoder._encoder import Encoder, feature_model, mobilenet_v2, vgg16
from caption.encoder._features import Features
from caption.encoder._progress import Progress

__all__ = [
    "Encoder",
    "FeatureCache",
    "Features",
    "Progress",
    "feature_model",
    "mobilenet_v2",
    "vgg16",
]
