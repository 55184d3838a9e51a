import colorsys
import json
from collections import Counter

import numpy as np
import pytest

from caption.data import coco, scenes
from caption.data.scenes import _grounds, _sprites
from simlearn.errors import UserError
from tests.caption.data import scene_reader

COUNTS = {"train": 260, "validation": 60, "test": 60, "held_out": 120}
# Degrees on the colour wheel, by eye.
HUES = {"red": 358, "orange": 29, "yellow": 50, "green": 136, "blue": 223, "purple": 278}
NAMES = {
    "left of": "left", "right of": "right", "above": "above", "below": "below", "on": "on",
    "under": "under", "in front of": "front", "behind": "behind",
}  # fmt: skip


# What the scenes of seed 0 were when they were looked at and found right.
GOLDEN_GROUNDS = ["grass", "checkered"]
GOLDEN_THINGS = [
    ("boat", "orange", "medium", (46, 11, 78, 44), 502),
    ("cube", "red", "small", (19, 34, 40, 55), 410),
    ("house", "red", "small", (88, 48, 107, 69), 296),
    ("boat", "blue", "large", (58, 79, 103, 125), 1016),
    ("umbrella", "yellow", "small", (46, 28, 65, 47), 131),
    ("umbrella", "yellow", "small", (72, 55, 93, 76), 162),
    ("umbrella", "yellow", "small", (17, 107, 36, 126), 131),
]
GOLDEN_CAPTIONS = [
    (
        "A blue boat below a small red house.",
        "On the grass, an orange boat is above a blue boat.",
    ),
    ("Three yellow umbrellas on a checkered floor.", "A picture of three yellow umbrellas."),
]
GOLDEN_MEANS = [135.05, 193.38]


@pytest.fixture(scope="module")
def rendered():
    return {name: scenes.render(count, 7, split=name) for name, count in COUNTS.items()}


def everything(rendered):
    for record in rendered.values():
        for row in range(len(record)):
            yield record, row, record.scenes[row], record.masks(row)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(128, 128), (64, 80), (200, 120)])
@pytest.mark.parametrize("split", scenes.SPLITS)
def test_every_caption_of_many_is_true(split, size):
    test_every_caption_is_true({split: scenes.render(1000, 11, split=split, size=size)})


def test_every_caption_is_true(rendered):
    checked = 0
    for record, row, scene, masks in everything(rendered):
        captions = record.captions[row]
        assert len(set(captions)) == 5
        claims = [scene_reader.parse(caption) for caption in captions]
        assert len({claim.form for claim in claims}) == 5, captions
        for claim, caption in zip(claims, captions, strict=True):
            assert scene_reader.holds(claim, scene, masks), (record.name, row, caption)
            checked += 1
    assert checked == 5 * sum(map(len, rendered.values()))


def test_the_reader_of_captions_finds_lies(rendered):
    # Captions of other pictures are nearly always wrong; if not, the test above proves nothing.
    record = rendered["train"]
    wrong = [
        scene_reader.holds(scene_reader.parse(caption), record.scenes[row], record.masks(row))
        for row in range(100)
        for caption in record.captions[row + 100]
    ]
    assert np.mean(wrong) < 0.02
    # So is each relation turned round.
    for row in range(100):
        for caption in record.captions[row]:
            claim = scene_reader.parse(caption)
            if claim.relation:
                turned = claim._replace(subject=claim.object, object=claim.subject)
                assert not scene_reader.holds(turned, record.scenes[row], record.masks(row))


def test_captions_say_everything_there_is_to_say(rendered):
    claims = [
        scene_reader.parse(caption)
        for record in rendered.values()
        for captions in record.captions
        for caption in captions
    ]
    assert {claim.form for claim in claims} == set(range(len(scene_reader.FORMS)))
    assert {claim.relation for claim in claims} == {None, *NAMES.values()}
    phrases = [p for c in claims for p in (*c.listed, c.subject, c.object) if p]
    assert {p.count for p in phrases} == {1, 2, 3, 4}
    assert {p.noun for p in phrases} == set(scenes.SHAPES)
    assert {p.colour for p in phrases} == {None, *scenes.COLOURS}
    assert {p.size for p in phrases} == {None, *scenes.SIZES}
    assert {c.ground for c in claims} == {None, *scenes.GROUNDS}
    words = " ".join(c for r in rendered.values() for cs in r.captions for c in cs).split()
    assert len({word.strip(".,").lower() for word in words}) < 100


def test_the_graph_is_what_the_masks_show(rendered):
    kinds = Counter()
    for _, _, scene, masks in everything(rendered):
        things = list(zip(scene.things, masks, strict=True))
        assert 1 <= len(things) <= 4
        assert not np.any(masks.sum(axis=0) > 1)
        for thing, mask in things:
            left, top, right, bottom = thing.box
            assert mask[top:bottom, left:right].sum() == mask.sum() >= 0.55 * thing.area
            if mask.sum() == thing.area:
                y, x = np.nonzero(mask)
                assert (x.min(), y.min(), x.max() + 1, y.max() + 1) == thing.box
        expected = {
            (a, name, b)
            for a in range(len(things))
            for b in range(len(things))
            for name, key in NAMES.items()
            if a != b and scene_reader.related(key, things[a], things[b])
        }
        assert set(scene.relations) == expected
        assert len(scene.relations) == len(expected)
        kinds.update(name for _, name, _ in expected)
    assert min(kinds.values()) > 20, kinds
    assert set(kinds) == set(scenes.RELATIONS)


