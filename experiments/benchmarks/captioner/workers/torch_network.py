"""The network in PyTorch, and what both of its peers share: weights, checks, timing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from measuring import (
    CHECK_RATE,
    DROPOUT,
    LEARNING_RATE,
    PAD,
    SETTINGS,
    Arrays,
    Problem,
    Task,
    measure,
)
from torch import Tensor, nn


class Network(nn.Module):
    """Adaptive attention (Lu et al. 2017, "Knowing When to Look"); peers say how it is run.

    Args:
        weights: by name, kernels `(inputs, outputs)`.
        dropout: of word vectors, locations and outputs, in training.
        recurrence: `nn.LSTMCell` or `nn.LSTM`.
    """

    def __init__(
        self, weights: Arrays, dropout: float, recurrence: Callable[[int, int], nn.Module]
    ) -> None:
        super().__init__()
        vocabulary, word_width = weights["words"].shape
        width = len(weights["recurrent"])
        self.words = nn.Embedding(vocabulary, word_width)
        self.lstm = recurrence(2 * word_width, width)
        self.drop = nn.Dropout(dropout)
        dense = ("locations", "picture", "look", "ask", "score", "gate_inputs", "gate_hidden")
        for name in (*dense, "sentinel", "output", "next_word"):
            inputs, outputs = weights[name].shape
            setattr(self, name, nn.Linear(inputs, outputs, bias=f"{name}_bias" in weights))
            _assign(getattr(self, name).weight, weights[name].T)
            if f"{name}_bias" in weights:
                _assign(getattr(self, name).bias, weights[f"{name}_bias"])
        _assign(self.words.weight, weights["words"])
        self._take_recurrence(weights)

    def _take_recurrence(self, weights: Arrays) -> None:
        suffix = "_l0" if isinstance(self.lstm, nn.LSTM) else ""
        for name, source in (("ih", "lstm"), ("hh", "recurrent")):
            _assign(getattr(self.lstm, f"weight_{name}{suffix}"), _gates(weights[source]).T)
        _assign(getattr(self.lstm, f"bias_ih{suffix}"), _gates(weights["lstm_bias"]))
        # A second bias, which the network does not have.
        second = getattr(self.lstm, f"bias_hh{suffix}")
        _assign(second, np.zeros(second.shape, np.float32))
        second.requires_grad_(False)

    def see(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locations, their keys, and the whole picture."""
        locations = self.drop(torch.relu(self.locations(features)))
        picture = torch.relu(self.picture(features.mean(dim=1)))
        return locations, self.look(locations), picture


class Peer:
    """How a peer runs the network; features `(n, locations, channels)`, captions of each.

    Attributes:
        recurrence: its LSTM.
    """

    recurrence: Callable[[int, int], nn.Module]

    def logits(self, network: Network, features: Tensor, tokens: Tensor) -> Tensor:
        """Scores `(words, vocabulary)` of what follows each word, in the order of `real`."""
        raise NotImplementedError

    def real(self, values: Tensor, tokens: Tensor) -> Tensor:
        """Of `values` `(images, captions, time)` those where there is a word, in its order."""
        raise NotImplementedError

    def batches(self, problem: Problem, size: int) -> Any:
        """Endless batches of features, tokens and targets."""
        raise NotImplementedError

    def captions(self, network: Network, features: Tensor, beams: int) -> Arrays:
        """Words, scores and attention of each picture's best caption."""
        raise NotImplementedError


def training(peer: Peer) -> Callable[[Problem], Task]:
    """Steps of Adam."""

    def make(problem: Problem) -> Task:
        few = [torch.from_numpy(part[: problem.checked]) for part in problem[:3]]

        def check() -> Arrays:
            network = Network(problem.weights, 0.0, peer.recurrence)
            features, tokens, targets = few
            with torch.no_grad():
                logits = peer.logits(network, features, tokens).numpy()
            places = torch.arange(targets.numel()).reshape(targets.shape)
            order = np.argsort(peer.real(places, tokens).numpy())
            descent = torch.optim.SGD(_trained(network), lr=CHECK_RATE)
            losses = [step(network, descent, *few) for _ in range(4)]
            return {"logits": logits[order], "losses": np.array(losses)}

        def step(network: Network, optimizer: Any, *batch: Tensor) -> float:
            features, tokens, targets = batch
            optimizer.zero_grad()
            logits = peer.logits(network, features, tokens)
            wanted = peer.real(targets, tokens).long()
            loss = nn.functional.cross_entropy(logits, wanted)
            loss.backward()
            optimizer.step()
            return loss.item()

        def prepare() -> Callable[[], int]:
            network = Network(problem.weights, DROPOUT, peer.recurrence)
            optimizer = torch.optim.Adam(_trained(network), lr=LEARNING_RATE, eps=1e-7)
            batches = peer.batches(problem, SETTINGS["batch"])

            def repeat() -> int:
                words = 0
                for _ in range(SETTINGS["steps"]):
                    batch = next(batches)
                    step(network, optimizer, *batch)
                    words += int((batch[-1] != PAD).sum())
                return words

            return repeat

        return Task(check, prepare)

    return make


def beam(peer: Peer) -> Callable[[Problem], Task]:
    """Captions of all pictures."""

    def make(problem: Problem) -> Task:
        network = Network(problem.weights, 0.0, peer.recurrence).eval()
        features = torch.from_numpy(problem.features)

        @torch.inference_mode()
        def found() -> Arrays:
            return peer.captions(network, features, SETTINGS["beams"])

        return Task(found, lambda: lambda: len(found()["words"]))

    return make


def serve(peer: Peer) -> None:
    """Answer the request."""
    torch.set_num_threads(SETTINGS["threads"])
    torch.manual_seed(SETTINGS["seed"])
    tasks = {"training": training(peer), "beam": beam(peer)}
    measure(tasks, {"torch": torch.__version__})


def _trained(network: Network) -> list[Tensor]:
    return [weight for weight in network.parameters() if weight.requires_grad]


def _gates(values: np.ndarray) -> np.ndarray:
    """From the order i, f, o, g to PyTorch's i, f, g, o."""
    into, kept, out, new = np.split(values, 4, axis=-1)
    return np.concatenate([into, kept, new, out], axis=-1)


def _assign(parameter: Tensor, values: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))
