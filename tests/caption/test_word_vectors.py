"""Word vectors: training, files, the start of an embedding, similarity and analogies."""

import bz2
import gzip
import os
import subprocess
import sys

import numpy as np
import pytest

from caption import word_vectors
from caption.vocabulary import PAD, Vocabulary
from caption.word_vectors import (
    Pair,
    Question,
    Word2Vec,
    WordVectors,
    analogies,
    cbow,
    load_glove,
    load_word2vec,
    matrix,
    read_analogies,
    read_pairs,
    save_word2vec,
    similarity,
    skip_gram,
)
from simlearn.errors import DatasetError, UserError

WORDS = ("the", "dog", "犬", "don't", "Paris")


def vectors(words=WORDS, dim=3, seed=0):
    values = np.random.default_rng(seed).normal(size=(len(words), dim)).astype(np.float32)
    return WordVectors(tuple(words), values)


def keyed(given):
    """The same vectors in gensim 4, an independent library."""
    from gensim.models import KeyedVectors

    found = KeyedVectors(given.dim)
    found.add_vectors(list(given.words), given.vectors)
    return found


def corpus(count=600, seed=0):
    """Sentences of two worlds: which words stand together says which are alike."""
    rng = np.random.default_rng(seed)
    animals, vehicles = ["dog", "cat", "cow", "pig"], ["car", "bus", "van", "cab"]
    verbs = {True: ["eats", "sleeps", "bites"], False: ["parks", "brakes", "honks"]}
    sentences = []
    for _ in range(count):
        animal = bool(rng.integers(2))
        names = animals if animal else vehicles
        sentences.append([rng.choice(names), rng.choice(verbs[animal]), rng.choice(verbs[animal])])
    return [[str(word) for word in sentence] for sentence in sentences]


# The words and their vectors


def test_words_are_found_as_they_are_and_in_small_letters():
    known = WordVectors(("Paris", "paris", "dog"), np.eye(3, 5))
    assert known.vectors.dtype == np.float32
    assert [known.find(w) for w in ("Paris", "PARIS", "Dog", "cat")] == [0, 1, 2, None]
    assert "Dog" not in known
    assert "dog" in known
    assert (len(known), known.dim) == (3, 5)


def test_nearest_words_are_those_of_gensim():
    known = vectors([f"w{n}" for n in range(23)], dim=7)
    ours = known.nearest("w5", 11)
    theirs = keyed(known).most_similar("w5", topn=11)
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([c for _, c in ours], [c for _, c in theirs], atol=1e-6)
    with pytest.raises(UserError, match="received 'zebra'"):
        known.nearest("zebra")


def test_a_zero_vector_is_like_nothing():
    known = WordVectors(("a", "b", "c"), np.array([[0.0, 0], [3, 4], [6, 8]]))
    np.testing.assert_allclose(known.unit, [[0, 0], [0.6, 0.8], [0.6, 0.8]], rtol=1e-6)
    assert [c for _, c in known.nearest("a")] == [0, 0]


@pytest.mark.parametrize(
    ("words", "values", "message"),
    [
        (("a", "b", "a"), np.zeros((3, 2)), "received 'a' again"),
        (("a",), np.zeros((2, 2)), r"\(1, dim\).*\(2, 2\)"),
        (("a", "b"), np.zeros(2), r"received \(2,\)"),
        ((), np.zeros((0, 2)), "at least one"),
        (("a", "b"), [[1, 2], [np.nan, 2]], "'b' has another"),
    ],
)
def test_vectors_that_cannot_be_are_refused(words, values, message):
    with pytest.raises(UserError, match=message):
        WordVectors(words, values)


# Training


@pytest.mark.parametrize("train", [skip_gram, cbow])
def test_words_of_one_world_come_to_lie_together(train):
    found = train(corpus(), Word2Vec(dim=11, epochs=30, min_count=2, sample=0))
    assert {w for w, _ in found.nearest("dog", 3)} <= {
        "cat",
        "cow",
        "pig",
        "eats",
        "sleeps",
        "bites",
    }
    assert {w for w, _ in found.nearest("bus", 3)} <= {
        "car",
        "van",
        "cab",
        "parks",
        "brakes",
        "honks",
    }
    assert found.dim == 11


