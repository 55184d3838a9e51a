import errno
import mmap
import os

import numpy as np
import pytest

from simlearn.data import Files, LabelledFiles, decoded, mtfl
from simlearn.data.frames import Crop, Inside, Stretch
from simlearn.data.loading import Skipped
from simlearn.data.records import LandmarkPictures, StoredPictures
from simlearn.errors import DatasetError, UserError
from tests.simlearn.data.pictures import archive, encoded, folder, noise

CONTENTS = {f"{i:02}.png": encoded(noise(7, 5, seed=i)) for i in range(20)} | {"05.png": b"no"}


def labelled(root):
    return LabelledFiles(
        pictures=StoredPictures(Files(root), sorted(CONTENTS)),
        labels=np.arange(20) % 3,
        classes=("a", "b", "c"),
        ids=np.arange(100, 120),
        name="numbers",
    )


def pixels(data, **options):
    options = {"frame": Stretch((5, 7)), "skipped": Skipped(limit=0.05)} | options
    return decoded.labelled_images(data, **options)


def check(images):
    rows = [i for i in range(20) if i != 5]
    assert images.ids.tolist() == [100 + i for i in rows]
    assert images.labels.tolist() == [i % 3 for i in rows]
    for image, row in zip(images.images, rows, strict=True):
        np.testing.assert_array_equal(image, noise(7, 5, seed=row))


@pytest.mark.parametrize("batch", [3, 256])
def test_good_pictures_come_with_their_labels(tmp_path, monkeypatch, batch):
    monkeypatch.setattr(decoded, "_BATCH", batch)
    skipped = Skipped(limit=0.05)
    check(pixels(labelled(folder(tmp_path, CONTENTS)), skipped=skipped))
    assert list(skipped.reasons) == [str(tmp_path / "05.png")]


def test_a_cache_is_made_once_and_tells_the_same(tmp_path, monkeypatch):
    data = labelled(folder(tmp_path / "data", CONTENTS))
    check(pixels(data, cache=tmp_path / "cache"))
    monkeypatch.setattr(decoded, "_fill", lambda *_: pytest.fail("decoded again"))
    skipped = Skipped(limit=0.05)
    again = pixels(data, cache=tmp_path / "cache", skipped=skipped)
    check(again)
    base = again.images
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap.mmap)
    assert list(skipped.reasons) == [str(tmp_path / "data" / "05.png")]
    with pytest.raises(DatasetError, match=r"at most 1\.0% of 20 pictures"):
        pixels(data, cache=tmp_path / "cache", skipped=Skipped())


def folders_in(path):
    return sorted(name for name in os.listdir(path) if not name.endswith(".lock"))


def test_a_cache_is_never_taken_for_another(tmp_path):
    data = labelled(folder(tmp_path / "data", CONTENTS))
    cache = tmp_path / "cache"
    grey = pixels(data, cache=cache, channels=1)
    assert grey.images.shape == (19, 5, 7, 1)
    check(pixels(data, cache=cache))
    pixels(data, cache=cache, fill=3)
    pixels(data, cache=cache, frame=Inside((5, 7)))
    for boxes in ([0, 0, 7, 5], [0, 0, 6, 5]):
        pixels(data, cache=cache, frame=Crop((5, 7), np.tile(boxes, (20, 1))))
    pixels(data.take(slice(0, 19)), cache=cache, skipped=Skipped(limit=0.1))
    assert len(folders_in(cache)) == 7

    # The same name, size and second; another picture.
    path = tmp_path / "data" / "03.png"
    changed = encoded(noise(7, 5, seed=99))
    path.write_bytes(changed.ljust(path.stat().st_size, b"\0"))
    np.testing.assert_array_equal(pixels(data, cache=cache).images[3], noise(7, 5, seed=99))


def test_a_cache_of_a_zip_sees_what_changed_inside(tmp_path):
    path = archive(tmp_path / "data.zip", CONTENTS)
    check(pixels(labelled(path), cache=tmp_path / "cache"))
    os.utime(path, (0, 0))
    check(pixels(labelled(path), cache=tmp_path / "cache"))
    assert len(folders_in(tmp_path / "cache")) == 1
    archive(path, CONTENTS | {"03.png": encoded(noise(7, 5, seed=99))})
    again = pixels(labelled(path), cache=tmp_path / "cache")
    np.testing.assert_array_equal(again.images[3], noise(7, 5, seed=99))


