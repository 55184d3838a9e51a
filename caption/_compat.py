"""The mode that reproduces the COCO caption evaluation, quirks included."""

from typing import Literal, TypeAlias

from simlearn.errors import UserError

Compat: TypeAlias = Literal["coco"] | None
"""`"coco"` for the numbers of the COCO caption evaluation, quirks included; None without them."""


def check_compat(compat: str | None) -> None:
    """Refuse what is neither None nor a name that is known."""
    if compat not in (None, "coco"):
        raise UserError(f"compat: expected None or 'coco', got {compat!r}")
