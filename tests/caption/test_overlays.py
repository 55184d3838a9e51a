import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from PIL import Image

from caption.data import scenes
from caption.overlays import heat_maps, overlays, sheet, word_pictures
from caption.pointing import Pointing, pointing, pooled, scene_masks
from caption.tokenizer import tokenize
from simlearn.data.frames import Cover, Crop, Inside, Stretch
from simlearn.errors import UserError
from simlearn.report import Picture, Report
from tests.simlearn.data.pictures import noise

GRID = (3, 5)
SIZE = (13, 29)


def random_attention(steps=2, locations=15, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(locations, 0.3), steps)


def at(location, locations=15):
    return np.eye(locations)[[location]]


# Heat maps.


def b_spline(x):
    """The cubic B-spline, from its definition in two pieces."""
    x = abs(x)
    if x < 1:
        return 2 / 3 - x**2 + x**3 / 2
    return (2 - x) ** 3 / 6 if x < 2 else 0.0


def naive_map(weights, size, grid):
    (height, width), (rows, columns) = size, grid
    found = np.zeros(size)
    for y, x in itertools.product(range(height), range(width)):
        down, across = (y + 0.5) * rows / height - 0.5, (x + 0.5) * columns / width - 0.5
        for r, c in itertools.product(range(-3, rows + 3), range(-3, columns + 3)):
            cell = min(max(r, 0), rows - 1) * columns + min(max(c, 0), columns - 1)
            found[y, x] += b_spline(down - r) * b_spline(across - c) * weights[cell]
    return found


def test_heat_is_the_sum_of_splines():
    attention = random_attention()
    maps = heat_maps(attention, SIZE, grid=GRID)
    assert maps.dtype == np.float32
    for weights, found in zip(attention, maps, strict=True):
        np.testing.assert_allclose(found, naive_map(weights, SIZE, GRID), atol=1e-6)


def test_even_attention_gives_even_heat_and_none_none():
    even, none = heat_maps([[1 / 15] * 15, [0.0] * 15], SIZE, grid=GRID)
    np.testing.assert_allclose(even, 1 / 15, rtol=1e-6)
    assert not none.any()


def test_the_locations_go_row_by_row():
    for location in range(15):
        (found,) = heat_maps(at(location), (30, 50), grid=GRID)
        top = np.array(np.unravel_index(np.argmax(found), found.shape))
        assert (top // 10).tolist() == [location // 5, location % 5]


def test_grids_are_square_unless_told():
    np.testing.assert_array_equal(heat_maps(at(2, 4), SIZE), heat_maps(at(2, 4), SIZE, grid=(2, 2)))


def test_heat_follows_the_frame():
    attention = random_attention()
    (whole, _) = maps = heat_maps(attention, (40, 40), grid=GRID)
    # A picture of 20x40 lies in the middle of a frame of 40x40; of one of 40x60, 10 columns on
    # either side are cut off.
    inside = heat_maps(attention, (20, 40), grid=GRID, frame=Inside((40, 40)))
    np.testing.assert_allclose(inside, maps[:, 10:30], atol=1e-6)
    cover = heat_maps(attention, (40, 60), grid=GRID, frame=Cover((40, 40)))
    np.testing.assert_allclose(cover[:, :, 10:50], maps, atol=1e-6)
    assert not cover[:, :, :10].any()
    assert not cover[:, :, 50:].any()
    stretched = heat_maps(attention, (40, 40), grid=GRID, frame=Stretch((224, 224)))
    np.testing.assert_allclose(stretched[0], whole, atol=1e-6)


class Turned:
    size = (8, 8)

    def matrix(self, width, height, row):
        return np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("attention", "options", "message"),
    [
        (np.ones(15), {}, r"attention \(steps, locations\), and received \(15,\)"),
        (np.ones((2, 0)), {}, r"received \(2, 0\)"),
        (-at(3), {}, "finite and not negative"),
        (at(3) * np.nan, {}, "finite and not negative"),
        (at(3), {}, "grid of 15 locations, and received none"),
        (at(3), {"grid": (4, 4)}, "grid of 15 locations, and received 4x4"),
        (at(3), {"grid": GRID, "size": (0, 3)}, "size as height and width of at least 1"),
        (at(3), {"grid": GRID, "frame": Turned()}, "a frame that keeps pictures upright"),
    ],
)
def test_what_is_no_attention_is_refused(attention, options, message):
    with pytest.raises(UserError, match=message):
        heat_maps(attention, **{"size": SIZE, **options})


# Overlays.