@pytest.mark.parametrize(
    "name", ["images.npy", "matrices.npy", "good.npy", "skipped.json", "sums.json"]
)
@pytest.mark.parametrize("how", ["cut", "gone", "garbage", "one bit"])
def test_a_damaged_cache_is_made_anew(tmp_path, name, how):
    data = labelled(folder(tmp_path / "data", CONTENTS))
    check(pixels(data, cache=tmp_path / "cache"))
    (key,) = folders_in(tmp_path / "cache")
    path = tmp_path / "cache" / key / name
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle] ^= 1
    changed = {"cut": content[:-20], "garbage": b"PK\3\4garbage", "one bit": content}
    path.unlink()
    if how != "gone":
        path.write_bytes(changed[how])
    check(pixels(data, cache=tmp_path / "cache"))
    assert folders_in(tmp_path / "cache") == [key]


def test_nothing_half_made_is_left(tmp_path):
    data = labelled(folder(tmp_path / "data", CONTENTS))
    with pytest.raises(DatasetError, match="at most"):
        pixels(data, cache=tmp_path / "cache", skipped=Skipped(limit=0))
    assert folders_in(tmp_path / "cache") == []


def test_landmarks_move_into_the_frame(tmp_path):
    root = folder(tmp_path, CONTENTS)
    random = np.random.default_rng(0)
    data = LandmarkPictures(
        pictures=StoredPictures(Files(root), sorted(CONTENTS)),
        points=random.uniform(0, 4, (20, 5, 2)).astype(np.float32),
        visible=random.random((20, 5)) < 0.8,
        landmarks=mtfl.LANDMARKS,
        values=np.zeros((20, 4), np.int64),
        attributes=mtfl.ATTRIBUTES,
        ids=np.arange(20),
        name="noise",
    )
    framed = decoded.landmark_pictures(
        data, frame=Stretch((10, 21)), skipped=Skipped(limit=0.05), cache=tmp_path / "cache"
    )
    rows = np.array([i for i in range(20) if i != 5])
    # 7x5 pixels become 21x10: three and two for one, counted from the edges half a pixel before.
    expected = (data.points[rows] + 0.5) * [3, 2] - 0.5
    seen = framed.visible
    np.testing.assert_array_equal(seen, data.visible[rows])
    np.testing.assert_allclose(framed.points[seen], expected[seen], atol=1e-5)
    assert (framed.points[~seen] == 0).all()
    assert framed.ids.tolist() == rows.tolist()
    assert framed.pictures.where(5) == str(tmp_path / "06.png")


def test_what_a_kill_left_behind_is_taken_over(tmp_path):
    data = labelled(folder(tmp_path / "data", CONTENTS))
    check(pixels(data, cache=tmp_path / "cache"))
    (key,) = folders_in(tmp_path / "cache")
    (tmp_path / "cache" / key).rename(tmp_path / "cache" / f".{key}.partial")
    (tmp_path / "cache" / f".{key}.partial" / "images.npy").write_bytes(b"half")
    check(pixels(data, cache=tmp_path / "cache"))
    assert folders_in(tmp_path / "cache") == [key]


def test_a_cache_without_room_is_one_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    data = labelled(folder(tmp_path / "data", CONTENTS))
    with pytest.raises(UserError, match=r"the cache cannot be written: .* No space left"):
        pixels(data, cache=tmp_path / "cache")
    assert folders_in(tmp_path / "cache") == []


def test_what_can_be_read_again_is(tmp_path, monkeypatch):
    data = labelled(folder(tmp_path / "data", CONTENTS | {"05.png": encoded(noise(7, 5, seed=5))}))
    read = Files.read

    def failing(files, name, **options):
        if name == "05.png":
            raise DatasetError("too many open files")
        return read(files, name, **options)

    monkeypatch.setattr(Files, "read", failing)
    check(pixels(data, cache=tmp_path / "cache"))
    monkeypatch.undo()
    assert len(pixels(data, cache=tmp_path / "cache", skipped=Skipped(limit=0))) == 20


def test_a_picture_changed_meanwhile_is_not_kept_under_the_old_name(tmp_path, monkeypatch):
    data = labelled(folder(tmp_path / "data", CONTENTS))
    fill = decoded._fill

    def slow(*arguments):
        (tmp_path / "data" / "00.png").write_bytes(encoded(noise(7, 5, seed=99)))
        return fill(*arguments)

    monkeypatch.setattr(decoded, "_fill", slow)
    with pytest.raises(UserError, match="pictures changed while they were decoded"):
        pixels(data, cache=tmp_path / "cache")
    assert folders_in(tmp_path / "cache") == []


def test_numpy_numbers_are_numbers_too(tmp_path):
    data = labelled(folder(tmp_path / "data", CONTENTS))
    frame = Stretch((np.int64(5), np.int64(7)))
    check(
        pixels(data, cache=tmp_path / "cache", frame=frame, fill=np.uint8(0), channels=np.int64(3))
    )
