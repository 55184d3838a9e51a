import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simlearn import audit
from simlearn.audit import THRESHOLDS, Part, measure, perceptual_hashes
from simlearn.data import Files, LabelledImages, digits, lfw, mtfl, omniglot, orl
from simlearn.data.records import PictureArray, StoredPictures
from simlearn.errors import UserError
from tests.simlearn.audit.test_hashes import smooth


def photos(count, seed=0):
    return smooth(count, seed)[..., np.newaxis]


def different_pairs(images, who):
    """Distances of pairs with other labels and other pixels, by a loop, ascending."""
    hashes = perceptual_hashes(images[..., 0])[0]
    return sorted(
        (int.from_bytes(hashes[i].tobytes()) ^ int.from_bytes(hashes[j].tobytes())).bit_count()
        for i in range(len(images))
        for j in range(i)
        if who[i] != who[j] and (images[i] != images[j]).any()
    )


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_the_largest_distance_with_few_false_hits_is_chosen(rate):
    images, labels = photos(41), np.arange(41) % 7
    images[30] = images[3]  # other labels, but the same pixels: not known to differ
    wanted = different_pairs(images, labels)
    found = measure(LabelledImages(images, labels, np.arange(41), "photos"), rate=rate)
    assert (found.pairs, found.data, found.different) == (len(wanted), "photos", "identities")
    allowed = int(rate * len(wanted))
    assert 1 <= allowed < len(wanted)
    # As large as possible: at the next distance there would be too many.
    assert found.false_hits == sum(d <= found.distance for d in wanted) <= allowed
    assert sum(d <= found.distance + 2 for d in wanted) > allowed
    assert found.false_hits_per_million == pytest.approx(1e6 * found.false_hits / len(wanted))


def test_too_few_pairs_for_the_rate_keep_to_what_copies_need():
    images = photos(23)
    found = measure(Part(PictureArray(images)), name="few")
    assert (found.pairs, found.false_hits, found.different) == (23 * 22 // 2, 0, "pictures")
    # The farthest copy is recognised, and nothing farther: by Pillow and a loop.
    far = []
    for picture in images[..., 0]:
        original = Image.fromarray(picture)
        for make in audit.CHANGES.values():
            copy = make(original).convert("L").resize((64, 64), Image.Resampling.BOX)
            both = perceptual_hashes(np.stack([picture, np.asarray(copy)]))[0]
            far.append(int(np.bitwise_count(both[0] ^ both[1]).sum()))
    assert found.distance == max(far) < min(different_pairs(images, np.arange(23)))
    assert set(found.recall.values()) == {1.0}
    assert found.copies == 23


def test_what_copies_need_never_lets_different_pictures_in():
    # Two pictures that differ by little, under other names.
    images = photos(17)
    images[11] = images[4]
    images[11, 20:24, 30:34] ^= 15
    near = different_pairs(images, np.arange(17))[0]
    found = measure(Part(PictureArray(images)))
    assert 0 <= near <= 10
    assert (found.false_hits, found.distance) == (0, near - 1)
    assert measure(Part(PictureArray(images)), rate=0) == found
    assert min(found.recall.values()) < 1


def test_pictures_are_drawn_by_the_seed():
    data = LabelledImages(photos(53), np.arange(53) % 11, np.arange(53), "photos")
    first, again, other = (
        measure(data, pictures=29, copies=5, rate=0.02, seed=s) for s in (3, 3, 4)
    )
    assert first == again
    assert (first.pictures, first.copies) == (29, 5)
    assert first.pairs != other.pairs


def test_bad_arguments_are_refused():
    data = LabelledImages(photos(5), np.arange(5), np.arange(5), "photos")
    for wrong in ({"pictures": 1}, {"copies": 0}, {"rate": 1.0}, {"rate": -0.1}, {"seed": -1}):
        with pytest.raises(UserError, match="expected at least 2 pictures, 1 copy, a rate"):
            measure(data, **wrong)
    same = LabelledImages(np.repeat(photos(1), 4, axis=0), np.arange(4), np.arange(4), "same")
    blank = LabelledImages(np.zeros((4, 9, 9, 1), np.uint8), np.arange(4), np.arange(4), "blank")
    for data in (same, blank):
        with pytest.raises(UserError, match="at least two pictures that differ, and found none"):
            measure(data)


def test_the_table_is_json_and_says_how_it_was_measured():
    assert set(THRESHOLDS) == {"digits", "omniglot", "orl", "lfw", "mtfl", "flickr8k", "coco"}
    for threshold in THRESHOLDS.values():
        assert json.loads(json.dumps(threshold.as_json())) == threshold.as_json()
        assert threshold.false_hits_per_million <= 0.1
        assert set(threshold.recall) == set(audit.CHANGES)


def stored(root, name):
    files = Files(root)
    return Part(StoredPictures(files, files.names((".jpg",))))


def agrees(found, threshold):
    """Another build of Pillow's decoders may move a hash by a bit or two."""
    assert abs(found.distance - threshold.distance) <= 4
    assert abs(found.false_hits - threshold.false_hits) <= 3
    for change, recall in threshold.recall.items():
        assert found.recall[change] == pytest.approx(recall, abs=0.03)
    same = ("data", "different", "copies", "seed")
    assert [getattr(found, f) for f in same] == [getattr(threshold, f) for f in same]
    assert found.pairs == pytest.approx(threshold.pairs, rel=1e-4)


def test_the_digits_threshold_is_measured_anew():
    agrees(measure(Part(digits.load().pictures), name="digits"), THRESHOLDS["digits"])


SETS = {
    "omniglot": lambda root: omniglot.load(root / "omniglot"),
    "orl": lambda root: orl.load(root / "orl"),
    "lfw": lambda root: lfw.people(root / "lfw"),
    "mtfl": lambda root: mtfl.load(root / "mtfl" / "MTFL.zip"),
    "flickr8k": lambda root: stored(root / "flickr8k" / "flickr8k-subset.zip", "flickr8k"),
    "coco": lambda root: stored(root / "coco" / "val2017-mini.zip", "coco"),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", SETS)
def test_the_table_is_measured_anew(name):
    data = SETS[name](Path(os.environ["SIMLEARN_DATA"]))
    found = measure(data, name=None if hasattr(data, "name") else name)
    print(dataclasses.asdict(found))
    agrees(found, THRESHOLDS[name])
