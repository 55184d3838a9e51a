"""`simlearn faces enrol` and `simlearn faces identify`."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import filelock
import numpy as np

from simlearn.errors import UserError
from simlearn.faces._commands._seeing import Seen, answer, required_threshold, say, see
from simlearn.faces._commands._settings import Enrol, Identify
from simlearn.faces._face_model import FaceModel
from simlearn.faces._found import largest
from simlearn.faces._gallery import Gallery, Identified
from simlearn.faces._paths import picture_paths

_LOCK: Final = ".lock"


def enrol(settings: Enrol) -> int:
    """Add people to a gallery; 0, or 1 where no picture could be taken."""
    model = FaceModel.load(settings.model)
    _changed(_opened(settings.gallery, model), settings, _Faces())
    found = _Faces()
    if settings.pictures:
        found = _seen_faces(settings, model)
        if not found.names:
            say("no picture could be taken; the gallery stays as it was")
            return 1
    elif settings.remove is None:
        raise UserError("expected pictures to enrol, or --remove NAME, got neither")
    with _alone(settings.gallery):
        # Read anew: others may have enrolled somebody while the pictures were looked at.
        gallery = _changed(_opened(settings.gallery, model), settings, found)
        gallery.save(settings.gallery)
    people, added = gallery.people, len(found.names)
    content = {"gallery": str(settings.gallery), "added": added, "people": list(people)}
    text = f"{settings.gallery}: {added} added; {len(gallery)} faces of {len(people)} people"
    answer(settings, content | {"faces": len(gallery)}, [text])
    return 0


def identify(settings: Identify) -> int:
    """Name the faces in pictures; 0."""
    model = FaceModel.load(settings.model)
    gallery = Gallery.load(settings.gallery, model_fingerprint=model.embedder.fingerprint)
    threshold, where = required_threshold(model, settings)
    paths = picture_paths(settings.pictures)
    truth = None
    if settings.labelled:
        truth = folder_names(settings.pictures, paths, otherwise="without --labelled any will do")
    seen = see(paths, model, settings)
    told = gallery.identify(seen.vectors, threshold=threshold, method=settings.method)
    rows = [_row(seen, row, one) for row, one in enumerate(told)]
    content: dict[str, Any] = {"faces": rows, "threshold": threshold, "threshold_from": where}
    lines = [_line(row) for row in rows]
    if truth is not None:
        kept = _one_each(seen, largest_one=True)
        names = [truth[owner] for owner in seen.faces.owner[kept]]
        scores = _scores([told[row] for row in kept], names, gallery)
        content["scores"] = scores
        lines += [f"{name}: {shown(value)}" for name, value in scores.items()]
    answer(settings, content, [*lines, f"threshold: {where}"])
    return 0


class _Faces(NamedTuple):
    """What is to be added; nothing unless told."""

    names: Sequence[str] = ()
    sources: Sequence[str] = ()
    vectors: Any = None


def _seen_faces(settings: Enrol, model: FaceModel) -> _Faces:
    named = _named(settings)
    seen = see([path for path, _ in named], model, settings)
    rows = _one_each(seen, largest_one=settings.largest)
    owners = seen.faces.owner[rows]
    return _Faces(
        [named[owner][1] for owner in owners],
        [str(named[owner][0].absolute()) for owner in owners],
        seen.vectors[rows],
    )


def _changed(gallery: Gallery, settings: Enrol, found: _Faces) -> Gallery:
    if settings.remove is not None:
        gallery = gallery.without(settings.remove)
    return gallery.with_faces(*found) if found.names else gallery


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other command changes the gallery."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / _LOCK)
        lock.acquire()
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _opened(folder: Path, model: FaceModel) -> Gallery:
    fingerprint = model.embedder.fingerprint
    if (folder / "gallery.json").exists():
        return Gallery.load(folder, model_fingerprint=fingerprint)
    if folder.exists() and (not folder.is_dir() or {p.name for p in folder.iterdir()} - {_LOCK}):
        raise UserError(f"{folder}: expected a gallery, or a folder that is new or empty")
    return Gallery([], [], np.empty((0, model.embedder.dim), np.float32), fingerprint)


def _named(settings: Enrol) -> list[tuple[Path, str]]:
    """Every picture with the person that it shows."""
    if settings.name is not None:
        if not settings.name.strip():
            raise UserError("expected a name, got an empty one")
        return [(path, settings.name) for path in picture_paths(settings.pictures)]
    paths = picture_paths(settings.pictures)
    told = folder_names(settings.pictures, paths, otherwise="or give --name")
    return list(zip(paths, told, strict=True))


def folder_names(given: tuple[Path, ...], paths: list[Path], *, otherwise: str) -> list[str]:
    """The folder below the given one that each picture lies in.

    Raises:
        UserError: it is not one folder, or a picture is in nobody's; and what can be done
            otherwise.
    """
    if len(given) != 1 or not given[0].is_dir():
        received = ", ".join(map(str, given))
        raise UserError(
            f"expected one folder with a folder for each person, got {received}; {otherwise}"
        )
    names = []
    for path in paths:
        parts = path.relative_to(given[0]).parts
        if len(parts) < 2:
            raise UserError(
                f"{path}: expected every picture in the folder of a person; {otherwise}"
            )
        names.append(parts[0])
    return names


def _one_each(seen: Seen, *, largest_one: bool) -> Any:
    """The face of each picture; one with several is left out, or gives its largest."""
    if largest_one:
        return largest(seen.faces)
    counts = seen.faces.counts()
    for owner in np.flatnonzero(counts > 1):
        say(
            f"{seen.pictures.where(int(owner))}: left out: it shows {counts[owner]} faces; "
            "--largest takes the largest"
        )
    return np.flatnonzero(counts[seen.faces.owner] == 1)


def _row(seen: Seen, row: int, told: Identified) -> dict[str, Any]:
    return {
        "picture": seen.pictures.where(int(seen.faces.owner[row])),
        "box": seen.faces.boxes[row].round(1).tolist(),
        "name": told.name or None,
        "nearest": told.nearest,
        "distance": told.distance,
    }


def _line(row: dict[str, Any]) -> str:
    told = row["name"] or f"unknown (nearest {row['nearest']})"
    return f"{row['picture']}\t{told}\t{row['distance']:.4f}"


def shown(value: float | int | None) -> str:
    """A score as it is printed."""
    if value is None:
        return "none, for want of such pictures"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _scores(
    told: Sequence[Identified], names: Sequence[str], gallery: Gallery
) -> dict[str, float | int | None]:
    """Rates of the answers, by whichever method and threshold they were found."""
    people = set(gallery.people)
    known = [(one, name) for one, name in zip(told, names, strict=True) if name in people]
    strangers = [one for one, name in zip(told, names, strict=True) if name not in people]
    return {
        "pictures of known people": len(known),
        "rank-1 rate": _share([one.nearest == name for one, name in known]),
        "detection and identification rate": _share([one.name == name for one, name in known]),
        "pictures of strangers": len(strangers),
        "false alarm rate": _share([one.name != "" for one in strangers]),
    }


def _share(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None
