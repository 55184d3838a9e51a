"""MTCNN over many pictures: against the package's own answers, and against loops."""

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from simlearn.data.files import Files
from simlearn.data.records import BoxedPictures, PictureArray, StoredPictures
from simlearn.errors import UserError
from simlearn.faces import (
    FoundFaces,
    MtcnnDetector,
    find_faces,
    largest,
    most_central,
    score_detector,
)
from simlearn.faces import _cascade as cascade
from simlearn.faces._paths import PathPictures
from simlearn.metrics.detection import box_overlaps

# Of scikit-image's astronaut (NASA, public domain): what mtcnn 1.0.0's detect_faces gives.
BOX = [182, 64, 182 + 83, 64 + 107]
POINTS = [[204, 100], [245, 102], [224, 126], [202, 139], [244, 140]]


@pytest.fixture(scope="module")
def detector():
    return MtcnnDetector(min_face=40)


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()


def test_suppression_as_a_naive_loop():
    random = np.random.default_rng(0)
    low = random.uniform(0, 30, (60, 2))
    boxes = np.concatenate([low, low + random.uniform(5, 25, (60, 2))], axis=1)
    rows = np.concatenate([boxes, random.permutation(60)[:, np.newaxis] / 60], axis=1)
    kept = []
    for row in np.argsort(-rows[:, 4]):
        if all(box_overlaps(boxes[[row]], boxes[[k]])[0, 0] <= 0.4 for k in kept):
            kept.append(row)
    assert cascade.suppress(rows, 0.4, cascade._union).tolist() == kept
    assert 5 < len(kept) < 55


def test_the_smaller_of_two_boxes_decides_in_the_last_stage():
    # A box within another: union 0.25, of the smaller one everything.
    boxes = np.array([[0.0, 0.0, 20.0, 20.0], [5.0, 5.0, 15.0, 15.0]])
    assert cascade._union(boxes)[0, 1] == pytest.approx(0.25)
    assert cascade._smaller(boxes)[0, 1] == pytest.approx(1.0)


def test_the_pyramid_ends_where_a_cell_no_longer_fits():
    limits = cascade.Limits(20, 0.5, (0.6, 0.7, 0.8))
    # 12/20 of 100 pixels are 60, then 30, 15, and 7.5 is below the cell of 12.
    assert cascade.scales(100, 300, limits) == [0.6, 0.3, 0.15]
    assert cascade.scales(15, 300, limits) == []


def test_windows_become_squares_around_their_middle():
    found = cascade._squared(np.array([[0.0, 10.0, 20.0, 50.0, 0.9]]))
    assert found.tolist() == [[-10.0, 10.0, 30.0, 50.0, 0.9]]
    assert cascade._squared(np.empty((0, 5))).shape == (0, 5)


def test_a_window_is_cut_by_its_edges():
    import tensorflow as tf

    from simlearn.faces._mtcnn import _patches

    # Blocks of 2x2 pixels, and a window of 48 pixels at (10, 6): each value is that of its block.
    blocks = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    picture = np.repeat(np.repeat(blocks, 2, axis=0), 2, axis=1)
    window = tf.constant([[0.0, 10.0, 6.0, 58.0, 54.0]])
    found = np.asarray(_patches(picture[np.newaxis], window, 24))[0]
    expected = (blocks[3:27, 5:29].astype(np.float64) - 127.5) / 128
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_astronaut_as_the_package_finds_her(detector, astronaut):
    found = detector.find([astronaut])
    assert len(found) == 1
    assert box_overlaps(found.boxes, [BOX])[0, 0] > 0.85
    assert np.abs(found.points[0] - POINTS).max() < 2.5
    assert found.scores[0] > 0.99


def test_grey_shifted_and_blank_pictures_in_one_call(detector, astronaut):
    grey = np.asarray(Image.fromarray(astronaut).convert("L"))[:, :, np.newaxis]
    shifted = np.full((300, 420, 3), 90, np.uint8)
    shifted[20:220, 100:300] = astronaut[20:220, 120:320]
    pair = np.concatenate([astronaut[:256, 100:356], astronaut[:256, 100:356]], axis=1)
    pictures = [np.zeros((40, 50, 3), np.uint8), grey, shifted, pair, astronaut[:9, :9]]
    found = detector.find(pictures)
    assert found.counts().tolist() == [0, 1, 1, 2, 0]
    moved = found.of(2).points[0] - found.of(1).points[0]
    assert np.abs(moved - [-20, 0]).max() < 3
    both = np.sort(found.of(3).points[:, 2, 0])
    assert both[1] - both[0] == pytest.approx(256, abs=3)


def test_what_is_found_does_not_depend_on_the_company(detector, astronaut):
    alone = detector.find([astronaut])
    crowd = detector.find([np.roll(astronaut, 40, axis=1), astronaut])
    np.testing.assert_allclose(crowd.of(1).points, alone.points, atol=0.05)


def test_large_pictures_and_turned_ones_from_files(detector, astronaut, tmp_path):
    twice = Image.fromarray(astronaut).resize((2400, 2400))
    twice.save(tmp_path / "größer 🙂.jpg", quality=90)
    # Stored lying down, EXIF says how to turn it.
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(astronaut).copy()).save(tmp_path / "turned.jpg", exif=exif)
    pictures = PathPictures(sorted(tmp_path.iterdir()))
    found = find_faces(pictures, detector, cache=tmp_path / "kept")
    assert found.counts().tolist() == [1, 1]
    np.testing.assert_allclose(found.points[0] * 512 / 2400, POINTS, atol=4)
    np.testing.assert_allclose(found.points[1], POINTS, atol=4)
    again = find_faces(pictures, _Refusing(detector.fingerprint), cache=tmp_path / "kept")
    np.testing.assert_array_equal(again.points, found.points)


