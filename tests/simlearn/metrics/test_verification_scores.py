import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from simlearn.errors import UserError
from simlearn.metrics import equal_error_rate, verification_scores


def pairs(negatives=300, positives=71):
    rng = np.random.default_rng(0)
    same = np.arange(negatives + positives) < positives
    return rng.gamma(3.0, size=len(same)) + 4.0 * ~same, same


def test_scores_agree_with_scikit_learn():
    distances, same = pairs()
    scores = verification_scores(distances, same, fars=(0.1, 0.02))
    assert scores["auc"] == pytest.approx(roc_auc_score(same, -distances), rel=1e-12)
    assert scores["eer"] == equal_error_rate(distances, same).rate
    far, tar, _ = roc_curve(same, -distances, drop_intermediate=False)
    for allowed in (0.1, 0.02):
        last = np.flatnonzero(far <= allowed)[-1]
        assert scores[f"tar_at_far_{allowed}"] == tar[last]
        assert scores[f"measured_far_{allowed}"] == far[last]
    assert (scores["same_pairs"], scores["different_pairs"]) == (71.0, 300.0)


def test_a_far_that_the_pairs_cannot_show_is_absent():
    scores = verification_scores(*pairs(), fars=(1 / 300, 1e-3))
    assert scores["measured_far_0.00333333"] <= 1 / 300
    assert scores["tar_at_far_0.001"] is None
    assert scores["measured_far_0.001"] is None
    assert verification_scores(*pairs(1000), fars=(1e-3,))["tar_at_far_0.001"] is not None


def test_names_stay_apart_and_in_order():
    names = list(verification_scores(*pairs()))
    assert names[:4] == ["auc", "eer", "tar_at_far_0.1", "measured_far_0.1"]
    assert len(set(names)) == 2 + 2 * 3 + 2


@pytest.mark.parametrize("far", [0.0, 1.0, -1.0, np.nan])
def test_refuses_a_far_outside_its_range(far):
    with pytest.raises(UserError, match="far: expected a rate between 0 and 1"):
        verification_scores(*pairs(), fars=(0.1, far))


def test_refuses_pairs_of_one_kind():
    with pytest.raises(UserError, match="both kinds, got 2 same"):
        verification_scores([0.1, 0.2], [1, 1])
