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
    from simlearn.landmarks import Prediction, Predictor

_PLACES: Final = 2


def run(arguments: Sequence[str], *, prog: str) -> int:
    """Run the command, and return the exit status: 2 where a picture could not be read."""
    options = _parser(prog).parse_args(arguments)
    paths = _pictures(options.images)
    # Only now: `--help` and a wrong path wait for nothing.
    load_keras()
    from simlearn import landmarks
    from simlearn.data.files import Files
    from simlearn.data.records import StoredPictures
    from simlearn.landmarks._lists import boxes_of

    boxes = None if options.boxes is None else boxes_of(options.boxes, paths)
    predictor = landmarks.load(options.model)
    if options.format == "csv":
        sys.stdout.write(_line(["image", *_columns(predictor)]))
    failed = False
    for path in paths:
        pictures = StoredPictures(Files(path.parent), [path.name])
        box = None if boxes is None else [boxes[path]]
        found = _found(predictor, pictures, box)
        if found is None:
            failed = True
            continue
        text = _csv_row if options.format == "csv" else _json_row
        sys.stdout.write(text(path, predictor, found))
        sys.stdout.flush()
        if options.draw is not None:
            _draw(path, pictures, found, options.draw)
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


def _pictures(given: Sequence[Path]) -> list[Path]:
    from simlearn.data.folders import SUFFIXES
    from simlearn.errors import UserError

    found: list[Path] = []
    for path in given:
        if not path.exists():
            raise UserError(f"{path}: expected a picture or a folder of pictures, found nothing")
        inside = (p for p in sorted(path.rglob("*")) if p.suffix.lower() in SUFFIXES)
        found += inside if path.is_dir() else [path]
    if not found:
        raise UserError(f"{given[0]}: expected pictures ({', '.join(SUFFIXES)}), found none")
    return found


def _found(
    predictor: "Predictor", pictures: Any, box: Sequence[Sequence[float]] | None
) -> "Prediction | None":
    """What is on one picture; None, with a line on stderr, where it cannot be read."""
    from simlearn.errors import UserError

    try:
        return predictor.predict(pictures, boxes=box)
    except UserError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return None


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


def _draw(path: Path, pictures: Any, found: "Prediction", folder: Path) -> None:
    from PIL import Image

    from simlearn.landmarks import draw

    folder.mkdir(parents=True, exist_ok=True)
    drawn = draw(pictures.open(0, channels=3), found.points[0])
    # With the suffix: a.jpg and a.png of one folder are two pictures.
    Image.fromarray(drawn).save(folder / f"{path.name}.points.png")
