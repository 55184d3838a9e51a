import io
import logging
import pickle

import numpy as np
import pytest
from PIL import Image, ImageOps

from simlearn.data import Files, LandmarkPictures
from simlearn.data.augment import affine, chain, colour, cutout, elastic, flip
from simlearn.data.frames import Crop, Inside, Stretch, move
from simlearn.data.landmarks import framed_labels
from simlearn.data.loading import Loader, Skipped
from simlearn.data.mtfl import ATTRIBUTES, LANDMARKS
from simlearn.data.records import UNKNOWN, PictureArray, StoredPictures
from simlearn.errors import DatasetError, UserError
from tests.simlearn.data.pictures import encoded, folder, noise

SIZES = [(23, 17), (40, 31), (8, 9), (64, 64), (31, 40)]


def stored(path, contents):
    return StoredPictures(Files(folder(path, contents)), list(contents))


@pytest.fixture
def pictures(tmp_path):
    return stored(
        tmp_path, {f"{i}.png": encoded(noise(w, h, seed=i)) for i, (w, h) in enumerate(SIZES)}
    )


def test_each_row_holds_its_picture_whatever_the_order_and_threads(pictures):
    rows = np.array([3, 0, 3, 4, 1, 2] * 9)
    loads = [
        Loader(pictures, frame=Inside((20, 20)), workers=workers).load(rows) for workers in (1, 3)
    ]
    for loaded in loads:
        assert loaded.good.all()
        np.testing.assert_array_equal(loaded.images, loads[0].images)
        for image, matrix, row in zip(loaded.images, loaded.matrices, rows, strict=True):
            alone = Loader(pictures, frame=Inside((20, 20))).load(np.array([row]))
            np.testing.assert_array_equal(image, alone.images[0])
            np.testing.assert_array_equal(matrix, Inside((20, 20)).matrix(*SIZES[row], row))


def test_a_frame_of_the_same_size_keeps_the_pixels(pictures):
    loaded = Loader(pictures, frame=Stretch((17, 23))).load(np.array([0]))
    np.testing.assert_array_equal(loaded.images[0], noise(*SIZES[0], seed=0))


def test_batches_come_in_order(pictures):
    loader = Loader(pictures, frame=Stretch((5, 5)), channels=1)
    requests = [np.array([i % 5, (3 * i) % 5]) for i in range(20)]
    for rows, loaded in zip(requests, loader.stream((r, None) for r in requests), strict=True):
        np.testing.assert_array_equal(loaded.images, loader.load(rows).images)
        assert loaded.images.shape == (2, 5, 5, 1)


def test_an_array_without_change_is_not_touched():
    images = noise(40 * 5, 7).reshape(40, 7, 5, 3)
    loaded = Loader(PictureArray(images)).load(np.array([7, 3]))
    np.testing.assert_array_equal(loaded.images, images[[7, 3]])


def gaussian(width, height, x, y, spread=3.0):
    """A bright spot whose middle is known to a fraction of a pixel."""
    rows, columns = np.mgrid[:height, :width]
    values = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
    return np.rint(255 * values).astype(np.uint8)


def middle(image):
    weights = image[:, :, 0].astype(float)
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("size", [(90, 110), (200, 160), (460, 420), (251, 225), (397, 401)])
def test_points_go_where_the_pixels_go_to_a_tenth_of_a_pixel(tmp_path, size, form):
    """The brute force: draw a spot, move the pixels, and measure where the spot has gone."""
    width, height = size
    random = np.random.default_rng(5)
    points = random.uniform([0.4 * width, 0.4 * height], [0.6 * width, 0.6 * height], (12, 2))
    spread = 3.0 * max(size) / 100
    quality = {"quality": 100, "subsampling": 0} if form == "JPEG" else {}
    contents = {
        f"{i}.x": encoded(gaussian(width, height, *point, spread), form, **quality)
        for i, point in enumerate(points)
    }
    change = chain(flip(), affine(rotation=25, scale=0.3, shift=0.05, shear=10))(
        random, 12, (96, 80)
    )
    frame = Crop((96, 80), np.tile([0, 0, width, height], (12, 1)), margin=2)
    loaded = Loader(stored(tmp_path, contents), frame=frame).load(np.arange(12), change)
    data = one_point(points, loaded.images)
    labels = framed_labels(data, np.arange(12), loaded.matrices, loaded.mirrored)
    assert loaded.mirrored.any()
    assert not loaded.mirrored.all()
    seen = np.array([middle(image) for image in loaded.images])
    assert np.abs(seen - labels["points"][:, 0]).max() < 0.1


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_spots_stay_where_they_are_in_pictures_decoded_smaller(tmp_path, form, turn):
    # 401 pixels at a quarter are 101, the last of which is one pixel wide.
    width, height, x, y = 401, 250, 355, 215
    upright = gaussian(width, height, x, y, spread=9)
    back = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[turn]
    stored_pixels = np.asarray(ImageOps.exif_transpose(with_orientation(upright, back)))
    exif = Image.Exif()
    exif[0x0112] = turn
    options = {"exif": exif} | ({"quality": 100} if form == "JPEG" else {})
    pictures = stored(tmp_path, {"0.x": encoded(stored_pixels, form, **options)})
    for side in (100, 60, 40, 31):
        frame = Stretch((side, side))
        loaded = Loader(pictures, frame=frame, channels=1).load(np.array([0]))
        expected = move([[x, y]], frame.matrix(width, height, 0))[0]
        assert np.abs(middle(loaded.images[0]) - expected).max() < 0.1, side


