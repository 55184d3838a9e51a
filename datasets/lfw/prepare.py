"""Download Labeled Faces in the Wild into DIR/lfw and check it."""

import re
import sys
from collections.abc import Callable
from typing import Any

from simlearn.data import lfw
from simlearn.data.fetching import Download, Part, Recipe, recipe_main
from simlearn.data.files import Files

PICTURE = r"((?:.*/)?)([^/]+)/\2_[0-9]{4}\.jpg"
FIGSHARE = "https://ndownloader.figshare.com/files"

# Addresses and SHA-256 as in scikit-learn, sklearn/datasets/_lfw.py: the lists, the pictures.
LISTS = {
    "pairsDevTrain.txt": (
        "5976012",
        "1d454dada7dfeca0e7eab6f65dc4e97a6312d44cf142207be28d688be92aabfa",
    ),
    "pairsDevTest.txt": (
        "5976009",
        "7cb06600ea8b2814ac26e946201cdb304296262aad67d046a16a7ec85d0ff87c",
    ),
    "pairs.txt": (
        "5976006",
        "ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592",
    ),
}


def for_each_folder(read: Callable[..., Any]) -> Callable[[Files], list[Any]]:
    """Read once for each folder of people, such as `lfw_funneled` and `lfw-deepfunneled`."""

    def read_all(files: Files) -> list[Any]:
        matches = [re.fullmatch(PICTURE, name) for name in files.names((".jpg",))]
        folders = sorted({match[1] for match in matches if match})
        return [read(files, folder=folder) for folder in folders or [None]]

    return read_all


RECIPE = Recipe(
    name="lfw",
    title="Labeled Faces in the Wild",
    parts=(
        Part(
            "people",
            needs=f"^{PICTURE}$",
            read=for_each_folder(lfw.people),
            counts={"pictures": 13_233, "classes": 5_749},
        ),
        Part(
            "view1-train",
            needs=r"(^|/)pairsDevTrain\.txt$",
            read=for_each_folder(lfw.view1),
            counts={"pairs": 2 * lfw.VIEW1["train"]},
        ),
        Part(
            "view1-test",
            needs=r"(^|/)pairsDevTest\.txt$",
            read=for_each_folder(lambda files, folder: lfw.view1(files, "test", folder=folder)),
            counts={"pairs": 2 * lfw.VIEW1["test"]},
        ),
        Part(
            "view2",
            needs=r"(^|/)pairs\.txt$",
            read=for_each_folder(lfw.view2),
            counts={"pairs": 2 * lfw.VIEW2[0] * lfw.VIEW2[1]},
        ),
    ),
    downloads=(
        *(
            Download(
                name,
                (f"{FIGSHARE}/{number}", f"http://vis-www.cs.umass.edu/lfw/{name}"),
                provides=rf"(^|/){re.escape(name)}$",
                sha256=sha256,
            )
            for name, (number, sha256) in LISTS.items()
        ),
        Download(
            "lfw-funneled.tgz",
            (f"{FIGSHARE}/5976015", "http://vis-www.cs.umass.edu/lfw/lfw-funneled.tgz"),
            provides=f"^{PICTURE}$",
            sha256="b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
            folder="lfw_funneled",
            limit=2**30,
            members=50_000,
        ),
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
