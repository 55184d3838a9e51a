"""The command line: files in, a table and one line of JSON out.

What a user can do wrong ends in one line on stderr and exit status 2, never in a traceback.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from caption.metrics import _output

if TYPE_CHECKING:
    from caption.metrics.scores import CaptionScorer, CaptionScores

_METRICS = ("bleu", "rouge_l", "cider_d", "cider", "meteor", "spice", "diversity")
_SECONDS_OF_SILENCE = 2.0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command, and exit."""
    # Whatever the terminal's encoding, a character must not end a run.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    options = _parser().parse_args(arguments)
    # Only now: `--help` waits for nothing.
    from simlearn.errors import UserError

    try:
        result = _run(options)
        if not options.json:
            print(_output.table(result), flush=True)
        print(json.dumps(result), flush=True)
    except UserError as error:
        _fail(" ".join(str(error).split()), 2)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except BrokenPipeError:
        # Whoever read stdout has gone, as `| head` does; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        _fail(f"cannot read or write {error.filename}: {error.strerror or error}", 2)
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m caption.metrics",
        description="Score captions with the metrics of the COCO caption evaluation, without Java. "
        "Files may be COCO's or Karpathy's JSON, lists of results, Flickr's token files or "
        "plain lines. The last line of the output is one JSON object.",
    )
    add = parser.add_argument
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
    add("--resamples", type=int, default=1000, help="of --compare (default: 1000)")
    add("--seed", type=int, default=0, help="of --compare (default: 0)")
    return parser


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from caption.metrics import readers
    from caption.metrics.scores import METRICS, CaptionScorer

    blank = options.compat == "coco"
    references = readers.read_references(options.references, split=options.split, blank=blank)
    if options.images:
        references = readers.only(references, options.images)
    files = [options.hypotheses, *([options.compare] if options.compare else [])]
    # All are read before anything is computed: what is wrong is said at once.
    systems = [readers.read_hypotheses(file, references, blank=blank) for file in files]
    scorer = CaptionScorer(
        references.captions,
        metrics=[name for name in options.metrics if name in METRICS],
        compat=options.compat,
        tokenize=str.split if options.tokenized else None,
        meteor_data=options.meteor_data,
        progress=_Progress("references"),
    )
    words = [
        scorer.tokens(system, progress=_Progress(file))
        for system, file in zip(systems, files, strict=True)
    ]
    scores = [scorer.score_tokens(tokens) for tokens in words]
    if "spice" in options.metrics:
        scores = [_with_spice(s, scorer, w, options) for s, w in zip(scores, words, strict=True)]
    first = scores[0]
    result: dict[str, Any] = {
        "references": options.references,
        "hypotheses": options.hypotheses,
        "images": len(first.ids),
        "scores": first.corpus,
        "signatures": first.signatures,
    }
    if "diversity" in options.metrics:
        result["diversity"] = _diversity(words[0], scorer, options)
    if options.compare:
        result["other"] = options.compare
        result["comparison"] = _comparison(scores[0], scores[1], options)
    if options.per_image:
        _output.write_per_image(Path(options.per_image), first, systems[0])
    return result


class _Progress:
    """A line on stderr now and then, where work takes longer than a moment."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last >= _SECONDS_OF_SILENCE:
            self.last = now
            print(f"{self.what}: {done} of {total} captions cut into words", file=sys.stderr)


def _with_spice(
    scores: "CaptionScores",
    scorer: "CaptionScorer",
    words: list[list[str]],
    options: argparse.Namespace,
) -> "CaptionScores":
    """The scores with those of SPICE."""
    import dataclasses

    from caption.metrics.spice import spice
    from simlearn.errors import UserError

    if not options.spice_jar:
        raise UserError("spice: expected --spice-jar with the authors' spice-1.0.jar, got none")
    print("spice: the jar is running", file=sys.stderr, flush=True)
    texts = [[" ".join(t) for t in image] for image in scorer.references.words_in_order()]
    own = [" ".join(tokens) for tokens in words]
    found = spice(
        dict(zip(scores.ids, texts, strict=True)),
        dict(zip(scores.ids, own, strict=True)),
        options.spice_jar,
    )
    return dataclasses.replace(
        scores,
        corpus=scores.corpus | found.corpus,
        per_image=scores.per_image | found.per_image,
        parts=scores.parts | {"spice": found},
        signatures=scores.signatures | {"spice": scorer.signature("spice", found)},
    )


def _diversity(
    words: list[list[str]], scorer: "CaptionScorer", options: argparse.Namespace
) -> dict[str, Any]:
    from caption.metrics.diversity import diversity
    from caption.metrics.readers import read_references

    training = None
    if options.training:
        texts = read_references(options.training, split="train", blank=True).captions.values()
        captions = [text for image in texts for text in image]
        training = scorer.cut(captions, progress=_Progress(options.training))
    found = diversity(words, training=training)
    return {
        **{f"distinct_{n}": value for n, value in found.distinct.items()},
        "vocabulary": found.vocabulary,
        "unique": found.unique,
        "novel": found.novel,
        "mean_length": found.mean_length,
        "lengths": found.lengths,
    }


def _comparison(
    first: "CaptionScores", second: "CaptionScores", options: argparse.Namespace
) -> dict[str, Any]:
    from caption.metrics.bootstrap import compare

    found = compare(first, second, resamples=options.resamples, seed=options.seed)
    return {name: _output.record(comparison) for name, comparison in found.items()}


def _fail(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    sys.exit(status)
