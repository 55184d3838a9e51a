"""PyTorch in whole batches: nn.LSTM over all steps, a picture seen once, all beams in one step."""

from collections.abc import Iterator

import numpy as np
import torch
from measuring import END, MAX_LENGTH, PAD, START, Arrays, Problem
from torch import Tensor, nn
from torch_network import Network, Peer, serve


def _lstm(inputs: int, units: int) -> nn.LSTM:
    return nn.LSTM(inputs, units, batch_first=True)


def look(
    network: Network, sentinel: Tensor, hidden: Tensor, locations: Tensor, keys: Tensor
) -> tuple[Tensor, Tensor]:
    """Outputs and attention of many looks at each picture, `(images, queries, ...)`."""
    asked = network.ask(hidden)
    scores = network.score(torch.tanh(keys[:, None] + asked[:, :, None])).squeeze(-1)
    own = network.score(torch.tanh(network.sentinel(sentinel) + asked))
    weights = torch.softmax(torch.cat([scores, own], dim=-1), dim=-1)
    attention, beta = weights[..., :-1], weights[..., -1:]
    context = torch.bmm(attention, locations) + beta * sentinel
    return torch.tanh(network.output(context + hidden)), attention


class Batched(Peer):
    """All at once."""

    recurrence = staticmethod(_lstm)

    def logits(self, network: Network, features: Tensor, tokens: Tensor) -> Tensor:
        """All captions of a picture and all their words in one pass."""
        images, each, time = tokens.shape
        locations, keys, picture = network.see(features)
        words = network.drop(network.words(tokens))
        seen = picture[:, None, None].expand(images, each, time, -1)
        inputs = torch.cat([words, seen], dim=-1).flatten(0, 1)
        hidden, _ = network.lstm(inputs)
        before = nn.functional.pad(hidden, (0, 0, 1, 0))[:, :-1]
        # nn.LSTM hides its cells: h = o tanh(c), and o can be computed again.
        out_in, out_before = (
            weight.chunk(4)[3] for weight in (network.lstm.weight_ih_l0, network.lstm.weight_hh_l0)
        )
        bias = network.lstm.bias_ih_l0.chunk(4)[3]
        opened = torch.sigmoid(nn.functional.linear(inputs, out_in, bias) + before @ out_before.T)
        gate = torch.sigmoid(network.gate_inputs(inputs) + network.gate_hidden(before))
        sentinel = gate * hidden / opened
        grouped = (images, each * time, -1)
        outputs, _ = look(
            network, sentinel.reshape(grouped), hidden.reshape(grouped), locations, keys
        )
        real = self.real(outputs.reshape(images, each, time, -1), tokens)
        return network.next_word(network.drop(real))

    def real(self, values: Tensor, tokens: Tensor) -> Tensor:
        """Picture after picture, caption after caption."""
        return values[tokens != PAD]

    def batches(self, problem: Problem, size: int) -> Iterator[tuple[Tensor, ...]]:
        """Pictures in any order with all their captions, cut behind the longest."""
        features, tokens, targets = (torch.from_numpy(part) for part in problem[:3])
        draw = np.random.default_rng(0)
        while True:
            order = torch.from_numpy(draw.permutation(len(features)))
            for start in range(0, len(features) - size + 1, size):
                rows = order[start : start + size]
                longest = int((tokens[rows] != PAD).sum(dim=-1).max())
                yield features[rows], tokens[rows, :, :longest], targets[rows, :, :longest]

    def captions(self, network: Network, features: Tensor, beams: int) -> Arrays:
        """All pictures in one batch."""
        images, count = len(features), network.next_word.out_features
        locations, keys, picture = network.see(features)
        picture = picture[:, None].expand(-1, beams, -1)
        tokens = torch.full((images, beams, 1), START)
        scores = torch.full((images, beams), -torch.inf)
        scores[:, 0] = 0.0
        done = torch.zeros(images, beams, dtype=torch.bool)
        maps = torch.zeros(images, beams, 0, features.shape[1])
        hidden = cells = torch.zeros(images, beams, network.output.in_features)
        for _ in range(MAX_LENGTH):
            inputs = torch.cat([network.words(tokens[..., -1]), picture], dim=-1)
            before = hidden
            state = tuple(part.flatten(0, 1)[None].contiguous() for part in (hidden, cells))
            _, (hidden, cells) = network.lstm(inputs.flatten(0, 1)[:, None], state)
            hidden, cells = (part.reshape(images, beams, -1) for part in (hidden, cells))
            gate = torch.sigmoid(network.gate_inputs(inputs) + network.gate_hidden(before))
            outputs, attention = look(network, gate * torch.tanh(cells), hidden, locations, keys)
            gains = torch.log_softmax(network.next_word(outputs), dim=-1)
            gains[done] = -torch.inf
            gains[..., PAD].masked_fill_(done, 0.0)
            scores, places = (scores[..., None] + gains).flatten(1).topk(beams)
            parents, said = places // count, places % count
            at = torch.arange(images)[:, None], parents
            tokens = torch.cat([tokens[at], said[..., None]], dim=-1)
            maps = torch.cat([maps[at], attention[at][:, :, None]], dim=2)
            hidden, cells, done = hidden[at], cells[at], done[at] | (said == END)
            if done[:, 0].all():
                break
        return _written(tokens[:, 0, 1:], scores[:, 0], maps[:, 0])


def _written(tokens: Tensor, scores: Tensor, maps: Tensor) -> Arrays:
    said = (tokens != END) & (tokens != PAD)
    room = MAX_LENGTH - tokens.shape[1]
    words = np.pad(np.where(said, tokens, PAD), ((0, 0), (0, room)))
    looked = np.where(said[..., None], maps, np.float32(0))
    looked = np.pad(looked, ((0, 0), (0, room), (0, 0)))
    return {"words": words, "scores": scores.numpy(), "attention": looked}


if __name__ == "__main__":
    serve(Batched())
