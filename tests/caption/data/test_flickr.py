import os
from pathlib import Path

import numpy as np
import pytest

from caption.data import flickr
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

NAMES = ("3_ab.jpg", "1000_6b.jpg", "77_00.jpg.1", "205#c.jpg")


def rows(name, order=range(5)):
    return "".join(f"{name}#{k}\t{name[:3]} caption #{k} \n" for k in order)


# The numbers of one picture out of order, its rows apart; a name that does not end in .jpg.
TOKENS = (
    rows(NAMES[0]) + rows(NAMES[1], (4, 1)) + rows(NAMES[2]) + rows(NAMES[1], (0, 3, 2))
).encode() + rows(NAMES[3]).replace("205 c", "Caf\u00e9\t!").encode()
TRAIN = b"205#c.jpg\n3_ab.jpg\n"
DEV = b"1000_6b.jpg\r\n"
PICTURE = encoded(noise(23, 17), "JPEG")
TEXTS = {
    "Flickr8k.token.txt": TOKENS,
    "Flickr_8k.trainImages.txt": TRAIN,
    "Flickr_8k.devImages.txt": DEV,
}
PICTURES = {f"Flicker8k_Dataset/{name}": PICTURE for name in NAMES[:2]}


@pytest.fixture(params=["one folder", "two folders", "zips", "one zip"])
def root(request, tmp_path):
    if request.param == "one folder":
        return folder(tmp_path, TEXTS | PICTURES)
    if request.param == "two folders":
        folder(tmp_path / "Flickr8k_text", TEXTS)
        return folder(tmp_path, PICTURES)
    if request.param == "zips":
        archive(tmp_path / "Flickr8k_text.zip", TEXTS)
        archive(tmp_path / "Flickr8k_Dataset.zip", PICTURES | {"__MACOSX/._3_ab.jpg": b"junk"})
        return tmp_path
    return archive(
        tmp_path / "flickr.zip", {f"flickr/{k}": v for k, v in (TEXTS | PICTURES).items()}
    )


def test_lists_choose_pictures(root):
    train = flickr.load_8k(root)
    assert str(train) == "flickr8k-train: 2 pictures, 10 captions, 5 each"
    # The order is the list's, the ids are positions in the file of captions.
    assert train.ids.tolist() == [3, 0]
    assert train.captions[1] == tuple(f"3_a caption #{k} " for k in range(5))
    assert train.pictures.open(1).size == (23, 17)
    with pytest.raises(DatasetError, match=r"Flicker8k_Dataset/205#c\.jpg: expected a file"):
        train.pictures.open(0)
    dev = flickr.load_8k(root, "dev")
    assert dev.ids.tolist() == [1]
    assert dev.captions == (tuple(f"100 caption #{k} " for k in range(5)),)
    every = flickr.load_8k(root, "all")
    assert every.ids.tolist() == [0, 1, 2, 3]
    assert every.pictures.paths[2].endswith("Flicker8k_Dataset/77_00.jpg.1")


