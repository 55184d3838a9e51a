"""What the command takes, and what it refuses before it computes anything."""

import argparse
from typing import TYPE_CHECKING, Final

from caption.metrics import _output

if TYPE_CHECKING:
    from caption.metrics.readers import References

_METRICS: Final = ("bleu", "rouge_l", "cider_d", "cider", "meteor", "spice", "diversity")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    found = argparse.ArgumentParser(
        prog="python -m caption.metrics",
        description="Score captions with the metrics of the COCO caption evaluation, without Java. "
        "Files may be COCO's or Karpathy's JSON, lists of results, Flickr's token files or "
        "plain lines. The last line of the output is one JSON object.",
    )
    add = found.add_argument
    add("references", help="file of references")
    add("hypotheses", help="file with one caption for each image")
    add("--metrics", nargs="+", choices=_METRICS, default=list(_METRICS[:3]), metavar="METRIC",
        help=f"some of {', '.join(_METRICS)}; by default the first three")  # fmt: skip
    add("--compat", choices=["coco"], help="the evaluation's numbers with its quirks, which "
        "scores blank captions too")  # fmt: skip
    add("--json", action="store_true", help="print the JSON object alone, without the table")
    add("--per-image", metavar="FILE", help="write each image's scores there, as JSON")
    add("--compare", metavar="OTHER", help="hypotheses of another system: adds intervals and a "
        "paired bootstrap")  # fmt: skip
    add("--images", metavar="FILE", help="list of ids or names: score these images alone")
    add("--split", default="test", help="of Karpathy's file (default: test)")
    add("--tokenized", action="store_true", help="captions are words between spaces already")
    add("--training", metavar="FILE", help="captions of the training images, for diversity")
    add(
        "--meteor-data",
        metavar="PATH",
        help="folder of METEOR's data (default: an installed pycocoevalcap's)",
    )
    add("--spice-jar", metavar="JAR", help="the jar that computes SPICE")
    add("--resamples", type=int, help="of --compare (default: 1000)")
    add("--seed", type=int, help="of --compare (default: 0)")
    return found


def check(options: argparse.Namespace) -> None:
    """Refuse, before anything is read, options that would do nothing or cannot work."""
    from caption.metrics._checks import check_whole
    from simlearn.errors import UserError

    for option, metric in (
        ("training", "diversity"),
        ("spice_jar", "spice"),
        ("meteor_data", "meteor"),
    ):
        if getattr(options, option) is not None and metric not in options.metrics:
            raise UserError(
                f"--{option.replace('_', '-')}: expected --metrics with {metric}, "
                f"got {' '.join(options.metrics)}"
            )
    for option, low in (("resamples", 1), ("seed", 0)):
        value = getattr(options, option)
        if value is not None:
            if options.compare is None:
                raise UserError(f"--{option}: expected --compare too, got none")
            check_whole(option, value, low)
    if "spice" in options.metrics and not options.spice_jar:
        raise UserError("spice: expected --spice-jar with the authors' spice-1.0.jar, got none")
    if options.per_image is not None:
        _output.check_target(options.per_image)


def check_images(options: argparse.Namespace, references: "References") -> None:
    """Refuse a single image for CIDEr, which weighs words by the images that hold them."""
    from simlearn.errors import UserError

    names = {"cider"} if options.compat == "coco" else {"cider", "cider_d"}
    asked = [name for name in options.metrics if name in names]
    if asked and len(references.captions) == 1:
        raise UserError(
            f"{references.path}: expected at least 2 images for {asked[0]}, got 1: every word "
            "would weigh nothing; ask for other --metrics"
        )
