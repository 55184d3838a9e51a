"""`simlearn landmarks ...`: pictures in, points out."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simlearn._quiet import load_keras

if TYPE_CHECKING:
    from PIL import Image

    from simlearn.landmarks import Prediction, Predictor

_PLACES: Final = 2


def run(arguments: Sequence[str], *, prog: str) -> int:
    """Run the command, and return the exit status: 2 where a picture could not be read."""
    options = _parser(prog).parse_args(arguments)
    paths = _pictures(options.images, without=options.draw)
    if options.draw is not None:
        options.draw.mkdir(parents=True, exist_ok=True)
    # Only now: `--help` and a wrong path wait for nothing.
    load_keras()
    from simlearn import landmarks
    from simlearn.data.files import Files
    from simlearn.data.records import StoredPictures
    from simlearn.errors import UserError
    from simlearn.landmarks._decoded import Decoded
    from simlearn.landmarks._lists import boxes_of

    boxes = None if options.boxes is None else boxes_of(options.boxes, list(paths))
    predictor = landmarks.load(options.model)
    if options.format == "csv":
        sys.stdout.write(_line(["image", *_columns(predictor)]))
    failed = False
    for path, name in paths.items():
        try:
            picture = StoredPictures(Files(path.parent), [path.name]).open(0)
        except UserError as error:
            sys.stderr.write(" ".join(str(error).split()) + "\n")
            failed = True
            continue
        # A decoder's picture is all that a predictor asks for.
        pictures: Any = Decoded([picture])
        found = predictor.predict(pictures, boxes=None if boxes is None else [boxes[path]])
        text = _csv_row if options.format == "csv" else _json_row
        sys.stdout.write(text(path, predictor, found))
        sys.stdout.flush()
        if options.draw is not None:
            _draw(picture, found, options.draw / name)
    return 2 if failed else 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Find the landmarks of the face in each picture, with a predictor that "
        "`python -m experiments.mtfl_landmarks` trained.",
    )
    add = parser.add_argument
    add("images", nargs="+", type=Path, metavar="IMAGE", help="pictures, or folders of them")
    add("--model", type=Path, required=True, metavar="FILE", help="the predictor, *.landmarks")
    add("--format", choices=("json", "csv"), default="json",
        help="one JSON object a picture, or CSV with a header (default: json)")  # fmt: skip
    add("--boxes", type=Path, metavar="FILE",
        help="CSV with image,left,top,right,bottom: where the face is, with some room around it; "
        "by default a face fills each picture")  # fmt: skip
    add("--draw", type=Path, metavar="FOLDER", help="write there each picture with its points")
    return parser


def _pictures(given: Sequence[Path], *, without: Path | None) -> dict[Path, Path]:
    """Each picture, and what to call it where it is drawn: another name for each."""
    from simlearn.data.folders import SUFFIXES
    from simlearn.errors import UserError

    found: dict[Path, Path] = {}
    for path in given:
        if not path.exists():
            raise UserError(f"{path}: expected a picture or a folder of pictures, found nothing")
        if not path.is_dir():
            found[path] = Path(path.name)
            continue
        for one in sorted(path.rglob("*")):
            below = one.relative_to(path)
            hidden = any(part.startswith(".") for part in below.parts)
            drawn = without is not None and one.is_relative_to(without)
            if one.suffix.lower() in SUFFIXES and one.is_file() and not hidden and not drawn:
                found[one] = below
    if not found:
        raise UserError(f"{given[0]}: expected pictures ({', '.join(SUFFIXES)}), found none")
    return _apart(found)


def _apart(names: Mapping[Path, Path]) -> dict[Path, Path]:
    """The names, numbered from the second time that one occurs."""
    seen: dict[Path, int] = {}
    apart = {}
    for path, name in names.items():
        seen[name] = seen.get(name, 0) + 1
        # With the suffix: a.jpg and a.png of one folder are two pictures.
        again = f".{seen[name]}" if seen[name] > 1 else ""
        apart[path] = name.with_name(f"{name.name}{again}.points.png")
    return apart


def _json_row(path: Path, predictor: "Predictor", found: "Prediction") -> str:
    plan = predictor.plan
    row: dict[str, Any] = {
        "image": str(path),
        "points": {
            landmark.name: [round(float(value), _PLACES) for value in place]
            for landmark, place in zip(plan.landmarks, found.points[0], strict=True)
        },
        "spread": round(float(found.spread[0]), 4),
    }
    if plan.attributes:
        row["attributes"] = {
            name: {"value": value, "probability": round(chance, 3)}
            for name, (value, chance) in _told(predictor, found).items()
        }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _csv_row(path: Path, predictor: "Predictor", found: "Prediction") -> str:
    told = _told(predictor, found)
    places = [f"{value:.{_PLACES}f}" for value in found.points[0].ravel()]
    return _line([str(path), *places, *(value for value, _ in told.values())])


def _columns(predictor: "Predictor") -> list[str]:
    points = [f"{one.name}_{axis}" for one in predictor.plan.landmarks for axis in "xy"]
    return points + [one.name for one in predictor.plan.attributes]


def _told(predictor: "Predictor", found: "Prediction") -> Mapping[str, tuple[str, float]]:
    """The most probable value of each attribute, and its probability."""
    told = {}
    for attribute in predictor.plan.attributes:
        shares = found.attributes[attribute.name][0]
        best = int(shares.argmax())
        told[attribute.name] = (attribute.values[best], float(shares[best]))
    return told


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _draw(picture: "Image.Image", found: "Prediction", path: Path) -> None:
    from PIL import Image

    from simlearn.landmarks import draw

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw(picture, found.points[0])).save(path)
