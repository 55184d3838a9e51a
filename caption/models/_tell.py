"""Show, Attend and Tell: attention that feeds the LSTM, soft or hard."""

from typing import Any, ClassVar

import keras
from keras import ops

from caption.attention import AdditiveAttention, attend, grouped, ungrouped
from caption.models._base import Captioner, Image, State
from caption.models._recurrent import repeated
from caption.recurrence import LSTM
from caption.vocabulary import PAD
from simlearn._typing import Tensor

register = keras.saving.register_keras_serializable(package="caption")


@register
class SoftAttention(Captioner):
    r"""Looks before each word with the state behind the last one; deterministic.

    `alpha_t = softmax(f(a, h_{t-1}))`, `z_t = beta_t sum alpha_tl a_l` with the gate
    `beta_t = sigmoid(w . h_{t-1})`, `h_t = LSTM([E y_{t-1}; z_t])`, and the next word from
    `tanh(E y_{t-1} + L_h h_t + L_z z_t)`. State and cells begin as functions of the mean location.
    In training, `penalty * sum_l (1 - sum_t alpha_tl)^2` asks that every location be looked at.

    Args:
        vocabulary_size: as of `Captioner`.
        attention_width: of the hidden layer that scores locations.
        penalty: weight of the doubly stochastic term, 1 in the authors' code.
        kwargs: as of `Captioner`.

    Reference:
        Xu et al. 2015, "Show, Attend and Tell", sections 3.1.2 and 4.2, equations 4-7 and 14.
        Deviations: locations `a_l` are those of the encoder behind a layer `relu(W a_l)` to the
        hidden state's width; tanh before the words' scores, as in the authors' code; the doubly
        stochastic term is summed over captions and divided by their words, as the cross-entropy is.
    """

    attends: ClassVar[bool] = True

    def __init__(
        self,
        vocabulary_size: int,
        *,
        attention_width: int = 256,
        penalty: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary_size, **kwargs)
        self.attention_width = attention_width
        self.penalty = penalty
        self.locations = keras.layers.Dense(self.width, activation="relu", name="locations")
        self.first_hidden = keras.layers.Dense(self.width, activation="tanh", name="first_hidden")
        self.first_cells = keras.layers.Dense(self.width, activation="tanh", name="first_cells")
        self.scores = AdditiveAttention(attention_width, name="scores")
        self.gate = keras.layers.Dense(1, activation="sigmoid", name="gate")
        self.lstm = LSTM(self.width, name="lstm")
        self.from_hidden = keras.layers.Dense(self.word_width, name="from_hidden")
        self.from_context = keras.layers.Dense(self.word_width, use_bias=False, name="from_context")

    def look(self, features: Tensor, training: bool | None = None) -> Image:
        """Locations and their keys."""
        locations = self.locations(features)
        return {"locations": locations, "keys": self.scores.look(locations)}

    def begin(self, image: Image, captions: int = 1) -> State:
        """What the mean location suggests."""
        mean = ops.mean(image["locations"], axis=1)
        first = self.first_hidden(mean), self.first_cells(mean)
        return tuple(repeated(kind, captions) for kind in first)

    def advance(
        self, words: Tensor, state: State, image: Image, training: bool | None = None
    ) -> tuple[Tensor, State, Tensor]:
        """Looks, then reads the word."""
        hidden = state[0]
        images = ops.shape(image["locations"])[0]
        scores = self.scores(image["keys"], grouped(hidden, images))
        weights = ops.softmax(scores)
        used = self.chosen(weights, training)
        context = ungrouped(attend(used, image["locations"])) * self.gate(hidden)
        state = self.lstm.step(ops.concatenate([words, context], axis=-1), state)
        output = ops.tanh(words + self.from_hidden(state[0]) + self.from_context(context))
        return output, state, ungrouped(self.shown(weights, used, training))

    def chosen(self, weights: Tensor, training: bool | None) -> Tensor:
        """The weights that the context is made with; the attention itself."""
        return weights

    def shown(self, weights: Tensor, used: Tensor, training: bool | None) -> Tensor:
        """What `advance` gives as attention."""
        return weights

    def regularize(self, tokens: Tensor, attention: Tensor, scores: Tensor) -> None:
        """The doubly stochastic term, over the steps that stand for something."""
        real = ops.cast(tokens != PAD, attention.dtype)
        looked = ops.sum(attention * real[..., None], axis=-2)
        missing = ops.sum(ops.square(1 - looked), axis=-1)
        there = ops.cast(ops.any(tokens != PAD, axis=-1), attention.dtype)
        steps = ops.maximum(ops.sum(real), 1.0)
        self.add_loss(self.penalty * ops.sum(missing * there) / steps)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {
            "attention_width": self.attention_width,
            "penalty": self.penalty,
        }


