"""What a caller gives: references and captions as text, checked, and the cutting into words."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from simlearn.errors import UserError

Tokenizer: TypeAlias = Callable[[str], list[str]]
Progress: TypeAlias = Callable[[int, int], None]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def checked_references(references: Any) -> dict[Hashable, Sequence[str]]:
    """References by the id of their image; its place where they came in order.

    Raises:
        UserError: They are no mapping or list of lists of text; the message names the image.
    """
    if isinstance(references, str) or not isinstance(references, Mapping | Sequence):
        raise UserError(
            f"references: expected a list for each image, by id or in order, got {references!r:.80}"
        )
    ordered = not isinstance(references, Mapping)
    by_id = dict(enumerate(references)) if ordered else dict(references)
    for key, texts in by_id.items():
        if isinstance(texts, str) or not isinstance(texts, Sequence):
            raise UserError(f"references: expected a list for image {key!r}, got {texts!r:.80}")
        if not texts:
            raise UserError(f"references: expected at least one for image {key!r}, got none")
        for text in texts:
            _check_text(text, "references", key)
    return by_id


def checked_hypotheses(hypotheses: Any, ids: Sequence[Hashable], in_order: bool) -> list[str]:
    """Hypotheses in the order of the images.

    Raises:
        UserError: An image has none, or one has no references, or is no text.
    """
    is_mapping = isinstance(hypotheses, Mapping)
    listed = isinstance(hypotheses, Sequence) and not isinstance(hypotheses, str)
    if not (listed if in_order else is_mapping):
        wanted = "in their order" if in_order else "by id"
        raise UserError(
            f"hypotheses: expected captions {wanted}, as the references are, "
            f"got {type(hypotheses).__name__}"
        )
    if in_order:
        if len(hypotheses) != len(ids):
            raise UserError(
                f"hypotheses: expected one for each of {len(ids)} images, got {len(hypotheses)}"
            )
        found = list(hypotheses)
    else:
        missing = [key for key in ids if key not in hypotheses]
        if missing:
            raise UserError(f"hypotheses: expected one for image {missing[0]!r}, got none")
        if len(hypotheses) > len(ids):
            extra = next(iter(hypotheses.keys() - set(ids)))
            raise UserError(f"references: expected some for image {extra!r}, got none")
        found = [hypotheses[key] for key in ids]
    for key, text in zip(ids, found, strict=True):
        _check_text(text, "hypotheses", key)
    return found


def _check_text(text: Any, what: str, key: Hashable) -> None:
    if not isinstance(text, str):
        raise UserError(f"{what}: expected text for image {key!r}, got {text!r:.80}")
    if _SURROGATE.search(text):
        raise UserError(
            f"{what}: expected text for image {key!r}, got half a character in {text!r:.80}"
        )


def default_tokenizer() -> Tokenizer:
    """The words of the COCO caption evaluation."""
    # Only here: captions that are words already do without its tables.
    from caption.tokenizer import tokenize

    return tokenize


def counting(tokenize: Tokenizer, total: int, progress: Progress | None) -> Tokenizer:
    """The tokeniser, which says now and then how far it is."""
    if progress is None:
        return tokenize
    count = 0

    def counted(text: str) -> list[str]:
        nonlocal count
        count += 1
        if count % 1000 == 0 or count == total:
            progress(count, total)
        return tokenize(text)

    return counted


def name_of(function: Tokenizer) -> str:
    module = getattr(function, "__module__", None) or "builtins"
    return f"{module}.{getattr(function, '__qualname__', type(function).__qualname__)}"
