"""Points follow pixels through every augmentation; twice mirrored is not mirrored."""

import numpy as np
import pytest

from simlearn.data import augment, pipeline
from simlearn.data.alignment import Placed
from simlearn.data.frames import Crop, Inside
from simlearn.data.landmarks import framed_labels
from simlearn.data.loading import Loader
from simlearn.data.records import Attribute, Landmark, LandmarkPictures, PictureArray

SIZE = 61
ALL = {
    "flip": augment.flip(share=1.0),
    "affine": augment.affine(rotation=25, scale=0.25, shift=0.12, shear=8),
    "colour": augment.colour(brightness=0.1, contrast=0.2),
    "cutout": augment.cutout(side=0.1),
    "chain": augment.chain(
        augment.affine(rotation=20, scale=0.2), augment.flip(share=0.5), augment.affine(shift=0.1)
    ),
}


def record(count=6, seed=0):
    """Black pictures with a bright disc at each point, of another brightness each."""
    random = np.random.default_rng(seed)
    points = random.uniform(20, 40, (count, 3, 2)).astype(np.float32)
    points[:, 1] += [0, -14]
    points[:, 2] += [0, 14]
    y, x = np.mgrid[:SIZE, :SIZE]
    images = np.zeros((count, SIZE, SIZE, 1))
    for row in range(count):
        for place, (u, v) in enumerate(points[row]):
            images[row, ..., 0] += (90 + 55 * place) * np.exp(
                -((x - u) ** 2 + (y - v) ** 2) / (2 * 1.5**2)
            )
    return LandmarkPictures(
        pictures=PictureArray(np.clip(images, 0, 255).astype(np.uint8)),
        points=points,
        visible=np.ones((count, 3), bool),
        landmarks=(Landmark("left", 1), Landmark("right", 0), Landmark("nose", 2)),
        values=np.stack([np.arange(count) % 3, np.zeros(count, int)], axis=1),
        attributes=(
            Attribute("pose", ("left", "frontal", "right"), (2, 1, 0)),
            Attribute("smile", ("yes", "no")),
        ),
        ids=np.arange(count),
        name="discs",
    )


def peak(image, near):
    """Centre of the brightness around a place."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    weight = np.where((x - near[0]) ** 2 + (y - near[1]) ** 2 < 5**2, image, 0.0)
    weight = np.clip(weight - 0.3 * weight.max(), 0, None)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("frame", ["none", "crop", "placed"])
@pytest.mark.parametrize("name", ALL)
def test_points_are_where_the_pixels_went(name, frame):
    data = record()
    turn = np.array([[0.9, -0.2, 8.0], [0.2, 0.9, -2.0], [0, 0, 1]])
    frames = {
        "none": None,
        "crop": Crop((71, 71), np.tile([2.0, 1.0, 59.0, 60.0], (6, 1))),
        "placed": Placed((71, 71), np.tile(turn, (6, 1, 1))),
    }
    chosen = frames[frame]
    size = (SIZE, SIZE) if chosen is None else chosen.size
    change = ALL[name](np.random.default_rng(3), 6, size)
    rows = np.arange(6)
    loaded = Loader(data.pictures, frame=chosen).load(rows, change)
    labels = framed_labels(data, rows, loaded.matrices, loaded.mirrored)
    checked = 0
    for image, points, mirrored, holes in zip(
        loaded.images[..., 0].astype(float),
        labels["points"],
        loaded.mirrored,
        change.holes,
        strict=True,
    ):
        order = [1, 0, 2] if mirrored else [0, 1, 2]  # Discs have the brightness of their own.
        for place, point in enumerate(points):
            others = np.delete(points, place, axis=0)
            inside = np.all((point > 6) & (point < np.array(size[::-1]) - 7))
            if not inside or np.linalg.norm(others - point, axis=1).min() < 11:
                continue
            x, y = np.rint(point).astype(int)
            if any(
                left - 6 < x < right + 6 and top - 6 < y < bottom + 6
                for left, top, right, bottom in holes
            ):
                continue
            assert np.linalg.norm(peak(image, point) - point) < 0.6, (place, point)
            if name in ("flip", "affine"):
                seen = image[y - 1 : y + 2, x - 1 : x + 2].max()
                # Sampling between pixels takes a little off the peaks of 90, 145 and 200.
                assert np.abs(seen - 0.93 * np.array([90, 145, 200])).argmin() == order[place]
            checked += 1
    assert checked >= 6


def test_mirrored_twice_is_the_identity():
    data, rows = record(), np.arange(6)
    twice = augment.chain(ALL["flip"], ALL["flip"])
    change = twice(np.random.default_rng(0), 6, (SIZE, SIZE))
    loaded = Loader(data.pictures).load(rows, change)
    labels = framed_labels(data, rows, loaded.matrices, loaded.mirrored)
    np.testing.assert_array_equal(loaded.images, data.pictures.images)
    np.testing.assert_allclose(labels["points"], data.points, atol=1e-4)
    np.testing.assert_array_equal(labels["pose"], data.attribute("pose"))


def test_a_mirrored_record_mirrored_again_is_the_record():
    data, rows = record(), np.arange(6)

    def mirrored(one):
        change = ALL["flip"](np.random.default_rng(0), 6, (SIZE, SIZE))
        loaded = Loader(one.pictures).load(rows, change)
        labels = framed_labels(one, rows, loaded.matrices, loaded.mirrored)
        return LandmarkPictures(
            pictures=PictureArray(loaded.images),
            points=labels["points"],
            visible=labels["visible"],
            landmarks=one.landmarks,
            values=np.stack([labels["pose"], labels["smile"]], axis=1),
            attributes=one.attributes,
            ids=one.ids,
            name=one.name,
        )

    once = mirrored(data)
    assert not np.array_equal(once.pictures.images, data.pictures.images)
    np.testing.assert_array_equal(once.attribute("pose"), 2 - data.attribute("pose"))
    again = mirrored(once)
    np.testing.assert_array_equal(again.pictures.images, data.pictures.images)
    np.testing.assert_allclose(again.points, data.points, atol=1e-4)
    np.testing.assert_array_equal(again.values, data.values)


def test_targets_hold_what_is_known_beside_the_points():
    data = record()
    visible = data.visible.copy()
    visible[2, 1] = False
    data = LandmarkPictures(**{**vars(data), "visible": visible})
    batches = pipeline.landmark_batches(
        data, lambda epoch: np.arange(6)[None], seed=0, epochs=1, frame=Inside((31, 31))
    ).map(lambda images, labels: (images, pipeline.landmark_targets(labels)))
    _, targets = next(iter(batches))
    assert set(targets) == {"points", "pose", "smile"}
    assert targets["points"].shape == (6, 3, 3)
    np.testing.assert_array_equal(targets["points"][..., 2].numpy(), visible.astype("float32"))
    assert targets["points"][2, 1].numpy().tolist() == [0.0, 0.0, 0.0]
