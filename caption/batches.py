"""Batches of pictures with all their captions, the same in each run that goes on from an epoch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from caption.vocabulary import PAD, Vocabulary, batch
from simlearn.errors import UserError

Batch = tuple[dict[str, NDArray[Any]], NDArray[np.int32]]
"""Inputs, `features` and `tokens`, and the targets."""


class Features(Protocol):
    """Anything that gives features by rows: an array, a memory map, a cache."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """`(n, locations, channels)`."""
        ...


class Captions(NamedTuple):
    """Captions of pictures as numbers, padded to one number of captions and words.

    Attributes:
        tokens: `(pictures, captions, time)` START and words, which a model reads.
        targets: `(pictures, captions, time)` words and END, which it predicts; PAD behind END, and
            all over where a picture has fewer captions than others.
    """

    tokens: NDArray[np.int32]
    targets: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        captions: Sequence[Sequence[Sequence[str]]],
        vocabulary: Vocabulary,
        *,
        longest: int = 30,
    ) -> "Captions":
        """Number the words of captions.

        Args:
            captions: for each picture its captions, each a list of words.
            vocabulary: that numbers them.
            longest: words of a caption that are read, at least 1; of a longer caption the next
                word is the last target.

        Raises:
            UserError: `longest` is below 1.

        Examples:
            >>> found = Captions.of([[["a", "dog"], ["dog"]]], Vocabulary(("a", "dog")))
            >>> found.tokens.tolist(), found.targets.tolist()
            ([[[1, 4, 5], [1, 5, 0]]], [[[4, 5, 2], [5, 2, 0]]])
        """
        if longest < 1:
            raise UserError(f"longest: expected at least 1 word, got {longest}")
        most = max(map(len, captions), default=0)
        # No caption is not an empty one, which would be a START before an END.
        rows = [[vocabulary.encode(words) for words in of_one] for of_one in captions]
        length = 1 + min(longest, max((len(w) for one in rows for w in one), default=0))
        tokens = np.full((len(rows), most, length), PAD, np.int32)
        targets = tokens.copy()
        for row, of_one in enumerate(rows):
            tokens[row, : len(of_one)], targets[row, : len(of_one)] = batch(of_one, length)
        return cls(tokens, targets)

    @property
    def words(self) -> int:
        """Targets that count."""
        return int((self.targets != PAD).sum())


def caption_batches(
    features: Features,
    captions: Captions,
    *,
    batch_size: int,
    seed: int,
    captions_each: int | None = None,
) -> Callable[[int], Iterator[Batch]]:
    """Batches for `simlearn.training.fit`: from the first epoch to an endless iterator.

    An epoch goes through all pictures once in an order of its own, which depends on the seed and
    the number of the epoch alone; what does not fill the last batch is left to the next order.

    Args:
        features: of the pictures.
        captions: of the same pictures.
        batch_size: pictures a batch.
        seed: of the orders.
        captions_each: captions a picture, drawn anew each time; by default all. Pictures
            whose features take long to read want all.

    Raises:
        UserError: The two differ in length, there are fewer pictures than a batch holds, or no
            captions are asked for.

    Examples:
        >>> captions = Captions.of([[["a"], ["dog"]]] * 3, Vocabulary(("a", "dog")))
        >>> pictures = np.zeros((3, 9, 5), np.float16)
        >>> batches = caption_batches(pictures, captions, batch_size=2, seed=0, captions_each=1)
        >>> inputs, targets = next(batches(0))
        >>> inputs["features"].shape, inputs["tokens"].shape, targets.shape
        ((2, 9, 5), (2, 1, 2), (2, 1, 2))
    """
    count = len(features)
    if count != len(captions.tokens):
        raise UserError(
            f"expected captions of {count} pictures, as there are features, "
            f"got {len(captions.tokens)}"
        )
    if not 1 <= batch_size <= count:
        raise UserError(f"batch_size: expected 1 to {count}, the pictures, got {batch_size}")
    if captions_each is not None and captions_each < 1:
        raise UserError(f"captions_each: expected at least 1, got {captions_each}")

    def batches(first_epoch: int) -> Iterator[Batch]:
        epoch = first_epoch
        while True:
            draw = np.random.default_rng((seed, epoch))
            order = draw.permutation(count)
            for start in range(0, count - batch_size + 1, batch_size):
                rows = np.sort(order[start : start + batch_size])
                yield _batch(features, captions, rows, captions_each, draw)
            epoch += 1

    return batches


def _batch(
    features: Features,
    captions: Captions,
    rows: NDArray[np.int64],
    captions_each: int | None,
    draw: np.random.Generator,
) -> Batch:
    tokens, targets = captions.tokens[rows], captions.targets[rows]
    if captions_each is not None and captions_each < tokens.shape[1]:
        # Only among a picture's own: what is padded up has no first target.
        keys = draw.random(tokens.shape[:2]) + (targets[:, :, 0] == PAD)
        chosen = np.argsort(keys, axis=1)[:, :captions_each, None]
        tokens = np.take_along_axis(tokens, chosen, axis=1)
        targets = np.take_along_axis(targets, chosen, axis=1)
    seen = {"features": np.asarray(features[rows], np.float32), "tokens": tokens}
    return seen, targets
