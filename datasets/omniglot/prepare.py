"""Download Omniglot into DIR/omniglot and check it."""

import sys

from simlearn.data import omniglot
from simlearn.data.fetching import Download, Part, Recipe, recipe_main
from simlearn.data.files import Files
from simlearn.data.records import StoredPictures

ADDRESS = "https://github.com/brendenlake/omniglot/raw/master/python"


def drawings(files: Files) -> StoredPictures:
    """Every drawing of the one-shot runs."""
    runs = omniglot.runs(files)
    paths = [path for run in runs for path in (*run.test.paths, *run.training.paths)]
    return StoredPictures(runs[0].test.files, paths)


RECIPE = Recipe(
    name="omniglot",
    title="Omniglot",
    parts=(
        *(
            Part(
                split,
                needs=rf"(^|/)images_{split}/",
                read=lambda files, split=split: omniglot.load(files, split),
                counts={
                    "pictures": omniglot.COUNTS[split],
                    "classes": omniglot.CHARACTERS[split],
                },
            )
            for split in ("background", "evaluation")
        ),
        Part(
            "runs",
            needs=r"(^|/)run01/class_labels\.txt$",
            read=drawings,
            counts={"pictures": 2 * omniglot.RUNS * omniglot.WAYS},
        ),
    ),
    downloads=(
        # SHA-256 as in tensorflow/datasets, url_checksums/omniglot.txt.
        Download(
            "images_background.zip",
            (f"{ADDRESS}/images_background.zip",),
            provides=r"(^|/)images_background/",
            sha256="ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
            parts=("background",),
        ),
        Download(
            "images_evaluation.zip",
            (f"{ADDRESS}/images_evaluation.zip",),
            provides=r"(^|/)images_evaluation/",
            sha256="1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
            parts=("evaluation",),
        ),
        # The MD5 sum of a copy that was read whole.
        Download(
            "all_runs.zip",
            (f"{ADDRESS}/one-shot-classification/all_runs.zip",),
            provides=r"(^|/)run01/",
            md5="e8996daecdf12afeeb4a53a179f06b19",
            parts=("runs",),
        ),
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
