"""Pictures that a user gives a benchmark."""

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from simlearn.data import Files
from simlearn.errors import DatasetError, UserError


def given(data: Path, pictures: int) -> Iterator[bytes]:
    """The contents of so many JPEG files of a folder or zip, spread over all that are there.

    Raises:
        UserError: there are fewer, or one is no whole JPEG.
    """
    files = Files(data)
    names = files.names((".jpg", ".jpeg"))
    if len(names) < pictures:
        raise UserError(
            f"{data}: expected --pictures {pictures} JPEG files or more, and found {len(names)}"
        )
    for i in range(pictures):
        name = names[i * len(names) // pictures]
        content = files.read(name)
        try:
            Image.open(io.BytesIO(content)).load()
        except Exception as error:
            raise DatasetError(f"{files.where(name)}: expected a whole JPEG: {error}") from error
        yield content
