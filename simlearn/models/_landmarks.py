"""Networks that place landmarks and tell attributes, from one shared backbone."""

from collections.abc import Mapping, Sequence
from typing import Final

import keras

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.heads import LandmarkRegression, SoftArgmax, attribute_heads
from simlearn.models._embedding import check_encoder

POINTS: Final = "points"
"""The name of the output that holds the landmarks."""


def landmarks(
    encoder: keras.Model,
    points: int,
    *,
    attributes: Mapping[str, int] | None = None,
    name: str = "landmarks",
) -> keras.Model:
    """Encoder, a regression of the points, and one head an attribute.

    Args:
        encoder: model from pictures of a fixed size to `(batch, features)`, for example
            `simlearn.backbones.landmark_cnn()`.
        points: how many landmarks, at least 1.
        attributes: number of values of each attribute, by name; see
            `simlearn.heads.attribute_heads`.
        name: of the model.

    Returns:
        A model from pictures to a dictionary: `points`, `(batch, points, 2)` in pixels of the
        encoder's input, x to the right and y down, (0, 0) the centre of the first pixel; and the
        logits of each attribute, `(batch, values)`.

    Raises:
        UserError: the encoder does not turn pictures of a fixed size into one vector each, or an
            argument is out of range.

    Examples:
        >>> from simlearn.backbones import landmark_cnn
        >>> model = landmarks(landmark_cnn(units=8), 5, attributes={"smile": 2})
        >>> {name: tensor.shape for name, tensor in model.output.items()}
        {'points': (None, 5, 2), 'smile': (None, 2)}

    Reference:
        Zhang, Luo, Loy, Tang 2014, "Facial Landmark Detection by Deep Multi-task Learning",
        section 3.1 and figure 2.
    """
    check_encoder(encoder)
    size = _picture_size(encoder)
    features = encoder.outputs[0]
    placed = LandmarkRegression(points, size=size, name=POINTS)(features)
    return _model(encoder, placed, features, attributes, name)


def heatmap_landmarks(
    pyramid: keras.Model,
    points: int,
    *,
    attributes: Mapping[str, int] | None = None,
    name: str = "heatmap_landmarks",
) -> keras.Model:
    """One heatmap a point, each turned into its expected place, and one head an attribute.

    Args:
        pyramid: model from pictures of a fixed size to two outputs, a map
            `(batch, rows, columns, channels)` for the points and features `(batch, dim)` for the
            attributes, as `simlearn.backbones.residual_pyramid` makes.
        points: as in `landmarks`.
        attributes: likewise.
        name: of the model.

    Returns:
        A model as of `landmarks`; the heatmaps themselves are the output of its layer
        `heatmaps`.

    Raises:
        UserError: the pyramid has other outputs, or an argument is out of range.

    Examples:
        >>> from simlearn.backbones import residual_pyramid
        >>> pyramid = residual_pyramid((16, 16, 1), widths=(4, 8), blocks=(1, 1), merged=4)
        >>> heatmap_landmarks(pyramid, 3).output["points"].shape
        (None, 3, 2)

    Reference:
        Sun, Xiao, Wei, Liang, Wei 2018, "Integral Human Pose Regression", section 3.
    """
    outputs: Sequence[Tensor] = getattr(pyramid, "outputs", None) or ()
    ranks = [len(tensor.shape) for tensor in outputs]
    if ranks != [4, 2]:
        raise UserError(
            "expected a pyramid with two outputs, a map (batch, rows, columns, channels) and "
            f"features (batch, dim); got outputs of shapes {[tuple(t.shape) for t in outputs]}"
        )
    if points < 1:
        raise UserError(f"expected points to be at least 1; got {points}")
    fine, features = outputs
    heatmaps = keras.layers.Conv2D(points, 1, name="heatmaps")(fine)
    placed = SoftArgmax(size=_picture_size(pyramid), name=POINTS)(heatmaps)
    return _model(pyramid, placed, features, attributes, name)


def _model(
    backbone: keras.Model,
    placed: Tensor,
    features: Tensor,
    attributes: Mapping[str, int] | None,
    name: str,
) -> keras.Model:
    if POINTS in (attributes or {}):
        raise UserError(f"expected attributes with other names than {POINTS!r}; got it among them")
    told = attribute_heads(features, attributes or {})
    return keras.Model(backbone.inputs[0], {POINTS: placed, **told}, name=name)


def _picture_size(backbone: keras.Model) -> tuple[int, int]:
    shape = backbone.inputs[0].shape
    if len(shape) != 4 or None in shape[1:3]:
        raise UserError(
            f"expected a backbone for pictures of a fixed height and width; got {tuple(shape)}"
        )
    return int(shape[1]), int(shape[2])