@register
class HardAttention(SoftAttention):
    r"""Looks at one location for each word, drawn from the attention; learned by REINFORCE.

    In training a location s_t is drawn at each step, and beside the cross-entropy stands
    `-reward_weight (r - b) sum_t log alpha_t[s_t] - entropy_weight sum_t H(alpha_t)`, divided by
    the number of words. The reward r is `log p(y|s)` a word, and b its moving average over
    batches, which takes variance off the estimate. Half of the captions use the expected location
    instead, which is also what is used when captions are written.

    Args:
        vocabulary_size: as of `Captioner`.
        reward_weight: of the REINFORCE term, at least 0.
        entropy_weight: of the entropy, at least 0.
        kwargs: as of `SoftAttention`; the doubly stochastic term is off by default, it belongs to
            the soft one.

    Reference:
        Xu et al. 2015, section 4.1, equations 11-12. Deviations: those of `SoftAttention`;
        `log p(y|s)` is divided by the number of words and leaves out END; which captions use the
        expected location is not drawn, it is every other one.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        reward_weight: float = 0.1,
        entropy_weight: float = 0.002,
        penalty: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary_size, penalty=penalty, **kwargs)
        self.reward_weight = reward_weight
        self.entropy_weight = entropy_weight
        self.baseline = keras.Variable(-5.0, trainable=False, name="baseline")

    def chosen(self, weights: Tensor, training: bool | None) -> Tensor:
        """One location each, in half of the sentences."""
        if not training:
            return weights
        return ops.where(self._draws_one(weights), self._drawn(weights), weights)

    def shown(self, weights: Tensor, used: Tensor, training: bool | None) -> Tensor:
        """In training also what was drawn, which the estimate needs."""
        return ops.concatenate([weights, used], axis=-1) if training else weights

    def _draws_one(self, weights: Tensor) -> Tensor:
        """Every other sentence of an image; of a single one, every other image's."""
        rows = ops.arange(ops.shape(weights)[0])[:, None]
        columns = ops.arange(ops.shape(weights)[1])[None]
        return ((rows + columns) % 2 == 0)[..., None]

    def _drawn(self, weights: Tensor) -> Tensor:
        uniform = keras.random.uniform(ops.shape(weights), 1e-7, 1.0, seed=self.seeds)
        gumbel = -ops.log(-ops.log(uniform) + 1e-20)
        drawn = ops.argmax(ops.log(weights + 1e-20) + gumbel, axis=-1)
        return ops.stop_gradient(ops.one_hot(drawn, weights.shape[-1], dtype=weights.dtype))

    def regularize(self, tokens: Tensor, attention: Tensor, scores: Tensor) -> None:
        """The REINFORCE term and the entropy."""
        weights, used = ops.split(attention, 2, axis=-1)
        if self.penalty:
            super().regularize(tokens, weights, scores)
        real = ops.cast(tokens != PAD, weights.dtype)
        words = ops.maximum(ops.sum(real), 1.0)
        said = tokens[..., 1:]
        told = ops.log_softmax(scores[..., :-1, :], axis=-1)
        told = ops.take_along_axis(told, ops.cast(said, "int32")[..., None], axis=-1)[..., 0]
        counts = ops.maximum(ops.sum(real[..., 1:], axis=-1), 1.0)
        reward = ops.sum(told * real[..., 1:], axis=-1) / counts
        better = ops.stop_gradient(reward - self.baseline)
        logs = ops.log(weights + 1e-20)
        drawn = ops.cast(ops.max(used, axis=-1) == 1.0, weights.dtype) * real
        chance = ops.sum(ops.sum(logs * used, axis=-1) * drawn, axis=-1)
        entropy = -ops.sum(ops.sum(weights * logs, axis=-1) * real)
        loss = -self.reward_weight * ops.sum(better * chance) - self.entropy_weight * entropy
        self.add_loss(loss / words)
        self._follow(ops.stop_gradient(reward), ops.any(tokens != PAD, axis=-1))

    def in_part(self, scores: Tensor, outputs: Tensor) -> Tensor:
        """Never: the reward reads the scores of all steps, so that they are made in any case."""
        return scores

    def _follow(self, reward: Tensor, real: Tensor) -> None:
        """Moves the baseline to the mean over captions that are some."""
        captions = ops.sum(ops.cast(real, reward.dtype))
        mean = ops.sum(ops.where(real, reward, 0.0)) / ops.maximum(captions, 1.0)
        moved = 0.9 * self.baseline + 0.1 * mean
        self.baseline.assign(ops.where(captions > 0, moved, self.baseline))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {
            "reward_weight": self.reward_weight,
            "entropy_weight": self.entropy_weight,
        }
