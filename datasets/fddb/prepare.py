"""Download FDDB into DIR/fddb and check it."""

import sys

from simlearn.data import fddb
from simlearn.data.fetching import Download, Part, Recipe, recipe_main

RECIPE = Recipe(
    name="fddb",
    title="FDDB",
    parts=(
        Part(
            "all",
            needs=r"(^|/)FDDB-fold-01-ellipseList\.txt$",
            read=fddb.load,
            counts={"pictures": 2_845, "boxes": 5_171},
        ),
    ),
    downloads=(
        Download(
            "FDDB-folds.tgz",
            ("http://vis-www.cs.umass.edu/fddb/FDDB-folds.tgz",),
            provides=r"(^|/)FDDB-fold-01-ellipseList\.txt$",
            folder="FDDB-folds",
            limit=2**26,
            members=1_000,
        ),
        Download(
            "originalPics.tar.gz",
            (
                "http://tamaraberg.com/faceDataset/originalPics.tar.gz",
                "http://vis-www.cs.umass.edu/fddb/originalPics.tar.gz",
            ),
            provides=r"(^|/)2002/.*\.jpg$",
            folder="originalPics",
            limit=2**32,
            members=100_000,
        ),
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
