import dataclasses
import os

import numpy as np
import pytest
from PIL import Image

from simlearn.data import lfw, mtfl
from simlearn.data.rendered import _anatomy, _drawing, _lists, _making, _raster, _shots, faces
from simlearn.errors import UserError

MARKERS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]
LEFT_EYE, RIGHT_EYE, NOSE, LEFT_MOUTH, RIGHT_MOUTH = range(5)


def drawn(identity=3, *, markers=True, size=240, iris=None, **changes):
    """One picture without glasses, pitch, noise and blur, and its landmarks."""
    person = _anatomy.person(5, identity)
    if iris is not None:
        person = dataclasses.replace(person, iris=iris)
    plain = {"glasses": False, "pitch": 0.0, "roll": 0.0, "noise": 0.0, "blur": 0.0, "grey": False}
    shot = _shots.shot(person, faces.CLOSE, 5, identity, 0)
    shot = dataclasses.replace(shot, **plain | changes)
    return _drawing.draw(person, shot, size, key=(5, identity, 0), markers=markers)


def known(count, setting, seed=0):
    """Landmarks as shares of the side, values and yaw of many faces that are not drawn."""
    points, values, yaw = [], [], []
    for identity in range(count):
        person = _anatomy.person(seed, identity)
        shot = _shots.shot(person, setting, seed, identity, 0)
        # Pixel centres lie half a pixel inside the picture.
        points.append((_drawing.view(person, shot, 100).points + 0.5) / 100)
        values.append((not person.male, not shot.smiles, not shot.glasses, shot.pose))
        yaw.append(shot.yaw)
    return np.array(points), np.array(values, int), np.array(yaw)


def centre_of(mask):
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


# What is drawn.


@pytest.mark.parametrize("yaw", [-50, -25, 0, 25, 50])
@pytest.mark.parametrize("smile", [0.0, 1.0])
def test_landmarks_lie_where_the_features_are_drawn(yaw, smile):
    # Beyond the bridge of the nose the other eye and corner of the mouth may be hidden.
    far = {-50: [LEFT_EYE, LEFT_MOUTH], 50: [RIGHT_EYE, RIGHT_MOUTH]}.get(yaw, [])
    for identity in (3, 4):
        pixels, points = drawn(identity, yaw=yaw, roll=7.0, pitch=-4.0, smile=smile, lids=1.1)
        for point, colour in enumerate(MARKERS):
            dot = np.abs(pixels.astype(int) - colour).max(axis=-1) < 60
            if point in far:
                continue
            assert dot.sum() > 5, point
            # The dot on the tip of the nose is bent around it.
            slack = 1.6 if point == NOSE else 0.5
            assert np.abs(centre_of(dot) - points[point]).max() < slack, point


@pytest.mark.parametrize("yaw", [-30, 0, 30])
def test_an_eye_is_where_its_iris_is(yaw):
    pixels, points = drawn(
        8, markers=False, yaw=yaw, lids=1.1, gaze=(0.05, 0.0), iris=(0.0, 0.0, 255.0),
        light=np.array([0.0, 0.0, 1.0]), light_strength=0.5, ambient=0.5, tint=np.ones(3),
    )  # fmt: skip
    rows, columns = np.indices(pixels.shape[:2])
    red, green, blue = np.moveaxis(pixels.astype(int), -1, 0)
    for x, y in points[:2]:
        near = np.hypot(columns - x, rows - y) < 12
        iris = near & (blue > red + 60) & (blue > green + 60)
        assert iris.sum() > 20
        # The lids hide its top and bottom, so its height says less.
        assert abs(centre_of(iris)[0] - x) < 0.8
        assert abs(centre_of(iris)[1] - y) < 1.5


