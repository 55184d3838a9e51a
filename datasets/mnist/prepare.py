"""Download MNIST into DIR/mnist and check it: `python datasets/mnist/prepare.py [--data DIR]`."""

import argparse
import os
import sys
from pathlib import Path

from simlearn.data import mnist
from simlearn.errors import DatasetError, UserError


def main(arguments: list[str] | None = None) -> int:
    """Fetch, read and count; the result is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=os.environ.get("SIMLEARN_DATA"),
        help="folder of all data sets; default: $SIMLEARN_DATA",
    )
    data = parser.parse_args(arguments).data
    if data is None:
        parser.error("expected --data DIR or the variable SIMLEARN_DATA, and received neither")
    try:
        prepare(Path(data) / "mnist")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def prepare(root: Path) -> None:
    """Download what is missing, then read both splits and compare their sizes with MNIST's."""
    mnist.download(root)
    for split in ("train", "test"):
        data = mnist.load(root, split=split)
        if len(data) != mnist.COUNTS[split]:
            raise DatasetError(
                f"{root}: expected {mnist.COUNTS[split]} pictures to {split}, "
                f"and received {len(data)}"
            )
        print(f"{data}, sha256 {data.fingerprint()}")


if __name__ == "__main__":
    sys.exit(main())
