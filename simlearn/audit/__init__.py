"""Leakage between the parts of a data set: is what a model is tested on what it was trained on?

`check` compares the parts before training: identities, ids, files, their bytes, decoded pixels and
perceptual hashes. `measure` finds the threshold of the hashes for a data set, `THRESHOLDS` holds
those that were measured. Which pairs of LFW MTFL has trained on is known by name. numpy and
Pillow, no Keras.
"""

from simlearn.audit._compare import PICTURES, check, compare
from simlearn.audit._hashes import BITS, perceptual_hashes
from simlearn.audit._labels import DOUBTS, Doubt, DoubtKind, doubtful_labels, kinds_of
from simlearn.audit._measure import CHANGES, Threshold, measure
from simlearn.audit._overlaps import (
    MTFL_IN_LFW,
    hashed_names,
    in_mtfl,
    lfw_names_of_mtfl,
    pairs_in_mtfl,
)
from simlearn.audit._parts import Auditable, Part, by_folder, part
from simlearn.audit._result import KINDS, Alike, Audit, Duplicates, Kind, PartSeen, Shared
from simlearn.audit._thresholds import THRESHOLDS

__all__ = [
    "BITS",
    "CHANGES",
    "DOUBTS",
    "KINDS",
    "MTFL_IN_LFW",
    "PICTURES",
    "THRESHOLDS",
    "Alike",
    "Audit",
    "Auditable",
    "Doubt",
    "DoubtKind",
    "Duplicates",
    "Kind",
    "Part",
    "PartSeen",
    "Shared",
    "Threshold",
    "by_folder",
    "check",
    "compare",
    "doubtful_labels",
    "hashed_names",
    "in_mtfl",
    "kinds_of",
    "lfw_names_of_mtfl",
    "measure",
    "pairs_in_mtfl",
    "part",
    "perceptual_hashes",
]
