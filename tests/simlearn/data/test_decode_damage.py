import random
import struct
import tracemalloc
import warnings

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from simlearn.data.decode import LARGEST_AREA, PictureError, decode, open_picture, size_of
from simlearn.errors import DatasetError
from tests.simlearn.data.handmade import exif, png, saved
from tests.simlearn.data.pictures import encoded, noise

RGB = noise(23, 17)
GREY = noise(23, 17, channels=1, seed=1)


def files():
    """One small file of each kind."""
    grey, colour = Image.fromarray(GREY), Image.fromarray(RGB)
    return {
        "jpeg": encoded(RGB, "JPEG", exif=exif(6)),
        "progressive": encoded(RGB, "JPEG", progressive=True),
        "cmyk": saved(colour.convert("CMYK"), "JPEG"),
        "png": encoded(RGB, exif=exif(5)),
        "palette": saved(colour.quantize(7), "PNG", transparency=b"\0\x80\xff"),
        "1 bit": saved(grey.convert("1"), "PNG"),
        "16 bits": encoded(GREY.astype(np.uint16) * 257),
        "grey alpha": saved(grey.convert("LA"), "PNG"),
        "bmp": encoded(RGB, "BMP"),
        "bmp palette": saved(colour.quantize(7), "BMP"),
        "pgm": encoded(GREY, "PPM"),
        "p2": b"P2 23 17 255 " + " ".join(map(str, GREY.ravel())).encode(),
        "ppm": encoded(RGB, "PPM"),
    }


FILES = files()


def try_all(content):
    """Whether the file opens; that it does so in one way, or fails in one way, in any form."""
    opened = 0
    for channels, shrink in ((None, 1), (1, 1), (3, 2)):
        try:
            picture = open_picture(content, channels=channels, shrink=shrink)
        except PictureError:
            continue
        opened += 1
        assert picture.mode == {1: "L", 3: "RGB", None: picture.mode}[channels]
        width, height = size_of(content)
        assert picture.size == (-(-width // shrink), -(-height // shrink))
    return opened


@pytest.mark.parametrize("kind", FILES)
def test_a_picture_that_is_cut_off_is_pixels_or_an_error(kind):
    content = FILES[kind]
    assert try_all(content) == 3
    cuts = [content[:length] for length in range(len(content))]
    opened = [cut for cut in cuts if try_all(cut)]
    # Only what comes after the last pixel may be lost, or digits of it.
    assert len(opened) < 24
    if kind != "p2":
        for cut in opened:
            np.testing.assert_array_equal(decode(cut), decode(content))


@pytest.mark.parametrize(
    "copies", [pytest.param(150, id="some"), pytest.param(5000, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_picture_is_pixels_or_an_error(kind, copies):
    opened = 0
    for seed in range(copies):
        chance = random.Random(seed)
        copy = bytearray(FILES[kind])
        for _ in range(chance.choice((1, 1, 2, 4, 8))):
            at = chance.randrange(min(len(copy), chance.choice((80, len(copy)))))
            match chance.randrange(4):
                case 0:
                    copy[at] = chance.randrange(256)
                case 1:
                    del copy[at : at + chance.choice((1, 2, 10))]
                case 2:
                    copy[at:at] = chance.randbytes(chance.choice((1, 4)))
                case 3:
                    copy[at : at + 2] = chance.choice((b"\xff\xff", b"\0\0", b"99"))
        opened += try_all(bytes(copy))
    assert opened < 3 * copies


OTHERS = {
    "gif": saved(Image.fromarray(GREY), "GIF"),
    "tiff": saved(Image.fromarray(RGB), "TIFF"),
    "webp": b"RIFF\x1a\0\0\0WEBPVP8 ",
    "text": b"not a picture",
    "html": b"<html>404</html>",
    "nothing": b"",
    "jpeg's first byte": b"\xff",
    "floats": b"Pf 1 1 -1.0\n\0\0\0\0",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_are_refused(kind):
    for read in (decode, size_of):
        with pytest.raises(PictureError) as error:
            read(OTHERS[kind])
        what = "another file" if OTHERS[kind] else "an empty file"
        assert str(error.value) == f"expected a JPEG, PNG, PGM, PPM or BMP, and received {what}"
    assert issubclass(PictureError, DatasetError)


def bmp(width, height):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def jpeg(width, height):
    plain = encoded(RGB, "JPEG")
    return plain.replace(struct.pack(">HH", 17, 23), struct.pack(">HH", height, width), 1)


BOMBS = {
    "png": png(60_000, 60_000, 8, 0, []),
    # In a range where Pillow only warns.
    "png to warn of": png(10_000, 10_000, 8, 0, []),
    "just too large": png(2**13, LARGEST_AREA // 2**13 + 1, 8, 0, []),
    "too long": png(2**15 + 1, 1, 8, 0, []),
    "bmp": bmp(60_000, 60_000),
    "jpeg": jpeg(60_000, 60_000),
    "pgm": b"P5 60000 60000 255\n",
    "p2": b"P2 60000 60000 255\n0",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_unread_and_in_silence(kind):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        tracemalloc.start()
        for read in (decode, size_of):
            with pytest.raises(PictureError, match="expected at most 67108864 pixels"):
                read(BOMBS[kind])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert not heard
    assert peak < 2**20


def test_the_largest_picture_is_not_too_large():
    assert size_of(png(2**13, LARGEST_AREA // 2**13, 8, 0, [])) == (8192, 8192)
    assert size_of(png(2**15, 1, 8, 0, [])) == (2**15, 1)


def test_a_text_that_unpacks_to_more_than_a_picture_is_refused():
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "x" * 2**27, zip=True)
    content = encoded(GREY, pnginfo=text)
    assert len(content) < 2**18
    with pytest.raises(PictureError, match="expected a whole picture: Decompressed data too large"):
        decode(content)
