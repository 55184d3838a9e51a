"""Where in a tree of files the pictures or videos of a list lie."""

from collections import Counter
from collections.abc import Sequence

from simlearn.data.files import Files
from simlearn.errors import DatasetError


def located(files: Files, names: Sequence[str], usual: Sequence[str]) -> list[str]:
    """The path in `files` of each picture of a list.

    They lie in one folder: the one that holds most of the names, so that a few missing files
    change nothing. Where none holds any, the first usual folder is as good as another.

    Args:
        files: The tree.
        names: Relative names in the folder sought, such as `1000268201_693b08cb0e.jpg`.
        usual: What the folder is called in the official release, likeliest first; decides where
            two folders hold equally many.

    Raises:
        DatasetError: Two folders that are not called so hold equally many.
    """
    wanted = {name.rpartition("/")[2] for name in names}
    every = set(names)
    held: Counter[str] = Counter()
    for path in files.names():
        parts = path.split("/")
        if parts[-1] in wanted:
            for depth in range(len(parts)):
                if "/".join(parts[depth:]) in every:
                    held["/".join(parts[:depth])] += 1
    most = max(held.values(), default=0)
    best = sorted(folder for folder, count in held.items() if count == most)
    known = [folder for name in usual for folder in best if folder.rpartition("/")[2] == name]
    if len(best) > 1 and len(known) != 1:
        raise DatasetError(
            f"{files}: expected the pictures in one folder, "
            f"and found {most} of them in each of {', '.join(f or '.' for f in best[:3])}"
        )
    folder = (known or best or [*usual, ""])[0]
    return [f"{folder}/{name}" if folder else name for name in names]
