import warnings

import numpy as np
import pytest
from PIL import Image

from simlearn.data.decode import decode, open_picture, size_of
from simlearn.errors import DatasetError, UserError
from tests.simlearn.data.handmade import exif, png, saved
from tests.simlearn.data.pictures import encoded, noise

RGB = noise(23, 17)
GREY = noise(23, 17, channels=1, seed=1)
LUMA = (0.299, 0.587, 0.114)


def luma(colours):
    return colours.astype(float) @ np.array(LUMA)


@pytest.mark.parametrize("form", ["PNG", "BMP", "PPM"])
@pytest.mark.parametrize("pixels", [RGB, GREY], ids=["colour", "grey"])
def test_pixels_come_as_they_were_saved(form, pixels):
    content = encoded(pixels, form)
    expected = pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]
    received = decode(content)
    np.testing.assert_array_equal(received, expected)
    assert received.dtype == np.uint8
    assert received.flags.writeable
    three = decode(content, channels=3)
    np.testing.assert_array_equal(three, np.broadcast_to(expected, (17, 23, 3)))
    one = decode(content, channels=1)
    assert one.shape == (17, 23, 1)
    grey = luma(three)
    assert np.abs(one[:, :, 0] - grey).max() < 1
    assert size_of(content) == (23, 17)


# Each pixel derived by hand; colours `(height, width, 3)`, grey `(height, width)`.
BY_HAND = {
    "PNG of 1 bit": (png(3, 1, 1, 0, [b"\xa0"]), [[255, 0, 255]]),
    # Two bits each: 0, 1, 2, 3 of 3.
    "PNG of 2 bits": (png(4, 1, 2, 0, [b"\x1b"]), [[0, 85, 170, 255]]),
    # The upper byte of each value.
    "PNG of 16 bits": (png(3, 1, 16, 0, [b"\x00\xff\x01\x00\xff\xff"]), [[0, 1, 255]]),
    "PNG of 16 bits in colour": (
        png(1, 1, 16, 2, [b"\x07\xff\x80\x00\xff\x00"]), [[[7, 128, 255]]],
    ),
    "PNG with a palette and transparency": (
        png(3, 1, 8, 3, [b"\2\0\1"], {b"PLTE": bytes(range(10, 19)), b"tRNS": b"\0\x80"}),
        [[[16, 17, 18], [10, 11, 12], [13, 14, 15]]],
    ),
    "PNG with a transparent colour": (
        png(2, 1, 8, 2, [b"\1\2\3\4\5\6"], {b"tRNS": b"\0\1\0\2\0\3"}),
        [[[1, 2, 3], [4, 5, 6]]],
    ),
    "PNG with a transparent grey": (png(2, 1, 8, 0, [b"\7\x09"], {b"tRNS": b"\0\7"}), [[7, 9]]),
    "RGBA": (png(2, 1, 8, 6, [b"\1\2\3\0\4\5\6\xff"]), [[[1, 2, 3], [4, 5, 6]]]),
    "grey and alpha": (png(2, 1, 8, 4, [b"\x07\x00\x09\xff"]), [[7, 9]]),
    "PNG with a text named exif": (
        png(2, 1, 8, 0, [b"\7\x09"], {b"iTXt": b"exif\0\0\0\0\0x"}), [[7, 9]],
    ),
    "P1": (b"P1\n# ink is 1\n3 1\n1 0 1", [[0, 255, 0]]),
    "P2": (b"P2 3 1\n255\n0 7\n255", [[0, 7, 255]]),
    # 7/15 of 255.
    "P2 to 15": (b"P2 3 1 15\n0 7 15", [[0, 119, 255]]),
    "P3": (b"P3 1 2 255 1 2 3 4 5 6", [[[1, 2, 3]], [[4, 5, 6]]]),
    "P4": (b"P4 3 1\n\xa0", [[0, 255, 0]]),
    "P5": (b"P5 3 1 255\n\x00\x07\xff", [[0, 7, 255]]),
    "P5 of 16 bits": (b"P5 3 1 65535\n\x00\xff\x01\x00\xff\xff", [[0, 1, 255]]),
    "P6": (b"P6 1 1 255\n\x07\x08\x09", [[[7, 8, 9]]]),
    "BMP of 1 bit": (encoded(np.array([[True, False, True]]), "BMP"), [[255, 0, 255]]),
}  # fmt: skip


@pytest.mark.parametrize("kind", BY_HAND)
def test_every_kind_of_pixel_becomes_8_bits(kind):
    content, expected = BY_HAND[kind]
    expected = np.array(expected)
    grey = expected.ndim == 2
    received = decode(content)
    assert received.shape[2] == (1 if grey else 3)
    np.testing.assert_array_equal(received[..., 0] if grey else received, expected)
    three = np.repeat(expected[:, :, np.newaxis], 3, axis=2) if grey else expected
    np.testing.assert_array_equal(decode(content, channels=3), three)
    one = decode(content, channels=1)
    assert np.abs(one[:, :, 0] - luma(three)).max() < 1
    assert size_of(content) == expected.shape[1::-1]


def smooth(width=47, height=31):
    down, right = np.mgrid[:height, :width]
    planes = [right * 5, down * 8, 255 - 3 * right - 2 * down]
    return np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}])
def test_a_jpeg_comes_close_and_its_grey_is_its_luma(options):
    content = encoded(smooth(), "JPEG", quality=95, **options)
    pixels = decode(content)
    assert np.abs(pixels.astype(int) - smooth()).max() < 12
    assert np.abs(decode(content, channels=1)[:, :, 0] - luma(pixels)).max() < 1.5
    grey = encoded(smooth()[:, :, 0], "JPEG")
    assert decode(grey).shape == (31, 47, 1)
    np.testing.assert_array_equal(decode(grey, channels=3), decode(grey).repeat(3, axis=2))


