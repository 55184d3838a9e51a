"""Captions of a few pictures for TensorBoard, epoch by epoch, with where each word looked."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from caption.overlays import sheet
from caption.writing import Written
from simlearn.data.records import Pictures
from simlearn.errors import UserError

_SIDE = 128


class CaptionBoard:
    """Shows what is written of some pictures on TensorBoard's pages Images and Text.

    A picture's sheet has the picture, then once for each word the picture with the attention over
    it; a captioner that does not attend leaves the picture alone. The page Text has the captions
    beside a reference. Made for `DecodedScores(show=...)`.

    Args:
        log_dir: TensorBoard's folder of the run; files are added to it.
        pictures: that are captioned.
        references: their captions, as text.
        grid: rows and columns of the encoder's locations.
        rows: which pictures to show.

    Raises:
        UserError: a row is not one of the pictures, or there is not a list of captions for each.

    Examples:
        >>> import tempfile
        >>> from caption.data.scenes import render
        >>> scenes = render(2, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     show = CaptionBoard(folder, scenes.pictures, scenes.captions, grid=(2, 2), rows=[1])
        ...     show(0, [[], [Written(("a", "cube"), -1.5, np.eye(2, 4, dtype="float32"))]])
        ...     len(os.listdir(folder))
        1
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        pictures: Pictures,
        references: Sequence[Sequence[str]],
        *,
        grid: tuple[int, int],
        rows: Sequence[int] = (0, 1, 2, 3),
    ) -> None:
        if len(references) != len(pictures):
            raise UserError(
                f"references: expected captions of {len(pictures)} pictures, got {len(references)}"
            )
        if any(not 0 <= row < len(pictures) for row in rows):
            raise UserError(
                f"rows: expected rows of {len(pictures)} pictures, from 0, got {list(rows)}"
            )
        self._log_dir = os.fspath(log_dir)
        self._pictures = pictures
        self._references = references
        self._grid = grid
        self._rows = list(rows)
        self._writer: Any = None

    def __call__(self, epoch: int, written: Sequence[Sequence[Written]]) -> None:
        """Add the captions of an epoch.

        Args:
            epoch: the step on the page.
            written: the captions of all pictures, the best first.
        """
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(self._log_dir)
        table = ["| picture | written | reference |", "| --- | --- | --- |"]
        with self._writer.as_default(step=epoch):
            for row in self._rows:
                best = written[row][0]
                tf.summary.image(f"captions/{row}", self._sheet(row, best)[None])
                table.append(f"| {row} | {_cell(best.text)} | {_cell(self._references[row][0])} |")
            tf.summary.text("captions", "\n".join(table))
        self._writer.flush()

    def _sheet(self, row: int, written: Written) -> np.ndarray:
        picture = self._pictures.open(row).convert("RGB")
        picture.thumbnail((_SIDE, _SIDE))
        pixels = np.asarray(picture)
        if written.attention is None or not written.words:
            return pixels
        return sheet(pixels, written.attention, written.words, grid=self._grid, side=_SIDE)


def _cell(text: str) -> str:
    """Text that stays within a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
