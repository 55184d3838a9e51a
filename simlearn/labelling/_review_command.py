"""`simlearn review ...`: doubtful labels, and a page to keep, fix or drop them."""

import argparse
import sys
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlearn._quiet import load_keras

if TYPE_CHECKING:
    from simlearn.data.records import Landmark, LandmarkPictures


def run(arguments: Sequence[str], *, prog: str) -> int:
    """List or serve what is doubtful, and return the exit status."""
    options = _parser(prog).parse_args(arguments)
    from simlearn import audit
    from simlearn.labelling import Server
    from simlearn.labelling._reviewing import Reviewing

    record = _readers()[options.data_set](options.data)
    predicted = None
    if options.model is not None:
        load_keras()
        from simlearn import landmarks

        predictor = landmarks.load(options.model)
        _check_points(predictor.plan.landmarks, record.landmarks, options.model)
        predicted = predictor.predict(record.pictures).points
    known = audit.THRESHOLDS.get(options.data_set)
    doubts = audit.doubtful_labels(
        record,
        predicted=predicted,
        count=options.count,
        threshold=None if known is None else known.distance,
    )
    counts = ", ".join(f"{number} {kind}" for kind, number in audit.kinds_of(doubts).items())
    sys.stdout.write(f"{record}\n{counts}\n")
    if options.list:
        for doubt in doubts:
            where = record.pictures.where(doubt.row)
            sys.stdout.write(f"{doubt.kind}\t{doubt.value:.3f}\t{where}\t{doubt.note}\n")
        return 0
    pages = Reviewing(record, doubts, options.out, predicted=predicted)
    server = Server(pages, port=options.port)
    sys.stdout.write(f"{server.address}\ndecisions go to {options.out}; stop with Ctrl-C\n")
    sys.stdout.flush()
    if options.browser:
        webbrowser.open(server.address)
    try:
        server.run()
    except KeyboardInterrupt:
        sys.stdout.write(f"{len(pages.decisions)} decided: {options.out}\n")
    return 0


def _check_points(found: Sequence["Landmark"], wanted: Sequence["Landmark"], path: Path) -> None:
    from simlearn.errors import UserError

    # The picture's left is what `simlearn label` means by left.
    names, given = ([one.name.removeprefix("image_") for one in some] for some in (wanted, found))
    if names != given:
        raise UserError(
            f"{path}: expected a model of the points {', '.join(names)}, "
            f"received one of {', '.join(given)}"
        )


def _readers() -> Mapping[str, Callable[[Path], "LandmarkPictures"]]:
    from simlearn.data import celeba, clicked, kaggle_keypoints, mtfl

    def whole(load: Any) -> Callable[[Path], "LandmarkPictures"]:
        # A wrong point shall be seen, neither refused nor hidden.
        return lambda root: load(root, outside="keep")

    return {
        "mtfl": whole(mtfl.load),
        "mafl": whole(celeba.mafl),
        "celeba": whole(celeba.load),
        "kaggle": whole(kaggle_keypoints.load),
        "clicked": whole(clicked.load),
    }


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="List the training labels that are most likely wrong, and look at them in the "
        "browser of this machine: keep, fix or drop. The data are never changed; "
        "`python -m experiments.mtfl_landmarks --decisions FILE` leaves out what is not kept.",
    )
    add = parser.add_argument
    add("data", type=Path, help="folder or zip of the data set")
    add("--data-set", choices=("mtfl", "mafl", "celeba", "kaggle", "clicked"), default="mtfl",
        help="what it is (default: mtfl)")  # fmt: skip
    add("--model", type=Path, metavar="FILE",
        help="a predictor, *.landmarks: lists the largest errors too")  # fmt: skip
    add("--count", type=int, default=100, help="largest errors and duplicates (default: 100)")
    add("--out", type=Path, default=Path("decisions.csv"), metavar="FILE",
        help="where decisions go (default: decisions.csv)")  # fmt: skip
    add("--list", action="store_true", help="print them, and serve no page")
    add("--port", type=int, default=0, help="of the page (default: any that is free)")
    add("--no-browser", dest="browser", action="store_false", help="do not open the page")
    return parser
