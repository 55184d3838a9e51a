"""Rendered scenes: a stand-in for captioned photographs, to run captioning without any download.

Simple things on a textured ground, with captions, the mask of each thing and the graph of the
scene. Every caption is true of its picture. Some combinations of thing and colour and of things
and relation are never drawn but in the split `held_out`. Scores on rendered scenes say nothing
about photographs, and are called rendered wherever they are shown.
"""

from caption.data.scenes._record import RenderedScenes, render
from caption.data.scenes._scene import (
    COLOURS,
    GROUNDS,
    HELD_OUT_COLOURS,
    HELD_OUT_RELATIONS,
    INVERSES,
    RELATIONS,
    SHAPES,
    SIZES,
    SPLITS,
    SUPPORTS,
    Relation,
    Scene,
    Thing,
)
from caption.data.scenes._sentences import captions_of
from caption.data.scenes._write import write

__all__ = [
    "COLOURS",
    "GROUNDS",
    "HELD_OUT_COLOURS",
    "HELD_OUT_RELATIONS",
    "INVERSES",
    "RELATIONS",
    "SHAPES",
    "SIZES",
    "SPLITS",
    "SUPPORTS",
    "Relation",
    "RenderedScenes",
    "Scene",
    "Thing",
    "captions_of",
    "render",
    "write",
]
