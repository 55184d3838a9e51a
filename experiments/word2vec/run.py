"""The word2vec experiment itself."""

from typing import Any

from caption.vocabulary import Vocabulary
from experiments.word2vec import corpus as data
from experiments.word2vec import evaluate, present
from experiments.word2vec.config import Word2VecSettings
from experiments.word2vec.train import train
from simlearn.runs import Run


def run(config: Word2VecSettings, folder: Run) -> dict[str, Any]:
    """Read, train, score, show."""
    # Read before the training, so that what is wrong with a file is known at once.
    lists = evaluate.read_lists(config)
    corpus = data.read(config)
    print(present.protocol(corpus, config), flush=True)
    vectors = train(corpus.train, config, folder)
    vocabulary = Vocabulary.from_captions(corpus.train)
    results = {
        name: evaluate.score(found, vocabulary, corpus, lists, config)
        for name, found in vectors.items()
    }
    print(f"\n{present.text(results)}\n")
    page = present.report(folder.directory, corpus, vectors, results, config)
    print(f"report:      {page} (open it in a browser)")
    unknown = vocabulary.unknowns(corpus.held_out)
    return {
        "protocol": present.protocol(corpus, config),
        "scores": {
            name: {"words": len(vectors[name]), "dim": vectors[name].dim, **scores.as_json()}
            for name, scores in results.items()
        },
        "vocabulary": {"words": len(vocabulary.words), "held_out": unknown.as_json()},
        "data_fingerprint": {corpus.name: vocabulary.counted_on},
    }
