"""A model of faces with all that its embeddings depend on, in one folder."""

import dataclasses
import hashlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from simlearn._files import write_atomically
from simlearn.errors import UserError
from simlearn.faces._placing import Aligned, Placing, described, restored

if TYPE_CHECKING:
    import keras

_FORMAT: Final = "simlearn face embedder 1"
_MODEL: Final = "model.keras"
_ABOUT: Final = "embedder.json"
_BATCH: Final = 64


@dataclasses.dataclass(eq=False)
class FaceEmbedder:
    """Pixels of faces to embeddings of unit length.

    The model standardises its pixels itself, as every model of `simlearn.backbones` does, and this
    holds the rest: the size that it sees, how faces are laid into it, and whether it also sees them
    mirrored. All of it is in the fingerprint, so that embeddings made otherwise are never compared.

    Args:
        model: from pixels (0..255) `(batch, height, width, 1 or 3)` to `(batch, dim)`.
        placing: how faces come to lie in these pixels: as those did that the model was trained on.
        flip: whether the embedding is of the sum of a face's and its mirror image's, each of unit
            length: twice the work, and a little more accurate.

    Raises:
        UserError: the model has more than one input or output, or its size is not fixed.

    Examples:
        >>> from simlearn import backbones
        >>> embedder = FaceEmbedder(backbones.conv4((28, 28, 1)))
        >>> faces = np.zeros((3, 28, 28, 1), np.uint8)
        >>> embedder.embed(faces).shape, embedder.size, embedder.channels
        ((3, 64), (28, 28), 1)
    """

    model: "keras.Model"
    placing: Placing = dataclasses.field(default_factory=Aligned)
    flip: bool = False

    def __post_init__(self) -> None:
        inputs, outputs = list(self.model.inputs or ()), list(self.model.outputs or ())
        shapes = [tuple(tensor.shape) for tensor in (*inputs, *outputs)]
        fixed = len(inputs) == 1 and len(shapes[0]) == 4 and None not in shapes[0][1:]
        if not fixed or shapes[0][3] not in (1, 3) or len(outputs) != 1 or len(shapes[1]) != 2:
            raise UserError(
                "expected a model from pixels (batch, height, width, 1 or 3) of a fixed size to "
                f"(batch, dim), got shapes {shapes}"
            )
        self._call: Callable[..., Any] | None = None
        self._fingerprint: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the faces that the model sees, in pixels."""
        _, height, width, _ = self.model.input_shape
        return int(height), int(width)

    @property
    def channels(self) -> Any:
        """1 for grey, 3 for RGB."""
        return int(self.model.input_shape[3])

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return int(self.model.output_shape[1])

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the model, of how faces are laid and of whether it sees them mirrored."""
        if self._fingerprint is None:
            from simlearn.training import model_fingerprint

            parts = [model_fingerprint(self.model), described(self.placing), bool(self.flip)]
            self._fingerprint = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return self._fingerprint

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The embeddings of faces that are laid out already.

        Args:
            faces: uint8 `(n, height, width, channels)`, of the size that the model sees.

        Returns:
            float32 `(n, dim)`, of unit length.

        Raises:
            UserError: the faces are of another type or shape: pixels from 0 to 1, say, or -1 to 1.
        """
        faces = np.asarray(faces)
        expected = (*self.size, self.channels)
        if faces.dtype != np.uint8 or faces.shape[1:] != expected:
            raise UserError(
                f"expected faces as uint8 (n, {', '.join(map(str, expected))}) from 0 to 255, got "
                f"{faces.dtype} of shape {faces.shape}"
            )
        call = self._compiled()
        parts = [
            np.asarray(call(faces[i : i + _BATCH]), np.float32)
            for i in range(0, len(faces), _BATCH)
        ]
        return np.concatenate([np.empty((0, self.dim), np.float32), *parts])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write model and settings into a folder, made where there is none.

        Raises:
            UserError: it cannot be written.
        """
        from simlearn.training import save_model

        folder = Path(folder)
        about = {
            "format": _FORMAT,
            "fingerprint": self.fingerprint,
            "size": list(self.size),
            "channels": self.channels,
            "placing": described(self.placing),
            "flip": bool(self.flip),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save_model(self.model, folder / _MODEL)
            write_atomically(folder / _ABOUT, (json.dumps(about, indent=2) + "\n").encode())
        except OSError as error:
            raise UserError(f"cannot write {folder}: {error.strerror or error}") from error

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "FaceEmbedder":
        """Read what `save` wrote. Layers that would run code of their own are refused.

        Raises:
            UserError: something is missing or damaged, or model and settings do not belong
                together.
        """
        folder = Path(folder)
        about = _about(folder / _ABOUT)
        model = _model(folder / _MODEL)
        placing, flip = restored(about.get("placing")), about.get("flip") is True
        embedder = cls(model, placing=placing, flip=flip)
        found = [list(embedder.size), embedder.channels, embedder.fingerprint]
        if found != [about.get("size"), about.get("channels"), about.get("fingerprint")]:
            raise UserError(
                f"{folder}: expected the model, size and standardisation that {_ABOUT} was written "
                f"for, {str(about.get('fingerprint'))[:12]}, got {embedder.fingerprint[:12]}"
            )
        return embedder

    def _compiled(self) -> Callable[..., Any]:
        if self._call is None:
            import keras

            # Keras' `predict` would do, but traces anew for each size of a batch.
            call = self._unit_length
            if keras.backend.backend() == "tensorflow":
                import tensorflow as tf

                spec = tf.TensorSpec((None, *self.size, self.channels), tf.uint8)
                call = tf.function(call, input_signature=[spec])
            self._call = call
        return self._call

    def _unit_length(self, faces: Any) -> Any:
        from keras import ops

        pixels = ops.cast(faces, "float32")
        vectors = ops.normalize(self.model(pixels, training=False), axis=-1)
        if self.flip:
            mirrored = self.model(ops.flip(pixels, axis=2), training=False)
            vectors = ops.normalize(vectors + ops.normalize(mirrored, axis=-1), axis=-1)
        return vectors


def _about(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: expected settings in JSON, got {error}") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise UserError(f"{path}: expected format {_FORMAT!r}, got {str(content)[:80]}")
    return content


def _model(path: Path) -> "keras.Model":
    import keras

    # What a `.keras` file may name: layers of ours register when these are imported.
    from simlearn import backbones, heads  # noqa: F401
    from simlearn.faces import _multi_crop  # noqa: F401

    if not path.is_file():
        raise UserError(f"expected a model, and {path} does not exist")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    # A damaged or hostile file can make Keras raise nearly anything.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: expected a model of Keras, got {reason:.200}") from error
