import json

import numpy as np
import pytest
from PIL import Image

from simlearn import audit
from simlearn.audit import Part
from simlearn.data import Files, LabelledImages, folders
from simlearn.data.records import PicturePairs, StoredPictures
from simlearn.errors import UserError
from tests.simlearn.audit.test_hashes import smooth
from tests.simlearn.data.pictures import encoded, folder


def photo(seed):
    """Colour pixels with structure, 64 x 48."""
    return np.stack(list(smooth(3, seed)), axis=-1)[:48]


def jpeg(pixels, quality):
    return encoded(pixels, "JPEG", quality=quality)


# Five people with two pictures each; who is trained on and who is tested never meet.
TRAIN = {
    f"{who}/{n}.png": encoded(photo(10 * w + n)) for w, who in enumerate("abc") for n in (1, 2)
}
TEST = {
    f"{who}/{n}.png": encoded(photo(10 * w + n)) for w, who in enumerate("xyz", 5) for n in (1, 2)
}


@pytest.fixture
def parts(tmp_path):
    def make(train=None, test=None):
        contents = {"train": TRAIN | (train or {}), "test": TEST | (test or {})}
        return {
            name: folders.load(folder(tmp_path / name, files), name=name)
            for name, files in contents.items()
        }

    return make


# Two records of files number their pictures alike by chance.
FILES = ("identities", "files", "bytes", "pixels")


def counts(found):
    return {shared.kind: shared.count for shared in found.shared if shared.count}


def test_a_clean_split_passes(parts):
    found = audit.check(parts(), disjoint=FILES, threshold=60)
    assert counts(found) == {}
    assert str(found) == (
        "audit of train and test: nothing shared in identities, files, bytes, pixels; 0 pairs alike"
    )
    assert [s.kind for s in found.shared] == ["identities", "files", "bytes", "pixels"]
    assert found.parts["train"].pictures == 6
    assert found.parts["train"].identities == 3
    assert "not claimed to number" in found.not_checked["ids"]


def test_a_person_in_both_is_found(parts, tmp_path):
    leaking = parts(test={"b/7.png": encoded(photo(99)), "b/8.png": encoded(photo(98))})
    found = audit.compare(leaking, disjoint=FILES)
    assert counts(found) == {"identities": 1}
    assert found.shared[0].pictures == (2, 2)
    assert found.shared[0].examples == ("b",)
    with pytest.raises(UserError, match=r"^train and test share 1 identity \(b\): .*--allow-leak"):
        found.require()
    # Where classes are shared by design they are counted, and stop nothing.
    closed = audit.check(leaking, disjoint=FILES[1:])
    assert counts(closed) == {"identities": 1}
    assert "does not hold them out" in closed.not_checked["identities"]


def test_the_same_bytes_under_another_name_are_found(parts, tmp_path):
    leaking = parts(test={"x/9.png": TRAIN["c/2.png"]})
    found = audit.compare(leaking, disjoint=FILES, threshold=60)
    assert counts(found) == {"bytes": 1, "pixels": 1}
    same = f"{tmp_path}/train/c/2.png = {tmp_path}/test/x/9.png"
    assert {s.examples for s in found.shared if s.count} == {(same,)}
    # What is equal is not counted as alike as well.
    assert found.alike[0].count == 0
    with pytest.raises(UserError) as caught:
        audit.check(leaking, disjoint=FILES)
    assert str(caught.value) == (
        f"train and test share the bytes of 1 file ({same}) and the pixels of 1 picture ({same}): "
        "a score would count what was learned by heart; mend the split, or allow it by name: "
        "--allow-leakage bytes pixels on a command line, allow= in Python"
    )


def test_the_same_pixels_in_another_file_are_found(parts):
    grey = photo(77)[:, :, 0]
    leaking = parts(
        train={"a/3.pgm": encoded(grey, "PPM")},
        # As BMP, and in three channels.
        test={"y/3.bmp": encoded(np.repeat(grey[:, :, np.newaxis], 3, axis=2), "BMP")},
    )
    assert counts(audit.compare(leaking, disjoint=FILES, threshold=60)) == {"pixels": 1}


def test_pictures_of_another_shape_are_not_the_same(parts):
    tone = np.full((6, 4), 99, np.uint8)
    other = parts(train={"a/3.png": encoded(tone)}, test={"x/3.png": encoded(tone.T)})
    assert counts(audit.compare(other, disjoint=FILES)) == {}


