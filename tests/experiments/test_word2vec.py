"""The word2vec experiment as a user runs it, in small."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from caption.data import scenes
from caption.vocabulary import Vocabulary
from caption.word_vectors import (
    Word2Vec,
    WordVectors,
    cbow,
    load_word2vec,
    save_word2vec,
    skip_gram,
)
from experiments.word2vec import corpus, evaluate, train
from experiments.word2vec.config import Word2VecSettings
from simlearn.errors import UserError
from simlearn.runs import Run

KINDS = tuple(word for words in evaluate.KINDS.values() for word in words)
PAIRS = "red\tblue\t9\nred\tboat\t2\ncar\tcube\t5\nred\tzebra\t1\n"
QUESTIONS = ": colours\nred car blue boat\nred car blue zebra\n"


def run(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "experiments.word2vec", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"SIMLEARN_DATA": "/nowhere"} | variables,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A corpus, pairs of words, questions, and vectors of five words."""
    folder = tmp_path_factory.mktemp("files")
    captions = [c for of in scenes.render(40, seed=5, size=(64, 64)).captions for c in of]
    (folder / "captions.txt").write_text("\n".join(captions) + "\n")
    (folder / "word_sim").mkdir()
    (folder / "word_sim" / "PAIRS.txt").write_text(PAIRS)
    (folder / "questions.txt").write_text(QUESTIONS)
    save_word2vec(
        WordVectors(("red", "blue", "boat", "car", "cube"), np.eye(5, 3) + 0.1),
        folder / "given.bin",
        binary=True,
    )
    return folder


