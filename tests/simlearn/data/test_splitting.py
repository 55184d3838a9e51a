from collections import Counter

import numpy as np
import pytest

from simlearn.data import Files, LabelledFiles, LabelledImages
from simlearn.data.records import StoredPictures
from simlearn.data.splitting import split_by_class, split_within_classes
from simlearn.errors import UserError

SIZES = {7: 1, -3: 2, 2**40: 3, 5: 10, 11: 17, 2: 4, 13: 20}


def example(order_seed=0):
    labels = np.repeat(list(SIZES), list(SIZES.values()))
    ids = 1000 - np.arange(len(labels))
    order = np.random.default_rng(order_seed).permutation(len(labels))
    images = np.zeros((len(labels), 2, 3, 1), np.uint8)
    return LabelledImages(images=images, labels=labels[order], ids=ids[order], name="example")


SPLITS = [split_by_class, split_within_classes]


@pytest.mark.parametrize("split", SPLITS)
def test_every_picture_is_in_one_part_with_its_label_in_the_order_of_the_record(split):
    record = example()
    parts = split(record, share=0.3, seed=1)
    assert [part.name for part in parts] == ["example-rest", "example-held-out"]
    label_of = dict(zip(record.ids.tolist(), record.labels.tolist(), strict=True))
    ids = [part.ids.tolist() for part in parts]
    assert sorted(ids[0] + ids[1]) == sorted(label_of)
    for part, part_ids in zip(parts, ids, strict=True):
        assert part.labels.tolist() == [label_of[i] for i in part_ids]
        assert part_ids == [i for i in record.ids.tolist() if i in set(part_ids)]


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_depends_on_seed_labels_and_ids_alone(split):
    def held_out(order_seed, seed):
        part = split(example(order_seed), share=0.4, seed=seed)[1]
        return frozenset(part.ids.tolist())

    assert held_out(0, seed=1) == held_out(5, seed=1)
    assert len({held_out(0, seed) for seed in range(20)}) > 5


# 7 classes: 0.3 of them is 2.1, 0.5 is 3.5, 0.99 is 6.93, of which one has to stay.
@pytest.mark.parametrize(("share", "count"), [(0.3, 2), (0.5, 4), (0.01, 1), (0.99, 6)])
def test_by_class_the_parts_have_no_class_in_common(share, count):
    for seed in range(5):
        rest, held_out = split_by_class(example(), share=share, seed=seed)
        first, second = (set(part.labels.tolist()) for part in (rest, held_out))
        assert len(second) == count
        assert not first & second
        assert first | second == set(SIZES)


# A quarter of 1, 2, 3, 10, 17, 4 and 20; one of two or more at least, 2.5 to 3.
QUARTERS = {7: 0, -3: 1, 2**40: 1, 5: 3, 11: 4, 2: 1, 13: 5}


def test_within_classes_each_gives_its_share():
    for seed in range(5):
        _, held_out = split_within_classes(example(), share=0.25, seed=seed)
        counts = Counter(held_out.labels.tolist())
        assert {label: counts[label] for label in SIZES} == QUARTERS
    rest, _ = split_within_classes(example(), share=0.99, seed=0)
    assert set(Counter(rest.labels.tolist()).values()) == {1}


def test_within_classes_every_picture_may_be_held_out():
    record = example()
    often = Counter()
    for seed in range(400):
        often.update(split_within_classes(record, share=0.25, seed=seed)[1].ids.tolist())
    labels = dict(zip(record.ids.tolist(), record.labels.tolist(), strict=True))
    expected = {i: 400 * QUARTERS[label] / SIZES[label] for i, label in labels.items()}
    # Five standard deviations of a binomial count are at most 5 * sqrt(400 / 4) = 50.
    assert all(abs(often[i] - expected[i]) < 50 for i in expected)


def test_files_are_split_too(tmp_path):
    record = LabelledFiles(
        pictures=StoredPictures(Files(tmp_path), ["a/1", "b/1", "a/2", "b/2", "c/1"]),
        labels=np.array([0, 1, 0, 1, 3]),
        classes=("a", "b", "none", "c"),
        ids=np.arange(5),
        name="files",
    )
    rest, held_out = split_within_classes(record, share=0.5, seed=0)
    assert sorted(path[0] for path in held_out.pictures.paths) == ["a", "b"]
    assert rest.classes == held_out.classes == record.classes
    rest, held_out = split_by_class(record, share=0.4, seed=3)
    assert {p[0] for p in rest.pictures.paths} | {p[0] for p in held_out.pictures.paths} == set(
        "abc"
    )
    assert len(set(held_out.labels.tolist())) == 1


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0}, "share must lie above 0 and below 1, and came as 0"),
        ({"share": 1}, "share must .* came as 1"),
        ({"share": -0.5}, "came as -0.5"),
        ({"share": float("nan")}, "came as nan"),
        ({"seed": -1}, "seed must be at least 0, and came as -1"),
    ],
)
def test_arguments_out_of_range_are_refused(split, options, message):
    with pytest.raises(UserError, match=message):
        split(example(), **{"share": 0.5, "seed": 0} | options)


def test_a_record_that_cannot_be_split_is_refused():
    record = example()
    single = record.take(record.labels == 13)
    with pytest.raises(UserError, match="example: expected at least 2 classes, and found 1"):
        split_by_class(single, share=0.5, seed=0)
    first = [record.labels.tolist().index(label) for label in SIZES]
    for part in (record.take(first), record.take([])):
        with pytest.raises(UserError, match="expected a class with at least 2 pictures"):
            split_within_classes(part, share=0.5, seed=0)
    with pytest.raises(UserError, match="expected at least 2 classes, and found 0"):
        split_by_class(record.take([]), share=0.5, seed=0)
