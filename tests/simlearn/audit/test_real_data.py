"""What published splits share, as counted on real copies."""

import os
from pathlib import Path

import numpy as np
import pytest

from simlearn import audit
from simlearn.data import lfw, mtfl, omniglot, orl
from simlearn.errors import UserError

pytestmark = pytest.mark.real_data


@pytest.fixture
def root():
    return Path(os.environ["SIMLEARN_DATA"])


def names(paths):
    return [path.rpartition("/")[2] for path in paths]


def test_omniglot_holds_out_its_characters(root):
    parts = {split: omniglot.load(root / "omniglot", split) for split in omniglot.COUNTS}
    found = audit.check(
        parts,
        disjoint=("identities", *audit.PICTURES),
        threshold=audit.THRESHOLDS["omniglot"],
    )
    assert all(shared.count == 0 for shared in found.shared)
    # Of 254 million pairs; at the measured 0.08 in a million some 20 would come by chance.
    assert found.alike[0].count == pytest.approx(9, abs=4)
    background, evaluation = (found.parts[split] for split in omniglot.COUNTS)
    assert (background.identities, evaluation.identities) == (964, 659)
    assert background.unreadable == evaluation.unreadable == background.without_hash == 0
    # One drawing is in the official set twice, under two drawers.
    (twice,) = background.duplicates["pixels"].examples
    assert names(twice.split(" = ")) == ["0192_03.png", "0192_19.png"]
    assert evaluation.duplicates["pixels"].count == 0


def test_lfw_views_and_folds_share_no_person_and_views_overlap(root):
    train, test = (audit.by_folder(lfw.view1(root / "lfw", split)) for split in ("train", "test"))
    pairs = lfw.view2(root / "lfw")
    view2 = audit.by_folder(pairs)
    people = ("identities", "files")
    # The pictures of the training list are not in the copy: people and paths are compared.
    found = audit.check({"train": train, "test": test}, disjoint=people)
    assert [found.parts[p].identities for p in ("train", "test")] == [2132, 963]
    assert found.parts["train"].unreadable == 3443
    folds = {}
    for fold in range(10):
        rows = np.unique([pairs.left[pairs.fold == fold], pairs.right[pairs.fold == fold]])
        who = [view2.identities[row] for row in rows]
        folds[f"fold {fold + 1}"] = audit.Part(pairs.pictures.take(rows), who)
    audit.check(folds, disjoint=people)
    # But View 1 is of the same people as View 2, and of some of the same pictures.
    both = audit.compare({"view1": train, "view2": view2}, disjoint=people)
    assert [leak.count for leak in both.leaks] == [1689, 2507]
    with pytest.raises(UserError, match="view1 and view2 share 1,689 identities"):
        both.require()


def test_mtfl_splits_share_nothing_and_its_training_part_repeats_pictures(root):
    parts = {split: mtfl.load(root / "mtfl" / "MTFL.zip", split) for split in mtfl.COUNTS}
    found = audit.check(parts, threshold=audit.THRESHOLDS["mtfl"])
    assert found.alike[0].count == 0
    twice = found.parts["train"].duplicates["bytes"]
    assert twice.count == 5
    # A known mistake of LFW: one picture under two names.
    mistaken = names(twice.examples[0].split(" = "))
    assert mistaken == ["Carlos_Beltran_0001.jpg", "Raul_Ibanez_0001.jpg"]


def test_hashes_alone_find_part_of_what_names_know(root):
    """MTFL's copies of LFW are squashed, the others warped; names say who is right."""
    trained, tested = mtfl.load(root / "mtfl" / "MTFL.zip"), lfw.view1(root / "lfw", "test")
    known = audit.in_mtfl(tested.pictures.paths)
    assert np.count_nonzero(known) == 634
    found = audit.compare(
        {"mtfl": trained, "lfw": tested}, disjoint=("files",), threshold=audit.THRESHOLDS["mtfl"]
    )
    assert found.alike[0].count == pytest.approx(101, abs=8)
    for left, right, _ in found.alike[0].examples:
        assert names([left]) == names([right])


def test_orl_repeats_no_picture(root):
    data = orl.load(root / "orl")
    halves = {"first": data.take(data.ids % 10 < 5), "last": data.take(data.ids % 10 >= 5)}
    found = audit.check(halves, threshold=audit.THRESHOLDS["orl"])
    assert all(part.duplicates["pixels"].count == 0 for part in found.parts.values())
    # Two shots of one sitting each.
    alike = [names([left, right]) for left, right, _ in found.alike[0].examples]
    assert alike == [["2.pgm", "10.pgm"], ["4.pgm", "10.pgm"]]
    with pytest.raises(UserError, match=r"share 40 identities \(s1, s2, s3, \.\.\.\)"):
        audit.check(halves, disjoint=("identities",))
