"""The command line of captioning: a run and pictures in, captions out.

What a user can do wrong ends in one line on stderr and exit status 2, never in a traceback; a
picture that cannot be read is said, and the others are captioned.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from simlearn._exits import one_line_errors

# TensorFlow reads this when it is imported, which nothing has done yet.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if TYPE_CHECKING:
    from caption.trained import TrainedCaptioner
    from caption.writing import Written

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command, and exit."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    options = _parser().parse_args(arguments)
    # Only now: `--help` waits for nothing.
    with one_line_errors():
        failed = _run(options)
    sys.exit(2 if failed else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m caption",
        description="Say what is on pictures, with a captioner that an experiment trained.",
    )
    add = parser.add_argument
    add("run", type=Path, help="folder of the run")
    add("images", nargs="+", type=Path, help="pictures, or folders of them")
    add("--captions", type=int, default=1, help="of a picture, the best first (default: 1)")
    add("--beams", type=int, default=3, help="width of the beam search (default: 3)")
    add("--json", action="store_true", help="print one JSON object a picture")
    add("--attention", type=Path, metavar="FOLDER",
        help="write there where it looked for each word, a PNG a picture")  # fmt: skip
    return parser


def _run(options: argparse.Namespace) -> bool:
    from functools import partial

    from caption import decoding
    from caption.trained import TrainedCaptioner
    from simlearn.errors import UserError

    if not 1 <= options.captions <= options.beams:
        raise UserError(
            f"--captions: expected 1 to {options.beams}, the beams, got {options.captions}"
        )
    paths = _pictures(options.images)
    trained = TrainedCaptioner.load(options.run)
    if options.attention and not trained.captioner.attends:
        raise UserError(f"--attention: expected a captioner that attends, got {options.run}'s")
    decode = partial(
        decoding.beam_search,
        beams=options.beams,
        results=options.captions,
        max_length=trained.longest + 1,
        normalize=decoding.divide_by_length,
    )
    writer = trained.writer(decode)
    failed = False
    for path in paths:
        try:
            _one(path, trained, writer, options)
        except UserError as error:
            print(" ".join(str(error).split()), file=sys.stderr, flush=True)
            failed = True
    return failed


def _pictures(given: Sequence[Path]) -> list[Path]:
    from simlearn.errors import UserError

    found: list[Path] = []
    for path in given:
        if not path.exists():
            raise UserError(f"{path}: expected a picture or a folder of pictures, found nothing")
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in _ENDINGS)
        found += inside if path.is_dir() else [path]
    if not found:
        raise UserError(f"{given[0]}: expected pictures, found none")
    return found


def _one(path: Path, trained: "TrainedCaptioner", writer: Any, options: argparse.Namespace) -> None:
    from simlearn.data.files import Files
    from simlearn.data.records import StoredPictures

    pictures = StoredPictures(Files(path.parent), [path.name])
    captions: list[Written] = writer(trained.encoder.encode(pictures))[0]
    if options.json:
        rows = [{"caption": one.text, "score": one.score} for one in captions]
        print(json.dumps({"image": str(path), "captions": rows}), flush=True)
    else:
        for one in captions:
            print(f"{path}\t{one.text}", flush=True)
    if options.attention and captions[0].attention is not None:
        _show(path, pictures, captions[0], trained, options.attention)


def _show(
    path: Path, pictures: Any, written: "Written", trained: "TrainedCaptioner", folder: Path
) -> None:
    import numpy as np
    from PIL import Image

    from caption.overlays import sheet

    picture = pictures.open(0, channels=3)
    picture.thumbnail((320, 320))
    attention = np.asarray(written.attention)
    shown = sheet(np.asarray(picture), attention, written.words, grid=trained.encoder.grid)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(shown).save(folder / f"{path.stem}.attention.png")
