"""A backbone with all that is done to a picture before it, and its features of pictures."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import keras
import numpy as np
import PIL
from numpy.typing import NDArray

from simlearn import backbones
from simlearn.backbones import Weights
from simlearn.data.frames import Crop, Frame, Stretch
from simlearn.data.loading import Loader, Skipped
from simlearn.data.records import Pictures
from simlearn.errors import DatasetError, UserError
from simlearn.training import model_fingerprint

_VERSION: Final = 1
"""Changes when the same model and frame no longer give the same features."""


class Strict(Skipped):
    """Skips nothing: the first picture that cannot be read is an error with its name."""

    def __init__(self) -> None:
        super().__init__(limit=0.0)

    def add(self, where: str, reason: str, *, total: int) -> NoReturn:
        """Raise what is wrong with the picture."""
        raise DatasetError(f"{where}: {reason}")


def feature_model(backbone: keras.Model, *, trainable: bool = False) -> keras.Model:
    """The model from pictures to features: a backbone whose map is laid out as a list of places.

    Its layers are those of the backbone, not copies. Frozen, its batch normalisation stays in
    inference mode also while a captioner behind it trains.

    Args:
        backbone: From pixels (0..255) of one size to a map `(batch, rows, columns, channels)`, as
            the functions of `simlearn.backbones` make it with `pooling=None`.
        trainable: Whether the backbone learns; set on its own layers too.

    Returns:
        A model from `(batch, height, width, 3)` to `(batch, rows * columns, channels)`, the places
        row by row.

    Raises:
        UserError: The backbone has another kind of input or output, or none of a fixed size.

    Examples:
        >>> backbone = backbones.conv4((28, 42, 3), pooling=None)
        >>> backbone.output_shape, feature_model(backbone).output_shape
        ((None, 1, 2, 64), (None, 2, 64))
    """
    inputs, outputs = getattr(backbone, "inputs", None), getattr(backbone, "outputs", None)
    shapes = [tuple(t.shape) for t in (*(inputs or ()), *(outputs or ()))]
    fits = len(shapes) == 2 and all(len(s) == 4 and None not in s[1:] for s in shapes)
    if not fits or shapes[0][3] not in (1, 3):
        raise UserError(
            "expected a backbone from pictures (batch, height, width, 1 or 3) of one size to a map "
            f"(batch, rows, columns, channels), as pooling=None gives it; got "
            f"{getattr(backbone, 'name', backbone)!r} with shapes {shapes}"
        )
    _, rows, columns, channels = shapes[1]
    places = keras.layers.Reshape((rows * columns, channels), name="places")
    model = keras.Model(backbone.inputs[0], places(backbone.outputs[0]), name="encoder")
    # TensorFlow drops an assignment of the value that is there, and with it that of the layers.
    model.trainable = not trainable
    model.trainable = trainable
    return model


class Encoder:
    """Turns pictures of any size into features, with a backbone as it is.

    Attributes:
        model: From pixels `(batch, height, width, channels)`, 0 to 255, to features; frozen, until
            `encoder.model.trainable = True`.
        grid: Rows and columns of the map; location k is row `k // columns`, column `k % columns`.
        shape: Of the features of one picture, (locations, channels).
        frame: Brings each picture to the backbone's size.

    Args:
        backbone: As `feature_model` takes it; it is frozen.
        frame: By default the whole picture stretched to the backbone's size, so that each place of
            the map is the same part of the picture.
        fill: Value where a frame leaves room around the picture, 0 to 255.

    Raises:
        UserError: The backbone does not fit, or the frame has another size or goes by the place of
            a picture in its record, as `Crop` does.

    Examples:
        >>> from simlearn.data.records import PictureArray
        >>> encoder = Encoder(backbones.conv4((28, 42, 3), pooling=None))
        >>> encoder.grid, encoder.shape
        ((1, 2), (2, 64))
        >>> encoder.encode(PictureArray(np.zeros((5, 30, 20, 3), np.uint8))).shape
        (5, 2, 64)
    """

    def __init__(self, backbone: keras.Model, *, frame: Frame | None = None, fill: int = 0) -> None:
        self.model = feature_model(backbone)
        height, width, channels = backbone.inputs[0].shape[1:]
        self.grid: tuple[int, int] = tuple(backbone.outputs[0].shape[1:3])
        self.shape: tuple[int, int] = tuple(self.model.outputs[0].shape[1:])
        self.frame = Stretch((height, width)) if frame is None else frame
        self._channels, self._fill = channels, fill
        # What a cached entry depends on must follow from the picture alone.
        if isinstance(frame, Crop) or tuple(self.frame.size) != (height, width):
            raise UserError(
                f"expected a frame of {height}x{width} pixels, the size of the backbone, that "
                f"depends on the picture alone, as Stretch(({height}, {width})); got {frame!r}"
            )

    def __repr__(self) -> str:
        (rows, columns), (_, channels) = self.grid, self.shape
        return f"<Encoder {rows}x{columns}x{channels}, {self.frame}>"

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of all that features depend on beside the picture.

        The weights and architecture of the model, preprocessing included, as they are now; the
        frame; and the version of Pillow, which decodes. Names of layers do not count.
        """
        settings = [_VERSION, PIL.__version__, repr(self.frame), self._channels, self._fill]
        text = json.dumps([model_fingerprint(self.model), *settings])
        return hashlib.sha256(text.encode()).hexdigest()

    def encode(self, pictures: Pictures, *, batch: int = 32) -> NDArray[np.float16]:
        """Features of a few pictures, in memory and without a cache.

        Args:
            pictures: Of any size, as a record's `pictures`.
            batch: How many pass through the model at once, at least 1.

        Returns:
            `(n, locations, channels)`.

        Raises:
            DatasetError: A picture cannot be read; the message begins with its name.
            UserError: `batch` is below 1, or a feature is too large for half precision.
        """
        result = np.empty((len(pictures), *self.shape), np.float16)
        for rows, values in self.batches(pictures, np.arange(len(pictures)), batch=batch):
            result[rows] = values
        return result

    def batches(
        self,
        pictures: Pictures,
        rows: NDArray[np.int64],
        *,
        batch: int = 32,
        skipped: Skipped | None = None,
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """Features of some pictures, a batch at a time, the next ones decoded meanwhile.

        Args:
            pictures: As in `encode`.
            rows: `(n,)`, which of them.
            batch: As in `encode`.
            skipped: Where pictures that cannot be read are listed; by default one is an error.

        Yields:
            Rows `(b,)` of the pictures that could be read, and their features, computed in float32
            and kept in float16, `(b, locations, channels)`.

        Raises:
            DatasetError: A picture cannot be read, or with `skipped` more than its limit.
            UserError: As `encode`.
        """
        if not isinstance(batch, int) or batch < 1:
            raise UserError(f"batch must be an integer of at least 1, and came as {batch!r}")
        loader = Loader(
            pictures,
            frame=self.frame,
            channels=self._channels,
            fill=self._fill,
            skipped=Strict() if skipped is None else skipped,
        )
        requests = [rows[start : start + batch] for start in range(0, len(rows), batch)]
        stream = loader.stream((request, None) for request in requests)
        for request, loaded in zip(requests, stream, strict=True):
            if loaded.good.any():
                good = request[loaded.good]
                values = self.model.predict_on_batch(loaded.images[loaded.good].astype(np.float32))
                yield good, _halved(np.asarray(values), good, pictures)


def vgg16(
    *,
    weights: Weights = "imagenet",
    layer: str = "block5_conv3",
    size: tuple[int, int] = (224, 224),
) -> Encoder:
    """VGG16 up to its last convolution: 14x14 places of 512 channels, as most attention papers.

    Args:
        weights: `"imagenet"` (downloaded once), a file of weights, or None for random ones.
        layer: Where the network is cut.
        size: Height and width to which each picture is stretched, in pixels, at least 32.

    Raises:
        UserError: As `simlearn.backbones.vgg16`.

    Examples:
        >>> vgg16(weights=None, size=(64, 96)).grid
        (4, 6)

    Reference:
        Xu et al. 2015, "Show, Attend and Tell", section 4.3: the 14x14x512 map of the fourth
        convolutional layer before max pooling.
    """
    return Encoder(backbones.vgg16((*size, 3), weights=weights, pooling=None, layer=layer))


def mobilenet_v2(*, weights: Weights = "imagenet", size: tuple[int, int] = (224, 224)) -> Encoder:
    """MobileNetV2 up to its last activation: 7x7 places of 1280 channels, for slow machines.

    Args, raises: as :func:`vgg16`.

    Examples:
        >>> mobilenet_v2(weights=None, size=(64, 96)).shape
        (6, 1280)
    """
    return Encoder(backbones.mobilenet_v2((*size, 3), weights=weights, pooling=None))


def _halved(
    values: NDArray[Any], rows: NDArray[np.int64], pictures: Pictures
) -> NDArray[np.float16]:
    """In half precision; what does not fit would be infinite."""
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    bad = ~np.isfinite(halves).all(axis=(1, 2))
    if bad.any():
        first = int(np.argmax(bad))
        largest = np.abs(values[first].astype(np.float64)).max()
        raise UserError(
            f"{pictures.where(int(rows[first]))}: expected finite features of at most 65504, the "
            f"largest that half precision holds, and the backbone gave {largest:.6g}"
        )
    return halves
