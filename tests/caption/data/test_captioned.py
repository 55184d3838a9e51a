import subprocess
import sys

import numpy as np
import pytest

from caption.data import CaptionedPictures, CaptionedVideos, coco
from caption.data._located import located
from simlearn.data.files import Files
from simlearn.data.records import PictureArray, StoredPictures
from simlearn.errors import DatasetError, UserError
from tests.simlearn.data.pictures import encoded, folder, noise

IMAGES = np.arange(3 * 5 * 7 * 3, dtype=np.uint8).reshape(3, 5, 7, 3)
CAPTIONS = (("a dog .", "two dogs ."), ("A cat.\n",), ("one", "two", "three"))
TOKENS = ((("a", "dog"), ("two", "dogs")), (("a", "cat"),), (("one",), ("two",), ()))


def record(**changes):
    fields = {
        "pictures": PictureArray(IMAGES),
        "ids": np.array([11, 2**40, 7]),
        "captions": CAPTIONS,
        "name": "pets",
        "tokens": TOKENS,
    }
    return CaptionedPictures(**fields | changes)


def test_takes_rows_together():
    data = record()
    for index, rows in (
        (slice(1, None), [1, 2]),
        (np.array([2, 0]), [2, 0]),
        (np.array([-1]), [2]),
        (np.array([True, False, True]), [0, 2]),
        ([], []),
    ):
        part = data.take(index, name="part")
        assert part.ids.tolist() == [data.ids[row] for row in rows]
        assert part.captions == tuple(CAPTIONS[row] for row in rows)
        assert part.tokens == tuple(TOKENS[row] for row in rows)
        np.testing.assert_array_equal(part.pictures.images, IMAGES[rows])
        assert part.name == "part"
    assert record(tokens=None).take([0]).tokens is None


def test_prints_what_it_holds():
    assert str(record()) == "pets: 3 pictures, 6 captions, 1 to 3 each"
    assert repr(record()) == "<CaptionedPictures pets: 3 pictures, 6 captions, 1 to 3 each>"
    assert str(record().take([0])) == "pets: 1 pictures, 2 captions, 2 each"
    assert str(record().take([1])) == "pets: 1 pictures, 1 caption, 1 each"
    assert str(record().take([])) == "pets: 0 pictures"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": np.array([1, 2])}, r"pets: ids must be integers of shape \(3,\)"),
        ({"ids": np.array([1.0, 2, 3])}, "pets: ids must be integers .* float64"),
        ({"ids": np.array([4, 1, 4])}, "pets: each id must occur once"),
        ({"captions": CAPTIONS[:2]}, "pets: expected 3 lists of captions, and received 2"),
        ({"captions": ("abc", ("x",), ("y",))}, "pets: expected lists of captions, .*'abc'"),
        ({"captions": (("a", 1), ("x",), ("y",))}, "pets: expected lists of captions"),
        ({"tokens": TOKENS[::-1]}, "pets: expected the tokens of every caption"),
    ],
)
def test_refuses_what_does_not_fit_together(changes, message):
    with pytest.raises(UserError, match=message):
        record(**changes)


def test_a_fingerprint_sees_everything_but_the_name(tmp_path):
    data = record()
    assert record(name="other").fingerprint() == data.fingerprint()
    changed = [
        record(ids=np.array([11, 2**40, 8])),
        record(captions=(*CAPTIONS[:2], ("one", "two", "four"))),
        # The same texts, one of them with another picture, or cut elsewhere.
        record(captions=(("a dog .",), ("two dogs .", "A cat.\n"), CAPTIONS[2]), tokens=None),
        record(captions=(*CAPTIONS[:2], ("one\ntwo", "three")), tokens=None),
        record(tokens=None),
        record(tokens=(*TOKENS[:2], (("one",), (), ("two",)))),
        record(pictures=PictureArray(IMAGES[::-1])),
        data.take([1, 0, 2]),
    ]
    assert len({item.fingerprint() for item in [data, *changed]}) == len(changed) + 1
    # A file's content counts, and one that is missing is not an error.
    files = Files(folder(tmp_path, {"a.png": encoded(noise(5, 7))}))
    stored = [record(pictures=StoredPictures(files, [n, "no.png", "no2.png"])) for n in "ab"]
    there = record(pictures=StoredPictures(files, ["a.png", "no.png", "no2.png"]))
    assert stored[0].fingerprint() == stored[1].fingerprint() != there.fingerprint()


def test_videos_are_taken_printed_and_checked(tmp_path):
    fields = {
        "files": Files(tmp_path),
        "paths": ("a.mp4", "b.mp4"),
        "videos": ("a", "b"),
        "captions": (("x", "y"), ("z",)),
        "name": "clips",
    }
    videos = CaptionedVideos(**fields)
    assert str(videos) == "clips: 2 videos, 3 captions, 1 to 2 each"
    part = videos.take([1])
    assert (part.paths, part.videos, part.captions) == (("b.mp4",), ("b",), (("z",),))
    assert videos.fingerprint() != part.fingerprint()
    assert CaptionedVideos(**fields | {"name": "other"}).fingerprint() == videos.fingerprint()
    for changes, message in (
        ({"paths": ("a.mp4",)}, "expected 2 paths, and received 1"),
        ({"videos": ("a", "a")}, "expected each video once"),
        ({"captions": (("x",),)}, "expected 2 lists of captions"),
    ):
        with pytest.raises(UserError, match=message):
            CaptionedVideos(**fields | changes)


def test_pictures_are_found_in_the_folder_that_holds_most(tmp_path):
    names = ["1.jpg", "2.jpg", "3.jpg"]
    assert located(Files(tmp_path), names, ["usual", "other"]) == [f"usual/{n}" for n in names]
    assert located(Files(tmp_path), names, []) == names
    folder(tmp_path, {f"deep/er/{name}": b"" for name in names[:2]})
    folder(tmp_path, {"thumbs/1.jpg": b"", "usual/9.jpg": b""})
    assert located(Files(tmp_path), names, ["usual"]) == [f"deep/er/{name}" for name in names]
    # Names that have a folder of their own.
    assert located(Files(tmp_path), ["er/1.jpg", "er/9.jpg"], []) == [
        "deep/er/1.jpg",
        "deep/er/9.jpg",
    ]
    # Two folders that hold equally many: the usual one, or none can be told.
    folder(tmp_path, {"thumbs/2.jpg": b""})
    assert located(Files(tmp_path), names, ["thumbs"])[0] == "thumbs/1.jpg"
    with pytest.raises(DatasetError, match=r"found 2 of them in each of deep/er, thumbs"):
        located(Files(tmp_path), names, ["usual"])


def test_readers_and_scenes_load_no_tensorflow():
    code = (
        "import sys; from caption.data import coco, flickr, karpathy, msrvtt, records, scenes; "
        "scenes.render(1, 0); "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_submodules_load_when_touched():
    import caption.data

    assert caption.data.coco is coco
    assert {"coco", "scenes"} <= set(dir(caption.data))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        caption.data.nothing  # noqa: B018
