"""What a captioner has to beat: captions that are somebody else's."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caption.metrics import CiderD
from simlearn.errors import UserError
from simlearn.search import cosine, nearest

Words = Sequence[str]


def most_frequent_caption(captions: Sequence[Sequence[Words]]) -> list[str]:
    """The training caption that resembles the others most, for every picture the same.

    Whole captions hardly ever occur twice; where none does, the caption is taken whose words are
    the most frequent on average.

    Args:
        captions: for each training picture its captions, lists of words.

    Raises:
        UserError: There is no caption with a word.
    """
    every = [tuple(words) for image in captions for words in image if words]
    if not every:
        raise UserError("expected training captions with words, got none")
    (common, count), *_ = Counter(every).most_common(1)
    if count > 1:
        return list(common)
    frequency = Counter(word for words in every for word in words)

    def frequent(words: tuple[str, ...]) -> float:
        return sum(frequency[word] for word in words) / len(words)

    best = max(every, key=frequent)
    return list(best)


def neighbour_captions(
    train: ArrayLike,
    captions: Sequence[Sequence[Words]],
    pictures: ArrayLike,
    *,
    neighbours: int = 1,
) -> list[list[str]]:
    """Captions of the most similar training pictures.

    With one neighbour its first caption; with more, the caption of any of them that the others
    agree with most, by CIDEr-D.

    Args:
        train: `(n, dim)` one feature vector a training picture.
        captions: for each of them its captions, lists of words.
        pictures: `(m, dim)` of the pictures to caption.
        neighbours: by cosine similarity, at least 1.

    Returns:
        One caption for each of the m pictures.

    Raises:
        UserError: There are not as many lists of captions as training pictures, or one is empty.

    Reference:
        Devlin et al. 2015, "Exploring Nearest Neighbor Approaches for Image Captioning", section 3.
        Deviation: agreement is CIDEr-D with weights of the training captions.
    """
    if len(captions) != len(np.asarray(train)) or not all(captions):
        raise UserError(
            f"expected captions of each of {len(np.asarray(train))} training pictures, "
            f"got {len(captions)}, {sum(not image for image in captions)} of them empty"
        )
    rows = nearest(
        np.asarray(pictures, np.float32),
        np.asarray(train, np.float32),
        neighbours,
        distance=cosine,
    ).indices
    if neighbours == 1:
        return [list(captions[row][0]) for row in rows[:, 0]]
    scorer = CiderD([list(image) for image in captions])
    return [_agreed(scorer, captions, group) for group in rows]


def _agreed(
    scorer: CiderD, captions: Sequence[Sequence[Words]], group: NDArray[np.int64]
) -> list[str]:
    """The caption that the other pictures' captions agree with most."""
    own = [(row, list(words)) for row in group for words in captions[row]]
    support = np.zeros(len(own))
    for row in group:
        found = scorer.score([words for _, words in own], np.full(len(own), row))
        support += np.where([r == row for r, _ in own], 0, found.per_image["cider_d"])
    return own[int(np.argmax(support))][1]
