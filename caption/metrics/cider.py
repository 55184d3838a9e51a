"""CIDEr and CIDEr-D: does a caption say what the references agree on, weighted by rarity?"""

from collections.abc import Callable, Sequence

from numpy.typing import ArrayLike

from caption._compat import Compat, check_compat
from caption.metrics._checks import check_positive
from caption.metrics._frequencies import DocumentFrequencies
from caption.metrics._references import (
    References,
    Tokens,
    as_references,
    resplit_references,
    split_again,
)
from caption.metrics._scored import MetricScores
from caption.metrics._stemmer import stem as porter2
from caption.metrics._weights import scores_of, weigh
from simlearn.errors import UserError


class CiderD:
    """CIDEr-D, the metric that the COCO caption evaluation calls CIDEr.

    An n-gram that a caption holds c times weighs ``g = c (log N - log max(1, df))``, where df of
    the N images of a corpus hold it in any reference. With n = 1..4 and d the difference of the
    lengths,

    ``CIDEr-D = 10 mean_n mean_r exp(-d^2 / (2 sigma^2)) sum min(g_h, g_r) g_r / (|g_h| |g_r|)``.

    The references are prepared once, so that scoring some hundred hypotheses takes milliseconds,
    as a reward in training needs it.

    Args:
        references: for each image its references, lists of words; or `References`.
        frequencies: of a corpus; by default of these references.
        sigma: of the penalty for another length, in words, positive.
        longest: length of the longest n-grams, at least 1.
        compat: `"coco"` scores a single image without frequencies of a corpus, which is then 0
            whatever the caption, and splits a word at a space within it.

    Raises:
        UserError: an image has no references, an argument is out of its range, or there is a
            single image and no corpus, so that every n-gram would weigh nothing.

    Examples:
        >>> dogs = [["a", "brown", "dog", "runs", "on", "grass"], ["the", "brown", "dog", "runs"]]
        >>> cats = [["a", "cat", "sleeps", "on", "a", "sofa"]]
        >>> reward = CiderD([dogs, cats])
        >>> reward.score([dogs[1], ["a", "cat", "sleeps"]]).per_image["cider_d"].round(2)
        array([6.92, 4.3 ])
        >>> reward.score([["a", "dog"], ["brown", "dog"]], images=[0, 0]).corpus["cider_d"] > 0
        True

    Reference:
        R. Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015.
        Deviations, those of the evaluation: words are not stemmed, and the difference of the
        lengths is that of the bigrams, the same wherever both captions hold a word.
    """

    name = "cider_d"

    def __init__(
        self,
        references: References | Sequence[Sequence[Tokens]],
        *,
        frequencies: DocumentFrequencies | None = None,
        sigma: float = 6.0,
        longest: int = 4,
        compat: Compat = None,
    ) -> None:
        check_positive("sigma", sigma)
        check_compat(compat)
        prepared = as_references(references)
        if compat == "coco":
            prepared = resplit_references(prepared)
        elif len(prepared) == 1 and frequencies is None:
            raise UserError(
                f"{self.name}: expected at least 2 images or the frequencies of a corpus, got 1 "
                "image: every n-gram would weigh log(1/1) = 0, and so every caption"
            )
        self.sigma = sigma
        self.compat = compat
        self._weighted = weigh(prepared, frequencies, longest)

    @property
    def frequencies(self) -> DocumentFrequencies:
        """Of the corpus that the weights come from."""
        return self._weighted.frequencies

    def score(self, hypotheses: Sequence[Tokens], images: ArrayLike | None = None) -> MetricScores:
        """Score hypotheses.

        Args:
            hypotheses: each a list of words, perhaps empty.
            images: ``(hypotheses,)`` the row of each one's image; not given, there is one for
                each image, in order.

        Returns:
            Scores `cider_d`, in 0..10, higher is better.

        Raises:
            UserError: another number of hypotheses than of images, or a row out of range.
        """
        if self.compat == "coco":
            hypotheses = split_again(hypotheses)
        return scores_of(self.name, hypotheses, images, self._weighted, self.sigma)


class Cider:
    """CIDEr as first published: stems, no clipping, no penalty for another length.

    ``CIDEr = 10 mean_n mean_r sum g_h g_r / (|g_h| |g_r|)``, with weights as of `CiderD`. It can
    be gamed by repeating what is rare; CIDEr-D is what papers report.

    Args:
        references: for each image its references, lists of words.
        stem: from a word to its stem; by default METEOR's stemmer for English, Porter2.
        frequencies: of a corpus of *stems*; by default of these references.
        longest: length of the longest n-grams, at least 1.

    Raises:
        UserError: as of `CiderD`.

    Examples:
        >>> dogs = [["a", "brown", "dog", "runs"], ["two", "dogs", "run"]]
        >>> cider = Cider([dogs, [["a", "cat"]]], stem=lambda word: word.rstrip("s"))
        >>> cider.score([["a", "dog", "run"], ["a", "cat"]]).per_image["cider"].round(2)
        array([3.18, 5.  ])

    Reference:
        R. Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015.
        Deviation: the factor 10 of CIDEr-D. The paper names no stemmer.
    """

    name = "cider"

    def __init__(
        self,
        references: Sequence[Sequence[Tokens]],
        *,
        stem: Callable[[str], str] = porter2,
        frequencies: DocumentFrequencies | None = None,
        longest: int = 4,
    ) -> None:
        self._stem = stem
        self._stems: dict[str, str] = {}
        prepared = References([self._stemmed(image) for image in references])
        if len(prepared) == 1 and frequencies is None:
            raise UserError(
                f"{self.name}: expected at least 2 images or the frequencies of a corpus, got 1"
            )
        self._weighted = weigh(prepared, frequencies, longest)

    @property
    def frequencies(self) -> DocumentFrequencies:
        """Of the corpus that the weights come from."""
        return self._weighted.frequencies

    def score(self, hypotheses: Sequence[Tokens], images: ArrayLike | None = None) -> MetricScores:
        """Score hypotheses, as `CiderD.score` does; the scores are called `cider`."""
        return scores_of(self.name, self._stemmed(hypotheses), images, self._weighted, None)

    def _stemmed(self, captions: Sequence[Tokens]) -> list[list[str]]:
        for caption in captions:
            for word in caption:
                if word not in self._stems:
                    self._stems[word] = self._stem(word)
        return [[self._stems[word] for word in caption] for caption in captions]
