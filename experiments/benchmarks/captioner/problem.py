"""What every subject gets: features of pictures, captions, and the weights of the network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caption.vocabulary import END, PAD, START, UNKNOWN

Arrays = dict[str, NDArray[Any]]

CAPTIONS = 5
LONGEST = 20
_NEVER = -1e9
# The unit that counts words, see `_let_it_end`.
_COUNTER = 0


@dataclass(frozen=True)
class Size:
    """How large things are.

    Attributes:
        locations: of a picture.
        channels: of its features.
        vocabulary: tokens, the four special ones included.
        width: of the hidden state, and of the word vectors.
        attention: width of the layer that scores locations.
        spread: standard deviation of the number of words of a caption, about a mean of 10.5.
    """

    locations: int
    channels: int
    vocabulary: int
    width: int = 512
    attention: int = 49
    spread: float = 2.4


SIZES = {
    "coco": Size(196, 512, 10_000),
    "flickr8k": Size(49, 1280, 1_200, spread=3.7),
    "tiny": Size(7, 11, 53, width=32, attention=5),
}


def write(folder: Path, size: Size, pictures: int, seed: int) -> Path:
    """Write a file of arrays that each worker reads."""
    path = folder / "problem.npz"
    draw = np.random.default_rng(seed)
    arrays: dict[str, Any] = dict(captions_of(size, pictures, draw))
    arrays["features"] = features_of(size, pictures, draw)
    arrays |= {f"weight_{name}": values for name, values in weights_of(size, draw).items()}
    np.savez(path, **arrays)
    return path


def features_of(size: Size, pictures: int, draw: np.random.Generator) -> NDArray[np.float32]:
    """`(pictures, locations, channels)`, 0 or more, no picture like another."""
    level = draw.standard_normal((pictures, 1, size.channels), np.float32)
    noise = draw.standard_normal((pictures, size.locations, size.channels), np.float32)
    return np.maximum(level + noise, 0)


def captions_of(size: Size, pictures: int, draw: np.random.Generator) -> Arrays:
    """Tokens and targets `(pictures, 5, time)`; a word's frequency falls as 1 / rank."""
    shape = (pictures, CAPTIONS)
    lengths = np.clip(np.rint(draw.normal(10.5, size.spread, shape)), 3, LONGEST).astype(int)
    words = np.arange(UNKNOWN + 1, size.vocabulary)
    shares = 1 / np.arange(1, len(words) + 1)
    time = np.arange(int(lengths.max()) + 1)
    said = draw.choice(words, (*shape, len(time)), p=shares / shares.sum())
    inside = time < lengths[..., None]
    targets = np.where(inside, said, np.where(time == lengths[..., None], END, PAD))
    read = np.concatenate([np.full((*shape, 1), START), said[..., :-1]], axis=-1)
    tokens = np.where(time <= lengths[..., None], read, PAD)
    return {"tokens": tokens.astype("int32"), "targets": targets.astype("int32")}


def weights_of(size: Size, draw: np.random.Generator) -> Arrays:
    """Weights by name, kernels `(inputs, outputs)`; the gates' order is i, f, o, g."""
    width, attention = size.width, size.attention
    shapes = {
        "locations": (size.channels, width),
        "picture": (size.channels, width),
        "lstm": (2 * width, 4 * width),
        "recurrent": (width, 4 * width),
        "look": (width, attention),
        "ask": (width, attention),
        "score": (attention, 1),
        "gate_inputs": (2 * width, width),
        "gate_hidden": (width, width),
        "sentinel": (width, attention),
        "output": (width, width),
        "next_word": (width, size.vocabulary),
    }
    weights = {
        name: draw.standard_normal(shape, np.float32) / np.float32(shape[0] ** 0.5)
        for name, shape in shapes.items()
    }
    biased = ("locations", "picture", "lstm", "ask", "gate_inputs", "output", "next_word")
    for name in biased:
        weights[f"{name}_bias"] = 0.1 * draw.standard_normal(shapes[name][1], np.float32)
    weights["words"] = draw.standard_normal((size.vocabulary, width), np.float32)
    # Probabilities that differ as much as a trained captioner's, roughly.
    weights["next_word"] *= 5
    _let_it_end(weights, width)
    return weights


def _let_it_end(weights: Arrays, width: int) -> None:
    """Makes END likely behind some ten words, as in a trained network.

    One unit of the LSTM keeps its cell, adds a tenth at each word, and is seen by END alone.
    """
    gates = [_COUNTER + gate * width for gate in range(4)]
    weights["lstm"][:, gates] = weights["recurrent"][:, gates] = 0
    weights["lstm_bias"][gates] = (20, 20, 20, np.arctanh(0.1))
    for name, bias in (("locations", 0), ("gate_inputs", -20), ("output", -6 * np.tanh(0.95))):
        weights[name][:, _COUNTER] = 0
        weights[f"{name}_bias"][_COUNTER] = bias
    weights["gate_hidden"][:, _COUNTER] = 0
    weights["output"][_COUNTER, _COUNTER] = 6
    weights["next_word"][_COUNTER] = 0
    weights["next_word"][_COUNTER, END] = 15
    weights["next_word_bias"][[PAD, START, UNKNOWN]] = _NEVER
