"""Text and bytes as they may stand in HTML."""

import base64
import html
import re


def escape(text: object) -> str:
    """The text with everything harmless that HTML would read as its own."""
    # Characters that HTML cannot hold, such as a lone half of a UTF-16 pair, become a sign.
    readable = str(text).encode("utf-8", "replace").decode("utf-8")
    return html.escape(re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\ufffd", readable))


def data_uri(png: bytes) -> str:
    """An address that holds the PNG itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