def test_the_two_architectures_and_the_seed_make_a_difference():
    settings = Word2Vec(dim=5, epochs=2, min_count=1)
    first = skip_gram(corpus(), settings)
    assert not np.array_equal(first.vectors, cbow(corpus(), settings).vectors)
    other = skip_gram(corpus(), Word2Vec(dim=5, epochs=2, min_count=1, seed=7))
    assert other.words == first.words
    assert not np.array_equal(first.vectors, other.vectors)


CODE = """
from caption.word_vectors import Word2Vec, cbow, skip_gram
from tests.caption.test_word_vectors import corpus
for train in (skip_gram, cbow):
    # More than gensim gives to one thread at once.
    found = train(corpus(9000), Word2Vec(dim=5, epochs=1))
    print(found.words, found.vectors.tobytes().hex())
"""


def test_one_seed_gives_the_same_vectors_in_any_process():
    # Python's hashes of texts differ between the two.
    outputs = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert "dog" in outputs.pop()


def test_settings_arrive():
    sentences = [*corpus(200), ["rare", "dog"], ["rare", "cat"]]
    assert "rare" not in skip_gram(sentences, Word2Vec(dim=3, epochs=1, min_count=3))
    assert "rare" in skip_gram(sentences, Word2Vec(dim=3, epochs=1, min_count=2))
    base = {"dim": 3, "epochs": 2, "min_count": 1, "window": 2, "sample": 0.1, "negative": 2}
    whole = skip_gram(sentences, Word2Vec(**base))
    others = [{"epochs": 3}, {"window": 1}, {"sample": 0}, {"negative": 7}, {"learning_rate": 0.1}]
    for other in others:
        changed = skip_gram(sentences, Word2Vec(**base | other))
        assert not np.array_equal(whole.vectors, changed.vectors), other


def test_epochs_are_told_and_a_generator_is_read_once():
    told = []
    settings = Word2Vec(dim=3, epochs=3)
    found = skip_gram((s for s in corpus()), settings, on_epoch=told.append)
    assert told == [1, 2, 3]
    np.testing.assert_array_equal(found.vectors, skip_gram(corpus(), settings).vectors)


def test_a_corpus_that_starts_anew_is_not_held_in_memory():
    class Stream:
        passes = 0

        def __iter__(self):
            self.passes += 1
            return iter(corpus())

    stream = Stream()
    skip_gram(stream, Word2Vec(dim=3, epochs=4))
    # One to count the words and four to learn, and one or so to see that it can.
    assert 5 <= stream.passes <= 7


