"""Download Karpathy's splits into DIR/karpathy and check them."""

import sys
from pathlib import Path

from caption.data import CaptionedPictures, karpathy
from simlearn.data.fetching import Download, Part, Recipe, recipe_main
from simlearn.data.files import Files
from simlearn.errors import DatasetError

# Pictures of each split; `train` is without `restval`.
COUNTS = {
    "coco": {"train": 82_783, "restval": 30_504, "val": 5_000, "test": 5_000},
    "flickr8k": {"train": 6_000, "val": 1_000, "test": 1_000},
    "flickr30k": {"train": 29_000, "val": 1_014, "test": 1_000},
}


def read(files: Files, dataset: str, split: str) -> CaptionedPictures:
    """One split; the pictures are counted by the recipes of their data sets."""
    name = f"dataset_{dataset}.json"
    paths = [Path(files.root) / n for n in files.names((".json",)) if n.endswith(name)]
    unpacked = [path for path in paths if path.is_file()]
    if not unpacked:
        raise DatasetError(f"{files}: expected {name} unpacked, and found it in a zip")
    restval = False if (dataset, split) == ("coco", "train") else None
    return karpathy.load(unpacked[0], split, restval=restval)


RECIPE = Recipe(
    name="karpathy",
    title="Karpathy's splits",
    parts=tuple(
        Part(
            f"{dataset}-{split}",
            needs=rf"(^|/)dataset_{dataset}\.json$",
            read=lambda files, dataset=dataset, split=split: read(files, dataset, split),
            counts={"pictures": count},
            missing=None,
        )
        for dataset, counts in COUNTS.items()
        for split, count in counts.items()
    ),
    downloads=(
        # SHA-256 as in tensorflow/datasets, url_checksums/coco_captions.txt.
        Download(
            "caption_datasets.zip",
            ("https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip",),
            provides=r"(^|/)dataset_(coco|flickr8k|flickr30k)\.json$",
            sha256="4cfd70132527b80933105e5829dc9034eaab9573482e2e680abbab6130244817",
            unpacked=True,
            folder="caption_datasets",
            limit=2**30,
            members=100,
        ),
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
