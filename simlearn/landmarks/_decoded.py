"""Pictures that are looked at several times and decoded once."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.data.decode import Channels, Shrink

_MODES: Final = {1: "L", 3: "RGB"}


class Decoded:
    """Upright pictures in memory, of any sizes, as a loader opens them.

    Args:
        images: of any mode.
    """

    def __init__(self, images: Sequence[Image.Image]) -> None:
        self._images = list(images)

    def __len__(self) -> int:
        return len(self._images)

    def where(self, row: int) -> str:
        """What to call a picture in a message."""
        return f"picture {row}"

    def open(
        self, row: int, *, channels: Channels | None = None, shrink: int | Shrink = 1
    ) -> Image.Image:
        """One picture, smaller where it will be shrunk anyway: averaging aliases less."""
        image = self._images[row]
        if channels is not None:
            image = image.convert(_MODES[channels])
        times = shrink(*image.size) if callable(shrink) else shrink
        return image.reduce(times) if times > 1 else image

    def areas(self) -> NDArray[np.float64]:
        """Left, top, right and bottom edge of each, `(n, 4)`."""
        return np.array([(0, 0, *image.size) for image in self._images], np.float64)
