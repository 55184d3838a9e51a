"""The 1,797 real handwritten digits of 8x8 pixels that ship inside scikit-learn."""

import numpy as np
from sklearn.datasets import load_digits

from simlearn.data.records import LabelledImages, Splits

FORM_STARTS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)
"""The row at which each copied-out form begins; see `splits`."""

_FIRST_VALIDATION_FORM = 8
_FIRST_TEST_FORM = 10
_INK_LEVELS = 16


def load() -> LabelledImages:
    """All 1,797 digits, in the order of scikit-learn; the id of a digit is its row there.

    The source counts ink in blocks of 4x4 pixels, 0 to 16; here that becomes 0 to 255, rounded.

    Returns:
        Images `(1797, 8, 8, 1)` with bright ink on black, labels 0 to 9.

    Examples:
        >>> print(load())
        digits: 1797 pictures of 8x8x1, 10 classes with 174 to 183 pictures

    Reference:
        Alpaydin, Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning
        Repository, 1998 (https://doi.org/10.24432/C50P49, CC BY 4.0), the test part.
    """
    source = load_digits()
    scaled = np.rint(source.images * (255 / _INK_LEVELS)).astype(np.uint8)
    return LabelledImages(
        images=scaled[..., np.newaxis],
        labels=source.target.astype(np.int64),
        ids=np.arange(len(scaled), dtype=np.int64),
        name="digits",
    )


def splits() -> Splits:
    """Train, validation and test: 1,029, 258 and 510 digits (57, 14 and 28 %), never shuffled.

    A random split would put digits of the same hand on both sides and make the score too good.
    The source says that 13 people wrote these digits, but not who wrote which. Its rows, however,
    run 14 times through the same text of some 130 digits, with a few digits missing
    (`FORM_STARTS`). We assume, and cannot prove, that each run is one form filled in by one
    person, and cut only between runs: 8 forms to train, 2 to validate, 4 to test. If one person
    filled in two forms, that person may still be on both sides of a cut.

    Examples:
        >>> for part in splits():
        ...     print(part)
        digits-train: 1029 pictures of 8x8x1, 10 classes with 101 to 105 pictures
        digits-validation: 258 pictures of 8x8x1, 10 classes with 24 to 26 pictures
        digits-test: 510 pictures of 8x8x1, 10 classes with 47 to 52 pictures
    """
    digits = load()
    validation = FORM_STARTS[_FIRST_VALIDATION_FORM]
    test = FORM_STARTS[_FIRST_TEST_FORM]
    return Splits(
        train=digits.take(slice(0, validation), name="digits-train"),
        validation=digits.take(slice(validation, test), name="digits-validation"),
        test=digits.take(slice(test, None), name="digits-test"),
    )
