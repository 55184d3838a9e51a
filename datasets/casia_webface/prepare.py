"""Say how to get CASIA-WebFace, and check what is in DIR/casia_webface."""

import sys

from simlearn.data import casia_webface
from simlearn.data.fetching import Part, Recipe, recipe_main

RECIPE = Recipe(
    name="casia_webface",
    title="CASIA-WebFace",
    parts=(
        Part(
            "all",
            needs=r"(^|/)[0-9]{7}/[^/]+$",
            read=lambda files: casia_webface.load(files, without_lfw=False),
            counts={"pictures": 494_414, "classes": casia_webface.PEOPLE},
        ),
    ),
    by_hand="""
CASIA-WebFace was given out by the CBSR group of the Chinese Academy of Sciences on request, after
signing an agreement for research; http://www.cbsr.ia.ac.cn/english/CASIA-WebFace-Database.html was
its page. Whether it is still given out was not verified. Unpack what you are given so that there
are folders of seven digits:
  DIR/casia_webface/0000045/001.jpg
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
