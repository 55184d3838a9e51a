"""What a score was made with, in one line: without it two scores cannot be compared."""

from collections.abc import Mapping
from itertools import pairwise

from caption.metrics._references import References
from simlearn import __version__


def signature(
    metric: str, references: References, tokenizer: str, settings: Mapping[str, str], compat: str
) -> str:
    """One line that says what a score was made with.

    Two scores of equal signatures are of the same metric, computed in the same way, against the
    same references.

    Args:
        metric: its name.
        references: that it was scored against.
        tokenizer: name of the function that cut captions into words.
        settings: of the metric.
        compat: `"coco"` or `"none"`.

    Examples:
        >>> references = References([[["a", "dog"], ["dogs"]], [["a", "cat"]]])
        >>> signature("rouge_l", references, "words", {"beta": "1.2"}, "none")
        'rouge_l|tok:words|beta:1.2|images:2|refs:1-2|refs_hash:...|compat:none|version:...'
    """
    counts = [after - before for before, after in pairwise(references.firsts.tolist())]
    low, high = min(counts), max(counts)
    parts = {
        "tok": tokenizer,
        **settings,
        "images": str(len(references)),
        "refs": str(low) if low == high else f"{low}-{high}",
        "refs_hash": references.fingerprint[:12],
        "compat": compat,
        "version": __version__,
    }
    return "|".join([metric, *(f"{name}:{value}" for name, value in parts.items())])
