"""The usual verification scores at once, for a table."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from simlearn.metrics.verification._arguments import as_pairs
from simlearn.metrics.verification._curve import auc_of, equal_error_of, roc
from simlearn.metrics.verification._operating import can_show, check_far, point_at


def verification_scores(
    distances: ArrayLike, same: ArrayLike, *, fars: Sequence[float] = (1e-1, 1e-2, 1e-3)
) -> dict[str, float | None]:
    """AUC, EER and TAR@FAR of pairs, each TAR with the FAR that was measured.

    A FAR that the different pairs are too few to show is not extrapolated to: its two entries are
    None. No threshold is chosen here, and no accuracy given: see `accuracy_at` and `fold_scores`.

    Args:
        distances: ``(pairs,)``, finite; smaller is more similar.
        same: ``(pairs,)`` booleans (or 0 and 1), both values present.
        fars: the false accept rates allowed, each in 0..1 exclusive.

    Returns:
        ``auc`` and ``eer``; ``tar_at_far_<far>`` and ``measured_far_<far>`` for each FAR, or None;
        ``same_pairs`` and ``different_pairs``, the counts.

    Raises:
        UserError: as `roc`, or if a FAR is outside its range.

    Examples:
        >>> verification_scores([0.1, 0.2, 0.3, 0.4, 0.5], [1, 0, 1, 0, 0], fars=(0.4, 0.1))
        {'auc': 0.8333333333333334, 'eer': 0.3333333333333333,
         'tar_at_far_0.4': 1.0, 'measured_far_0.4': 0.3333333333333333,
         'tar_at_far_0.1': None, 'measured_far_0.1': None,
         'same_pairs': 2.0, 'different_pairs': 3.0}

    Reference:
        F. Schroff et al., FaceNet: A Unified Embedding for Face Recognition and Clustering,
        CVPR 2015, the definition of VAL(d) and FAR(d) in its section on evaluation.
    """
    for far in fars:
        check_far(far)
    values, positive = as_pairs(distances, same)
    curve = roc(values, positive)
    negatives = int(np.count_nonzero(~positive))
    scores: dict[str, float | None] = {"auc": auc_of(curve), "eer": equal_error_of(curve).rate}
    for far in fars:
        point = point_at(curve, far) if can_show(far, negatives) else None
        scores[f"tar_at_far_{far:g}"] = None if point is None else point.tar
        scores[f"measured_far_{far:g}"] = None if point is None else point.far
    counts = {"same_pairs": len(positive) - negatives, "different_pairs": negatives}
    return scores | {name: float(count) for name, count in counts.items()}
