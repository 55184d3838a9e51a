"""What eigenfaces and Fisherfaces have in common once they are fitted: a linear map of pixels."""

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn._files import write_atomically
from simlearn.baselines._pixels import as_pixels, picture_shape, raw_pixels
from simlearn.errors import UserError


@dataclass(frozen=True, eq=False, repr=False)
class LinearEmbedding:
    """A fitted linear embedding of pictures, ``e(x) = W (x / 255 - m)``; called on pictures.

    Compared by Euclidean distance. `Eigenfaces.fit` and `Fisherfaces.fit` make them.

    Args:
        mean: ``m``, float64 ``(height * width * channels,)``, in 0..1.
        basis: ``W``, float64 ``(dim, height * width * channels)``, the most important row first.
        shape: height, width and channels of the pictures it was fitted on.

    Raises:
        UserError: the shapes of mean and basis do not fit `shape`, or a value is not finite.

    Examples:
        >>> embed = LinearEmbedding(np.array([0.5, 0.5]), np.array([[2.0, 0.0]]), (1, 2, 1))
        >>> embed(np.array([[[255, 0]], [[0, 255]]], np.uint8))
        array([[ 1.],
               [-1.]], dtype=float32)
    """

    mean: NDArray[np.float64]
    basis: NDArray[np.float64]
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        pixels = int(np.prod(self.shape))
        fits = self.mean.shape == (pixels,) and self.basis.shape[1:] == (pixels,)
        if not fits or self.basis.ndim != 2:
            raise UserError(
                f"expected mean and basis of shapes ({pixels},) and (dim, {pixels}) for pictures "
                f"of {_size(self.shape)}, got {self.mean.shape} and {self.basis.shape}"
            )
        if not np.isfinite(self.mean).all() or not np.isfinite(self.basis).all():
            raise UserError("expected finite mean and basis, got NaN or infinity")

    def __repr__(self) -> str:
        return f"LinearEmbedding(pictures of {_size(self.shape)}, dim={self.dim})"

    @property
    def dim(self) -> int:
        """Length of the embeddings."""
        return len(self.basis)

    def __call__(self, images: ArrayLike) -> NDArray[np.float32]:
        """Embed pictures.

        Args:
            images: ``(items, height, width)`` or with channels, 0..255, of the size of those that
                it was fitted on.

        Returns:
            ``(items, dim)``.

        Raises:
            UserError: if these are no pictures, or pictures of another size.
        """
        pixels = as_pixels(images)
        if picture_shape(pixels) != self.shape:
            raise UserError(
                f"images: expected pictures of {_size(self.shape)} as in fit, "
                f"got {_size(picture_shape(pixels))}"
            )
        embedded = (raw_pixels(pixels).astype(np.float64) - self.mean) @ self.basis.T
        return embedded.astype(np.float32)

    def pictures(self) -> NDArray[np.uint8]:
        """The rows of the basis to look at: eigenfaces, Fisherfaces.

        Returns:
            ``(dim, height, width, channels)``, each scaled by its largest entry so that 0 is
            mid-grey.
        """
        largest = np.abs(self.basis).max(axis=1, keepdims=True, initial=1e-300)
        scaled = np.rint(127.5 + 127.5 * self.basis / largest).astype(np.uint8)
        return scaled.reshape(self.dim, *self.shape)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the arrays into an npz file, whole or not at all.

        Args:
            path: where to; a file that is there is replaced.

        Returns:
            The path.
        """
        buffer = io.BytesIO()
        np.savez(buffer, mean=self.mean, basis=self.basis, shape=np.array(self.shape, np.int64))
        target = Path(path)
        write_atomically(target, buffer.getvalue())
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LinearEmbedding":
        """Read what `save` wrote; nothing in the file is executed.

        Args:
            path: of the npz file.

        Raises:
            UserError: the file does not hold such an embedding.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                mean, basis = (np.asarray(stored[n], np.float64) for n in ("mean", "basis"))
                height, width, channels = (int(side) for side in stored["shape"])
        except (KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{path}: expected an npz file with mean, basis and shape, got: {error}"
            ) from error
        return cls(mean, basis, (height, width, channels))


def _size(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, shape))
