"""Picture files put together by hand, in forms that no library writes as asked."""

import io
import struct
import zlib


def saved(picture, form, **options):
    """Bytes of a Pillow image in a file."""
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def png(width, height, depth, colour, rows, chunks=None):
    """A PNG from the bytes of its rows; `colour` is the format's number for grey, RGB, ..."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = {b"IHDR": header, **(chunks or {}), b"IDAT": data, b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts.items())


def _chunk(kind, content):
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def exif(orientation, order=">", kind=3):
    """The least EXIF that says how a picture stands."""
    start = b"MM\0*" if order == ">" else b"II*\0"
    value = struct.pack(order + "HHI", 0x0112, kind, 1)
    value += struct.pack(
        order + ("HH" if kind == 3 else "I"), *[orientation, 0][: 2 if kind == 3 else 1]
    )
    other = struct.pack(order + "HHIHH", 0x0103, 3, 1, 6, 0)
    directory = struct.pack(order + "IH", 8, 2) + other + value + bytes(4)
    return b"Exif\0\0" + start + directory
