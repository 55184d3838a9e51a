"""From the bytes of a picture file to pixels: JPEG, PNG, PGM/PPM and BMP, upright, grey or RGB.

Pillow decodes. Where the picture will be shrunk anyway, it comes at a half, a quarter or an eighth
of its size, which aliases less, and of a JPEG costs less.
"""

import io
import struct
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile

from simlearn.errors import DatasetError, UserError

Shrink: TypeAlias = Callable[[int, int], int]
"""Width and height of an upright picture -> how many times smaller it may come: 1, 2, 4 or 8."""

Channels: TypeAlias = Literal[1, 3]
"""1 for grey (ITU-R 601 luma of a colour picture), 3 for RGB (a grey picture thrice)."""

LARGEST_SIDE: Final = 2**15
LARGEST_AREA: Final = 2**26
"""Pixels of the largest picture that is decoded, 67 million; a larger one is refused unread."""

_MODES: Final = {1: "L", 3: "RGB"}
_ORIENTATION: Final = 0x0112
# The number is a SHORT by the standard; some write it as a LONG.
_INTEGERS: Final = {3: "H", 4: "I"}
# What each value of EXIF's Orientation asks for, to stand upright.
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(DatasetError):
    """A picture that is missing, damaged, of another format or too large."""


def decode(content: bytes, *, channels: Channels | None = None) -> NDArray[np.uint8]:
    r"""Decode a picture file.

    An EXIF orientation is honoured, transparency dropped, 16 bits become 8 and palettes colours.

    Args:
        content: Of a JPEG, PNG, PGM, PPM or BMP file.
        channels: 1 or 3; by default as in the file, 1 for grey and 3 for anything else.

    Returns:
        uint8 `(height, width, channels)`.

    Raises:
        PictureError: The file is damaged or cut off, of another format, or has more than
            67 million pixels.

    Examples:
        >>> decode(b"P5 2 1 255 \x00\xff", channels=3).tolist()
        [[[0, 0, 0], [255, 255, 255]]]
    """
    pixels = np.array(open_picture(content, channels=channels))
    return pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height of a picture when upright, from its header alone.

    Raises:
        PictureError: The header is damaged, or the picture too large or of another format.
    """
    try:
        return _upright_size(_opened(content))
    except Exception as error:
        raise _problem(error) from error


def open_picture(
    content: bytes, *, channels: Channels | None = None, shrink: int | Shrink = 1
) -> Image.Image:
    """Decode a picture file into a Pillow image of mode L or RGB; see `decode`.

    Args:
        content: Of the file.
        channels: 1 or 3; by default as in the file.
        shrink: 1, 2, 4 or 8, the picture comes at this fraction of its size, rounded up, each
            pixel the mean of a square of this side, counted from the top left; or a function that
            is given the size and says so.
    """
    if channels not in (None, *_MODES):
        raise UserError(f"channels must be 1, 3 or None, and came as {channels!r}")
    try:
        picture = _opened(content)
        size = _upright_size(picture)
    except Exception as error:
        raise _problem(error) from error
    # Outside: what goes wrong in a function that was given is not the picture's fault.
    times = shrink if isinstance(shrink, int) else shrink(*size)
    try:
        return _decoded(picture, channels, times)
    # A damaged file can make the decoders raise nearly anything.
    except Exception as error:
        raise _problem(error) from error


def _decoded(opened: ImageFile, channels: Channels | None, shrink: int) -> Image.Image:
    picture: Image.Image = opened
    mode = _MODES[channels] if channels else "L" if _is_grey(picture) else "RGB"
    turn = _orientation(picture)
    whole = picture.size
    if opened.format == "JPEG":
        # Grey is the luma that a JPEG stores, so its colours need not be decoded at all. One that
        # will be turned is decoded whole: its squares must count from the upright corner.
        smaller = (whole[0] // shrink, whole[1] // shrink)
        opened.draft(mode, smaller if min(smaller) and turn == 1 else None)
    picture.load()
    drafted = picture.size != whole
    if picture.mode.startswith("I"):
        picture = _from_16_bits(picture)
    if picture.mode != mode:
        picture = picture.convert("RGBA") if picture.mode == "P" else picture
        picture = picture.convert(mode)
    if turn in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[turn])
    return picture.reduce(shrink) if shrink > 1 and not drafted else picture


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Nobody asks for it here, and where EXIF is damaged it warns."""


# Not `Image.open`, which warns of large pictures before their size can be looked at.
_READERS: Final[dict[bytes, type[ImageFile]]] = {
    b"\xff\xd8\xff": _Jpeg,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"BM": BmpImageFile,
    **{b"P%d" % kind: PpmImageFile for kind in range(1, 7)},
}


def _opened(content: bytes) -> ImageFile:
    for start, reader in _READERS.items():
        if content.startswith(start):
            picture = reader(io.BytesIO(content))
            break
    else:
        what = "another file" if content else "an empty file"
        raise PictureError(f"expected a JPEG, PNG, PGM, PPM or BMP, and received {what}")
    width, height = picture.size
    if width * height > LARGEST_AREA or max(width, height) > LARGEST_SIDE:
        raise PictureError(
            f"expected at most {LARGEST_AREA} pixels, and {LARGEST_SIDE} in a row or column, "
            f"and received {width}x{height}"
        )
    return picture


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    return picture.size[::-1] if _orientation(picture) >= 5 else picture.size


def _orientation(picture: Image.Image) -> int:
    """1 to 8, from the first directory of EXIF; 1 where there is none or it is damaged.

    Pillow's own reading of EXIF warns where it is damaged, as that of many pictures is.
    """
    exif = picture.info.get("exif")
    if not isinstance(exif, bytes):  # A PNG may hold a text of that name.
        return 1
    exif = exif.removeprefix(b"Exif\0\0")
    order = ">" if exif.startswith(b"MM") else "<"
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, directory)
        for place in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, values = struct.unpack_from(order + "HHI", exif, place)
            if tag == _ORIENTATION and kind in _INTEGERS and values:
                (turn,) = struct.unpack_from(order + _INTEGERS[kind], exif, place + 8)
                return turn if 1 <= turn <= 8 else 1
    except struct.error:
        pass
    return 1


def _is_grey(picture: Image.Image) -> bool:
    return picture.mode in ("1", "L", "LA") or picture.mode.startswith("I")


def _from_16_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture).astype(np.int64)
    return Image.fromarray((np.clip(values, 0, 65535) >> 8).astype(np.uint8))


def _problem(error: Exception) -> PictureError:
    if isinstance(error, PictureError):
        return error
    return PictureError(f"expected a whole picture: {error or type(error).__name__}")