def test_overlays_are_hot_where_the_attention_is_and_grey_where_not():
    picture = np.broadcast_to(np.uint8([200, 100, 50]), (30, 50, 3))
    (found,) = overlays(picture, at(7), grid=GRID)
    assert found.dtype == np.uint8
    assert found.shape == picture.shape
    # 0.55 of the luma, 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2.
    assert found[0, 0].tolist() == found[29, 49].tolist() == [68, 68, 68]
    glow = 255 * np.array(matplotlib.colormaps["inferno"](0.88)[:3])
    hottest = found[14:16, 24:26].reshape(-1, 3).astype(int)
    np.testing.assert_allclose(hottest, [0.4 * np.array([200, 100, 50]) + 0.6 * glow] * 4, atol=3)


def test_strength_goes_from_the_picture_to_the_heat():
    picture = noise(50, 30)
    even = np.full((1, 15), 1 / 15)
    np.testing.assert_array_equal(overlays(picture, even, grid=GRID, strength=0)[0], picture)
    only = overlays(picture, even, grid=GRID, strength=1)[0]
    glow = 255 * np.array(matplotlib.colormaps["inferno"](0.88)[:3])
    np.testing.assert_allclose(only, np.broadcast_to(glow, picture.shape), atol=1)
    with pytest.raises(UserError, match=r"strength must lie in \[0, 1\], and came as 1.5"):
        overlays(picture, even, grid=GRID, strength=1.5)


def test_each_map_is_measured_by_its_own_maximum():
    picture, attention = noise(50, 30), random_attention(1)
    once, thrice = overlays(picture, np.concatenate([attention, attention * 3]), grid=GRID)
    np.testing.assert_array_equal(once, thrice)


def test_no_attention_at_all_is_a_cold_picture():
    found = overlays(np.full((4, 6, 3), 100, np.uint8), np.zeros((1, 4)))
    assert (found == 55).all()


@pytest.mark.parametrize("shape", [(30, 50), (30, 50, 1)])
def test_grey_pictures_are_taken_too(shape):
    grey = noise(50, 30, channels=1)
    attention = random_attention()
    np.testing.assert_array_equal(
        overlays(grey.reshape(shape), attention, grid=GRID),
        overlays(np.stack([grey] * 3, axis=-1), attention, grid=GRID),
    )


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), "a.jpg"],
)
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(UserError, match="expected a picture as uint8"):
        overlays(picture, at(1, 4))


# Words.


def ink(picture, side=224):
    """Columns of the title that hold ink."""
    return np.flatnonzero((picture[: side // 8] < 128).all(axis=2).any(axis=0))


def test_each_word_stands_above_its_overlay():
    picture = noise(112, 56)
    attention = random_attention()
    words = ("dog", "M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller \N{GREEK SMALL LETTER ALPHA}")
    found = word_pictures(picture, attention, words, grid=GRID)
    assert [one.shape for one in found] == [(112 + 28, 224, 3)] * 2
    large = np.asarray(Image.fromarray(picture).resize((224, 112), Image.Resampling.BICUBIC))
    for one, overlay in zip(found, overlays(large, attention, grid=GRID), strict=True):
        np.testing.assert_array_equal(one[28:], overlay)
        columns = ink(one)
        assert abs(columns[0] + columns[-1] - 223) <= 4  # In the middle.
    assert len(ink(found[1])) > len(ink(found[0]))
    # Legible: letters of more than 12 pixels.
    rows = np.flatnonzero((found[0][:28] < 128).all(axis=2).any(axis=1))
    assert np.ptp(rows) > 12


def test_long_words_are_made_smaller_then_cut():
    words = ["wheelbarrows-and-carts", "m" * 300, ""]
    found = word_pictures(noise(), np.eye(3, 4), words)
    assert [one.shape for one in found] == [found[0].shape] * 3
    for one in found[:2]:
        columns = ink(one)
        assert columns[0] >= 0
        assert columns[-1] < 224
        assert np.ptp(columns) > 150
    assert not len(ink(found[2]))
    # What was cut ends in dots, which are lower than any letter.
    end = ink(found[1])[-1]
    rows = np.flatnonzero((found[1][:28, end - 8 : end + 1] < 160).all(axis=2).any(axis=1))
    assert np.ptp(rows) < 4


@pytest.mark.parametrize("size", [(1, 1), (20_000, 3), (3, 20_000), (600, 500)])
def test_pictures_of_any_size_are_shown(size):
    found = word_pictures(noise(*size), np.eye(2, 4), ["a", "dog"])
    assert max(found[0].shape[1], found[0].shape[0] - 28) == 224


def test_the_frame_holds_for_the_picture_before_it_was_made_small():
    # Of 448x300 pixels the middle 300 columns are seen: 150 of the small picture's 224.
    picture = np.full((300, 448, 3), 255, np.uint8)
    (found,) = word_pictures(picture, np.full((1, 4), 0.25), [""], frame=Cover((32, 32)))
    seen = np.flatnonzero((found[28:] != 140).any(axis=2).all(axis=0))  # 140 = 0.55 * 255, cold.
    assert (seen[0], seen[-1]) == (37, 186)


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["a"], {}, "a word for each of 2 steps"),
        ("ab", {}, "a word for each of 2 steps"),
        (["a", "b"], {"side": 20}, "side must be at least 32"),
    ],
)
def test_words_that_do_not_fit_are_refused(words, options, message):
    with pytest.raises(UserError, match=message):
        word_pictures(noise(), np.eye(2, 4), words, **options)


