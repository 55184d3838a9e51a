"""Small picture files and data sets in memory, for the tests of readers."""

import io
import zipfile

import numpy as np
from PIL import Image


def noise(width=23, height=17, channels=3, seed=0):
    shape = (height, width, channels) if channels == 3 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(pixels=None, form="PNG", **options):
    """Bytes of a picture file; PNG, BMP and PPM (PGM where grey) keep the pixels as they are."""
    stream = io.BytesIO()
    Image.fromarray(noise() if pixels is None else pixels).save(stream, form, **options)
    return stream.getvalue()


def folder(path, contents):
    """Write `{name: bytes}` below a folder; returns it."""
    for name, content in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def archive(path, contents):
    """Write `{name: bytes}` into a zip; returns its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in contents.items():
            out.writestr(name, content)
    return path
