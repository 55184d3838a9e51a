"""Data sets as records, plans of batches, and the `tf.data` pipeline that carries them out.

`records` says what a data set is; a reader (`digits`, `mnist`) makes one; `sampling` plans which
pictures meet in which batch; all of them need numpy only. `pipeline` and `augment` turn a plan
into batches of tensors and import TensorFlow. Submodules load when they are first touched.
"""

import importlib
from types import ModuleType

from simlearn.data.records import LabelledImages, Splits

__all__ = ["LabelledImages", "Splits"]

_SUBMODULES = frozenset({"augment", "digits", "mnist", "pipeline", "records", "sampling"})


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"simlearn.data.{name}")
    raise AttributeError(f"module 'simlearn.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
