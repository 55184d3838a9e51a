"""The command line: files in, a table and one line of JSON out.

What a user can do wrong ends in one line on stderr and exit status 2, never in a traceback.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from caption.metrics import _options, _output
from simlearn._exits import one_line_errors

if TYPE_CHECKING:
    from caption.metrics.scores import CaptionScorer, CaptionScores

_SECONDS_OF_SILENCE = 2.0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command, and exit."""
    # Whatever the terminal's encoding, a character must not end a run.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    options = _options.parser().parse_args(arguments)
    # Only now: `--help` waits for nothing.
    with one_line_errors():
        result = _run(options)
        if not options.json:
            print(_output.table(result), flush=True)
        print(_output.as_json(result), flush=True)
    sys.exit(0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from caption.metrics import readers
    from caption.metrics.scores import METRICS, CaptionScorer

    _options.check(options)
    blank = options.compat == "coco"
    references = readers.read_references(options.references, split=options.split, blank=blank)
    if options.images:
        references = readers.only(references, options.images)
    files = [options.hypotheses, *([options.compare] if options.compare else [])]
    # All are read before anything is computed: what is wrong is said at once.
    systems = [readers.read_hypotheses(file, references, blank=blank) for file in files]
    _options.check_images(options, references)
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
    scores = [
        scorer.score_tokens(tokens, progress=_Progress(file, "captions aligned by METEOR"))
        for tokens, file in zip(words, files, strict=True)
    ]
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
        _output.write_per_image(options.per_image, first, systems[0])
    return result


class _Progress:
    """A line on stderr now and then, where work takes longer than a moment."""

    def __init__(self, what: str, unit: str = "captions cut into words") -> None:
        self.what = what
        self.unit = unit
        self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last >= _SECONDS_OF_SILENCE:
            self.last = now
            print(f"{self.what}: {done} of {total} {self.unit}", file=sys.stderr)


def _with_spice(
    scores: "CaptionScores",
    scorer: "CaptionScorer",
    words: list[list[str]],
    options: argparse.Namespace,
) -> "CaptionScores":
    """The scores with those of SPICE."""
    import dataclasses

    from caption.metrics.spice import spice

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

    given = {"resamples": options.resamples, "seed": options.seed}
    found = compare(
        first,
        second,
        progress=_Progress("compare", "draws of images scored"),
        **{name: value for name, value in given.items() if value is not None},
    )
    return {name: _output.record(comparison) for name, comparison in found.items()}
