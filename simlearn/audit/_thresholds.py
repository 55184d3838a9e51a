"""The thresholds that were measured, one for each data set."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simlearn.audit._measure import CHANGES, Threshold

_ALL: Final = MappingProxyType(dict.fromkeys(CHANGES, 1.0))

THRESHOLDS: Final[Mapping[str, Threshold]] = MappingProxyType(
    {
        "omniglot": Threshold(
            distance=39,
            data="omniglot-background",
            pictures=10000,
            different="identities",
            pairs=49945761,
            false_hits=4,
            recall=_ALL,
            copies=500,
            seed=0,
        ),
        "orl": Threshold(
            distance=32,
            data="orl",
            pictures=400,
            different="identities",
            pairs=78000,
            false_hits=0,
            recall=_ALL,
            copies=400,
            seed=0,
        ),
        "lfw": Threshold(
            distance=18,
            data="lfw",
            pictures=1549,
            different="identities",
            pairs=1197943,
            false_hits=0,
            recall=_ALL,
            copies=500,
            seed=0,
        ),
        "mtfl": Threshold(
            distance=57,
            data="mtfl-train",
            pictures=9983,
            different="pictures",
            pairs=49825147,
            false_hits=4,
            recall=_ALL,
            copies=500,
            seed=0,
        ),
        "flickr8k": Threshold(
            distance=22,
            data="flickr8k",
            pictures=875,
            different="pictures",
            pairs=382375,
            false_hits=0,
            recall=_ALL,
            copies=500,
            seed=0,
        ),
        "coco": Threshold(
            distance=20,
            data="coco",
            pictures=75,
            different="pictures",
            pairs=2775,
            false_hits=0,
            recall=_ALL,
            copies=75,
            seed=0,
        ),
        "digits": Threshold(
            distance=3,
            data="digits",
            pictures=1797,
            different="pictures",
            pairs=1613706,
            false_hits=0,
            recall=MappingProxyType(dict.fromkeys(CHANGES, 0.0) | {"JPEG quality 75": 0.032}),
            copies=500,
            seed=0,
        ),
    }
)
"""What `measure` gave, with its defaults, for `omniglot.load(root)` (background), `orl.load(root)`,
`lfw.people(root)` (the deep-funneled pictures of View 1's test list), `mtfl.load(root)` (shrunk to
80x80), 875 pictures of Flickr8k, 75 of COCO, and `Part(digits.load().pictures)`. Of these only the
first and MTFL have enough pairs to show a rate of 1e-7. Digits of 8x8 pixels are too small to hash:
hardly any copy is recognised, and of alike pictures the audit of them says nothing."""