def test_nothing_of_a_long_sentence_is_lost():
    words = [word for sentence in corpus(5000) for word in sentence]
    settings = Word2Vec(dim=3, epochs=1)
    whole = skip_gram([words], settings)
    pieces = skip_gram([words[:10_000], words[10_000:]], settings)
    np.testing.assert_array_equal(whole.vectors, pieces.vectors)
    assert not np.array_equal(whole.vectors, skip_gram([words[:10_000]], settings).vectors)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: skip_gram(["a dog"]), "words of a sentence, and received 'a dog'"),
        (lambda: cbow([["a", "dog"]]), "5 times or more, and received 1 sentences"),
        (lambda: skip_gram([]), "received 0 sentences"),
        (lambda: Word2Vec(dim=0), "dim"),
        (lambda: Word2Vec(window=0), "window"),
        (lambda: Word2Vec(negative=0), "negative"),
        (lambda: Word2Vec(min_count=0), "min_count"),
        (lambda: Word2Vec(epochs=1.5), "epochs"),
        (lambda: Word2Vec(seed=-1), "seed"),
        (lambda: Word2Vec(sample=1), "sample"),
        (lambda: Word2Vec(sample=-0.1), "sample"),
        (lambda: Word2Vec(learning_rate=0), "learning_rate"),
    ],
)
def test_what_cannot_be_trained_is_refused(call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_without_gensim_the_extra_is_named(monkeypatch, tmp_path):
    save_word2vec(vectors(), tmp_path / "v.bin", binary=True)
    save_word2vec(vectors(), tmp_path / "v.txt")
    for name in [n for n in sys.modules if n.split(".")[0] == "gensim"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gensim", None)
    for call in (
        lambda: skip_gram(corpus()),
        lambda: load_word2vec(tmp_path / "v.bin", binary=True),
    ):
        with pytest.raises(UserError, match=r"gensim.*pip install 'simlearn\[words\]'"):
            call()
    assert load_word2vec(tmp_path / "v.txt").words == WORDS


# Files


@pytest.mark.parametrize("binary", [False, True])
def test_word2vec_files_are_those_of_gensim_both_ways(tmp_path, binary):
    from gensim.models import KeyedVectors

    known = vectors()
    save_word2vec(known, tmp_path / "ours", binary=binary)
    theirs = KeyedVectors.load_word2vec_format(str(tmp_path / "ours"), binary=binary)
    assert tuple(theirs.index_to_key) == known.words
    np.testing.assert_array_equal(theirs.vectors, known.vectors)
    keyed(known).save_word2vec_format(str(tmp_path / "theirs"), binary=binary)
    ours = load_word2vec(tmp_path / "theirs", binary=binary)
    assert ours.words == known.words
    np.testing.assert_allclose(ours.vectors, known.vectors, rtol=1e-6)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_packed_files(tmp_path, binary, suffix, pack):
    save_word2vec(vectors(), tmp_path / "plain", binary=binary)
    packed = tmp_path / f"packed{suffix}"
    packed.write_bytes(pack((tmp_path / "plain").read_bytes()))
    found = load_word2vec(packed, binary=binary)
    np.testing.assert_array_equal(found.vectors, vectors().vectors)
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DatasetError, match=f"packed\\{suffix}"):
        load_word2vec(packed, binary=binary)


@pytest.mark.parametrize("binary", [False, True])
def test_the_first_words_or_those_of_a_vocabulary(tmp_path, binary):
    path = tmp_path / "v"
    save_word2vec(vectors(), path, binary=binary)
    assert load_word2vec(path, binary=binary, limit=2).words == WORDS[:2]
    assert load_word2vec(path, binary=binary, limit=17).words == WORDS
    numbers = Vocabulary(("dog", "zebra", "Paris")).numbers
    some = load_word2vec(path, binary=binary, only=numbers)
    assert some.words == ("dog", "Paris")
    np.testing.assert_array_equal(some.vectors, vectors().vectors[[1, 4]])
    with pytest.raises(DatasetError, match="words asked for"):
        load_word2vec(path, binary=binary, only={"zebra"})


def test_glove_has_no_first_line_and_words_with_spaces(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("the 0.5 -1 2e-3\n. . . 1 2 3\nat name@domain.com 4 5 6\nthe 7 8 9\n", "utf-8")
    found = load_glove(path)
    assert found.words == ("the", ". . .", "at name@domain.com")
    np.testing.assert_allclose(found.vectors, [[0.5, -1, 0.002], [1, 2, 3], [4, 5, 6]])
    assert load_glove(path, limit=2).words == ("the", ". . .")
    assert load_glove(path, only={"the"}).words == ("the",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r":1: .*received b''"),
        (b"the 0.5 1\n", r":1: .*load_glove"),
        (b"2 x\nthe 1\n", r":1: .*number of words"),
        (b"0 3\n", r":1: .*received 0 of 3"),
        (b"1 0\nthe\n", r":1: .*received 1 of 0"),
        (b"2 3\nthe 1 2 3\ndog 1 2\n", r":3: expected a word and 3 numbers"),
        (b"2 3\nthe 1 2 3\ndog 1 x 3\n", r":3: expected 3 numbers"),
        (b"2 3\nthe 1 2 nan\ndog 1 2 3\n", r":2: expected 3 finite numbers"),
        (b"2 3\n\xff\xfe 1 2 3\ndog 1 2 3\n", r":2: expected UTF-8"),
        (b"3 3\nthe 1 2 3\ndog 1 2 3\n", r":1: expected 3 vectors .* found 2"),
    ],
)
def test_a_damaged_text_file_is_refused_by_line(tmp_path, content, message):
    path = tmp_path / "v.txt"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"v\.txt" + message):
        load_word2vec(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r":1: expected a word"),
        (b"5 7\n", r":1: expected a word"),
        (b"the 1 2 3\ndog 1 2\n", r":2: expected a word and 3"),
        (b"the 1 2 3\n\ndog 1 2 3\n", r":2: "),
        (b"the 1 2 3\ndog 1 2 inf\n", r":2: expected 3 finite"),
    ],
)
def test_a_damaged_glove_file_is_refused_by_line(tmp_path, content, message):
    path = tmp_path / "g.txt"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"g\.txt" + message):
        load_glove(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ":1: expected the number of words"),
        (b"\x93NUMPY", ":1: expected the number of words"),
        (b"2 3\nthe \x00", ": expected 2 vectors of 3 float32 numbers, and found 9 bytes"),
        # Room for 12 TB is not made.
        (b"9999999999 300\n", ": expected 9999999999 vectors of 300 float32 numbers"),
        (b"1 99999999999999\n", ":1: expected words of 1 to 65536 dimensions"),
        (b"1 2\n" + bytes(8), ": expected word2vec's binary format"),
    ],
)
def test_a_damaged_binary_file_is_refused(tmp_path, content, message):
    path = tmp_path / "v.bin"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"v\.bin" + message):
        load_word2vec(path, binary=True)


