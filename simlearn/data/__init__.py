"""Data sets as records, plans of batches, and the `tf.data` pipeline that carries them out.

`records` says what a data set is; a reader (`digits`, `mnist`, `mtfl`, `lfw`, ...) makes one from
the files as they were downloaded; `sampling` plans which pictures meet in which batch; `frames` and
`augment` say what a picture becomes, and its labels with it; `loading` carries that out in threads.
All of them need numpy and Pillow only. `pipeline` turns a plan into batches of tensors and imports
TensorFlow. Submodules load when they are first touched.
"""

import importlib
from types import ModuleType

from simlearn.data.files import Files
from simlearn.data.records import (
    BoxedPictures,
    LabelledFiles,
    LabelledImages,
    LandmarkPictures,
    PicturePairs,
    Splits,
    VideoPairs,
)

__all__ = [
    "BoxedPictures",
    "Files",
    "LabelledFiles",
    "LabelledImages",
    "LandmarkPictures",
    "PicturePairs",
    "Splits",
    "VideoPairs",
]

_SUBMODULES = frozenset(
    {
        "augment",
        "casia_webface",
        "celeba",
        "decode",
        "decoded",
        "digits",
        "fddb",
        "fetching",
        "files",
        "folders",
        "frames",
        "kaggle_keypoints",
        "landmarks",
        "lfw",
        "loading",
        "malf",
        "mnist",
        "mtfl",
        "omniglot",
        "orl",
        "pipeline",
        "records",
        "rendered",
        "sampling",
        "splitting",
        "table",
        "vggface2",
        "wider_face",
        "youtube_faces",
    }
)


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"simlearn.data.{name}")
    raise AttributeError(f"module 'simlearn.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