def with_orientation(pixels, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", exif=exif)
    return Image.open(stream)


def one_point(points, images):
    n = len(points)
    return LandmarkPictures(
        pictures=PictureArray(images),
        points=points[:, np.newaxis].astype(np.float32),
        visible=np.ones((n, 1), np.bool_),
        landmarks=(LANDMARKS[2]._replace(mirrored=0),),
        values=np.zeros((n, 0), np.int64),
        attributes=(),
        ids=np.arange(n),
        name="spots",
    )


def faces(images):
    n = len(images)
    random = np.random.default_rng(3)
    visible = np.ones((n, 5), np.bool_)
    visible[0, 1] = visible[1, 3] = False
    return LandmarkPictures(
        pictures=PictureArray(images),
        points=random.uniform(2, 9, (n, 5, 2)).astype(np.float32) * visible[..., np.newaxis],
        visible=visible,
        landmarks=LANDMARKS,
        values=np.array([[0, 1, 1, 0], [1, 0, 0, 3], [0, 0, 1, UNKNOWN], [1, 1, 0, 2]])[:n],
        attributes=ATTRIBUTES,
        ids=np.arange(n),
        name="faces",
    )


def test_a_mirror_swaps_sides_of_points_masks_and_poses():
    data = faces(noise(4 * 12, 11).reshape(4, 11, 12, 3))
    change = flip(share=1.0)(np.random.default_rng(0), 4, (11, 12))
    loaded = Loader(data.pictures).load(np.arange(4), change)
    np.testing.assert_array_equal(loaded.images, data.pictures.images[:, :, ::-1])
    labels = framed_labels(data, np.arange(4), loaded.matrices, loaded.mirrored)
    # What was the picture's right eye is its left one now, and the columns are 11 - x.
    for old, new in ((0, 1), (1, 0), (2, 2), (3, 4), (4, 3)):
        expected = np.stack([11 - data.points[:, old, 0], data.points[:, old, 1]], -1)
        known = data.visible[:, old]
        np.testing.assert_allclose(labels["points"][known, new], expected[known], atol=1e-5)
        np.testing.assert_array_equal(labels["visible"][:, new], known)
    assert labels["pose"].tolist() == [4, 1, UNKNOWN, 2]
    assert labels["gender"].tolist() == [0, 1, 0, 1]
    assert (labels["points"][~labels["visible"]] == 0).all()


def test_mirrored_twice_is_as_before():
    data = faces(noise(4 * 12, 11).reshape(4, 11, 12, 3))
    twice = chain(flip(share=1.0), flip(share=1.0))(np.random.default_rng(0), 4, (11, 12))
    loaded = Loader(data.pictures).load(np.arange(4), twice)
    np.testing.assert_array_equal(loaded.images, data.pictures.images)
    labels = framed_labels(data, np.arange(4), loaded.matrices, loaded.mirrored)
    np.testing.assert_array_equal(labels["points"], data.points)
    np.testing.assert_array_equal(labels["pose"], data.attribute("pose"))

    # And in two goes, through the pixels and labels of the first.
    once = flip(share=1.0)(np.random.default_rng(0), 4, (11, 12))
    first = Loader(data.pictures).load(np.arange(4), once)
    moved = framed_labels(data, np.arange(4), first.matrices, first.mirrored)
    columns = [moved[attribute.name] for attribute in ATTRIBUTES]
    between = LandmarkPictures(
        pictures=PictureArray(first.images),
        points=moved["points"],
        visible=moved["visible"],
        landmarks=LANDMARKS,
        values=np.stack(columns, axis=1),
        attributes=ATTRIBUTES,
        ids=np.arange(4),
        name="mirrored",
    )
    second = Loader(between.pictures).load(np.arange(4), once)
    back = framed_labels(between, np.arange(4), second.matrices, second.mirrored)
    np.testing.assert_array_equal(second.images, data.pictures.images)
    np.testing.assert_allclose(back["points"], data.points, atol=1e-6)
    np.testing.assert_array_equal(back["visible"], data.visible)
    np.testing.assert_array_equal(back["pose"], data.attribute("pose"))


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_and_holes_change_the_pixels_they_say(channels):
    images = noise(6 * 9, 10, channels).reshape(6, 10, 9, channels)
    augmentation = chain(colour(brightness=0.3, contrast=0.5, saturation=1.0), cutout(side=0.4))
    change = augmentation(np.random.default_rng(2), 6, (10, 9))
    loaded = Loader(PictureArray(images), fill=9).load(np.arange(6), change)
    for i in range(6):
        colours = images[i].astype(float).repeat(3 // channels, axis=2)
        expected = colours @ change.colours[i, :, :3].T + change.colours[i, :, 3]
        expected = np.clip(expected, 0, 255)[:, :, :channels]
        left, top, right, bottom = change.holes[i, 0]
        expected[top:bottom, left:right] = 9
        np.testing.assert_allclose(loaded.images[i], expected, atol=0.51)


def bad_pictures(tmp_path, total=20):
    contents = {f"{i}.png": encoded(noise(seed=i)) for i in range(total)}
    contents["3.png"] = contents["3.png"][:200]
    contents["7.png"] = b"not a picture"
    record = stored(tmp_path, contents)
    (tmp_path / "11.png").unlink()
    return record


def test_bad_pictures_are_skipped_counted_once_and_listed(tmp_path, caplog):
    pictures = bad_pictures(tmp_path)
    skipped = Skipped(limit=0.15)
    loader = Loader(pictures, frame=Stretch((17, 23)), skipped=skipped)
    for _ in range(2):
        with caplog.at_level(logging.WARNING):
            loaded = loader.load(np.arange(20))
    assert np.flatnonzero(~loaded.good).tolist() == [3, 7, 11]
    assert not loaded.images[~loaded.good].any()
    for row in np.flatnonzero(loaded.good):
        np.testing.assert_array_equal(loaded.images[row], noise(seed=row))
    assert len(skipped) == len(caplog.records) == 3
    assert sorted(skipped.reasons) == [str(tmp_path / f"{i}.png") for i in (11, 3, 7)]
    assert skipped.reasons[str(tmp_path / "3.png")].startswith("expected a whole picture")
    assert "received another file" in skipped.reasons[str(tmp_path / "7.png")]
    assert "found none" in skipped.reasons[str(tmp_path / "11.png")]


def test_too_many_bad_pictures_stop_the_run(tmp_path):
    # Three of twenty are 15 %.
    loader = Loader(bad_pictures(tmp_path), frame=Stretch((9, 9)), skipped=Skipped(limit=0.14))
    with pytest.raises(DatasetError, match=r"at most 14.0% of 20 pictures to be bad, and found 3"):
        loader.load(np.arange(20))


def test_a_jpeg_far_too_large_is_decoded_smaller(tmp_path):
    smooth = Image.fromarray(noise(6, 5)).resize((960, 800), Image.Resampling.BICUBIC)
    pictures = stored(tmp_path, {"0.jpg": encoded(np.asarray(smooth), "JPEG", quality=95)})
    loaded = Loader(pictures, frame=Stretch((50, 60))).load(np.array([0]))
    expected = np.asarray(smooth.resize((60, 50), Image.Resampling.BOX)).astype(float)
    assert np.abs(loaded.images[0] - expected).mean() < 2
    np.testing.assert_array_equal(loaded.matrices[0], Stretch((50, 60)).matrix(960, 800, 0))


def test_refuses_what_cannot_be_loaded(pictures):
    with pytest.raises(UserError, match=r"expected a frame, as Stretch\(\(160, 160\)\)"):
        Loader(pictures)
    with pytest.raises(UserError, match="fill must be an integer in"):
        Loader(pictures, frame=Stretch((5, 5)), fill=256)
    with pytest.raises(UserError, match="limit must lie in"):
        Skipped(limit=2)
    with pytest.raises(UserError, match=r"expected a frame, as Stretch.* received \(5, 5\)"):
        Loader(pictures, frame=(5, 5))
    with pytest.raises(UserError, match="as the `pictures` of a record, and received a list"):
        Loader([1, 2], frame=Stretch((5, 5)))
    with pytest.raises(UserError, match=r"rows must lie in \[0, 5\), and came as 2 to 5"):
        Loader(pictures, frame=Stretch((5, 5))).load(np.array([2, 5]))
    with pytest.raises(UserError, match="a box for each of 5 pictures, and received 4 boxes"):
        Loader(pictures, frame=Crop((5, 5), np.tile([0, 0, 5, 5], (4, 1))))


def test_an_error_of_a_frame_is_not_taken_for_a_bad_picture(pictures):
    class Broken(Stretch):
        def matrix(self, width, height, row):
            raise KeyError("a mistake of one's own")

    loader = Loader(pictures, frame=Broken((5, 5)), skipped=Skipped(limit=1.0))
    with pytest.raises(KeyError, match="a mistake of one's own"):
        loader.load(np.arange(5))
    assert not loader.skipped.reasons


def test_what_is_missing_is_known_without_reading(tmp_path):
    assert bad_pictures(tmp_path).missing().tolist() == [11]
    assert PictureArray(np.zeros((3, 4, 5, 1), np.uint8)).missing().tolist() == []


def test_a_loader_goes_to_another_process(pictures):
    loader = Loader(pictures, frame=Stretch((5, 5)))
    loader.skipped.add("a.jpg", "gone", total=1000)
    copy = pickle.loads(pickle.dumps(loader))
    rows = np.arange(5)
    np.testing.assert_array_equal(copy.load(rows).images, loader.load(rows).images)
    assert copy.skipped.reasons == {"a.jpg": "gone"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": 0.5}, "fill must be an integer"),
        ({"channels": 2}, "channels must be 1, 3 or None, and came as 2"),
        ({"channels": True}, "channels must be"),
        ({"workers": 0}, "workers must be at least 1"),
    ],
)
def test_refuses_settings_out_of_range(pictures, options, message):
    with pytest.raises(UserError, match=message):
        Loader(pictures, frame=Stretch((5, 5)), **options)


@pytest.mark.parametrize("form", ["wide", "tall"])
def test_an_elastic_warp_shows_what_lay_at_the_offset_of_each_pixel(form):
    # A picture whose value is linear in x and y: bilinear sampling reads it without error, so the
    # warped value is that of the place p + u(p), u interpolated here by hand.
    width, height = (60, 40) if form == "wide" else (37, 61)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    picture = (40 + 2 * x + y).astype(np.uint8)[np.newaxis, ..., np.newaxis]
    change = elastic(strength=0.02, cells=3)(np.random.default_rng(7), 1, (height, width))
    image = Loader(PictureArray(picture)).load(np.array([0]), change).images[0, ..., 0]

    edges_x = np.rint(np.linspace(0, width, 4))
    edges_y = np.rint(np.linspace(0, height, 4))
    wrong = []
    for row in range(6, height - 6):
        for column in range(6, width - 6):
            i = np.searchsorted(edges_y, row + 0.5) - 1
            j = np.searchsorted(edges_x, column + 0.5) - 1
            down = (row + 0.5 - edges_y[i]) / (edges_y[i + 1] - edges_y[i])
            across = (column + 0.5 - edges_x[j]) / (edges_x[j + 1] - edges_x[j])
            near = change.offsets[0, i : i + 2, j : j + 2]
            offset = np.array([1 - down, down]) @ np.einsum("ijc,j->ic", near, [1 - across, across])
            expected = 40 + 2 * (column + offset[0]) + (row + offset[1])
            wrong.append(abs(image[row, column] - expected))
    # Pillow rounds to whole values.
    assert max(wrong) < 1.01
    assert np.abs(image.astype(int) - picture[0, ..., 0]).max() > 2


def test_an_elastic_warp_joins_the_matrix_in_one_sampling():
    # The same linear picture, moved by a chain of both: the place is the matrix's way back.
    x, y = np.meshgrid(np.arange(50), np.arange(50))
    picture = (60 + 2 * x + y)[np.newaxis, ..., np.newaxis].astype(np.uint8)
    chained = chain(affine(rotation=10, shift=0.05), elastic(strength=0.0))
    plain = affine(rotation=10, shift=0.05)
    loader = Loader(PictureArray(picture))
    bent, moved = (
        loader.load(np.array([0]), draw(np.random.default_rng(8), 1, (50, 50))).images[0]
        for draw in (chained, plain)
    )
    inner = slice(12, 38)
    assert np.abs(bent[inner, inner].astype(int) - moved[inner, inner]).max() <= 1


def test_two_elastic_warps_and_wrong_limits_are_refused():
    with pytest.raises(UserError, match="at most one elastic warp"):
        chain(elastic(), elastic())(np.random.default_rng(0), 2, (9, 9))
    with pytest.raises(UserError, match="strength must lie in"):
        elastic(strength=-0.1)
    with pytest.raises(UserError, match="cells must be an integer of at least 1, and came as 0"):
        elastic(cells=0)