def test_a_cmyk_jpeg_has_its_colours():
    content = saved(Image.fromarray(smooth()).convert("CMYK"), "JPEG", quality=100)
    assert np.abs(decode(content).astype(int) - smooth()).max() < 3
    assert np.abs(decode(content, channels=1)[:, :, 0] - luma(smooth())).max() < 3


# Where the first row and the first column of the file lie in the upright picture, by EXIF.
SIDES = {
    1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
    5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
}  # fmt: skip


OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}


def upright(stored, orientation):
    first_row, first_column = SIDES[orientation]
    height, width = stored.shape[:2]
    turned = first_row in ("left", "right")
    shape = (width, height) if turned else (height, width)
    result = np.zeros(shape + stored.shape[2:], np.uint8)
    for row in range(height):
        for column in range(width):
            place = {
                first_row: row, first_column: column,
                OPPOSITE[first_row]: height - 1 - row, OPPOSITE[first_column]: width - 1 - column,
            }  # fmt: skip
            result[place["top"], place["left"]] = stored[row, column]
    return result


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize("order", "<>")
def test_every_orientation_stands_upright(orientation, order):
    tag = exif(orientation, order)
    for pixels in (RGB, GREY):
        content = encoded(pixels, exif=tag)
        expected = upright(pixels, orientation)
        received = decode(content)
        np.testing.assert_array_equal(received if pixels.ndim == 3 else received[..., 0], expected)
        assert size_of(content) == expected.shape[1::-1]
        assert open_picture(content, shrink=4).size == tuple(-(-n // 4) for n in size_of(content))
    plain = encoded(smooth(), "JPEG", quality=95)
    content = encoded(smooth(), "JPEG", quality=95, exif=tag)
    np.testing.assert_array_equal(decode(content), upright(decode(plain), orientation))
    assert size_of(content) == decode(content).shape[1::-1]
    # Pillow's own writer of EXIF says the same.
    tags = Image.Exif()
    tags[0x0112] = orientation
    same = encoded(smooth(), "JPEG", quality=95, exif=tags)
    np.testing.assert_array_equal(decode(same), decode(content))


@pytest.mark.parametrize("order", "<>")
def test_an_orientation_of_four_bytes_is_one_too(order):
    content = encoded(smooth(), "JPEG", quality=95, exif=exif(6, order, kind=4))
    right = encoded(smooth(), "JPEG", quality=95, exif=exif(6, order))
    np.testing.assert_array_equal(decode(content), decode(right))
    assert size_of(content) == size_of(right)


DAMAGED_EXIF = [
    exif(9), exif(0), exif(65535), exif(6, kind=5), exif(6, "<", kind=7), b"Exif\0\0",
    b"Exif\0\0MM\0*",
    b"Exif\0\0none of it", exif(6)[:-10], b"Exif\0\0MM\0*\xff\xff\xff\xff\0\1",
    # A directory of no entries.
    exif(6).replace(b"\0\0\0\x08\0\2", b"\0\0\0\x08\0\0"),
]  # fmt: skip


@pytest.mark.parametrize("tag", DAMAGED_EXIF)
def test_what_exif_does_not_say_rightly_leaves_a_picture_as_it_is(tag):
    for form in ("PNG", "JPEG"):
        content = encoded(RGB, form, exif=tag)
        np.testing.assert_array_equal(decode(content), decode(encoded(RGB, form)))
        assert size_of(content) == (23, 17)


def test_damaged_exif_warns_of_nothing():
    tags = Image.Exif()
    tags[0x010E] = "a text that does not fit into its entry"
    tags[0x0112] = 6
    content = encoded(RGB, "JPEG", exif=tags)
    start = content.index(b"Exif")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for at in range(start, start + 60):
            copy = content[:at] + b"\xff" + content[at + 1 :]
            assert decode(copy).shape in ((17, 23, 3), (23, 17, 3))
    assert not heard


@pytest.mark.parametrize("shrink", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(47, 31), (48, 32), (9, 61), (5, 33), (1, 1)])
def test_a_picture_comes_smaller_when_asked(size, shrink):
    width, height = size
    pixels = smooth(width, height)
    for content in (encoded(pixels, "JPEG", quality=95), encoded(pixels)):
        picture = open_picture(content, shrink=shrink)
        assert picture.size == (-(-width // shrink), -(-height // shrink))
        whole = [slice(0, n // shrink * shrink) for n in (height, width)]
        cells = pixels[*whole].astype(float)
        shape = (cells.shape[0] // shrink, shrink, cells.shape[1] // shrink, shrink, 3)
        means = cells.reshape(shape).mean((1, 3))
        received = np.asarray(picture).astype(float)[: means.shape[0], : means.shape[1]]
        np.testing.assert_allclose(received, means, atol=12)
        asked = []
        again = open_picture(content, shrink=lambda *size: asked.append(size) or shrink)  # noqa: B023
        np.testing.assert_array_equal(np.asarray(again), np.asarray(picture))
        assert asked == [size]


def test_a_size_to_shrink_from_is_that_of_the_upright_picture():
    asked = []
    content = encoded(smooth(48, 32), "JPEG", exif=exif(6))
    picture = open_picture(content, shrink=lambda *size: asked.append(size) or 2)
    assert asked == [(32, 48)]
    assert picture.size == (16, 24)


@pytest.mark.parametrize("channels", [0, 2, 4, "RGB"])
def test_channels_that_are_none_are_the_callers_fault(channels):
    with pytest.raises(UserError, match="channels must be 1, 3 or None") as error:
        decode(encoded(), channels=channels)
    assert not isinstance(error.value, DatasetError)
