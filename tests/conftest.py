"""What every test may rely on."""

import sys

import hypothesis
import pytest

# How long an example may take says more of the machine than of the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


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
