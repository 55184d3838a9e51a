"""Training on the score itself: sentences that beat others of the same picture become likelier."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from caption import decoding
from caption.losses import caption_crossentropy
from caption.metrics import CiderD
from caption.models import Captioner
from caption.vocabulary import END, PAD, START, UNKNOWN, Vocabulary
from caption.writing import speaker
from simlearn.errors import UserError

Reward = Callable[[NDArray[np.int64], NDArray[np.int32]], NDArray[np.float32]]
"""From rows of pictures `(n,)` and tokens `(n, samples, time)` to rewards `(n, samples)`."""

_MARK = "<end>"
_NEVER = -1e9


class CiderReward:
    """CIDEr-D of sampled captions, their ends included.

    The end of a caption counts as a word, in references and samples: without it a caption that
    breaks off ("a man in a") loses nothing, and training finds such captions.

    Args:
        references: for each training picture its captions, as lists of words.
        vocabulary: of the tokens.

    Examples:
        >>> reward = CiderReward([[["a", "dog"]], [["a", "cat"]]], Vocabulary(("a", "cat", "dog")))
        >>> tokens = np.array([[[4, 6, END], [4, 6, PAD]]])  # The second breaks off.
        >>> reward(np.array([0]), tokens).round(2)
        array([[7.5 , 4.21]], dtype=float32)

    Reference:
        Rennie et al. 2017, "Self-critical Sequence Training for Image Captioning", section 5.
    """

    def __init__(
        self, references: Sequence[Sequence[Sequence[str]]], vocabulary: Vocabulary
    ) -> None:
        self._scorer = CiderD([[[*words, _MARK] for words in image] for image in references])
        self._vocabulary = vocabulary

    def __call__(self, rows: NDArray[np.int64], tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores `(n, samples)`, from 0 to 10 as CIDEr-D's are."""
        flat = tokens.reshape(-1, tokens.shape[-1])
        said = [self._words(caption) for caption in flat]
        images = np.repeat(rows, tokens.shape[1])
        found = self._scorer.score(said, images).per_image["cider_d"]
        return found.reshape(tokens.shape[:2]).astype(np.float32)

    def _words(self, caption: NDArray[np.int32]) -> list[str]:
        words = self._vocabulary.decode(caption)
        return [*words, _MARK] if END in caption else words


class SelfCritical(keras.Model):
    r"""Trains a captioner by REINFORCE with a baseline that it makes itself.

    The gradient is that of `-(r(w) - b) sum_t log p(w_t)` over sampled captions w, divided by their
    number of words. The baseline b of a sample is the reward of the greedy caption
    (`baseline="greedy"`), or the mean of the picture's other samples (`"others"`), which needs no
    second decoding and is better by what is published. TensorFlow alone.

    Args:
        captioner: that has learned from captions; its weights are trained.
        reward: of samples, such as `CiderReward`.
        samples: captions a picture, at least 1, or 2 for `"others"`.
        baseline: where the baseline comes from.
        longest: words of a sample at most.
        seed: of the samples.

    Raises:
        UserError: too few samples, or no such baseline.

    Reference:
        Rennie et al. 2017, equations 7 and 9; the mean of the others: Luo 2020, "A Better Variant
        of Self-Critical Sequence Training", equation 3.
    """

    def __init__(
        self,
        captioner: Captioner,
        reward: Reward,
        *,
        samples: int = 5,
        baseline: Literal["greedy", "others"] = "others",
        longest: int = 20,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if baseline not in ("greedy", "others"):
            raise UserError(f"baseline: expected 'greedy' or 'others', got {baseline!r}")
        least = 2 if baseline == "others" else 1
        if samples < least:
            raise UserError(f"samples: expected at least {least}, got {samples}")
        self.captioner = captioner
        self.reward = reward
        self.samples = samples
        self.baseline = baseline
        self.longest = longest
        self.seeds = keras.random.SeedGenerator(seed, name="seeds")
        tokens = np.arange(captioner.vocabulary_size)
        self._said = ~np.isin(tokens, (PAD, START, UNKNOWN))
        self._reward_seen = keras.metrics.Mean(name="reward")
        self._loss_seen = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The loss and the mean reward of the samples."""
        return [self._loss_seen, self._reward_seen]

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """The captioner's scores."""
        return self.captioner(inputs, training=training)

    def train_step(self, data: Any) -> dict[str, Any]:
        """Samples, rewards, and one step of the optimizer.

        Args:
            data: inputs with `features` and `rows`, the pictures' rows in the references.
        """
        inputs = data[0] if isinstance(data, tuple) else data
        features, rows = inputs["features"], inputs["rows"]
        tokens, advantage, rewards = self._sampled(features, rows)
        start = tf.fill(tf.concat([tf.shape(tokens)[:2], [1]], 0), START)
        read = tf.where(tokens == END, PAD, tokens)[..., :-1]
        with tf.GradientTape() as tape:
            seen = {"features": features, "tokens": tf.concat([start, read], -1)}
            # Of the words that can be drawn: the chance of the others is none of the sample's.
            scores = tf.where(self._said, self.captioner(seen, training=False), _NEVER)
            terms = caption_crossentropy(tokens, scores) * advantage[..., None]
            words = tf.reduce_sum(tf.cast(tokens != PAD, terms.dtype))
            loss = tf.reduce_sum(terms) / tf.maximum(words, 1.0)
        variables = self.captioner.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        self._loss_seen.update_state(loss)
        self._reward_seen.update_state(tf.reduce_mean(rewards))
        return {metric.name: metric.result() for metric in self.metrics}

    def _sampled(self, features: Any, rows: Any) -> tuple[Any, Any, Any]:
        images = tf.shape(features)[0]
        step, state = speaker(self.captioner, features)
        sampled = decoding.sample(
            step,
            state,
            images=images,
            samples=self.samples,
            max_length=self.longest,
            seed=self.seeds,
        )
        rewards = self._rewarded(rows, sampled.tokens)
        if self.baseline == "others":
            others = (tf.reduce_sum(rewards, 1, keepdims=True) - rewards) / (self.samples - 1)
            return sampled.tokens, rewards - others, rewards
        step, state = speaker(self.captioner, features)
        greedy = decoding.greedy(step, state, images=images, max_length=self.longest)
        return sampled.tokens, rewards - self._rewarded(rows, greedy.tokens), rewards

    def _rewarded(self, rows: Any, tokens: Any) -> Any:
        found = tf.numpy_function(self.reward, [rows, tokens], tf.float32)
        return tf.ensure_shape(found, tokens.shape[:2])
