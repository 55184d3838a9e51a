"""Of several captions of a picture, the one that captions of similar pictures agree with."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from caption.metrics import CiderD
from caption.writing import Written
from simlearn.errors import UserError
from simlearn.search import cosine, nearest


class ConsensusReranking:
    r"""Orders candidates by their mean CIDEr-D against the captions of similar training pictures.

    `s(c) = w / k sum_i CIDEr-D(c, captions of neighbour i) + log p(c)`, with `log p(c)` the score
    that the decoder ranked by, for each word where it is normalised by length. What a captioner is
    unsure of, pictures that look alike may have agreed on.

    Args:
        train: `(n, dim)` one feature vector a training picture.
        captions: for each of them its captions, lists of words.
        neighbours: training pictures that are asked, by cosine similarity, at least 1.
        weight: w, of the agreement against the decoder's score, at least 0.

    Raises:
        UserError: the two differ in length, or an argument is out of range.

    Examples:
        >>> dogs, cats = [["a", "dog", "runs"]], [["a", "cat", "sits"]]
        >>> rerank = ConsensusReranking([[1.0, 0.0], [0.0, 1.0]], [dogs, cats], neighbours=1)
        >>> candidates = [Written(("a", "cat"), -0.4, None), Written(("a", "dog"), -0.5, None)]
        >>> [one.text for one in rerank([[0.9, 0.1]], [candidates])[0]]
        ['a dog', 'a cat']

    Reference:
        Mao et al. 2015, "Learning like a Child: Fast Novel Visual Concept Learning from Sentence
        Descriptions of Images" and "m-RNN", section on consensus reranking; the consensus is that
        of Devlin et al. 2015. Deviation: the decoder's score counts too.
    """

    def __init__(
        self,
        train: ArrayLike,
        captions: Sequence[Sequence[Sequence[str]]],
        *,
        neighbours: int = 20,
        weight: float = 1.0,
    ) -> None:
        self._train = np.asarray(train, np.float32)
        if len(self._train) != len(captions):
            raise UserError(
                f"captions: expected those of {len(self._train)} pictures, got {len(captions)}"
            )
        if not 1 <= neighbours <= len(captions) or not weight >= 0:
            raise UserError(
                f"expected 1 to {len(captions)} neighbours and a weight of at least 0, got "
                f"{neighbours} and {weight}"
            )
        self._scorer = CiderD([list(image) for image in captions])
        self._neighbours = neighbours
        self._weight = weight

    def __call__(
        self, pictures: ArrayLike, candidates: Sequence[Sequence[Written]]
    ) -> list[list[Written]]:
        """Order the candidates of each picture anew, the best first.

        Args:
            pictures: `(m, dim)` feature vectors.
            candidates: of each picture, as `Writer` gives them.
        """
        vectors = np.asarray(pictures, np.float32)
        rows = nearest(vectors, self._train, self._neighbours, distance=cosine).indices
        return [self._ordered(row, list(one)) for row, one in zip(rows, candidates, strict=True)]

    def _ordered(self, rows: np.ndarray, candidates: list[Written]) -> list[Written]:
        words = [list(one.words) for one in candidates for _ in rows]
        found = self._scorer.score(words, np.tile(rows, len(candidates))).per_image["cider_d"]
        agreement = found.reshape(len(candidates), len(rows)).mean(axis=1)
        scores = self._weight * agreement + [one.score for one in candidates]
        return [candidates[place] for place in np.argsort(-scores, kind="stable")]
