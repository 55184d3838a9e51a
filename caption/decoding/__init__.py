"""From a model's next-word probabilities to captions: greedy, sampled, or the best of a beam.

Decoders know no models: they call `step(tokens, state)` and carry the state between steps. They are
written in `keras.ops` and loop in the graph: called in a `tf.function`, a whole batch is decoded
without returning to Python.
"""

from caption.decoding._beam import beam_search
from caption.decoding._decoded import Decoded, Step
from caption.decoding._ensemble import ensemble
from caption.decoding._greedy import greedy
from caption.decoding._normalize import Normalize, divide_by_length, gnmt_penalty
from caption.decoding._sample import sample

__all__ = [
    "Decoded",
    "Normalize",
    "Step",
    "beam_search",
    "divide_by_length",
    "ensemble",
    "gnmt_penalty",
    "greedy",
    "sample",
]
