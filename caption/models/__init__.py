"""Captioners, from Show and Tell to adaptive attention, under one interface.

All are `Captioner`s: called with features of pictures and captions they score each next word in
one pass (teacher forcing); `look`, `begin` and `step` say one word after the other, as
`caption.decoding` asks for it.
"""

from caption.models._base import Captioner
from caption.models._fine_tuned import FineTuned
from caption.models._knowing import AdaptiveAttention, SpatialAttention
from caption.models._recurrent import LRCN, MultimodalRNN, ShowAndTell
from caption.models._tell import HardAttention, SoftAttention

__all__ = [
    "LRCN",
    "AdaptiveAttention",
    "Captioner",
    "FineTuned",
    "HardAttention",
    "MultimodalRNN",
    "ShowAndTell",
    "SoftAttention",
    "SpatialAttention",
]
