"""word2vec, trained by gensim: a word's vector from the words around it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, TypeAlias

from caption._tokens import require_at_least
from caption.word_vectors._vectors import WordVectors
from simlearn.errors import UserError

OnEpoch: TypeAlias = Callable[[int], object]

# Words of a sentence beyond which gensim would silently drop the rest.
_LONGEST: Final = 10_000


def import_gensim() -> ModuleType:
    """Gensim's models, or UserError with the name of the extra."""
    try:
        import gensim.models
    except ImportError as error:
        raise UserError(
            "word2vec: expected the package gensim, got none; pip install 'simlearn[words]'"
        ) from error
    models: ModuleType = gensim.models
    return models


@dataclass(frozen=True, kw_only=True)
class Word2Vec:
    """How word2vec is trained.

    Args:
        dim: length of a vector.
        window: how many words to either side are looked at, at most; for each word a number up to
            it is drawn.
        negative: how many words are drawn as wrong ones for each right one.
        min_count: how often a word must occur to get a vector.
        sample: share of the corpus above which a word is left out now and then; 0 for never.
        epochs: passes over the corpus.
        learning_rate: at the start; it falls along a line to almost 0.
        seed: of the vectors' start and of what is drawn, 0 to 2^32 - 1. One thread trains, so that
            the same corpus and seed give the same vectors.

    Raises:
        UserError: A setting is out of range.
    """

    dim: int = 100
    window: int = 5
    negative: int = 5
    min_count: int = 5
    sample: float = 1e-3
    epochs: int = 5
    learning_rate: float = 0.025
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("dim", "window", "negative", "min_count", "epochs"):
            require_at_least(getattr(self, name), name, 1)
        require_at_least(self.seed, "seed", 0)
        if not 0 <= self.sample < 1:
            raise UserError(f"expected sample from 0 to below 1, and received {self.sample}")
        if not self.learning_rate > 0:
            raise UserError(f"expected a learning_rate above 0, and received {self.learning_rate}")


def skip_gram(
    corpus: Iterable[Sequence[str]],
    settings: Word2Vec | None = None,
    *,
    on_epoch: OnEpoch | None = None,
) -> WordVectors:
    r"""Learn vectors that tell, from a word, the words around it.

    For a word `w`, a word `c` near it and k words `n_i` drawn at random, this maximises

    `log sigmoid(v_c . u_w) + sum_i log sigmoid(-v_{n_i} . u_w)`,

    and `u_w` is the vector of `w`.

    Args:
        corpus: for each sentence its words; what yields them anew each time it is iterated over
            need not fit into memory.
        settings: see `Word2Vec`; None for its defaults.
        on_epoch: called after each epoch with its number, from 1.

    Returns:
        A vector for each word that occurs often enough, the most frequent word first.

    Raises:
        UserError: gensim is missing, a sentence is text and not words, or no word occurs often
            enough.

    Examples:
        >>> corpus = [["a", "red", "car"], ["a", "blue", "car"], ["a", "red", "bus"]] * 20
        >>> skip_gram(corpus, Word2Vec(dim=7, epochs=2))
        <WordVectors: 5 words of 7 dimensions>

    Reference:
        Mikolov et al.: Distributed Representations of Words and Phrases and their
        Compositionality. NeurIPS 2013, eq. 4 and 5.
    """
    return _trained(corpus, settings or Word2Vec(), on_epoch, skip=True)


def cbow(
    corpus: Iterable[Sequence[str]],
    settings: Word2Vec | None = None,
    *,
    on_epoch: OnEpoch | None = None,
) -> WordVectors:
    """Learn vectors whose mean, over the words around a gap, tells the word in it.

    As `skip_gram`, with the mean of the vectors of the words around `w` for `u_w`, and `w` itself
    for `c`.

    Args:
        corpus: as of `skip_gram`.
        settings: see `Word2Vec`; None for its defaults.
        on_epoch: called after each epoch with its number, from 1.

    Returns:
        As of `skip_gram`.

    Raises:
        UserError: As of `skip_gram`.

    Reference:
        Mikolov et al.: Efficient Estimation of Word Representations in Vector Space. ICLR
        workshop 2013, section 3.1. Deviation: words are drawn as wrong ones, as in the paper of
        `skip_gram`, in place of the hierarchical softmax.
    """
    return _trained(corpus, settings or Word2Vec(), on_epoch, skip=False)


def _trained(
    corpus: Iterable[Sequence[str]], settings: Word2Vec, on_epoch: OnEpoch | None, *, skip: bool
) -> WordVectors:
    models = import_gensim()
    sentences = _Sentences(corpus)
    model = models.Word2Vec(
        vector_size=settings.dim,
        window=settings.window,
        negative=settings.negative,
        min_count=settings.min_count,
        sample=settings.sample,
        epochs=settings.epochs,
        alpha=settings.learning_rate,
        seed=settings.seed,
        sg=int(skip),
        workers=1,
    )
    model.build_vocab(sentences)
    if not len(model.wv):
        raise UserError(
            f"expected words that occur {settings.min_count} times or more, and received "
            f"{model.corpus_count} sentences without one"
        )
    told = [] if on_epoch is None else [_told(on_epoch)]
    model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs, callbacks=told)
    return WordVectors(tuple(model.wv.index_to_key), model.wv.vectors)


def _told(on_epoch: OnEpoch) -> Any:
    """What gensim calls after an epoch."""
    from gensim.models.callbacks import CallbackAny2Vec

    class Told(CallbackAny2Vec):
        epoch = 0

        def on_epoch_end(self, model: Any) -> None:
            self.epoch += 1
            on_epoch(self.epoch)

    return Told()


class _Sentences:
    """The corpus as gensim takes it, whichever way it comes: anew each time, in pieces."""

    def __init__(self, corpus: Iterable[Sequence[str]]) -> None:
        # What is its own iterator can be read once.
        self._corpus = list(corpus) if iter(corpus) is corpus else corpus

    def __iter__(self) -> Iterator[Sequence[str]]:
        for sentence in self._corpus:
            # A lone string is a sequence of strings too, one for each letter.
            if isinstance(sentence, str):
                raise UserError(f"expected the words of a sentence, and received {sentence!r:.80}")
            for start in range(0, len(sentence), _LONGEST):
                yield sentence[start : start + _LONGEST]
