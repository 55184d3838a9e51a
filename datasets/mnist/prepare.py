"""Download MNIST into DIR/mnist and check it."""

import sys

from simlearn.data import mnist
from simlearn.data.fetching import Download, Part, Recipe, recipe_main

ADDRESSES = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    # The original address; it has been refusing anonymous downloads for years.
    "http://yann.lecun.com/exdb/mnist/",
)
# As in pytorch/vision, torchvision/datasets/mnist.py, `MNIST.resources`.
MD5 = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}
PREFIXES = {"train": "train", "test": "t10k"}

RECIPE = Recipe(
    name="mnist",
    title="MNIST",
    parts=tuple(
        Part(
            split,
            needs=rf"(^|/){prefix}-(images|labels)[-.]idx",
            read=lambda files, split=split: mnist.load(files, split),
            counts={"pictures": mnist.COUNTS[split]},
        )
        for split, prefix in PREFIXES.items()
    ),
    downloads=tuple(
        Download(
            f"{name}.gz",
            tuple(f"{address}{name}.gz" for address in ADDRESSES),
            provides=rf"(^|/){name.replace('-idx', '[-.]idx')}(\.gz)?$",
            md5=md5,
            parts=tuple(split for split, prefix in PREFIXES.items() if name.startswith(prefix)),
        )
        for name, md5 in MD5.items()
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
