"""A trained captioner in a folder, with the encoder and the words that belong to it."""

import json
import zipfile
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras

from caption import decoding
from caption.encoder import Encoder
from caption.models import Captioner
from caption.vocabulary import Vocabulary
from caption.writing import Decoder, Writer, Written
from simlearn._files import write_atomically
from simlearn.data.frames import Stretch
from simlearn.data.records import Pictures
from simlearn.errors import RunError, UserError
from simlearn.training import save_model

_CAPTIONER: Final = "captioner.keras"
_ENCODER: Final = "encoder.keras"
_VOCABULARY: Final = "vocabulary.json"
_SETTINGS: Final = "trained.json"
_FORMAT: Final = "trained captioner 1"


class TrainedCaptioner:
    """Captions any picture: what prepares it, what looks at it and what speaks stay together.

    Args:
        captioner: trained.
        encoder: with the weights that it was trained on.
        vocabulary: of its tokens.
        longest: words of a caption, at most.

    Raises:
        UserError: the vocabulary is another's, or the encoder does not stretch pictures, which is
            the one frame that is stored.
    """

    def __init__(
        self, captioner: Captioner, encoder: Encoder, vocabulary: Vocabulary, *, longest: int = 20
    ) -> None:
        if captioner.vocabulary_size != len(vocabulary):
            raise UserError(
                f"vocabulary: expected the captioner's {captioner.vocabulary_size} tokens, "
                f"got {len(vocabulary)}"
            )
        if encoder.frame != Stretch(tuple(encoder.model.inputs[0].shape[1:3])):
            raise UserError(f"encoder: expected one that stretches pictures, got {encoder!r}")
        self.captioner = captioner
        self.encoder = encoder
        self.vocabulary = vocabulary
        self.longest = longest

    def save(self, folder: str | Path) -> None:
        """Write all of it into a folder, made where there is none, beside what is there.

        Raises:
            RunError: it cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save_model(self.captioner, folder / _CAPTIONER)
            save_model(self.encoder.model, folder / _ENCODER)
            self.vocabulary.save(folder / _VOCABULARY)
            settings = json.dumps({"format": _FORMAT, "longest": self.longest}) + "\n"
            write_atomically(folder / _SETTINGS, settings.encode())
        except OSError as error:
            raise RunError(f"cannot write to {folder}: {error.strerror or error}") from error

    @classmethod
    def load(cls, folder: str | Path) -> "TrainedCaptioner":
        """Read what `save` wrote.

        Nothing in it is code that is run, unless the program allowed Keras that for all files
        (`keras.config.enable_unsafe_deserialization`).

        Raises:
            UserError: a file is missing or is not what it should be; the message names it.
        """
        folder = Path(folder)
        for name in (_CAPTIONER, _ENCODER, _VOCABULARY, _SETTINGS):
            if not (folder / name).is_file():
                raise UserError(
                    f"{folder}: expected the folder of a captioning run, no {name} there"
                )
        longest = _longest(folder / _SETTINGS)
        captioner = _model(folder / _CAPTIONER)
        if not isinstance(captioner, Captioner):
            raise UserError(
                f"{folder / _CAPTIONER}: expected a captioner, got {type(captioner).__name__}"
            )
        pixels = _model(folder / _ENCODER)
        try:
            encoder = Encoder(keras.Model(pixels.inputs[0], pixels.get_layer("places").input))
        except (ValueError, AttributeError, TypeError, IndexError) as error:
            raise UserError(f"{folder / _ENCODER}: expected an encoder: {_line(error)}") from error
        return cls(captioner, encoder, Vocabulary.load(folder / _VOCABULARY), longest=longest)

    def writer(self, decode: Decoder | None = None) -> Writer:
        """Writes captions of features; by default a beam search of width 3."""
        by_default = partial(
            decoding.beam_search,
            beams=3,
            max_length=self.longest + 1,
            normalize=decoding.divide_by_length,
        )
        return Writer(self.captioner, self.vocabulary, decode=decode or by_default)

    def __call__(self, pictures: Pictures, decode: Decoder | None = None) -> list[list[Written]]:
        """The captions of pictures of any size, the best first.

        Raises:
            DatasetError: a picture cannot be read.
        """
        return self.writer(decode)(self.encoder.encode(pictures))


def _longest(path: Path) -> int:
    """What the settings say of the length of captions."""
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if settings["format"] != _FORMAT:
            raise ValueError(f"the format {settings['format']!r}")
        longest = int(settings["longest"])
        if longest < 1:
            raise ValueError(f"captions of {longest} words")
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(
            f"{path}: expected the settings of a {_FORMAT}, got {_line(error)}"
        ) from error
    return longest


def _model(path: Path) -> Any:
    """A model from a file that a stranger may have written."""
    if not zipfile.is_zipfile(path):
        raise UserError(
            f"{path}: expected a whole model of Keras, got {path.stat().st_size} bytes that are "
            "none or a part of one"
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    # A damaged or hostile file can make Keras raise nearly anything.
    except Exception as error:
        raise UserError(f"{path}: expected a model of Keras, got {_line(error)}") from error


def _line(error: Exception) -> str:
    """What went wrong, in one line that is not too long."""
    return f"{(str(error).splitlines() or [''])[0] or type(error).__name__:.200}"