class _Refusing:
    """Stands for a detector whose every answer is known already."""

    def __init__(self, fingerprint):
        self.fingerprint = fingerprint

    def find(self, pictures):
        raise AssertionError("looked at again")


def test_a_weights_file_in_the_current_folder_is_not_unpickled(tmp_path, monkeypatch, astronaut):
    import joblib

    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    for name in ("pnet.lz4", "rnet.lz4", "onet.lz4"):
        joblib.dump(Harm(), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(MtcnnDetector(min_face=60).find([astronaut])) == 1
    assert not (tmp_path / "ran").exists()


def test_without_mtcnn_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mtcnn", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"found none.*simlearn\[faces\].*--cropped"):
        MtcnnDetector()


def test_an_old_mtcnn_is_refused(monkeypatch):
    monkeypatch.setattr("simlearn.faces._detect.version", lambda name: "0.1.1")
    with pytest.raises(UserError, match=r"1\.0 or later, found 0\.1\.1.*simlearn\[faces\]"):
        MtcnnDetector()


@pytest.mark.parametrize(
    "arguments", [{"min_face": 11}, {"factor": 1.0}, {"scores": (0.5, 1.0, 0.5)}]
)
def test_settings_out_of_range(arguments):
    with pytest.raises(UserError, match="expected"):
        MtcnnDetector(**arguments)


def test_pixels_of_another_type_are_refused(detector):
    with pytest.raises(UserError, match="uint8"):
        detector.find([np.zeros((30, 30, 3), np.float32)])


def test_bad_pictures_are_listed_and_have_no_faces(tmp_path, detector):
    from simlearn.data.loading import Skipped

    (tmp_path / "a.png").write_bytes(b"no picture")
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")  # 400 million pixels in 50 kB.
    (tmp_path / "bomb.png").write_bytes(buffer.getvalue())
    skipped = Skipped(limit=1.0)
    paths = [tmp_path / "a.png", tmp_path / "bomb.png", Path(tmp_path / "gone.png")]
    found = find_faces(PathPictures(paths), detector, skipped=skipped)
    assert len(found) == 0
    assert set(skipped.reasons) == {str(path) for path in paths}


def faces_at(*boxes):
    rows = [np.array([[*box, 0.9, *([0.0] * 10)] for box in own]).reshape(-1, 15) for own in boxes]
    return FoundFaces.gathered(rows)


def test_the_largest_and_the_most_central_face():
    small, large = [40, 40, 60, 60], [0, 0, 30, 30]
    faces = faces_at([small, large], [], [large])
    assert largest(faces).tolist() == [1, 2]
    assert most_central(faces, np.full((3, 2), 100)).tolist() == [0, 2]
    assert faces.of(0).boxes.tolist() == [small, large]
    assert len(largest(FoundFaces.none(4))) == 0


def test_columns_that_do_not_fit():
    with pytest.raises(UserError, match="ascending"):
        FoundFaces(np.array([1, 0]), np.ones((2, 4)), np.ones((2, 5, 2)), np.ones(2), 2)
    with pytest.raises(UserError, match=r"owners in \[0, 1\)"):
        FoundFaces(np.array([1]), np.ones((1, 4)), np.ones((1, 5, 2)), np.ones(1), 1)
    with pytest.raises(UserError, match="boxes"):
        FoundFaces(np.array([0]), np.ones((1, 3)), np.ones((1, 5, 2)), np.ones(1), 1)


class _Fixed:
    """Finds what it is told to, picture by picture."""

    fingerprint = "fixed"

    def __init__(self, *boxes):
        self.rows = [
            np.array([[*box, score, *([0.0] * 10)] for box, score in own]).reshape(-1, 15)
            for own in boxes
        ]

    def find(self, pictures):
        return FoundFaces.gathered(self.rows[: len(pictures)])


def test_a_detector_is_scored_against_annotated_boxes(tmp_path):
    for number in range(3):
        Image.new("RGB", (50, 40)).save(tmp_path / f"{number}.png")
    face, other = [5, 5, 25, 25], [30, 10, 45, 25]
    record = BoxedPictures(
        pictures=StoredPictures(Files(tmp_path), ["0.png", "1.png", "2.png"]),
        owner=np.array([0, 2, 2]),
        boxes=np.array([face, face, other], np.float32),
        ignored=np.array([False, False, True]),
        name="boxes",
    )
    found = [[(face, 0.9)], [(other, 0.8)], [(other, 0.95), (face, 0.5)]]
    matches = score_detector(record, _Fixed(*found))
    # The ignored box counts neither way; the one in an empty picture is wrong.
    assert matches.scores.tolist() == pytest.approx([0.9, 0.8, 0.5])
    assert matches.correct.tolist() == [True, False, True]
    assert (matches.annotated, matches.pictures) == (2, 3)


def test_an_array_of_pictures_is_looked_at_too(detector, astronaut, tmp_path):
    pictures = PictureArray(np.stack([astronaut[:240, 100:360]]))
    first = find_faces(pictures, detector, cache=tmp_path)
    second = find_faces(pictures, _Refusing(detector.fingerprint), cache=tmp_path)
    assert len(first) == len(second) == 1