def test_things_have_the_colour_and_size_that_they_are_said_to_have(rendered):
    bands = {"small": (0.12, 0.17), "medium": (0.2, 0.28), "large": (0.32, 0.42)}
    for record, row, scene, masks in everything(rendered):
        for thing, mask in zip(scene.things, masks, strict=True):
            left, top, right, bottom = thing.box
            low, high = bands[thing.size]
            assert low <= max(right - left, bottom - top) / 128 <= high, thing
            pixels = record.pictures.images[row][mask] / 255
            shades = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in pixels])
            # Without outlines, wheels, windows and highlights.
            clear = shades[(shades[:, 1] > 0.5) & (shades[:, 2] > 0.4), 0] * 360
            distances = {
                name: np.median(np.abs((clear - hue + 180) % 360 - 180))
                for name, hue in HUES.items()
            }
            assert min(distances, key=distances.get) == thing.colour, (record.name, row, thing)


def test_colours_are_told_from_every_ground():
    rng = np.random.default_rng(0)
    for name in scenes.GROUNDS:
        piece = _grounds.ground(name, 128, 128, rng).reshape(-1, 3)
        for colour, hue in HUES.items():
            paint = np.array(colorsys.hsv_to_rgb(hue / 360, 0.8, 0.8 if colour != "green" else 0.6))
            distance = np.sqrt(((piece - 255 * paint) ** 2).sum(axis=1))
            assert np.quantile(distance, 0.01) > 60, (name, colour)


def shapes_related(scene):
    return {(scene.things[a].shape, name, scene.things[b].shape) for a, name, b in scene.relations}


def test_combinations_held_out_are_in_their_split_alone(rendered):
    colours, relations = set(scenes.HELD_OUT_COLOURS), set(scenes.HELD_OUT_RELATIONS)
    assert (len(colours), len(relations)) == (12, 40)
    # Every thing and every colour is held out, and every thing is seen in the other colours.
    assert {shape for shape, _ in colours} == set(scenes.SHAPES)
    assert {colour for _, colour in colours} == set(scenes.COLOURS)
    relations |= {(b, scenes.INVERSES[name], a) for a, name, b in relations}
    assert len(relations) == 80
    seen = {"colours": set(), "relations": set()}
    for record, _, scene, _ in everything(rendered):
        found = colours & {(thing.shape, thing.colour) for thing in scene.things}
        related = relations & shapes_related(scene)
        if record.name == "rendered-held_out":
            assert found or related
            seen["colours"] |= found
            seen["relations"] |= related
        else:
            assert not found
            assert not related
    assert len(seen["colours"]) == 12
    assert {name for _, name, _ in seen["relations"]} == set(scenes.RELATIONS)


def test_captions_held_out_tell_what_is_new(rendered):
    colours = set(scenes.HELD_OUT_COLOURS)
    relations = {(a, NAMES[name], b) for a, name, b in scenes.HELD_OUT_RELATIONS}
    relations |= {(b, NAMES[scenes.INVERSES[name]], a) for a, name, b in scenes.HELD_OUT_RELATIONS}
    for record in rendered.values():
        for captions in record.captions:
            claims = [scene_reader.parse(caption) for caption in captions]
            new = [
                any((p.noun, p.colour) in colours for p in (*c.listed, c.subject, c.object) if p)
                or (c.relation and (c.subject.noun, c.relation, c.object.noun) in relations)
                for c in claims
            ]
            assert new[0] if record.name == "rendered-held_out" else not any(new), captions


def test_a_scene_depends_on_seed_split_and_position_alone(rendered):
    train = rendered["train"]
    few = scenes.render(4, 7)
    assert few.scenes == train.scenes[:4]
    assert few.captions == train.captions[:4]
    np.testing.assert_array_equal(few.pictures.images, train.pictures.images[:4])
    np.testing.assert_array_equal(few.labels, train.labels[:4])
    # What was drawn before leaves no trace in what is drawn from then on.
    _sprites.sprite.cache_clear()
    _grounds._texture.cache_clear()
    again = scenes.render(2, 7)
    np.testing.assert_array_equal(again.pictures.images, few.pictures.images[:2])
    others = [scenes.render(4, 8), *(scenes.render(4, 7, split=s) for s in scenes.SPLITS[1:])]
    assert all(len(set(few.scenes) & set(other.scenes)) == 0 for other in others)


def test_ids_are_unique_over_splits(rendered):
    ids = np.concatenate([record.ids for record in rendered.values()])
    assert len(np.unique(ids)) == len(ids)
    assert rendered["test"].ids[:3].tolist() == [2, 6, 10]