def test_faces_look_where_their_pose_says():
    points, values, yaw = known(600, faces.CLOSE)
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    nose = (points[:, NOSE] - eyes)[:, 0] / np.linalg.norm(mouth - eyes, axis=1)
    # In MTFL a nose lies on average 0.34 and 0.22 of the distance from the eyes to the mouth to
    # the left in "left profile" and "left"; roll moves single ones.
    pose = values[:, 3]
    means = [nose[pose == k].mean() for k in range(5)]
    assert np.allclose(means, [-0.34, -0.22, 0.0, 0.22, 0.34], atol=0.05)
    assert (np.digitize(yaw, [-38, -18, 18, 38]) == pose).all()
    assert (points[:, LEFT_EYE, 0] < points[:, RIGHT_EYE, 0]).all()
    assert (points[:, LEFT_MOUTH, 0] < points[:, RIGHT_MOUTH, 0]).all()


def test_a_smile_is_wide_and_lifts_the_corners_of_the_mouth():
    (_, calm), (_, happy) = drawn(yaw=0.0, smile=0.0), drawn(yaw=0.0, smile=1.0)

    def shape(points):
        height = points[3:].mean(axis=0) - points[:2].mean(axis=0)
        return np.linalg.norm(points[4] - points[3]), np.linalg.norm(height)

    assert shape(happy)[0] > 1.15 * shape(calm)[0]
    assert shape(happy)[1] < 0.97 * shape(calm)[1]


def test_glasses_are_drawn_around_the_eyes():
    bare, points = drawn(yaw=0.0, markers=False)
    worn, same_points = drawn(yaw=0.0, markers=False, glasses=True, dark_glasses=False)
    np.testing.assert_array_equal(points, same_points)
    rows, columns = np.nonzero((bare != worn).any(axis=-1))
    apart = points[RIGHT_EYE, 0] - points[LEFT_EYE, 0]
    assert 0.8 * apart < columns.max() - columns.min() < 2.6 * apart
    assert np.abs(rows - points[:2, 1].mean()).max() < 0.5 * apart
    dark, _ = drawn(yaw=0.0, markers=False, glasses=True, dark_glasses=True)
    x, y = points[LEFT_EYE].round().astype(int)
    assert np.abs(dark[y, x].astype(int) - bare[y, x]).max() > 5


def test_a_picture_is_the_same_at_every_size():
    # A shift of one against the other by the equation of optical flow: the darker where it
    # brightens to the right, the further to the right.
    small, points = drawn(size=40, roll=3.0)
    large, large_points = drawn(size=160, roll=3.0)
    np.testing.assert_allclose((points + 0.5) * 4, large_points + 0.5, atol=1e-6)
    large = large.astype(float).reshape(40, 4, 40, 4, 3).mean(axis=(1, 3))
    for axis in (0, 1):
        slope = np.gradient(large, axis=axis)
        shift = np.sum(slope * (large - small)) / np.sum(slope**2)
        assert abs(shift) < 0.08, axis


def test_background_clothes_and_noise_change_from_picture_to_picture():
    person = _anatomy.person(5, 3)
    shot = _shots.shot(person, faces.CLOSE, 5, 3, 0)
    first, second = (_drawing.draw(person, shot, 64, key=(5, 3, k))[0] for k in (0, 1))
    for part in (np.s_[:6, :6], np.s_[-6:, 20:44]):
        assert np.abs(first[part].mean(axis=(0, 1)) - second[part].mean(axis=(0, 1))).max() > 4