def test_what_is_no_file_is_refused(tmp_path):
    for read in (load_glove, load_word2vec, lambda p: load_word2vec(p, binary=True)):
        for path in (tmp_path, tmp_path / "nowhere", "https://example.org/vectors.bin"):
            with pytest.raises(DatasetError, match="expected a file of word vectors"):
                read(path)


@pytest.mark.parametrize("word", ["", "new york", "a\tb", "a\nb"])
def test_words_that_the_format_cannot_hold_are_not_written(tmp_path, word):
    with pytest.raises(UserError, match="without spaces"):
        save_word2vec(vectors(("a", word)), tmp_path / "v.txt")
    assert not list(tmp_path.iterdir())


# The start of an embedding


def test_rows_are_the_words_vectors_and_the_rest_is_drawn_like_them():
    known = vectors([f"w{n}" for n in range(500)], dim=3)
    # Another mean and spread along each dimension.
    known = WordVectors(known.words, known.vectors * [0.1, 1, 7] + [5, 0, -3])
    vocabulary = Vocabulary((*(f"new{n}" for n in range(2000)), "w7", "W11"))
    start = matrix(vocabulary, known, seed=0)
    assert start.matrix.shape == (len(vocabulary), 3)
    assert start.matrix.dtype == np.float32
    np.testing.assert_array_equal(start.matrix[-2:], known.vectors[[7, 11]])
    np.testing.assert_array_equal(np.flatnonzero(start.known), [2004, 2005])
    drawn = start.matrix[1:-2]
    # 2,003 draws: the mean is within 4 deviations / sqrt(2003), which is 9 % of a deviation.
    spread = known.vectors.std(axis=0)
    np.testing.assert_array_less(abs(drawn.mean(0) - known.vectors.mean(0)), 0.09 * spread)
    np.testing.assert_allclose(drawn.std(0), spread, rtol=0.08)
    assert not start.matrix[PAD].any()
    assert start.matrix[1:4].all()


def test_what_is_drawn_depends_on_the_seed_alone():
    vocabulary = Vocabulary(("a", "dog", "zebra"))
    start = matrix(vocabulary, vectors(), seed=3)
    again = matrix(vocabulary, vectors(), seed=3)
    np.testing.assert_array_equal(start.matrix, again.matrix)
    other = matrix(vocabulary, vectors(), seed=5).matrix
    np.testing.assert_array_equal(other[5], start.matrix[5])
    assert (other[6] != start.matrix[6]).all()
    # With "a" in place of "dog" known, "zebra" is drawn as before.
    renamed = WordVectors(("the", "a", "犬", "don't", "Paris"), vectors().vectors)
    np.testing.assert_array_equal(matrix(vocabulary, renamed, seed=3).matrix[6], start.matrix[6])
    with pytest.raises(UserError, match="seed"):
        matrix(vocabulary, vectors(), seed=-1)


def test_coverage_is_reported_by_words_and_by_tokens():
    vocabulary = Vocabulary(("a", "dog", "zebra", "The"))
    captions = [["a", "dog", "dog"], ["the", "dog"], ["a", "gnu"]]
    found = matrix(vocabulary, vectors(), seed=0, captions=captions).coverage
    assert (found.words, found.found, found.share) == (4, 2, 0.5)
    assert found.missing == ("a", "zebra")
    # Without a vector: a twice, gnu once; "gnu" is not in the vocabulary either.
    assert (found.captions.tokens, found.captions.unknown_tokens) == (7, 3)
    assert (found.captions.types, found.captions.unknown_types) == (4, 2)
    assert found.captions.captions_with_unknown == 2
    assert found.as_json()["captions"]["most_frequent"] == [["a", 2], ["gnu", 1]]
    assert "2 of 4 words (50.00 %)" in str(found)
    assert matrix(vocabulary, vectors(), seed=0).coverage.as_json()["captions"] is None


