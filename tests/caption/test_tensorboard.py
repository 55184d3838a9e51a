"""Captions on TensorBoard's pages, read back from its files."""

import io

import numpy as np
import pytest
from PIL import Image

from caption.overlays import sheet
from caption.tensorboard import CaptionBoard
from caption.writing import Written
from simlearn.data.records import PictureArray
from simlearn.errors import UserError

PIXELS = np.arange(3 * 40 * 60 * 3, dtype=np.uint32).reshape(3, 40, 60, 3).astype(np.uint8)
PICTURES = PictureArray(PIXELS)
REFERENCES = [["A cube."], ["Two | balls.", "Balls."], ["A tree."]]
MAPS = np.eye(3, 4, dtype=np.float32)


def shown(folder):
    """What the files hold: tag and step to the value's strings."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found = {}
    for path in sorted(folder.iterdir()):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                found[value.tag, event.step] = list(value.tensor.string_val)
    return found


def test_a_sheet_for_each_picture_and_a_table_of_captions(tmp_path):
    board = CaptionBoard(tmp_path, PICTURES, REFERENCES, grid=(2, 2), rows=[2, 1])
    silent = [Written(("never", "shown"), -1.0, None)]
    looking = [Written(("a", "red", "tree"), -1.0, MAPS)]
    board(4, [silent, [Written((), -2.0, None)], looking])
    board(5, [silent, [Written(("two", "balls"), -2.0, None)], looking])
    found = shown(tmp_path)
    assert set(found) == {
        (tag, step) for tag in ("captions", "captions/1", "captions/2") for step in (4, 5)
    }
    width, height, png = found["captions/2", 4]
    expected = sheet(
        np.asarray(PICTURES.open(2).resize((128, 85))),
        MAPS,
        looking[0].words,
        grid=(2, 2),
        side=128,
    )
    drawn = np.asarray(Image.open(io.BytesIO(png)))
    assert drawn.shape == (int(height), int(width), 3)
    assert drawn.shape[1] == expected.shape[1]  # The picture and three words in a row.
    # Without attention the picture stands alone.
    alone = np.asarray(Image.open(io.BytesIO(found["captions/1", 5][2])))
    assert np.array_equal(alone, PIXELS[1])
    table = found["captions", 5][0].decode()
    assert "| 2 | a red tree | A tree. |" in table
    assert "| 1 | two balls | Two \\| balls. |" in table
    assert "never" not in table


def test_refuses(tmp_path):
    with pytest.raises(UserError, match=r"references: expected captions of 3 pictures, got 2"):
        CaptionBoard(tmp_path, PICTURES, REFERENCES[:2], grid=(2, 2))
    with pytest.raises(UserError, match=r"rows: expected rows of 3 pictures, from 0, got \[3\]"):
        CaptionBoard(tmp_path, PICTURES, REFERENCES, grid=(2, 2), rows=[3])
    assert not list(tmp_path.iterdir())
