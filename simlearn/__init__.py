"""Similarity learning for Keras 3: losses, mining, models, metrics and search.

Submodules load when they are first touched, so that `import simlearn` costs nothing and
`simlearn.metrics` never waits for TensorFlow.
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"

_SUBMODULES = frozenset(
    {
        "addons",
        "audit",
        "backbones",
        "baselines",
        "caching",
        "checkpoint",
        "cli",
        "clustering",
        "data",
        "distances",
        "errors",
        "faces",
        "figures",
        "heads",
        "labelling",
        "landmarks",
        "losses",
        "memory",
        "metrics",
        "mining",
        "models",
        "optimizers",
        "pairs",
        "regularizers",
        "report",
        "runs",
        "search",
        "telemetry",
        "tensorboard",
        "training",
    }
)


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"simlearn.{name}")
    raise AttributeError(f"module 'simlearn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