def test_the_same_scene_on_every_machine():
    record = scenes.render(2, 0)
    assert [scene.ground for scene in record.scenes] == GOLDEN_GROUNDS
    assert [t for scene in record.scenes for t in scene.things] == GOLDEN_THINGS
    assert [captions[:2] for captions in record.captions] == GOLDEN_CAPTIONS
    means = record.pictures.images.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, GOLDEN_MEANS, atol=0.05)


def test_other_sizes(rendered):
    assert rendered["train"].pictures.images.shape == (260, 128, 128, 3)
    record = scenes.render(3, 1, size=(64, 96))
    assert record.pictures.images.shape == (3, 64, 96, 3)
    assert record.labels.shape == (3, 64, 96)
    for row in range(3):
        for caption in record.captions[row]:
            claim = scene_reader.parse(caption)
            assert scene_reader.holds(claim, record.scenes[row], record.masks(row))


def test_a_record_takes_rows_together(rendered):
    record = rendered["validation"]
    assert str(record) == "rendered-validation: 60 pictures, 300 captions, 5 each"
    assert repr(record).startswith("<RenderedScenes rendered-validation: 60")
    part = record.take([5, 2], name="part")
    assert isinstance(part, scenes.RenderedScenes)
    assert part.ids.tolist() == [21, 9]
    assert part.captions == (record.captions[5], record.captions[2])
    assert part.scenes == (record.scenes[5], record.scenes[2])
    np.testing.assert_array_equal(part.pictures.images, record.pictures.images[[5, 2]])
    np.testing.assert_array_equal(part.masks(0), record.masks(5))
    assert part.name == "part"
    assert part.fingerprint() != record.take([2, 5]).fingerprint()
    with pytest.raises(ValueError, match="read-only"):
        record.labels[0] = 1
    assert str(scenes.render(0, 0)) == "rendered-train: 0 pictures"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": -1}, "count must be an integer from 0 to 2147483648, and came as -1"),
        ({"count": 1.0}, r"count must be an integer .* 1\.0"),
        ({"count": True}, "count must be an integer .* True"),
        ({"seed": -1}, "seed must be an integer from 0 to 4294967295, and came as -1"),
        ({"seed": 2**32}, "seed must be .* came as 4294967296"),
        ({"split": "dev"}, "rendered scenes has the splits 'train', .*, and not 'dev'"),
        ({"size": 128}, r"size must be \(height, width\), and came as 128"),
        ({"size": (63, 64)}, "the height must be an integer from 64 to 512, and came as 63"),
        ({"size": (64, 513)}, "the width must be .* 513"),
        ({"size": (64, 129)}, r"twice as long as the other, and size came as \(64, 129\)"),
    ],
)
def test_refuses_arguments_out_of_range(arguments, message):
    with pytest.raises(UserError, match=message):
        scenes.render(**{"count": 1, "seed": 0} | arguments)


def test_refuses_columns_that_do_not_fit(rendered):
    record = rendered["test"].take(slice(2))
    fields = {key: getattr(record, key) for key in ("pictures", "ids", "captions", "name")}
    with pytest.raises(UserError, match=r"labels must be uint8 of shape \(2, 128, 128\)"):
        scenes.RenderedScenes(**fields, labels=record.labels[:1], scenes=record.scenes)
    with pytest.raises(UserError, match="expected 2 scenes, and received 1"):
        scenes.RenderedScenes(**fields, labels=record.labels, scenes=record.scenes[:1])


@pytest.mark.parametrize(("split", "year"), [("train", 2014), ("val", 2017)])
def test_files_are_what_the_reader_of_coco_reads(tmp_path, rendered, split, year):
    record = rendered["held_out"].take(slice(6))
    path = scenes.write(tmp_path, record, split=split, year=year)
    assert path == tmp_path / "annotations" / f"captions_{split}{year}.json"
    stored = coco.load(tmp_path, split, year=year)
    assert str(stored) == f"coco-{split}{year}: 6 pictures, 30 captions, 5 each"
    assert stored.ids.tolist() == record.ids.tolist()
    assert stored.captions == record.captions
    for row in range(6):
        np.testing.assert_array_equal(stored.pictures.open(row), record.pictures.images[row])
    start = "COCO_train2014_000000000003.png" if year == 2014 else "000000000003.png"
    assert stored.pictures.paths[0] == f"{split}{year}/{start}"
    assert "rendered" in json.loads(path.read_text())["info"]["description"]


def test_jpegs_are_near(tmp_path, rendered):
    record = rendered["test"].take(slice(2))
    scenes.write(tmp_path, record, form="jpg")
    stored = coco.load(tmp_path)
    assert stored.pictures.paths[1] == "train2014/COCO_train2014_000000000006.jpg"
    difference = np.array(stored.pictures.open(1), float) - record.pictures.images[1]
    assert 0 < np.abs(difference).mean() < 4


def test_refuses_to_write_elsewhere(tmp_path, rendered):
    record = rendered["test"].take(slice(1))
    for options in ({"split": "test"}, {"year": 2015}, {"form": "gif"}):
        with pytest.raises(UserError, match="expected one of"):
            scenes.write(tmp_path, record, **options)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="expected a folder to write to"):
        scenes.write(tmp_path / "file", record)
