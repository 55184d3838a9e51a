"""The labels of a folder of pictures: read, changed, written after every change."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from simlearn._files import write_atomically
from simlearn.data.clicked import DONE, FILE, OPEN, SKIPPED, Clicked, read, written
from simlearn.data.folders import SUFFIXES
from simlearn.data.records import Landmark
from simlearn.errors import RunError, UserError

MTFL_FILE: Final = "labels.txt"


class Labels:
    r"""What was clicked on the pictures of a folder.

    After every change `labels.csv` holds all pictures, and `labels.txt` the finished ones with all
    their points, as MTFL's lists do: the path, all x, all y. A folder that was labelled before goes
    on where it was left.

    Args:
        folder: with the pictures, in folders below it too.
        landmarks: what is clicked, in this order.

    Raises:
        UserError: there is no picture, the name of one is not in UTF-8, or the folder was labelled
            with other points.

    Examples:
        >>> import tempfile
        >>> from simlearn.labelling import landmarks_of
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "rex.pgm").write_bytes(b"P5 2 1 255 \x00\xff")
        >>> labels = Labels(folder, landmarks_of("nose"))
        >>> labels.set(0, Clicked("done", ((1.0, 0.0),)))
        >>> print((folder / "labels.csv").read_text(), end="")
        image,status,nose_x,nose_y
        rex.pgm,done,1.00,0.00
        >>> print((folder / "labels.txt").read_text(), end="")
        rex.pgm 1.00 0.00
    """

    def __init__(self, folder: str | Path, landmarks: Sequence[Landmark]) -> None:
        self.folder = Path(folder)
        self.landmarks = tuple(landmarks)
        self.names = [landmark.name for landmark in landmarks]
        self._lock = threading.Lock()
        if not self.folder.is_dir():
            raise UserError(f"{self.folder}: expected a folder of pictures, found none")
        paths = sorted(
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        self.images = [path for path in paths if not path.startswith(".") and "/." not in path]
        if not self.images:
            raise UserError(f"{self.folder}: expected pictures ({', '.join(SUFFIXES)}), found none")
        for image in self.images:
            # So a file system tells of bytes that are none.
            if any("\udc80" <= letter <= "\udcff" for letter in image):
                raise UserError(
                    f"{self.folder}: expected names of pictures in UTF-8, found {image!r}"
                )
        self._content: bytes | None = None
        self._rows = self._read()

    def __len__(self) -> int:
        return len(self.images)

    def get(self, index: int) -> Clicked:
        """What was clicked on a picture."""
        return self._rows[self.images[index]]

    def set(self, index: int, clicked: Clicked) -> None:
        """Note what was clicked on a picture, and write both files.

        Raises:
            UserError: the status is not known, or there are not as many points as landmarks.
            RunError: a file cannot be written, the old one is whole; or somebody else changed it.
        """
        if clicked.status not in (DONE, OPEN, SKIPPED) or len(clicked.points) != len(self.names):
            raise UserError(
                f"expected a status and {len(self.names)} points, "
                f"received {clicked.status!r} and {len(clicked.points)}"
            )
        with self._lock:
            self._rows[self.images[index]] = clicked
            self._write()

    def counts(self) -> dict[str, int]:
        """How many pictures are done, open and skipped."""
        found = [row.status for row in self._rows.values()]
        return {status: found.count(status) for status in (DONE, OPEN, SKIPPED)}

    def _read(self) -> dict[str, Clicked]:
        """All pictures in order; rows of pictures that are gone stay at the end."""
        path = self.folder / FILE
        stored: dict[str, Clicked] = {}
        if path.exists():
            self._content = path.read_bytes()
            names, stored = read(self._content, path)
            if names != self.names:
                raise UserError(
                    f"{path}: expected the points {', '.join(self.names)}, "
                    f"found {', '.join(names)}; label with those, or move the file away"
                )
        nothing = Clicked(OPEN, (None,) * len(self.names))
        here = {image: stored.get(image, nothing) for image in self.images}
        return here | {image: row for image, row in stored.items() if image not in here}

    def _write(self) -> None:
        rows = []
        for image, row in self._rows.items():
            known = [point for point in row.points if point is not None]
            if row.status == DONE and len(known) == len(row.points):
                places = [f"{point[axis]:.2f}" for axis in (0, 1) for point in known]
                rows.append(f"{image} {' '.join(places)}\n")
        self._check_unchanged()
        content = written(self.names, self._rows).encode()
        for name, data in {FILE: content, MTFL_FILE: "".join(rows).encode()}.items():
            try:
                write_atomically(self.folder / name, data)
            except OSError as error:
                raise RunError(f"cannot write {self.folder / name}: {error.strerror}") from error
            self._content = content

    def _check_unchanged(self) -> None:
        """A second page on the same folder must not undo what the first one noted."""
        path = self.folder / FILE
        if path.is_file() and path.read_bytes() != self._content:
            raise RunError(f"{path} was changed by somebody else; start again to go on from there")
