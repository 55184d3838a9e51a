"""Writes embeddings with labels and thumbnails for TensorBoard's projector.

Needs neither TensorFlow nor a running TensorBoard: the projector reads plain files, which
`projector_config.pbtxt` in the log folder lists. The `tensorboard` package is used for that list
only, and only when it is written.
"""

import hashlib
import io
import math
import os
import shutil
import unicodedata
import urllib.parse
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from simlearn._files import write_atomically
from simlearn.errors import UserError

MAX_SPRITE_PX = 8192
"""The projector refuses a sprite with a longer side."""

_CONFIG = "projector_config.pbtxt"
_FOLDER = "projector"
_TENSORS = "tensors.tsv"
_METADATA = "metadata.tsv"
_SPRITE = "sprite.png"
_SMALLEST_PX = 4
_LARGEST_PX = 64
_ENLARGE_BELOW_PX = 24
_ROW = "row"


def write_projector(
    log_dir: str | os.PathLike[str],
    name: str,
    embeddings: ArrayLike,
    *,
    labels: Sequence[object] | NDArray[Any] | None = None,
    columns: Mapping[str, Sequence[object] | NDArray[Any]] | None = None,
    images: NDArray[np.uint8] | None = None,
) -> Path:
    """Adds an embedding to the projector page of a log folder, or replaces the one of that name.

    The files are complete before the list names them, so that a crash leaves the old embedding or
    the new one. A TensorBoard that is already running shows the change after a restart: it keeps
    the list that it has read. Labelled points also get their row number, as the column "row".

    Args:
        log_dir: TensorBoard's `--logdir`, or a run's folder below it.
        name: What the projector calls the embedding.
        embeddings: (n, d), finite.
        labels: n values for a column "label", which the projector then shows first.
        columns: More columns, `{title: n values}`.
        images: (n, h, w), (n, h, w, 1) or (n, h, w, 3), uint8: see `sprite`.

    Returns:
        The path of the projector's list.

    Raises:
        UserError: If shapes do not fit, a value is not finite, a name cannot be used or the list
            that is there cannot be read.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_projector(folder, "digits", [[0.0, 1.0], [1.0, 0.5]], labels=[3, 8])
        ...     path.name
        'projector_config.pbtxt'
    """
    root = Path(log_dir)
    slug = _slug(name)
    values = _embeddings(embeddings)
    files = {_TENSORS: _tensor_tsv(values)}
    side = 0
    if labels is not None or columns:
        files[_METADATA] = _metadata_tsv(_columns(labels, columns, len(values)))
    if images is not None:
        atlas = sprite(images)
        if len(images) != len(values):
            raise UserError(f"images: expected {len(values)}, one a point, got {len(images)}")
        side = len(atlas) // _grid(len(values))
        files[_SPRITE] = _png(atlas)
    home = root / _FOLDER / slug
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(root / _FOLDER / ".lock"):
        version = _write_version(home, files)
        folder = version.relative_to(root).as_posix()
        _merge(root / _CONFIG, _entry(name, values.shape, folder, files, side))
        for old in set(home.iterdir()) - {version}:
            shutil.rmtree(old)
    return root / _CONFIG