@pytest.fixture(scope="module")
def smoke(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("word2vec") / "run"
    arguments = ["--smoke", "--out", folder, "--analogies", files / "questions.txt"]
    arguments += ["--pretrained", files / "given.bin", "--pretrained-format", "word2vec_binary"]
    done = run(*arguments, SIMLEARN_DATA=str(files))
    assert done.returncode == 0, done.stderr
    return folder, done


def test_stdout_ends_with_the_result_and_stderr_is_silent(smoke):
    folder, done = smoke
    result = json.loads(done.stdout.splitlines()[-1])
    assert result == json.loads((folder / "results.json").read_text())
    assert done.stderr == ""
    assert list(result["scores"]) == ["random", "skip-gram", "CBOW", "given.bin"]
    for name, scores in result["scores"].items():
        found = scores["similarity"]["PAIRS"]
        assert (found["found"], found["pairs"], found["coverage"]) == (3, 4, 0.75)
        assert -1 <= found["spearman"] <= 1
        assert scores["analogies"]["total"]["answered"] == 1
        assert scores["dim"] == (3 if name == "given.bin" else 8)
    assert result["scores"]["given.bin"]["coverage"]["found"] == 5
    unknown = result["scores"]["given.bin"]["coverage"]["captions"]
    assert unknown["captions"] == 15
    assert unknown["token_share"] > 0.5
    assert "rendered" in result["protocol"]
    assert list(result["data_fingerprint"]) == ["rendered-train"]


def test_the_report_is_one_file_with_every_part(smoke):
    html = (smoke[0] / "report.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", html)
    for part in ("Agreement with people", "Words that are known", "Nearest neighbours", "PAIRS"):
        assert part in html


def test_tensorboard_finds_four_sets_of_vectors_with_their_words(smoke):
    folder = smoke[0]
    config = (folder / "projector_config.pbtxt").read_text()
    paths = re.findall(r'tensor_path: "(.*)"', config)
    labels = re.findall(r'metadata_path: "(.*)"', config)
    assert len(paths) == len(labels) == 4
    trained = load_word2vec(folder / "skip-gram.vectors.txt")
    words = [line.split("\t")[0] for line in (folder / labels[1]).read_text().splitlines()]
    assert tuple(words[1:]) == trained.words
    np.testing.assert_array_equal(
        np.loadtxt(folder / paths[1], np.float32, ndmin=2), trained.vectors
    )


def test_the_vocabulary_is_that_of_the_training_captions(smoke):
    words = Vocabulary.load(smoke[0] / "vocabulary.json")
    read = corpus.read(Word2VecSettings(scenes=60))
    assert words == Vocabulary.from_captions(read.train)
    assert (len(read.train), len(read.held_out)) == (285, 15)


def test_other_settings_do_not_mix_with_a_finished_run(smoke):
    again = run("--smoke", "--out", smoke[0])
    assert again.returncode == 2
    assert len(again.stderr.splitlines()) == 1


def test_a_run_goes_on_with_what_was_trained_but_not_on_another_corpus(tmp_path, capsys):
    config = Word2VecSettings(scenes=60, epochs=2, dim=8)
    sentences = corpus.read(config).train

    def trained(sentences):
        with Run.open(tmp_path / "run", config={}) as folder:
            return train.train(sentences, config, folder), capsys.readouterr().out

    whole, _ = trained(sentences)
    for name, method, rate in (("skip-gram", skip_gram, 0.025), ("CBOW", cbow, 0.05)):
        settings = Word2Vec(dim=8, epochs=2, min_count=2, learning_rate=rate)
        np.testing.assert_array_equal(whole[name].vectors, method(sentences, settings).vectors)
    # As if killed while CBOW was trained.
    (tmp_path / "run" / "CBOW.vectors.txt").unlink()
    resumed, printed = trained(sentences)
    assert "skip-gram: trained before" in printed
    assert "skip-gram: epoch" not in printed
    assert "CBOW: epoch 2/2" in printed
    for name, vectors in whole.items():
        assert resumed[name].words == vectors.words
        np.testing.assert_array_equal(resumed[name].vectors, vectors.vectors)
    changed, printed = trained([*sentences, *[["purple", "zebra"]] * 5])
    assert "trained before" not in printed
    assert "zebra" in changed["skip-gram"]


def test_captions_of_one_picture_stay_together(tmp_path):
    path = tmp_path / "captions.json"
    rows = [{"image_id": n, "caption": f"picture{n} text{c}"} for n in range(7) for c in range(3)]
    path.write_text(json.dumps(rows))
    found = corpus.read(Word2VecSettings(data=path, held_out=0.3))
    assert {words[0] for words in found.held_out} == {"picture5", "picture6"}
    assert len(found.held_out) == 6
    assert not {w[0] for w in found.train} & {w[0] for w in found.held_out}


def test_karpathys_test_captions_are_not_learned_from(tmp_path):
    images = [
        {
            "imgid": n,
            "filename": f"{n}.jpg",
            "split": split,
            "sentids": [n],
            "sentences": [
                {"raw": f"A {split} dog.", "tokens": ["a", split, "dog"], "imgid": n, "sentid": n}
            ],
        }
        for n, split in enumerate(("train", "train", "val", "test"))
    ]
    path = tmp_path / "dataset_pets.json"
    path.write_text(json.dumps({"dataset": "pets", "images": images}))
    found = corpus.read(Word2VecSettings(data=path, held_out=0))
    assert [words[1] for words in found.train] == ["train", "train"]
    assert found.held_out == []


def check_and_read(config):
    """What is done before any training."""
    config.check()
    evaluate.read_lists(config)
    corpus.read(config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": "nowhere.txt"}, "nowhere.txt: expected a file"),
        ({"data": "token.txt"}, "token.txt:1: expected a sentence without a tab"),
        ({"data": "empty.txt"}, "empty: expected sentences to learn from"),
        ({"similarity": "nowhere"}, "nowhere: expected a file to read"),
        ({"similarity": "void"}, "void: expected lists of word pairs"),
        ({"analogies": "empty.txt"}, "empty.txt: expected questions"),
        ({"epochs": 0}, "--epochs"),
        ({"held_out": 1.0}, "--held-out"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path, settings, message):
    (tmp_path / "token.txt").write_text("1.jpg#0\tA dog.\n")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "void").mkdir()
    values = {k: tmp_path / v if isinstance(v, str) else v for k, v in settings.items()}
    config = Word2VecSettings(scenes=2, **values)
    with pytest.raises(UserError, match=message):
        check_and_read(config)


def test_a_mistake_is_one_line_on_stderr(tmp_path):
    done = run("--smoke", "--out", tmp_path / "run", "--min-count", 100_000)
    assert done.returncode == 2
    assert "100000 times or more" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_words_of_one_kind():
    plane = {"red": (1, 0), "blue": (9, 1), "boat": (0, 1), "car": (1, 9), "grass": (1, 1)}
    vectors = WordVectors(tuple(plane), np.array(list(plane.values()), np.float32))
    # Nearest: red blue, blue red, boat car, car boat; grass has no other ground.
    assert evaluate.same_kind(vectors) == 4 / 5
    assert evaluate.same_kind(WordVectors(("a", "the"), np.eye(2, 3))) == 0


def test_rendered_captions_teach_kinds():
    read = corpus.read(Word2VecSettings(scenes=600))
    settings = Word2Vec(dim=32, epochs=20, min_count=2)
    # Of 25 words a third are of one's own kind: so many are right by chance.
    random = WordVectors(KINDS, np.random.default_rng(0).normal(size=(len(KINDS), 32)))
    assert evaluate.same_kind(random) < 0.6
    assert evaluate.same_kind(skip_gram(read.train, settings)) > 0.8
    assert evaluate.same_kind(cbow(read.train, settings)) > 0.8
