"""What every test may rely on."""

import sys

import pytest


@pytest.fixture(autouse=True, scope="module")
def _op_determinism_as_before():
    """A module that seeds everything must not change what the next one may compile.

    With deterministic kernels Keras refuses `jit_compile=True`, and TensorFlow's public module
    has no way back.
    """
    yield
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework import config

        config.disable_op_determinism()