def sprite(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lays pictures out in a square grid of `ceil(sqrt(n))` rows and as many columns.

    The projector draws every cell as a square and finds it by that one number, so the grid is
    square, and so are the cells: a picture keeps its proportions between white margins. It is
    reduced to 64 px, or less where the grid would pass 8,192 px, and enlarged by a whole factor
    where it is smaller than 24 px, which could not be made out.

    Args:
        images: (n, h, w), (n, h, w, 1) or (n, h, w, 3), uint8.

    Returns:
        (s, s) or, for colour, (s, s, 3), uint8; row by row, white where no picture is left.

    Raises:
        UserError: If the array is of another shape or type, is empty, or holds so many pictures
            that each would get less than 4 px (more than 4,194,304).

    Examples:
        >>> sprite(np.zeros((5, 30, 20), np.uint8)).shape
        (90, 90)
    """
    pictures = _checked_images(images)
    count, height, width = pictures.shape[:3]
    grid = _grid(count)
    limit = min(MAX_SPRITE_PX // grid, _LARGEST_PX)
    if limit < _SMALLEST_PX:
        raise UserError(
            f"sprite: expected at most {(MAX_SPRITE_PX // _SMALLEST_PX) ** 2} pictures (a side of"
            f" {MAX_SPRITE_PX} px, {_SMALLEST_PX} px each), got {count}"
        )
    size, side = _cell_size(height, width, limit)
    atlas = np.full((grid * side, grid * side, *pictures.shape[3:]), 255, np.uint8)
    for index, picture in enumerate(pictures):
        thumbnail = _resized(picture, size)
        top = index // grid * side + (side - size[0]) // 2
        left = index % grid * side + (side - size[1]) // 2
        atlas[top : top + size[0], left : left + size[1]] = thumbnail
    return atlas


def _grid(count: int) -> int:
    return math.isqrt(count - 1) + 1


def _cell_size(height: int, width: int, limit: int) -> tuple[tuple[int, int], int]:
    """The thumbnail's (height, width) and the side of its square cell."""
    longest = max(height, width)
    scale = min(1.0, limit / longest)
    if longest < _ENLARGE_BELOW_PX:
        scale = max(scale, min(math.ceil(_ENLARGE_BELOW_PX / longest), limit // longest))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return size, max(size)


def _resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if picture.shape[:2] == size:
        return picture
    method = Image.Resampling.NEAREST if picture.shape[0] < size[0] else Image.Resampling.BOX
    return np.asarray(Image.fromarray(picture).resize((size[1], size[0]), method))


def _checked_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        kind = getattr(images, "dtype", type(images).__name__)
        raise UserError(f"images: expected a uint8 array, got {kind}")
    fits = images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3))
    if not fits or not images.size:
        raise UserError(
            "images: expected shape (n, h, w), (n, h, w, 1) or (n, h, w, 3) without a 0,"
            f" got {images.shape}"
        )
    return images[..., 0] if images.shape[3:] == (1,) else images


def _png(atlas: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(atlas).save(buffer, "PNG")
    return buffer.getvalue()


def _slug(name: str) -> str:
    """The name as a folder's: different names give different folders."""
    slug = urllib.parse.quote(name, safe="").replace(".", "%2E")
    if not name.strip() or len(slug) > 200 or ":" in name or not name.isprintable():
        raise UserError(
            "name: expected printable characters, no colon (TensorBoard cuts ':0' off) and at most"
            f" 200 bytes, got {name!r}"
        )
    return slug


def _embeddings(embeddings: ArrayLike) -> NDArray[np.float32]:
    values = np.asarray(embeddings, np.float32)
    if values.ndim != 2 or not values.size:
        raise UserError(f"embeddings: expected shape (n, d) without a 0, got {values.shape}")
    if bad := int((~np.isfinite(values)).any(axis=1).sum()):
        raise UserError(f"embeddings: expected finite float32 values, got {bad} rows with others")
    return values


def _tensor_tsv(values: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.savetxt(buffer, values, fmt="%.9g", delimiter="\t")  # nine digits restore a float32
    return buffer.getvalue()


def _columns(
    labels: Sequence[object] | NDArray[Any] | None,
    columns: Mapping[str, Sequence[object] | NDArray[Any]] | None,
    count: int,
) -> dict[str, Sequence[object] | NDArray[Any]]:
    """All columns by title; the row number makes them two, without which titles are not read."""
    given = [*([("label", labels)] if labels is not None else []), *(columns or {}).items()]
    table: dict[str, Sequence[object] | NDArray[Any]] = {}
    for title, values in given:
        if _cell(title) in table or not str(title).strip():
            raise UserError(
                f"columns: expected different titles, got {[title for title, _ in given]}"
            )
        if len(values) != count:
            raise UserError(
                f"column {title!r}: expected {count} values, one a point, got {len(values)}"
            )
        table[_cell(title)] = values
    table.setdefault(_ROW if len(table) > 1 or _ROW not in table else "point", range(count))
    return table


def _metadata_tsv(columns: Mapping[str, Sequence[object] | NDArray[Any]]) -> bytes:
    rows = zip(*columns.values(), strict=True)
    lines = ["\t".join(columns), *("\t".join(map(_cell, row)) for row in rows)]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _cell(value: object) -> str:
    """A value as text that cannot end its cell or line; the projector stumbles over empty ones."""
    text = "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
        else char
        for char in str(value)
    )
    return text if text.strip() else "(blank)"


def _write_version(home: Path, files: Mapping[str, bytes]) -> Path:
    """Writes the files into a folder named by their content, which appears complete or not."""
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name} {len(data)} ".encode() + data)
    version = home / digest.hexdigest()[:16]
    if not version.exists():
        draft = home / f".{uuid.uuid4().hex}"
        draft.mkdir()
        for name, data in files.items():
            write_atomically(draft / name, data)
        draft.replace(version)
    return version


def _entry(
    name: str, shape: tuple[int, ...], folder: str, files: Mapping[str, bytes], side: int
) -> dict[str, Any]:
    """The fields of the projector's `EmbeddingInfo`; its paths count from the list's folder."""
    entry: dict[str, Any] = {"tensor_name": name, "tensor_shape": shape}
    entry["tensor_path"] = f"{folder}/{_TENSORS}"
    if _METADATA in files:
        entry["metadata_path"] = f"{folder}/{_METADATA}"
    if _SPRITE in files:
        entry["sprite"] = {"image_path": f"{folder}/{_SPRITE}", "single_image_dim": [side, side]}
    return entry


def _merge(path: Path, entry: dict[str, Any]) -> None:
    """Puts an embedding into the list at `path`, in the place of one with the same name."""
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo, ProjectorConfig

    config = ProjectorConfig()
    if path.exists():
        try:
            text_format.Parse(path.read_text(encoding="utf-8"), config)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: expected TensorBoard's projector list, got {error}") from None
    entries = list(config.embeddings)
    names = [info.tensor_name.removesuffix(":0") for info in entries]
    place = names.index(entry["tensor_name"]) if entry["tensor_name"] in names else len(names)
    entries[place : place + 1] = [EmbeddingInfo(**entry)]
    del config.embeddings[:]
    config.embeddings.extend(entries)
    write_atomically(path, text_format.MessageToString(config).encode("utf-8"))
