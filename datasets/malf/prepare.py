"""Say how to get MALF, and check what is in DIR/malf."""

import sys

from simlearn.data import malf
from simlearn.data.fetching import Part, Recipe, recipe_main

RECIPE = Recipe(
    name="malf",
    title="MALF",
    # Only these have public annotations.
    parts=(Part("example", r"(^|/)malf\.txt$", malf.load, {"pictures": 250}),),
    by_hand="""
MALF has to be downloaded by hand; http://www.cbsr.ia.ac.cn/faceevaluation/ says how, and under
which terms. Of its 5,250 pictures 250 have public annotations. The form of the file that holds
them was not verified, so write it as the plain table that datasets/malf/README.md shows:
  DIR/malf/malf.txt
  DIR/malf/...                      the pictures, relative to that folder as the table names them
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
