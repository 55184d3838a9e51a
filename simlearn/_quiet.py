"""Commands that load TensorFlow without its greeting."""

import logging
import os

_WANTED = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Without AVX-512 TensorFlow leaves oneDNN's convolutions off, which are up to 1.9 times as fast
    # there.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


def load_keras() -> None:
    """Import Keras, for a command; TensorFlow's greeting and its warnings go.

    No log level keeps the greeting off. TensorFlow reads what the environment says of it at that
    moment; what is set there stands.
    """
    for name, value in _WANTED.items():
        os.environ.setdefault(name, value)
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import keras  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
    # Of functions traced anew, for one: advice to who wrote the command, not to who runs it.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