@pytest.mark.parametrize("trainable", [True, False])
def test_an_embedding_starts_from_it(trainable):
    import keras

    start = matrix(Vocabulary(("a", "dog")), vectors(), seed=0).matrix
    layer = keras.layers.Embedding(
        *start.shape, embeddings_initializer=keras.initializers.Constant(start), trainable=trainable
    )
    np.testing.assert_array_equal(np.asarray(layer(np.arange(6))), start)
    assert len(layer.trainable_variables) == trainable


# Similarity


def test_spearman_by_hand():
    # Cosines with (1, 0): e 1, d .8, c .6, b 0, a -1.
    words = {"x": (1, 0), "a": (-1, 0), "b": (0, 1), "c": (3, 4), "d": (4, 3), "e": (7, 0)}
    known = WordVectors(tuple(words), np.array(list(words.values()), np.float32))
    pairs = [Pair("x", w, s) for w, s in zip("abcde", (1.0, 3.0, 2.0, 5.0, 5.0), strict=True)]
    found = similarity(known, [*pairs, Pair("x", "zoo", 1), Pair("yak", "zoo", 1)], name="hand")
    # Ranks 1 2 3 4 5 and 1 3 2 4.5 4.5: covariance sum 9 (deviations -2 -1 0 1 2 and -2 0 -1 1.5
    # 1.5: 4 + 0 + 0 + 1.5 + 3 = 8.5), squares 10 and 4 + 0 + 1 + 2.25 + 2.25 = 9.5.
    assert found.spearman == pytest.approx(8.5 / np.sqrt(10 * 9.5))
    assert (found.found, found.pairs, found.coverage) == (5, 7, 5 / 7)
    assert found.missing == ("yak", "zoo")
    # atanh(.8721) = 1.3419; 1.96 sqrt((1 + .3803) / 2) = 1.6283.
    assert found.interval == pytest.approx((np.tanh(-0.2864), np.tanh(2.9702)), abs=1e-3)


def test_spearman_is_gensims(tmp_path):
    known = vectors([f"w{n}" for n in range(29)], dim=5)
    rng = np.random.default_rng(1)
    pairs = [Pair(f"w{a}", f"w{b}", float(s)) for a, b, s in rng.integers(0, 31, (97, 3))]
    path = tmp_path / "pairs.txt"
    path.write_text("".join(f"{a}\t{b}\t{s}\n" for a, b, s in pairs))
    assert read_pairs(path) == tuple(pairs)
    found = similarity(known, pairs, name="random")
    _, spearman, oov = keyed(known).evaluate_word_pairs(str(path), case_insensitive=False)
    assert found.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert 100 * (1 - found.coverage) == pytest.approx(oov)


def test_where_nothing_can_be_ranked_there_is_no_score():
    known = vectors(("a", "b", "c"))
    for pairs in ([], [Pair("a", "b", 1)], [Pair("a", "z", 1)], [Pair("a", "b", 2)] * 7,
                  [Pair("a", "b", 1), Pair("b", "a", 2)],
                  [Pair("a", "b", 2), Pair("b", "c", 2)]):  # fmt: skip
        found = similarity(known, pairs, name="none")
        assert (found.spearman, found.interval) == (None, None)
    assert similarity(known, [], name="none").coverage == 0


def test_pairs_are_read_with_tabs_spaces_and_windows_line_ends(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_bytes(b"car\tautomobile\t3.92\r\n\ntiger  cat 7\nJerusalem Israel 8.46")
    assert read_pairs(path) == (
        ("car", "automobile", 3.92),
        ("tiger", "cat", 7.0),
        ("Jerusalem", "Israel", 8.46),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a b 1\na b\n", r":2: expected 3 tokens"),
        (b"a b 1\n\na b c 1\n", r":3: expected 3 tokens"),
        (b"a b high\n", r":1: expected the score .*high"),
        (b"a b nan\n", r":1: expected the score"),
        (b"a \xff 1\n", r":1: expected text in UTF-8"),
        (b"\n\n", r": expected lines of two words"),
    ],
)
def test_a_damaged_list_of_pairs_is_refused_by_line(tmp_path, content, message):
    path = tmp_path / "pairs.txt"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"pairs\.txt" + message):
        read_pairs(path)
    with pytest.raises(DatasetError, match="nowhere"):
        read_pairs(tmp_path / "nowhere.txt")


