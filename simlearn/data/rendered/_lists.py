"""The lists that the official MTFL and LFW come with, and the names of files in them."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simlearn.data.rendered._chance import LISTS, stream

Same: TypeAlias = tuple[str, int, int]
Different: TypeAlias = tuple[str, int, str, int]
Row: TypeAlias = tuple[str, NDArray[np.float64], Sequence[int]]
"""Name of a picture, its landmarks `(5, 2)` and its attributes from 0."""

_CONSONANTS: Final = "bdklmrstvz"
_VOWELS: Final = "aeio"
_WORDS: Final = (len(_CONSONANTS) * len(_VOWELS)) ** 3
_LFW_SHARE: Final = 4_151  # Of 10,000 rows of MTFL's training list.

# Most pairs of each kind in a list, as in the official ones.
_MOST_IN_TRAIN, _MOST_IN_TEST, _MOST_IN_FOLD = 1_100, 500, 300


def about(layout: str, numbers: str) -> bytes:
    """The text of `RENDERED.txt`.

    Args:
        layout: Whose layout the folder has.
        numbers: All that decides what is in it.
    """
    return (
        f"Rendered faces in the layout of {layout}. These are no photographs, and nobody in them\n"
        "exists. Scores on them are not comparable with scores on the real data set.\n"
        f"Made by simlearn.data.rendered.faces: {numbers}\n"
    ).encode()


def mtfl_folder(split: str, row: int) -> str:
    """The folder of a row of MTFL: the test rows are AFLW's, 41.51 % of the others LFW's."""
    if split == "test":
        return "AFLW"
    whole = (row + 1) * _LFW_SHARE // 10_000 > row * _LFW_SHARE // 10_000
    return "lfw_5590" if whole else "net_7876"


def mtfl_name(split: str, row: int) -> str:
    """The picture of a row of MTFL, with slashes."""
    folder = mtfl_folder(split, row)
    if folder == "lfw_5590":
        return f"{folder}/{person_name(row)}_0001.jpg"
    return f"{folder}/rendered_{row:06d}.jpg"


def mtfl_list(split: str, rows: Iterable[Row]) -> tuple[str, bytes]:
    r"""Name and content of a list of MTFL.

    Examples:
        >>> points = np.array([[30, 31], [50, 32.25], [40, 41], [33, 50], [47, 51]])
        >>> mtfl_list("train", [("net_7876/a.jpg", points, (0, 1, 0, 2))])
        ('training.txt', b' net_7876\\a.jpg 30 50 40 33 47 31 32.25 41 50 51 1 2 1 3\r\n ')
    """
    lines = []
    for name, points, values in rows:
        numbers = [f"{value:.2f}".rstrip("0").rstrip(".") for value in points.T.ravel()]
        path = name if split == "test" else name.replace("/", "\\")
        lines.append(" ".join(["", path, *numbers, *(str(value + 1) for value in values)]))
    text = "".join(f"{line}\r\n" for line in lines) + " "
    return {"train": "training.txt", "test": "testing.txt"}[split], text.encode()


def person_name(number: int) -> str:
    """A name that nobody has and that no other number has.

    Examples:
        >>> person_name(0), person_name(1), person_name(64_001)
        ('Rendered_Bababa', 'Rendered_Mezame', 'Rendered_Mezamebe')
    """
    block, place = divmod(number, _WORDS)
    # The factor has no divisor in common with the number of words: each occurs once.
    word = _syllables(place * 28_657 % _WORDS, 3)
    while block:
        block, place = divmod(block, 40)
        word += _syllables(place, 1)
    return f"Rendered_{word.capitalize()}"


def lfw_name(number: int, picture: int) -> str:
    """The picture of a person in the layout of LFW; `picture` counts from 0."""
    name = person_name(number)
    return f"lfw-rendered/{name}/{name}_{picture + 1:04d}.jpg"


def lfw_lists(people: int, pictures: int, folds: int, seed: int) -> dict[str, bytes]:
    """Name and content of the three lists of LFW.

    Args:
        people: How many, `person_name` 0 and following.
        pictures: Of each.
        folds: Of View 2.
        seed: Of the set.
    """
    random = stream(seed, LISTS)
    names = [person_name(number) for number in range(people)]
    train, test = people * 2 // 5, people * 3 // 5
    parts = [names[:train], names[train:test]]
    parts += [names[test + fold :: folds] for fold in range(folds)]
    counts = [len(part) * pictures * (pictures - 1) // 2 for part in parts]
    in_train, in_test = min(counts[0], _MOST_IN_TRAIN), min(counts[1], _MOST_IN_TEST)
    in_fold = min(*counts[2:], _MOST_IN_FOLD)
    return {
        "pairsDevTrain.txt": _text([in_train], [_pairs(parts[0], pictures, in_train, random)]),
        "pairsDevTest.txt": _text([in_test], [_pairs(parts[1], pictures, in_test, random)]),
        "pairs.txt": _text(
            [folds, in_fold], [_pairs(part, pictures, in_fold, random) for part in parts[2:]]
        ),
    }


def _pairs(
    names: list[str], pictures: int, count: int, random: np.random.Generator
) -> tuple[list[Same], list[Different]]:
    """As many pairs of one person as of two, none of them twice, in order."""
    choices = [(i, j) for i in range(pictures) for j in range(i + 1, pictures)]
    drawn = random.choice(len(names) * len(choices), count, replace=False)
    same = []
    for place in drawn.tolist():
        name, (i, j) = names[place // len(choices)], choices[place % len(choices)]
        same.append((name, i + 1, j + 1))
    different: set[Different] = set()
    while len(different) < count:
        one, other = sorted(names[k] for k in random.choice(len(names), 2, replace=False))
        i, j = (int(number) + 1 for number in random.integers(pictures, size=2))
        different.add((one, i, other, j))
    return sorted(same), sorted(different)


def _text(header: list[int], folds: list[tuple[list[Same], list[Different]]]) -> bytes:
    """The header, then for each fold the pairs of one person and those of two."""
    rows: list[Sequence[str | int]] = [header]
    for same, different in folds:
        rows += [*same, *different]
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()


def _syllables(number: int, count: int) -> str:
    word = ""
    for _ in range(count):
        number, place = divmod(number, len(_CONSONANTS) * len(_VOWELS))
        word += _CONSONANTS[place // len(_VOWELS)] + _VOWELS[place % len(_VOWELS)]
    return word