@pytest.mark.parametrize("how", ["quality", "half", "grey"])
def test_a_picture_encoded_anew_is_listed(parts, tmp_path, how):
    pixels = photo(1)
    changed = {
        "quality": jpeg(pixels, 50),
        "half": encoded(np.asarray(Image.fromarray(pixels).resize((32, 24)))),
        "grey": encoded(np.asarray(Image.fromarray(pixels).convert("L"))),
    }[how]
    # What cannot be read, and so has no hash, comes first in both.
    damaged = parts(train={"a/0.png": b"1"}, test={"w/0.png": b"2", "x/9.jpg": changed})
    found = audit.check(damaged, disjoint=FILES, threshold=40)
    assert counts(found) == {}
    ((left, right, distance),) = found.alike[0].examples
    assert found.alike[0].count == 1
    assert (left, right) == (f"{tmp_path}/train/a/1.png", f"{tmp_path}/test/x/9.jpg")
    assert 0 <= distance <= 40


def test_the_same_file_and_ids_of_one_data_set_are_found(tmp_path):
    whole = folders.load(folder(tmp_path, TRAIN), name="all")
    cut = {
        "train": whole.take([0, 1, 2, 3]),
        "validation": whole.take([4]),
        "test": whole.take([3, 5]),
    }
    found = audit.compare(cut)
    leaks = {(leak.parts, leak.kind): leak.examples for leak in found.leaks}
    path = f"{tmp_path}/b/2.png"
    both = ("train", "test")
    assert leaks == {
        (both, "ids"): ("3",),
        (both, "files"): (path,),
        (both, "bytes"): (path,),
        (both, "pixels"): (path,),
    }
    with pytest.raises(UserError, match=r"train and test share 1 id \(3\) and 1 file .*: a score"):
        found.require()


def test_allowances_are_by_name(tmp_path):
    whole = folders.load(folder(tmp_path, TRAIN), name="all")
    cut = {"train": whole.take([0, 1]), "test": whole.take([1, 2])}
    with pytest.raises(UserError, match="allow-leakage ids files on"):
        audit.check(cut, allow=("bytes", "pixels"))
    found = audit.check(cut, allow=("pixels", "ids", "files", "bytes"))
    assert found.allowed == ("ids", "files", "bytes", "pixels")
    assert found.leaks == ()
    # What is allowed is reported all the same.
    assert "share 1 id (1) and 1 file" not in str(found)
    assert "train and test share 1 id (1); train and test share 1 file" in str(found)
    assert [s["count"] for s in found.as_json()["shared"]] == [1, 1, 1, 1, 1]


def test_damaged_and_missing_pictures_are_counted(parts):
    damaged = parts(
        train={"c/5.png": TRAIN["a/1.png"][:90], "c/6.png": b"", "c/7.png": encoded(photo(3) * 0)},
        test={"y/5.png": b"no picture"},
    )
    (damaged["test"].pictures.files.root / "z/1.png").unlink()
    (damaged["train"].pictures.files.root / "c/2.png").unlink()
    found = audit.check(damaged, disjoint=FILES, threshold=60)
    train, test = found.parts.values()
    assert (train.pictures, train.unreadable, train.without_hash) == (9, 3, 1)
    assert (test.pictures, test.unreadable, test.without_hash) == (7, 2, 0)
    assert "c/5.png: expected a whole picture" in train.unreadable_examples[1]
    assert "z/1.png: expected a file, and found none" in test.unreadable_examples[1]
    # Pictures that cannot be read have nothing in common, nor have files that are not there; the
    # bytes of a damaged file still count.
    assert counts(found) == {}
    again = parts(train={"c/6.png": b"broken"}, test={"y/5.png": b"broken"})
    assert counts(audit.compare(again, disjoint=FILES)) == {"bytes": 1}
    assert str(found).endswith("; 5 pictures unreadable")


def test_duplicates_inside_a_part_are_listed_and_stop_nothing(parts, tmp_path):
    doubled = parts(train={"b/8.png": TRAIN["a/1.png"], "b/9.png": TRAIN["a/1.png"]})
    found = audit.check(doubled, disjoint=FILES)
    names = (f"{tmp_path}/train/a/1.png = {tmp_path}/train/b/8.png = {tmp_path}/train/b/9.png",)
    assert found.parts["train"].duplicates["bytes"] == audit.Duplicates(2, names)
    assert found.parts["train"].duplicates["pixels"].count == 2
    assert found.parts["test"].duplicates["bytes"].count == 0


