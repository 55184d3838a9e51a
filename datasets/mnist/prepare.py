"""Download MNIST into DIR/mnist and check it."""

import argparse
import sys
from pathlib import Path

from simlearn.data import mnist
from simlearn.data.fetching import script_main
from simlearn.errors import DatasetError


def main(arguments: list[str] | None = None) -> int:
    """Fetch, read and count; the result is the exit status."""
    return script_main("mnist", prepare, arguments, description=str(__doc__))


def prepare(root: Path, options: argparse.Namespace) -> int:
    """Download what is missing, then read both splits and compare their sizes with MNIST's."""
    if not options.check:
        mnist.download(root)
    for split in ("train", "test"):
        data = mnist.load(root, split=split)
        if len(data) != mnist.COUNTS[split]:
            raise DatasetError(
                f"{root}: expected {mnist.COUNTS[split]} pictures to {split}, "
                f"and received {len(data)}"
            )
        print(f"{data}, sha256 {data.fingerprint()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