def test_flickr30k_comes_whole(tmp_path):
    contents = {"results_20130124.token": TOKENS, "flickr30k-images/3_ab.jpg": PICTURE}
    record = flickr.load_30k(folder(tmp_path, contents))
    assert str(record) == "flickr30k: 4 pictures, 20 captions, 5 each"
    assert record.pictures.open(0).size == (23, 17)
    assert record.pictures.paths[3] == "flickr30k-images/205#c.jpg"


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected Flickr8k\.token\.txt and Flickr_8k\.testIm"):
        flickr.load_8k(folder(tmp_path, TEXTS), "test")
    with pytest.raises(DatasetError, match=r"Flickr8k has the splits .* and not 'val'"):
        flickr.load_8k(tmp_path, "val")
    with pytest.raises(DatasetError, match=r"expected results_20130124\.token there"):
        flickr.load_30k(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("Flickr8k.token.txt", b"#1\t", b"#1 ", "2: expected a row like 'name.jpg#0<TAB>caption'"),
        ("Flickr8k.token.txt", b"#1\t", b"1\t", "2: expected a row like"),
        ("Flickr8k.token.txt", b"3_a caption #1 ", b" ", "2: expected a row like"),
        ("Flickr8k.token.txt", b"#1\t", b"#5\t", "2: expected the number of .* from 0 to 4, .* 5"),
        ("Flickr8k.token.txt", b"#1\t", b"#x\t", "2: expected the number of .* received x"),
        ("Flickr8k.token.txt", b"#1\t", b"#0\t", "2: expected each caption .* once, .*3_ab.jpg#0"),
        ("Flickr8k.token.txt", b"3_ab.jpg#1", b"../3_ab.jpg#1", "2: expected a path inside"),
        ("Flickr8k.token.txt", b"3_ab.jpg#1", b"#1", "2: expected a path inside"),
        ("Flickr8k.token.txt", b"3_ab.jpg#1", b"x.jpg#1", "5: expected 5 captions of 3_ab.jpg"),
        ("Flickr8k.token.txt", b"#1\t", b"#1\t\x1f", "2: expected text without control"),
        ("Flickr8k.token.txt", b"#1\t", b"#1\t\xff", "2: expected text in UTF-8"),
        ("Flickr_8k.trainImages.txt", b"3_ab", b"3_ax", "2: expected a picture that has capt"),
        ("Flickr_8k.trainImages.txt", b"3_ab", b"3 ab", "2: expected 1 tokens, and received 2"),
        ("Flickr_8k.trainImages.txt", b"3_ab", b"205#c", "2: expected each picture once, aft"),
    ],
)  # fmt: skip
def test_a_row_of_another_form_is_named(tmp_path, name, old, new, message):
    contents = TEXTS | {name: TEXTS[name].replace(old, new, 1)}
    with pytest.raises(DatasetError, match=f"{name}:{message}"):
        flickr.load_8k(folder(tmp_path, contents))


def naive_captions(content):
    captions = {}
    for row in content.decode().split("\n"):
        if row.strip():
            head, caption = row.split("\t", 1)
            name, number = head.rsplit("#", 1)
            caption = caption.removesuffix("\r")
            captions.setdefault(name.replace("\\", "/"), {})[int(number)] = caption
    return {name: [c[k] for k in range(5)] for name, c in captions.items()}


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_captions_are_read_as_they_are_or_refused(copies, tmp_path):
    def read(content):
        (tmp_path / "results_20130124.token").write_bytes(content)
        record = flickr.load_30k(tmp_path)
        names = [path.removeprefix("flickr30k-images/") for path in record.pictures.paths]
        return dict(zip(names, map(list, record.captions), strict=True))

    check_damage(TOKENS, read, naive_captions, copies)


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_lists_are_read_as_they_are_or_refused(copies, tmp_path):
    names = [f"{number}_c.jpg" for number in range(30)]
    texts = {"Flickr8k.token.txt": "".join(map(rows, names)).encode()}
    root = folder(tmp_path, texts)
    content = "".join(f"{name}\n" for name in names[::-2]).encode()

    def read(content):
        (root / "Flickr_8k.devImages.txt").write_bytes(content)
        record = flickr.load_8k(root, "dev")
        return [path.removeprefix("Flicker8k_Dataset/") for path in record.pictures.paths]

    check_damage(content, read, lambda content: content.decode().split(), copies)


@pytest.mark.real_data
def test_the_real_subset():
    root = Path(os.environ["SIMLEARN_DATA"]) / "flickr8k" / "flickr8k-subset.zip"
    every = flickr.load_8k(root, "all")
    assert str(every) == "flickr8k-all: 875 pictures, 4375 captions, 5 each"
    assert all(path in every.pictures.files for path in every.pictures.paths)
    train, dev = flickr.load_8k(root), flickr.load_8k(root, "dev")
    assert (len(train), len(dev)) == (753, 113)
    assert not np.intersect1d(train.ids, dev.ids).size
    for part in (train, dev):
        assert part.captions == tuple(every.captions[number] for number in part.ids)
        assert part.pictures.paths == tuple(every.pictures.paths[number] for number in part.ids)
    assert min(train.pictures.size(0)) == 240
