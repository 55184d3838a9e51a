"""What a data set is, whichever reader it came from: columns of numpy that a person can print.

Each record knows its pictures (`pictures`: in files or in an array), has a column for each thing
known of them, and can be printed; those to train on can be cut (`take`) and fingerprinted.
"""

from simlearn.data.records._boxes import BoxedPictures
from simlearn.data.records._files import LabelledFiles
from simlearn.data.records._images import LabelledImages, Splits
from simlearn.data.records._landmarks import UNKNOWN, Attribute, Landmark, LandmarkPictures
from simlearn.data.records._pairs import PicturePairs, VideoPairs
from simlearn.data.records._pictures import PictureArray, Pictures, StoredPictures

__all__ = [
    "UNKNOWN",
    "Attribute",
    "BoxedPictures",
    "LabelledFiles",
    "LabelledImages",
    "Landmark",
    "LandmarkPictures",
    "PictureArray",
    "PicturePairs",
    "Pictures",
    "Splits",
    "StoredPictures",
    "VideoPairs",
]
