"""A gallery's folder: a list in JSON and an array of numbers, of which nothing can be run."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simlearn._files import write_atomically
from simlearn.errors import UserError

LIST: Final = "gallery.json"
_FORMAT: Final = "simlearn face gallery 1"


def write(
    folder: Path,
    faces: Sequence[tuple[str, str]],
    vectors: NDArray[np.float32],
    model_fingerprint: str,
) -> None:
    """Write name and source of each face, and its vector; a reader sees the old or the new ones.

    Raises:
        UserError: the folder cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, vectors=vectors)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    content = {
        "format": _FORMAT,
        "model_fingerprint": model_fingerprint,
        "vectors": digest,
        "faces": [{"name": name, "source": source} for name, source in faces],
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The numbers first, under the name that the list will give: the list decides.
        write_atomically(folder / _file(digest), buffer.getvalue())
        write_atomically(folder / LIST, text.encode("utf-8", "surrogateescape"))
        for old in folder.glob("vectors-*.npz"):
            if old.name != _file(digest):
                old.unlink()
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error


def read(folder: Path) -> tuple[list[str], list[str], NDArray[np.float32], str]:
    """Names, sources, vectors and the model's fingerprint.

    Raises:
        UserError: something is missing, damaged or of another kind.
    """
    content = _list(folder / LIST)
    if not (folder / _file(content["vectors"])).exists():
        content = _list(folder / LIST)  # Somebody may have written another one in between.
    vectors = _vectors(folder / _file(content["vectors"]), content["vectors"])
    faces = content["faces"]
    names, sources = [face["name"] for face in faces], [face["source"] for face in faces]
    return names, sources, vectors, content["model_fingerprint"]


def _file(digest: str) -> str:
    return f"vectors-{digest[:16]}.npz"


def _list(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: expected a gallery in JSON, got {error}") from error
    good = isinstance(content, dict) and content.get("format") == _FORMAT
    good = good and isinstance(content.get("faces"), list)
    good = good and all(
        isinstance(face, dict)
        and isinstance(face.get("name"), str)
        and isinstance(face.get("source"), str)
        for face in content["faces"]
    )
    good = good and isinstance(content.get("model_fingerprint"), str)
    if not good or not re.fullmatch("[0-9a-f]{64}", str(content.get("vectors"))):
        raise UserError(f"{path}: expected {_FORMAT!r}, got {str(content)[:80]}")
    return dict(content)


def _vectors(path: Path, digest: str) -> NDArray[np.float32]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(f"{path}: expected what was written there, got something else")
    try:
        vectors = _array(content)
    # Whoever made the file made its digest too, and can make numpy raise nearly anything.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: expected vectors, got {reason:.200}") from error
    if vectors.dtype != np.float32 or vectors.ndim != 2:
        raise UserError(f"{path}: expected float32 (faces, dim), got {vectors.dtype}")
    return np.asarray(vectors)


def _array(content: bytes) -> NDArray[Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # Written uncompressed: what is no larger than its file cannot fill the memory.
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("an archive that is compressed")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return np.asarray(arrays["vectors"])
