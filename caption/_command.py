"""The command line of captioning: a run and pictures in, captions out.

What a user can do wrong ends in one line on stderr and exit status 2, never in a traceback; a
picture that cannot be read is said, and the others are captioned.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from simlearn._exits import one_line_errors
from simlearn._quiet import load_keras

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
    from simlearn.errors import UserError

    if options.beams < 1:
        raise UserError(f"--beams: expected at least 1, got {options.beams}")
    if not 1 <= options.captions <= options.beams:
        raise UserError(
            f"--captions: expected 1 to {options.beams}, the beams, got {options.captions}"
        )
    paths, failed = _pictures(options.images)
    if not paths:
        return failed
    load_keras()
    from functools import partial

    from caption import decoding
    from caption.trained import TrainedCaptioner

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
    taken: set[Path] = set()
    for path in paths:
        try:
            _one(path, trained, writer, options, taken)
        except UserError as error:
            _say(error)
            failed = True
    return failed


def _say(error: object) -> None:
    print(" ".join(str(error).split()), file=sys.stderr, flush=True)


def _pictures(given: Sequence[Path]) -> tuple[list[Path], bool]:
    """The pictures that were named or lie in folders; whether one was named that is not there."""
    found: list[Path] = []
    failed = False
    for path in given:
        inside = [path]
        if path.is_dir():
            endings = (p for p in path.rglob("*") if p.suffix.lower() in _ENDINGS)
            inside = sorted(p for p in endings if not p.is_dir())
        if not path.exists():
            _say(f"{path}: expected a picture or a folder of pictures, found nothing")
        elif not inside:
            _say(f"{path}: expected pictures, found none")
        else:
            found += inside
            continue
        failed = True
    return found, failed


def _one(
    path: Path,
    trained: "TrainedCaptioner",
    writer: Any,
    options: argparse.Namespace,
    taken: set[Path],
) -> None:
    from simlearn.data.files import Files
    from simlearn.data.records import StoredPictures
    from simlearn.errors import UserError

    pictures = StoredPictures(Files(path.parent), [path.name])
    captions: list[Written] = writer(trained.encoder.encode(pictures))[0]
    if any(math.isnan(one.score) for one in captions):
        raise UserError(f"{path}: expected scores of words, and the captioner's are no numbers")
    # Of a wide beam over few words some may be left without a caption.
    captions = [one for one in captions if math.isfinite(one.score)]
    shown = None
    if options.attention and captions and captions[0].words:
        shown = _free(options.attention, path.stem, taken)
        _show(shown, pictures, captions[0], trained)
    if options.json:
        rows = [{"caption": one.text, "score": one.score} for one in captions]
        where = {} if shown is None else {"attention": str(shown)}
        print(json.dumps({"image": str(path), "captions": rows} | where), flush=True)
    else:
        for one in captions:
            print(f"{path}\t{one.text}", flush=True)


def _free(folder: Path, stem: str, taken: set[Path]) -> Path:
    """A name of its own for each picture of this call: some are called alike."""
    path, number = folder / f"{stem}.attention.png", 1
    while path in taken:
        number += 1
        path = folder / f"{stem}-{number}.attention.png"
    taken.add(path)
    return path


def _show(path: Path, pictures: Any, written: "Written", trained: "TrainedCaptioner") -> None:
    import numpy as np
    from PIL import Image

    from caption.overlays import sheet

    picture = pictures.open(0, channels=3)
    picture.thumbnail((320, 320))
    attention = np.asarray(written.attention)
    shown = sheet(np.asarray(picture), attention, written.words, grid=trained.encoder.grid)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(shown).save(path)