@pytest.mark.parametrize("setting", [faces.NEWS, faces.WEB, faces.CLOSE])
def test_every_setting_has_its_size_and_shares(setting):
    points, values, _ = known(1_000, setting, seed=11)
    assert points.min() > 0
    assert points.max() < 1
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    size = np.log(np.linalg.norm(mouth - eyes, axis=1))
    # Smiles lift the mouth and nods shorten the face, so it is a little less.
    assert abs(np.median(size) - np.log(0.95 * setting.face)) < 0.04
    assert 0.8 < size.std() / setting.face_spread < 1.4
    middle = points.mean(axis=1)
    assert np.abs(middle.mean(axis=0) - setting.centre).max() < 0.01
    assert np.abs(middle.std(axis=0) / setting.centre_spread - 1).max() < 0.15
    # Official training rows of MTFL: 5,807 of 10,000 male, 5,616 smile, 1,408 wear glasses. Three
    # deviations of a share of 0.5 among 1,000 are 0.047.
    shares = 1 - values[:, :3].mean(axis=0)
    assert np.abs(shares - [0.58, 0.56, 0.14]).max() < 0.05
    poses = np.bincount(values[:, 3], minlength=5) / 1_000
    assert np.abs(poses - setting.poses).max() < 0.05


def test_what_is_said_of_a_face_is_what_it_is():
    shown = faces.render(np.arange(12), np.full(12, 3), seed=4, size=32)
    for row in range(12):
        person = _anatomy.person(4, row)
        shot = _shots.shot(person, faces.WEB, 4, row, 3)
        said = {
            a.name: a.values[v] for a, v in zip(mtfl.ATTRIBUTES, shown.values[row], strict=True)
        }
        assert said["gender"] == ("male" if person.male else "female")
        assert said["smile"] == ("yes" if shot.smiles else "no")
        assert said["glasses"] == ("yes" if shot.glasses else "no")
        assert said["pose"] == mtfl.ATTRIBUTES[3].values[_shots.pose_of(shot.yaw)]
        assert shown.angles[row].tolist() == pytest.approx([shot.yaw, shot.pitch, shot.roll])
        assert (shot.smile > 0.5) == shot.smiles


# The numbers decide.


def test_a_face_depends_on_its_numbers_alone():
    many = faces.render([4, 4, 9, 4], [0, 1, 0, 0], seed=2, size=48)
    for row, (identity, picture) in enumerate([(4, 0), (4, 1), (9, 0)]):
        one = faces.render([identity], [picture], seed=2, size=48)
        for together, alone in zip(many, one, strict=True):
            np.testing.assert_array_equal(together[row], alone[0])
    np.testing.assert_array_equal(many.pixels[0], many.pixels[3])
    flat = many.pixels[:3].reshape(3, -1).astype(int)
    other = faces.render([4], [0], seed=3, size=48).pixels.reshape(1, -1).astype(int)
    flat = np.concatenate([flat, other])
    apart = np.abs(flat[:, None] - flat[None]).mean(axis=-1)
    assert apart[~np.eye(4, dtype=bool)].min() > 5


def test_asking_for_more_changes_nothing():
    few, more = faces.landmarks(3, size=32), faces.landmarks(5, size=32)
    assert few.fingerprint() == more.take(slice(0, 3)).fingerprint()
    few, more = faces.people(2, 2, size=32), faces.people(3, 3, size=32)
    assert few.fingerprint() == more.take([0, 1, 3, 4]).fingerprint()


def test_records_say_that_they_are_rendered():
    train, test = faces.landmarks(4, size=37), faces.landmarks(4, size=37, split="test")
    assert (train.name, test.name) == ("rendered-faces-train", "rendered-faces-test")
    assert train.landmarks == mtfl.LANDMARKS
    assert train.attributes == mtfl.ATTRIBUTES
    assert train.pictures.open(3).size == (37, 37)
    sums = [[record.pictures.checksum(row) for row in range(4)] for record in (train, test)]
    assert len({*sums[0], *sums[1]}) == 8
    crowd = faces.people(2, 3, first=5, size=37)
    assert crowd.name == "rendered-faces-people"
    assert crowd.images.shape == (6, 37, 37, 3)
    assert crowd.labels.tolist() == [5, 5, 5, 6, 6, 6]
    assert crowd.ids.tolist() == [
        5_000_000, 5_000_001, 5_000_002, 6_000_000, 6_000_001, 6_000_002,
    ]  # fmt: skip
    again = faces.render([6], [1], size=37)
    np.testing.assert_array_equal(crowd.images[4], again.pixels[0])