@pytest.mark.real_data
def test_the_public_lists_are_read_whole():
    from pathlib import Path

    folder = Path(os.environ["SIMLEARN_DATA"]) / "word_sim" / "data" / "word-sim"
    counts = {path.name: len(read_pairs(path)) for path in folder.glob("EN-*.txt")}
    assert len(counts) == 13
    assert counts["EN-WS-353-ALL.txt"] == 353
    assert counts["EN-SIMLEX-999.txt"] == 999
    assert counts["EN-MEN-TR-3k.txt"] == 3000
    assert counts["EN-MTurk-287.txt"] == 287


# Analogies


QUESTIONS = """: family
boy girl brother sister
boy girl king queen
: plural
dog dogs cat cats
dog dogs cat kittens
"""


def test_analogies_are_those_of_gensim(tmp_path):
    words = ("boy", "girl", "brother", "sister", "king", "queen", "dog", "dogs", "cat", "cats")
    path = tmp_path / "questions.txt"
    path.write_text(QUESTIONS)
    questions = read_analogies(path)
    assert questions[1] == Question("family", "boy", "girl", "king", "queen")
    seen = set()
    for seed in range(40):
        known = vectors(words, dim=2, seed=seed)
        found = analogies(known, questions)
        _, theirs = keyed(known).evaluate_word_analogies(str(path), case_insensitive=False)
        for section, other in zip(found.sections, theirs, strict=False):
            assert section.name == other["section"]
            assert section.correct == len(other["correct"])
            assert section.answered == len(other["correct"]) + len(other["incorrect"])
        seen.add(found.total.correct)
    # Not always the same, or nothing would be compared.
    assert len(seen) > 1
    assert (found.total.answered, found.total.questions, found.total.coverage) == (3, 4, 0.75)
    assert found.as_json()["sections"][1]["answered"] == 1


def test_the_three_words_of_a_question_are_no_answer():
    # Without the rule "king" itself would be nearest to king - man + woman.
    plane = {"man": [1.0, 0, 0], "king": [1, 3, 0], "woman": [1, 0, 0.2], "queen": [1, 1, 0.5]}
    known = WordVectors(tuple(plane), np.array(list(plane.values())))
    assert analogies(known, [Question("f", "man", "king", "woman", "queen")]).total.correct == 1
    assert analogies(known, [Question("f", "Man", "king", "woman", "king")]).total.correct == 0


def test_many_questions_are_answered_in_blocks(monkeypatch):
    from caption.word_vectors import _analogies

    known = vectors([f"w{n}" for n in range(31)], dim=3)
    rng = np.random.default_rng(0)
    asked = [Question("s", *(f"w{n}" for n in four)) for four in rng.integers(0, 31, (101, 4))]
    whole = analogies(known, asked)
    monkeypatch.setattr(_analogies, "_BLOCK", 31 * 7)
    assert analogies(known, asked) == whole
    assert 0 < whole.total.correct < 101


def test_no_answered_question_is_no_accuracy():
    found = analogies(vectors(), [Question("s", "a", "b", "c", "d")])
    assert (found.total.accuracy, found.total.coverage) == (None, 0)
    assert analogies(vectors(), []).total.coverage == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b": s\na b c\n", r":2: expected 4 tokens"),
        (b"a b c d\n", r":1: expected the name of a section"),
        (b": s\na b c d\n:\n", r":3: expected the name of a section"),
        (b"", ": expected questions"),
        (b": s\n", ": expected questions"),
    ],
)
def test_damaged_questions_are_refused_by_line(tmp_path, content, message):
    path = tmp_path / "questions.txt"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"questions\.txt" + message):
        read_analogies(path)


def test_vectors_go_into_the_projector_with_their_words(tmp_path):
    from simlearn import tensorboard

    tensorboard.write_projector(tmp_path, "words", vectors().vectors, labels=WORDS)
    (metadata,) = tmp_path.rglob("metadata.tsv")
    lines = metadata.read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["label", *WORDS]


def test_everything_public_is_there_without_tensorflow_or_gensim():
    assert all(hasattr(word_vectors, name) for name in word_vectors.__all__)
    code = (
        "import sys, caption.word_vectors; "
        "print({'tensorflow', 'keras', 'gensim'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
