"""Decoding alone: libjpeg-turbo on every core, whole pictures, nothing else."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import simplejpeg
from timing import measure, request


def main() -> None:
    """Measure one process."""
    settings = request()
    paths = sorted(Path(settings["folder"]).rglob("*.jpg"))
    pieces = [paths[i : i + 16] for i in range(0, len(paths), 16)]

    def decode(piece: list[Path]) -> list[int]:
        return [simplejpeg.decode_jpeg(path.read_bytes()).nbytes for path in piece]

    pool = ThreadPoolExecutor(os.cpu_count())

    def epoch() -> tuple[int, str]:
        sizes = [size for piece in pool.map(decode, pieces) for size in piece]
        return len(sizes), f"{sum(sizes)} bytes uint8"

    measure(epoch, settings, {"simplejpeg": simplejpeg.__version__})


main()