def test_nobody_is_in_two_sets():
    train = {identity for identity, _, _ in _making.mtfl_jobs("train", 50)}
    test = {identity for identity, _, _ in _making.mtfl_jobs("test", 50)}
    assert len(train | test) == 100
    starts = sorted(_making.FIRST.values())
    assert len(starts) == 4
    assert np.diff([*starts, 2**32]).min() >= _making.MOST_PEOPLE


def test_a_person_stays_the_same():
    shown = faces.render(np.repeat(np.arange(20), 3), np.tile(np.arange(3), 20), size=32)
    gender = shown.values[:, 0].reshape(20, 3)
    assert (gender == gender[:, :1]).all()
    assert 0 < gender.mean() < 1
    assert len(np.unique(shown.values[:, 1].reshape(20, 3), axis=0)) > 4  # Smiles come and go.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: faces.render([1], [1, 2]), "a picture for each identity, and received 1 and 2"),
        (lambda: faces.render([-1], [1]), r"identities in \[0, 2\*\*32\), and received -1 to -1"),
        (lambda: faces.render([2**32], [1]), r"identities in \[0, 2\*\*32\)"),
        (lambda: faces.render([0.5], [1]), r"identities as integers of shape \(n,\), .*float64"),
        (lambda: faces.render([[1]], [[1]]), r"shape \(n,\), and received int64 of shape \(1, 1\)"),
        (
            lambda: faces.render([1], [1], size=31),
            "size as an integer from 32 to 1024, .* 31",
        ),
        (lambda: faces.render([1], [1], size=1025), "from 32 to 1024, and received 1025"),
        (lambda: faces.render([1], [1], seed=-1), "seed as an integer from 0, and received -1"),
        (lambda: faces.landmarks(-1), "count as an integer from 0 to .*, and received -1"),
        (lambda: faces.landmarks(1, split="valid"), "'train', 'test', and not 'valid'"),
        (
            lambda: faces.people(1, 0),
            "pictures_per_person as an integer from 1 .* 0",
        ),
        (lambda: faces.people(1, 10**6 + 1), "from 1 to 1000000, and received 1000001"),
        (
            lambda: faces.people(2, 1, first=2**30 - 1),
            "people .* from 0 to 1, .* 2",
        ),
    ],
)
def test_numbers_out_of_range_are_named(call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_none_is_possible():
    assert faces.render([], []).pixels.shape == (0, 128, 128, 3)
    assert len(faces.landmarks(0)) == 0
    assert len(faces.people(0, 3)) == 0


# Triangles.


def test_triangles_hide_what_is_behind_them():
    random = np.random.default_rng(0)
    points = random.uniform(-4, 27, (3, 60)).astype(np.float32)
    triangles = random.integers(0, 60, (3, 41))
    culled = random.random(41) < 0.5
    side = 23
    hits = _raster.rasterise(points, triangles, side, culled=culled)
    shown = np.full(side * side, -1)
    shown[hits.pixel] = hits.triangle
    depth = np.full(side * side, -np.inf)
    naive, doubtful = np.full(side * side, -1), np.zeros(side * side, bool)
    for number, corners in enumerate(triangles.T):
        a, b, c = points[:, corners].T.astype(float)
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if abs(area) < 1e-3 or (culled[number] and area < 0):
            continue
        for pixel in range(side * side):
            y, x = divmod(pixel, side)
            weight_b = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
            weight_c = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
            least = min(weight_b, weight_c, 1 - weight_b - weight_c)
            near = a[2] + weight_b * (b[2] - a[2]) + weight_c * (c[2] - a[2])
            # What lies on an edge may count or not, and of two as near either.
            doubtful[pixel] |= abs(least) < 5e-3 or (least > 0 and abs(near - depth[pixel]) < 1e-3)
            if least >= 0 and near > depth[pixel]:
                depth[pixel], naive[pixel] = near, number
    assert doubtful.mean() < 0.2
    assert len(np.unique(naive)) > 12
    np.testing.assert_array_equal(shown[~doubtful], naive[~doubtful])


def test_nothing_in_the_picture_gives_nothing():
    points = np.array([[30, 40, 30], [1, 1, 9], [0, 0, 0]], np.float32)
    hits = _raster.rasterise(points, np.array([[0], [1], [2]]), 7, culled=np.array([False]))
    assert len(hits.pixel) == 0


# MTFL's layout.


def test_mtfl_is_written_in_the_official_form(tmp_path):
    root, calls = tmp_path / "mtfl", []
    faces.write_mtfl(root, train=7, test=3, seed=1, size=50, progress=lambda *c: calls.append(c))
    assert calls == [(n, 10) for n in range(1, 11)]
    text = (root / "training.txt").read_bytes()
    assert text.endswith(b"\r\n ")
    rows = text.split(b"\r\n")
    assert len(rows) == 8
    for row in rows[:-1]:
        first, *tokens = row.split(b" ")
        assert first == b""
        assert len(tokens) == 15
        folder, name = tokens[0].split(b"\\")
        assert (root / folder.decode() / name.decode()).is_file()
    assert {row.split(b"\\")[0] for row in rows[:-1]} == {b" lfw_5590", b" net_7876"}
    assert (root / "testing.txt").read_bytes().startswith(b" AFLW/rendered_000000.jpg ")
    assert b"nobody in them\nexists" in (root / "RENDERED.txt").read_bytes()


@pytest.mark.parametrize(("split", "count"), [("train", 7), ("test", 3)])
def test_what_is_written_is_what_is_read(tmp_path, split, count):
    faces.write_mtfl(tmp_path, train=7, test=3, seed=1, size=50)
    read = mtfl.load(tmp_path, split)
    made = faces.landmarks(count, seed=1, size=50, split=split)
    np.testing.assert_allclose(read.points, made.points, atol=0.0051)
    np.testing.assert_array_equal(read.values, made.values)
    for row in range(count):
        picture = np.asarray(read.pictures.open(row, channels=3)).astype(int)
        assert picture.shape == (50, 50, 3)
        assert np.abs(picture - made.pictures.images[row]).mean() < 8  # JPEG.


# LFW's layout.


@pytest.fixture(scope="module")
def lfw_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("faces") / "lfw"
    faces.write_lfw(root, people=17, pictures_per_person=3, folds=3, seed=1, size=32)
    return root


def naive_pairs(text, columns):
    header, *rows = text.decode().splitlines()
    header = [int(number) for number in header.split("\t")]
    assert len(header) == columns
    rows = [row.split("\t") for row in rows]
    folds, count = (1, *header)[-2:]
    assert len(rows) == 2 * folds * count
    parts = []
    for fold in range(folds):
        part = rows[2 * count * fold : 2 * count * (fold + 1)]
        for _, i, j in part[:count]:
            assert 1 <= int(i) < int(j) <= 3
        for one, _, other, _ in part[count:]:
            assert one != other
        assert len({tuple(row) for row in part}) == 2 * count
        assert part[:count] == sorted(part[:count])
        named = {row[0] for row in part} | {row[2] for row in part[count:]}
        parts.append((named, part))
    return parts


def test_lfw_is_written_in_the_official_form(lfw_root):
    train = naive_pairs((lfw_root / "pairsDevTrain.txt").read_bytes(), 1)
    test = naive_pairs((lfw_root / "pairsDevTest.txt").read_bytes(), 1)
    folds = naive_pairs((lfw_root / "pairs.txt").read_bytes(), 2)
    # 17 people: 6 and 4 in the lists of View 1, the other 7 as 3, 2 and 2; each has 3 pairs.
    assert [len(rows) for _, rows in [*train, *test, *folds]] == [36, 24, 12, 12, 12]
    people = [named for named, _ in [*train, *test, *folds]]
    assert sum(map(len, people)) == len(set().union(*people))  # Nobody is in two of them.
    for _, rows in [*train, *test, *folds]:
        for row in rows:
            for name, number in [(row[0], row[1]), (row[-2] if len(row) == 4 else row[0], row[-1])]:
                path = lfw_root / "lfw-rendered" / name / f"{name}_{int(number):04d}.jpg"
                assert path.is_file()
    assert len(list(lfw_root.glob("lfw-rendered/*/*.jpg"))) == 51
    assert "in the layout of LFW" in (lfw_root / "RENDERED.txt").read_text()


def test_the_reader_of_lfw_reads_it(lfw_root):
    everyone = lfw.people(lfw_root)
    assert len(everyone) == 51
    assert len(everyone.classes) == 17
    assert everyone.pictures.open(0).size == (32, 32)
    assert [len(lfw.view1(lfw_root, split)) for split in ("train", "test")] == [36, 24]
    pairs = lfw.view2(lfw_root)
    assert np.bincount(pairs.fold).tolist() == [12, 12, 12]
    assert pairs.same.sum() == 18
    assert pairs.pictures.open(int(pairs.right[-1])).size == (32, 32)


def test_names_are_unique_and_have_no_digits():
    names = [_lists.person_name(number) for number in range(66_000)]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalpha() for name in names)


