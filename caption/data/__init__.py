"""Pictures and videos with captions: readers of the public sets, and rendered scenes.

`coco`, `karpathy`, `flickr` and `msrvtt` read the files as they were downloaded; `scenes` draws
pictures of simple things together with captions that are true of them. All need numpy and Pillow
only. Submodules load when they are first touched.
"""

import importlib
from types import ModuleType

from caption.data.records import CaptionedPictures, CaptionedVideos

__all__ = ["CaptionedPictures", "CaptionedVideos"]

_SUBMODULES = frozenset({"coco", "flickr", "karpathy", "msrvtt", "records", "scenes"})


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"caption.data.{name}")
    raise AttributeError(f"module 'caption.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