def test_a_sheet_shows_the_picture_then_every_word():
    picture, words = noise(60, 40), [f"word{k}" for k in range(8)]
    attention = random_attention(8)
    cells = word_pictures(picture, attention, words, grid=GRID, side=96)
    page = sheet(picture, attention, words, grid=GRID, side=96)
    (height, width, _), gap = cells[0].shape, 4
    assert page.shape == (2 * height + 3 * gap, 5 * width + 6 * gap, 3)

    def cell(number):
        top = gap + number // 5 * (height + gap)
        left = gap + number % 5 * (width + gap)
        return page[top : top + height, left : left + width]

    for number, one in enumerate(cells, start=1):
        np.testing.assert_array_equal(cell(number), one)
    large = Image.fromarray(picture).resize((96, 64), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(cell(0)[12:][-64:], np.asarray(large))
    assert (cell(9) == 255).all()
    column = sheet(picture, attention, words, grid=GRID, side=96, columns=1)
    assert column.shape[1] == width + 2 * gap
    with pytest.raises(UserError, match="columns must be at least 1"):
        sheet(picture, attention, words, grid=GRID, columns=0)


def test_reports_show_overlays():
    report = Report("Where it looks")
    pictures = overlays(noise(60, 40), np.eye(2, 4))
    words = ("a", "dog")
    rows = [[Picture(one, label=word) for one, word in zip(pictures, words, strict=True)]]
    report.pictures([*rows, [Picture(sheet(noise(), np.eye(2, 4), words))]], caption="attention")
    assert report.html().count("data:image/png") == 3


# The pointing game.


def random_masks(count, size=SIZE, seed=0):
    return list(np.random.default_rng(seed).random((count, *size)) < 0.03)


def naive_hit(weights, mask, tolerance):
    (height, width), (rows, columns) = mask.shape, GRID
    best = max(range(15), key=lambda k: weights[k])
    y = round((best // columns + 0.5) * height / rows - 0.5)
    x = round((best % columns + 0.5) * width / columns - 0.5)
    distances = [np.hypot(y - v, x - u) for v, u in np.argwhere(mask)]
    return float(min(distances) <= tolerance)


@pytest.mark.parametrize("tolerance", [0.0, 1.5, 4.0])
def test_pointing_agrees_with_a_naive_loop(tolerance):
    attention, masks = random_attention(40, seed=1), random_masks(40)
    found = pointing(attention, masks, grid=GRID, tolerance=tolerance)
    expected = [
        naive_hit(weights, mask, tolerance) for weights, mask in zip(attention, masks, strict=True)
    ]
    assert found.hits.tolist() == expected
    assert found.accuracy == np.mean(expected)
    assert 0 < found.accuracy < 1


def test_chance_is_the_mean_over_all_orders_of_the_maps():
    attention, masks = random_attention(4, seed=2), random_masks(4, seed=1)
    masks[1] = None
    found = pointing(attention, masks, grid=GRID, tolerance=2.0)
    orders = list(itertools.permutations(range(4)))
    shuffled = [pointing(attention[list(o)], masks, grid=GRID, tolerance=2.0).hits for o in orders]
    assert len(found.hits) == 3
    np.testing.assert_allclose(found.chance, np.mean(shuffled, axis=0))
    assert 0 < found.chance_accuracy < 1


def test_tied_locations_count_in_equal_parts():
    mask = np.zeros((30, 50), np.bool_)
    mask[:10, :20] = True  # The first two of fifteen locations.
    even = pointing(np.full((1, 15), 1 / 15), [mask], grid=GRID)
    assert even.hits.tolist() == pytest.approx([2 / 15])
    pair = pointing(at(1) + at(14), [mask], grid=GRID)
    assert pair.hits.tolist() == [0.5]


def test_pointing_follows_the_frame():
    # 20x40 pixels in the middle of 40x40: the first and last row of the grid see nothing.
    grid, mask = (4, 2), np.ones((20, 40), np.bool_)
    games = [pointing(at(k, 8), [mask], grid=grid, frame=Inside((40, 40))) for k in range(8)]
    assert [game.accuracy for game in games] == [0, 0, 1, 1, 1, 1, 0, 0]
    left = mask.copy()
    left[:, 20:] = False
    games = [pointing(at(k, 8), [left], grid=grid, frame=Inside((40, 40))) for k in range(2, 6)]
    assert [game.accuracy for game in games] == [1, 0, 1, 0]
    boxes = Crop((20, 20), [[20, 0, 40, 20]])  # The right half alone.
    assert pointing(at(0, 4), [left], frame=boxes).accuracy == 0
    assert pointing(at(0, 4), [~left], frame=boxes).accuracy == 1


def test_no_word_that_names_an_object_is_no_game():
    game = pointing(random_attention(), [None, None], grid=GRID)
    assert game.hits.shape == game.chance.shape == (0,)
    assert np.isnan([game.accuracy, game.chance_accuracy]).all()
    assert pooled([]).hits.shape == (0,)
    assert pooled([game, Pointing(np.ones(2), np.zeros(2))]).accuracy == 1


@pytest.mark.parametrize(
    ("masks", "options", "message"),
    [
        ([None], {}, "a mask or None for each of 2 steps, got 1"),
        ([np.ones(SIZE), None], {}, "for step 0 float64"),
        ([np.ones(SIZE, bool), np.ones((3, 3), bool)], {}, r"for step 1 bool of shape \(3, 3\)"),
        ([None, np.zeros(SIZE, bool)], {}, "that of step 1 is empty"),
        ([None, np.ones(SIZE, bool)], {"tolerance": -1}, "tolerance must be at least 0"),
        ([None, np.ones(SIZE, bool)], {"tolerance": np.nan}, "tolerance must be at least 0"),
        ([None, np.ones(SIZE, bool)], {"grid": (2, 2)}, "grid of 15 locations"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, options, message):
    with pytest.raises(UserError, match=message):
        pointing(random_attention(), masks, **{"grid": GRID, **options})


def test_looking_waits_for_no_tensorflow():
    code = "import sys, caption.overlays, caption.pointing; print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Rendered scenes.


@pytest.fixture(scope="module")
def rendered():
    return scenes.render(120, seed=1)


def test_every_noun_of_a_rendered_caption_has_a_mask(rendered):
    nouns = {*scenes.SHAPES, *(f"{shape}s" for shape in scenes.SHAPES)}
    for row in range(len(rendered)):
        things, masks = rendered.scenes[row].things, rendered.masks(row)
        for caption in rendered.captions[row]:
            words = tokenize(caption.lower())
            found = scene_masks(rendered, row, words)
            assert [mask is not None for mask in found] == [word in nouns for word in words]
            for place, mask in enumerate(found):
                if mask is None:
                    continue
                # As many things as the phrase counts: none but these fit its words.
                counts = {"two": 2, "three": 3, "four": 4}
                count = next(
                    counts.get(word, 1)
                    for word in words[place::-1]
                    if word in counts or word in ("a", "an")
                )
                whole = [k for k in range(len(things)) if (masks[k] & mask).any()]
                assert len(whole) == count
                assert (masks[whole].any(axis=0) == mask).all()


def test_words_that_name_nothing_in_the_scene_have_no_mask(rendered):
    thing = rendered.scenes[0].things[0]
    other = next(c for c in scenes.COLOURS if all(t.colour != c for t in rendered.scenes[0].things))
    found = scene_masks(rendered, 0, [thing.colour, thing.shape, "a", other, thing.shape])
    assert [mask is not None for mask in found] == [False, True, False, False, False]


def test_attention_on_the_things_beats_the_same_shuffled(rendered):
    games = []
    for row in range(len(rendered)):
        words = tokenize(rendered.captions[row][0].lower())
        masks = scene_masks(rendered, row, words)
        attention = np.full((len(words), 196), 1 / 196)
        for step, mask in enumerate(masks):
            if mask is not None:  # The share of each location that the object covers.
                boxes = Image.fromarray(mask.astype(np.float32)).resize(
                    (14, 14), Image.Resampling.BOX
                )
                attention[step] = np.asarray(boxes).ravel() / np.asarray(boxes).sum()
        games.append(pointing(attention, masks, tolerance=2.0))
    game = pooled(games)
    assert len(game.hits) >= 2 * len(rendered) * 0.7
    assert game.accuracy > 0.95
    assert game.chance_accuracy < 0.5
