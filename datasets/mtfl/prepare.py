"""Download MTFL into DIR/mtfl and check it."""

import sys

from simlearn.data import mtfl
from simlearn.data.fetching import Download, Part, Recipe, recipe_main

RECIPE = Recipe(
    name="mtfl",
    title="MTFL",
    parts=tuple(
        Part(
            split,
            needs=rf"(^|/){name}\.txt$",
            read=lambda files, split=split: mtfl.load(files, split),
            counts={"pictures": mtfl.COUNTS[split]},
        )
        for split, name in (("train", "training"), ("test", "testing"))
    ),
    downloads=(
        Download(
            "MTFL.zip",
            ("http://mmlab.ie.cuhk.edu.hk/projects/TCDCN/data/MTFL.zip",),
            provides=r"(^|/)(training|testing)\.txt$",
        ),
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
