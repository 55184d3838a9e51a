"""PyTorch as tutorials write it: a loop over an LSTMCell, a sample a caption, a beam a picture.

Samples are captions, each with the features of its picture; a batch is sorted by length, so that
at each step only captions that still have words are computed, and scores of padding never are.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from measuring import END, MAX_LENGTH, PAD, START, Arrays, Problem
from torch import Tensor, nn
from torch_network import Network, Peer, serve

State = tuple[Tensor, Tensor]


def step(
    network: Network, words: Tensor, state: State, seen: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, State, Tensor]:
    """One word of each row: scores of the next, the state, attention to the locations."""
    locations, keys, picture = seen
    inputs = torch.cat([words, picture], dim=1)
    hidden, cells = network.lstm(inputs, state)
    gate = torch.sigmoid(network.gate_inputs(inputs) + network.gate_hidden(state[0]))
    sentinel = gate * torch.tanh(cells)
    asked = network.ask(hidden)
    scores = network.score(torch.tanh(keys + asked[:, None])).squeeze(-1)
    own = network.score(torch.tanh(network.sentinel(sentinel) + asked))
    weights = torch.softmax(torch.cat([scores, own], dim=1), dim=1)
    attention, beta = weights[:, :-1], weights[:, -1:]
    context = torch.bmm(attention[:, None], locations).squeeze(1) + beta * sentinel
    output = torch.tanh(network.output(context + hidden))
    return network.next_word(network.drop(output)), (hidden, cells), attention


class Plain(Peer):
    """Step by step."""

    recurrence = nn.LSTMCell

    def logits(self, network: Network, features: Tensor, tokens: Tensor) -> Tensor:
        """Goes through all captions at once, a word at a time."""
        if tokens.ndim == 3:
            each = tokens.shape[1]
            features, tokens = features.repeat_interleave(each, 0), tokens.flatten(0, 1)
        lengths, order = self._sorted(tokens)
        seen = network.see(features[order])
        words = network.drop(network.words(tokens[order]))
        hidden = words.new_zeros(len(words), network.output.in_features)
        state, found = (hidden, hidden), []
        for time in range(int(lengths[0])):
            rows = int((lengths > time).sum())
            kept = tuple(part[:rows] for part in seen)
            state = state[0][:rows], state[1][:rows]
            scores, state, _ = step(network, words[:rows, time], state, kept)
            found.append(scores)
        return torch.cat(found)

    def real(self, values: Tensor, tokens: Tensor) -> Tensor:
        """All captions' first words, then their second ones."""
        values, tokens = (part.reshape(-1, part.shape[-1]) for part in (values, tokens))
        lengths, order = self._sorted(tokens)
        steps = range(int(lengths[0]))
        return torch.cat([values[order[: int((lengths > t).sum())], t] for t in steps])

    @staticmethod
    def _sorted(tokens: Tensor) -> tuple[Tensor, Tensor]:
        return (tokens != PAD).sum(dim=1).sort(descending=True, stable=True)

    def batches(self, problem: Problem, size: int) -> Iterator[tuple[Tensor, ...]]:
        """Captions in any order, each with its picture's features."""
        features, tokens, targets = (torch.from_numpy(part) for part in problem[:3])
        each = tokens.shape[1]
        samples, draw = tokens.shape[0] * each, np.random.default_rng(0)
        while True:
            order = torch.from_numpy(draw.permutation(samples))
            for start in range(0, samples - size * each + 1, size * each):
                rows = order[start : start + size * each]
                yield (
                    features[rows // each],
                    tokens.flatten(0, 1)[rows],
                    targets.flatten(0, 1)[rows],
                )

    def captions(self, network: Network, features: Tensor, beams: int) -> Arrays:
        """One picture after the other."""
        found = [caption(network, one[None], beams) for one in features]
        return {name: np.stack([one[name] for one in found]) for name in found[0]}


def caption(network: Network, features: Tensor, beams: int) -> dict[str, Any]:
    """The best caption of one picture, its hypotheses being the rows of a batch."""
    seen = tuple(part.expand(beams, *part.shape[1:]) for part in network.see(features))
    tokens = torch.full((beams, 1), START)
    scores = torch.full((beams,), -torch.inf)
    scores[0] = 0.0
    done = torch.zeros(beams, dtype=torch.bool)
    maps = torch.zeros(beams, 0, features.shape[1])
    hidden = torch.zeros(beams, network.output.in_features)
    state = hidden, hidden
    for _ in range(MAX_LENGTH):
        logits, state, attention = step(network, network.words(tokens[:, -1]), state, seen)
        gains = torch.log_softmax(logits, dim=1)
        # A finished caption goes on with padding alone, which costs nothing.
        gains[done] = -torch.inf
        gains[done, PAD] = 0.0
        scores, places = (scores[:, None] + gains).flatten().topk(beams)
        parents, said = places // gains.shape[1], places % gains.shape[1]
        tokens = torch.cat([tokens[parents], said[:, None]], dim=1)
        maps = torch.cat([maps[parents], attention[parents, None]], dim=1)
        state = state[0][parents], state[1][parents]
        done = done[parents] | (said == END)
        if done[0]:
            # No other gets likelier.
            break
    return _written(tokens[0, 1:], scores[0], maps[0])


def _written(tokens: Tensor, score: Tensor, maps: Tensor) -> dict[str, Any]:
    said = (tokens != END) & (tokens != PAD)
    length, room = int(said.sum()), MAX_LENGTH - len(tokens)
    words = np.pad(np.where(said, tokens, PAD), (0, room))
    looked = np.zeros((MAX_LENGTH, maps.shape[1]), np.float32)
    looked[:length] = maps[:length]
    return {"words": words, "scores": score.numpy(), "attention": looked}


if __name__ == "__main__":
    serve(Plain())