def test_official_sizes_of_lists_are_not_exceeded():
    lists = _lists.lfw_lists(500, 12, 10, 0)
    first = {name: text.split(b"\n")[0] for name, text in lists.items()}
    assert first == {
        "pairsDevTrain.txt": b"1100",
        "pairsDevTest.txt": b"500",
        "pairs.txt": b"10\t300",
    }


# Folders.


def test_the_same_folder_is_left_as_it_is(tmp_path):
    numbers = {"train": 1, "test": 1, "size": 32}
    faces.write_mtfl(tmp_path, **numbers)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    faces.write_mtfl(tmp_path, **numbers, progress=lambda *_: pytest.fail("was drawn again"))
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(UserError, match="expected an empty folder, or one with just these"):
        faces.write_mtfl(tmp_path, **numbers, seed=1)
    with pytest.raises(UserError, match="expected an empty folder"):
        faces.write_lfw(tmp_path, people=10, pictures_per_person=2, folds=1, size=32)


def test_nothing_else_is_written_over(tmp_path):
    (tmp_path / "mine.txt").write_text("notes")
    with pytest.raises(UserError, match=r"expected an empty folder.*found mine\.txt"):
        faces.write_mtfl(tmp_path, train=1, test=1, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(UserError, match=r"mine\.txt: expected a folder or nothing there"):
        faces.write_mtfl(tmp_path / "mine.txt", train=1, test=1, size=32)


def test_an_interrupted_folder_is_not_there(tmp_path):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    for write in (
        lambda **more: faces.write_mtfl(tmp_path / "x", train=2, test=1, size=32, **more),
        lambda **more: faces.write_lfw(
            tmp_path / "x", people=10, pictures_per_person=2, folds=1, size=32, **more
        ),
    ):
        with pytest.raises(KeyboardInterrupt):
            write(progress=stop)
        assert list(tmp_path.iterdir()) == []
    # What a kill leaves behind is taken over, but nothing that is not ours.
    left = tmp_path / ".x.partial"
    left.mkdir()
    (left / "RENDERED.txt").write_text("of another time")
    (left / "half.jpg").write_text("")
    faces.write_mtfl(tmp_path / "x", train=1, test=1, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert not (tmp_path / "x" / "half.jpg").exists()
    left = tmp_path / ".y.partial"
    left.mkdir()
    (left / "mine.txt").write_text("notes")
    with pytest.raises(UserError, match=r"\.y\.partial: expected nothing there"):
        faces.write_mtfl(tmp_path / "y", train=1, test=1, size=32)
    assert (left / "mine.txt").exists()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: faces.write_mtfl(x, train=0),
            "train as an integer from 1 to .* 0",
        ),
        (
            lambda x: faces.write_lfw(x, people=49),
            "people as an integer from 50 to .* 49",
        ),
        (lambda x: faces.write_lfw(x, pictures_per_person=1), "from 2 to 1000, and received 1"),
        (lambda x: faces.write_lfw(x, folds=0), "folds as an integer from 1, and received 0"),
        (lambda x: faces.write_lfw(x, size=2000), "from 32 to 1024, and received 2000"),
    ],
)
def test_a_folder_of_no_use_is_refused(tmp_path, call, message):
    with pytest.raises(UserError, match=message):
        call(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


# What is hard and what is not.


def aligned(shown, size=24):
    """Faces turned upright and cut out, as grey vectors."""
    cut = []
    for pixels, points in zip(shown.pixels, shown.points, strict=True):
        eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
        down = (mouth - eyes) * 3.4 / size
        right = np.array([down[1], -down[0]])
        x, y = (eyes + mouth) / 2 - (down + right) * size / 2
        affine = (right[0], down[0], x, right[1], down[1], y)
        picture = Image.fromarray(pixels).convert("L")
        cut.append(np.asarray(picture.transform((size, size), Image.Transform.AFFINE, affine,
                                                Image.Resampling.BILINEAR)))  # fmt: skip
    return np.stack(cut).reshape(len(cut), -1) / 255


@pytest.mark.slow
def test_gender_can_be_seen_and_pixels_hardly_tell_people_apart():
    from sklearn.linear_model import LogisticRegression

    from simlearn.metrics import equal_error_rate, pair_distances

    train = faces.render(np.arange(900), np.zeros(900, int), size=64)
    who = np.repeat(np.arange(1000, 1060), 5)
    test = faces.render(who, np.tile(np.arange(5), 60), size=64)
    model = LogisticRegression(C=0.05, max_iter=500).fit(aligned(train), train.values[:, 0])
    assert model.score(aligned(test), test.values[:, 0]) > 0.7
    assert 0.35 < equal_error_rate(*pair_distances(aligned(test), who)).rate < 0.49


@pytest.mark.real_data
def test_rendered_faces_lie_like_the_real_ones():
    def measures(points, values, poses):
        pose, smile = values[:, 3], values[:, 1]
        eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
        high = np.linalg.norm(mouth - eyes, axis=1)
        nose = (points[:, NOSE] - eyes)[:, 0] / high
        apart = np.linalg.norm(points[:, 1] - points[:, 0], axis=1) / high
        wide = np.linalg.norm(points[:, 4] - points[:, 3], axis=1) / high
        return np.array(
            [
                *points.mean(axis=(0, 1)),
                np.median(high),
                *(nose[pose == k].mean() for k in poses),
                *(np.median(apart[pose == k]) for k in range(1, 4)),
                *(np.median(wide[(pose == 2) & (smile == k)]) for k in range(2)),
            ]
        )

    test = mtfl.load(os.environ["SIMLEARN_DATA"] + "/mtfl", "test")
    train = mtfl.load(os.environ["SIMLEARN_DATA"] + "/mtfl")
    news = np.array([path.startswith("lfw") for path in train.pictures.paths])
    for real, setting, poses in (
        (test, faces.CLOSE, range(5)),
        (train.take(~news), faces.WEB, range(5)),
        (train.take(news), faces.NEWS, (1, 2, 3)),  # Of profiles there are ten and thirty.
    ):
        expected = measures(real.points / 80, real.values, poses)
        received = measures(*known(3_000, setting)[:2], poses)
        assert np.abs(received - expected).max() < 0.06, (received - expected).round(3)
