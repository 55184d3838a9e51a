"""Encoders that turn pictures into features: plain functions that return a `keras.Model`.

Every one takes pixels from 0 to 255, `(batch, height, width, channels)` as uint8 or float, and
does its own preprocessing inside the model, so it cannot be forgotten or done twice. `pooling` is
what makes the layer from feature map to vector, `keras.layers.GlobalAveragePooling2D`,
`keras.layers.GlobalMaxPooling2D`, `keras.layers.Flatten` or your own; None gives the map itself.

To keep a pretrained encoder as it is, set `model.trainable = False` before compiling what contains
it: its batch normalisation then stays in inference mode, in training too.
"""

from simlearn.backbones._applications import (
    efficientnet_b0,
    inception_v3,
    mobilenet_v2,
    mobilenet_v3_large,
    mobilenet_v3_small,
    resnet50,
    vgg16,
)
from simlearn.backbones._inception_resnet import inception_resnet_v1
from simlearn.backbones._landmarks import landmark_cnn, residual_pyramid
from simlearn.backbones._mobilefacenet import mobilefacenet
from simlearn.backbones._pooling import Pooling, Shape
from simlearn.backbones._preprocessing import CaffePixels, WhitenedPixels
from simlearn.backbones._small import conv4, siamese_cnn, small_resnet
from simlearn.backbones._weights import Weights

__all__ = [
    "CaffePixels",
    "Pooling",
    "Shape",
    "Weights",
    "WhitenedPixels",
    "conv4",
    "efficientnet_b0",
    "inception_resnet_v1",
    "inception_v3",
    "landmark_cnn",
    "mobilefacenet",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "residual_pyramid",
    "resnet50",
    "siamese_cnn",
    "small_resnet",
    "vgg16",
]
