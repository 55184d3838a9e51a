"""Several crops of a face through several encoders: DeepNet, as tutorials call it."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import keras
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.heads import L2Normalize

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom edge as shares of a face's width and height, 0 to 1."""

WHOLE: Final[Box] = (0.0, 0.0, 1.0, 1.0)
EYES: Final[Box] = (0.1, 0.25, 0.9, 0.65)
"""Of an aligned face: eyes and brows."""
MOUTH: Final[Box] = (0.2, 0.55, 0.8, 1.0)
"""Of an aligned face: nose and mouth."""


@keras.saving.register_keras_serializable(package="simlearn")
class FaceCrop(keras.layers.Layer):
    """A part of each face, in whole pixels, resized to what an encoder takes.

    Args:
        box: the part; see `Box`.
        size: height and width of what comes out, in pixels.

    Call arguments:
        faces: `(batch, height, width, channels)`.

    Call returns:
        `(batch, *size, channels)`, bilinear.

    Raises:
        UserError: the box is empty or leaves the face.

    Examples:
        >>> import numpy as np
        >>> face = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> np.asarray(FaceCrop((0.5, 0.0, 1.0, 0.5), (2, 2))(face))[0, :, :, 0].tolist()
        [[2.0, 3.0], [6.0, 7.0]]
    """

    def __init__(self, box: Box, size: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        left, top, right, bottom = box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1) or min(size) < 1:
            raise UserError(f"expected a box within the face and a size, got {box} and {size}")
        self.box = (left, top, right, bottom)
        self.size = (int(size[0]), int(size[1]))

    def call(self, faces: Tensor) -> Tensor:
        """Cuts and resizes."""
        height, width = faces.shape[1:3]
        left, top, right, bottom = self.box
        rows = slice(round(top * height), max(round(bottom * height), round(top * height) + 1))
        columns = slice(round(left * width), max(round(right * width), round(left * width) + 1))
        part = ops.cast(faces[:, rows, columns], "float32")
        if tuple(part.shape[1:3]) == self.size:
            return part
        return ops.image.resize(part, self.size, interpolation="bilinear", antialias=True)

    def compute_output_shape(self, faces_shape: tuple[int | None, ...]) -> Any:
        """`(batch, *size, channels)`."""
        return (faces_shape[0], *self.size, faces_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {**super().get_config(), "box": self.box, "size": self.size}


def multi_crop(
    encoders: Sequence[tuple[keras.Model, Box]],
    *,
    size: tuple[int, int],
    channels: int = 3,
    name: str = "multi_crop",
) -> keras.Model:
    """Crops of a face, each through an encoder of its own, side by side.

    `e(x) = [f_1(c_1(x)) / |f_1(c_1(x))|, ..., f_k(c_k(x)) / |f_k(c_k(x))|]`, c_i the crops and f_i
    the encoders; each part has the same length, so that none drowns the others. Give the result to
    `simlearn.models.embedding` for a projection of them all, and train it with a triplet loss: the
    encoders' weights are shared with the model. One encoder given twice is used twice.

    Args:
        encoders: each with one output `(batch, dim)`, and the part of the face that it sees.
        size: height and width of the faces, in pixels, aligned: only then is a part the same of
            everyone.
        channels: of the faces.
        name: of the model.

    Returns:
        A model from pixels (0..255) `(batch, *size, channels)` to `(batch, sum of dims)`.

    Raises:
        UserError: there is no encoder, or one takes no pictures of a fixed size with so many
            channels.

    Examples:
        >>> from simlearn import backbones
        >>> model = multi_crop(
        ...     [(backbones.conv4((32, 32, 3)), WHOLE), (backbones.conv4((16, 32, 3)), EYES)],
        ...     size=(64, 64))
        >>> model.output_shape
        (None, 384)

    Reference:
        Sun, Wang, Tang 2014, "Deep Learning Face Representation from Predicting 10,000 Classes",
        section 3.2 (features of several patches, concatenated). Deviations: each part has unit
        length, and networks are trained together.
    """
    if not encoders:
        raise UserError("expected at least one encoder, got none")
    faces = keras.Input((*size, channels), name="pixels")
    # Two encoders made by one function have one name; the layers of a model need one each.
    views = {
        id(encoder): keras.Model(encoder.inputs, encoder.outputs[0], name=f"encoder_{number}")
        for number, (encoder, _) in enumerate(encoders)
    }
    parts = []
    for number, (encoder, box) in enumerate(encoders):
        shape = tuple(encoder.input_shape)
        if len(shape) != 4 or None in shape[1:] or shape[3] != channels:
            raise UserError(
                f"expected encoders of pictures of a fixed size with {channels} channels, got "
                f"{shape}"
            )
        crop = FaceCrop(box, shape[1:3], name=f"crop_{number}")(faces)
        parts.append(L2Normalize(name=f"part_{number}")(views[id(encoder)](crop)))
    together = parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="parts")(parts)
    return keras.Model(faces, together, name=name)
