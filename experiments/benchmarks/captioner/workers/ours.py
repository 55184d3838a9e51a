"""caption: `AdaptiveAttention` in `fit`, and `Writer` with a beam search."""

from collections.abc import Callable
from functools import partial
from typing import Any

from measuring import (
    CHECK_RATE,
    DROPOUT,
    LEARNING_RATE,
    MAX_LENGTH,
    PAD,
    SETTINGS,
    Arrays,
    Problem,
    Task,
    measure,
)

import keras  # isort: skip
import numpy as np  # isort: skip
import tensorflow as tf  # isort: skip

from caption import decoding  # isort: skip
from caption.batches import Captions, caption_batches  # isort: skip
from caption.losses import CaptionCrossentropy  # isort: skip
from caption.models import AdaptiveAttention  # isort: skip
from caption.vocabulary import Vocabulary  # isort: skip
from caption.writing import Writer  # isort: skip
from simlearn.training import seed_everything  # isort: skip


def make(problem: Problem, dropout: float) -> AdaptiveAttention:
    """The captioner with the weights that all subjects have."""
    weights = problem.weights
    vocabulary, word_width = weights["words"].shape
    model = AdaptiveAttention(
        vocabulary,
        width=len(weights["recurrent"]),
        word_width=word_width,
        attention_width=len(weights["score"]),
        dropout=dropout,
    )
    model({"features": problem.features[:1], "tokens": problem.tokens[:1]})
    dense = ("locations", "picture", "gate_inputs", "gate_hidden", "sentinel", "next_word")
    layers = {name: getattr(model, name) for name in dense} | {
        "output": model.output_layer,
        "look": model.scores._look,
        "ask": model.scores._ask,
        "score": model.scores._score,
    }
    for name, layer in layers.items():
        layer.kernel.assign(weights[name])
        if layer.use_bias:
            layer.bias.assign(weights[f"{name}_bias"])
    model.words.embeddings.assign(weights["words"])
    model.lstm.kernel.assign(weights["lstm"])
    model.lstm.recurrent_kernel.assign(weights["recurrent"])
    model.lstm.bias.assign(weights["lstm_bias"])
    return model


def training(problem: Problem) -> Task:
    """`fit` with Adam, as experiments call it."""
    captions = Captions(problem.tokens, problem.targets)

    def compiled(dropout: float, optimizer: Any) -> AdaptiveAttention:
        seed_everything(SETTINGS["seed"])
        model = make(problem, dropout)
        model.compile(optimizer, loss=CaptionCrossentropy())
        return model

    def check() -> Arrays:
        model, few = compiled(0.0, keras.optimizers.SGD(CHECK_RATE)), slice(problem.checked)
        seen = {"features": problem.features[few], "tokens": problem.tokens[few]}
        real = problem.targets[few] != PAD
        logits = np.asarray(model(seen))[real]
        losses = [model.train_on_batch(seen, problem.targets[few]) for _ in range(4)]
        return {"logits": logits, "losses": np.array(losses)}

    def prepare() -> Callable[[], int]:
        model = compiled(DROPOUT, keras.optimizers.Adam(LEARNING_RATE))
        size = SETTINGS["batch"]
        batches = caption_batches(problem.features, captions, batch_size=size, seed=0)(0)

        def repeat() -> int:
            steps = [next(batches) for _ in range(SETTINGS["steps"])]
            model.fit((batch for batch in steps), steps_per_epoch=len(steps), verbose=0)
            return sum(int((targets != PAD).sum()) for _, targets in steps)

        return repeat

    return Task(check, prepare)


def beam(problem: Problem) -> Task:
    """`Writer`, from features to words, scores and attention."""
    words = [f"w{number}" for number in range(4, len(problem.weights["words"]))]
    vocabulary = Vocabulary(tuple(words))
    model = make(problem, 0.0)
    decode = partial(decoding.beam_search, beams=SETTINGS["beams"], max_length=MAX_LENGTH)
    writer = Writer(model, vocabulary, decode=decode)

    def check() -> Arrays:
        found = [one[0] for one in writer(problem.features)]
        tokens = np.zeros((len(found), MAX_LENGTH), int)
        looked = np.zeros((len(found), MAX_LENGTH, problem.features.shape[1]), np.float32)
        for row, one in enumerate(found):
            tokens[row, : len(one.words)] = [int(word[1:]) for word in one.words]
            looked[row, : len(one.words)] = one.attention
        return {
            "words": tokens,
            "scores": np.array([one.score for one in found]),
            "attention": looked,
        }

    def prepare() -> Callable[[], int]:
        return lambda: len(writer(problem.features))

    return Task(check, prepare)


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(SETTINGS["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(SETTINGS["threads"])
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    measure({"training": training, "beam": beam}, versions)
