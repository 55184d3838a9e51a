"""Download the AT&T faces into DIR/orl and check them."""

import sys

from simlearn.data import orl
from simlearn.data.fetching import Download, Part, Recipe, recipe_main

PEOPLE, EACH = orl.COUNTS

RECIPE = Recipe(
    name="orl",
    title="the AT&T faces",
    parts=(
        Part(
            "all",
            needs=r"(^|/)s[0-9]+/[0-9]+\.pgm$",
            read=orl.load,
            counts={"pictures": PEOPLE * EACH, "classes": PEOPLE},
        ),
    ),
    downloads=(
        # MD5 as in bob.bio.face, database/atnt.py, for the second address.
        Download(
            "att_faces.zip",
            (
                "https://www.cl.cam.ac.uk/research/dtg/attarchive/pub/data/att_faces.zip",
                "http://www.idiap.ch/software/bob/data/bob/att_faces.zip",
            ),
            provides=r"(^|/)s1/1\.pgm$",
            md5="6efb25cb0d40755e9492b9c012e3348d",
        ),
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