def test_pictures_in_memory(parts):
    images = np.stack([smooth(1, seed)[0, :5, :7, np.newaxis] for seed in range(6)])
    data = LabelledImages(images, np.array([3, 3, 5, 5, 7, 7]), np.arange(6) + 40, "images")
    clean = {"train": data.take(slice(0, 4)), "test": data.take(slice(4, None))}
    found = audit.check(clean, disjoint=("identities", *audit.PICTURES))
    assert "train, test: hold no files" in found.not_checked["bytes"]
    nothing = audit.check(clean, disjoint=("bytes",), threshold=-1)
    assert str(nothing) == "audit of train and test: nothing compared; 0 pairs alike"
    copied = LabelledImages(images[[4, 1]], np.array([7, 8]), np.array([44, 90]), "copies")
    found = audit.compare(clean | {"test": copied}, disjoint=("identities", "ids", "pixels"))
    assert counts(found) == {"pixels": 1}
    assert found.leaks[0].examples == ("picture 1",)


def test_people_of_pairs_come_from_their_folders(tmp_path):
    files = Files(folder(tmp_path, {f"lfw/{name}": b"" for name in TRAIN}))
    paths = [f"lfw/{name}" for name in TRAIN]

    def pairs(rows):
        return PicturePairs(
            StoredPictures(files, [paths[row] for row in rows]),
            left=np.array([0]),
            right=np.array([1]),
            same=np.array([True]),
            fold=np.array([0]),
            name="pairs",
        )

    with pytest.raises(UserError, match=r"train: expected identities, which .* audit\.by_folder"):
        audit.check({"train": pairs([0, 1]), "test": pairs([2, 3])}, disjoint=("identities",))
    clean = {"train": audit.by_folder(pairs([0, 1])), "test": audit.by_folder(pairs([2, 3]))}
    audit.check(clean, disjoint=("identities",))
    leak = clean | {"test": audit.by_folder(pairs([1, 2]))}
    with pytest.raises(UserError, match=r"share 1 identity \(a\)"):
        audit.check(leak, disjoint=("identities",))
    bare = Part(StoredPictures(files, ["top.png"]))
    with pytest.raises(UserError, match=r"top\.png: expected a picture in a folder"):
        audit.by_folder(bare)


def test_the_result_is_json_of_a_bounded_size(parts):
    copies = {
        f"{who}/c{n}.png": content
        for n, (who, content) in enumerate(
            (who, content) for who in "xyz" for content in TRAIN.values()
        )
    }
    near = {f"x/n{n}.png": jpeg(photo(n % 2 + 1), 40 + n) for n in range(1, 19)}
    found = audit.compare(parts(test=copies | near), disjoint=FILES, threshold=60)
    result = found.as_json()
    assert json.loads(json.dumps(result)) == result
    shared = {entry["kind"]: entry for entry in result["shared"]}
    assert shared["bytes"]["count"] == 6  # six contents, each three times in the test part
    assert shared["bytes"]["pictures"] == [6, 18]
    assert result["parts"]["test"]["duplicates"]["bytes"]["count"] == 12
    # Each of 18 is like one picture of the training part.
    assert result["alike"][0]["count"] == 18
    assert len(result["alike"][0]["examples"]) == 12
    distances = [distance for _, _, distance in result["alike"][0]["examples"]]
    assert distances == sorted(distances)
    assert len(json.dumps(result)) < 20_000


def test_what_cannot_be_compared_is_refused(parts):
    data = parts()
    with pytest.raises(UserError, match="expected at least 2 parts to compare, and received 1"):
        audit.check({"train": data["train"]})
    with pytest.raises(
        UserError, match=r"expected kinds among identities, ids, .* received 'byte'"
    ):
        audit.check(data, allow=("byte",))
    with pytest.raises(UserError, match=r"expected a record with pictures .* received dict"):
        audit.check({"train": data["train"], "test": {}})
    with pytest.raises(UserError, match="expected 6 identities, one for each picture, and rec"):
        Part(data["train"].pictures, identities=["a"])
