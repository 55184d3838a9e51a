import json

import pytest

from caption.data import karpathy
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise


def image(number, split, captions, **fields):
    sentences = [
        {"tokens": raw.lower().strip(".").split(), "raw": raw, "imgid": number, "sentid": 7 * k}
        for k, raw in enumerate(captions)
    ]
    shared = {"sentids": [7 * k for k in range(len(captions))], "imgid": number, "split": split}
    return fields | shared | {"sentences": sentences}


def of_coco(number, split, captions, key, folder="val2014"):
    name = f"COCO_{folder}_{key:012d}.jpg"
    return image(number, split, captions, filepath=folder, filename=name, cocoid=key)


COCO = {
    "images": [
        of_coco(0, "test", ["A man.", "A tall man."], 391895),
        of_coco(1, "restval", ["Two dogs."], 522418),
        of_coco(2, "val", ["Caf\u00e9 at night."], 184613),
        of_coco(3, "train", ["A red bus.", "a bus"], 57870, "train2014"),
        of_coco(4, "restval", ["A cat."], 60623),
        of_coco(5, "train", ["A boat."], 222016, "train2014"),
    ],
    "dataset": "coco",
}
FLICKR = {
    "images": [
        image(0, "train", ["A black dog is running .", "A dog ."], filename="2513260012_03.jpg"),
        image(1, "val", ["Two boys ."], filename="1000268201_69.jpg"),
        image(2, "train", ["A girl ."], filename="3000268201_69.jpg"),
    ],
    "dataset": "flickr8k",
}
PICTURE = encoded(noise(23, 17), "JPEG")


def written(tmp_path, document, name="dataset_coco.json", **more):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return folder(tmp_path, {name: content, **more})


def test_restval_is_a_choice_to_make(tmp_path):
    root = written(tmp_path, COCO)
    with pytest.raises(DatasetError, match=r"has pictures called restval; say restval=True"):
        karpathy.load(root)
    without = karpathy.load(root, restval=False)
    assert str(without) == "coco-karpathy-train: 2 pictures, 3 captions, 1 to 2 each"
    assert without.ids.tolist() == [57870, 222016]
    both = karpathy.load(root, restval=True)
    assert str(both) == "coco-karpathy-train+restval: 4 pictures, 5 captions, 1 to 2 each"
    # In the order of the file.
    assert both.ids.tolist() == [522418, 57870, 60623, 222016]
    assert karpathy.load(root, "restval").ids.tolist() == [522418, 60623]
    with pytest.raises(DatasetError, match=r"restval belongs to the split 'train'.*'val'"):
        karpathy.load(root, "val", restval=True)


def test_captions_come_raw_and_cut(tmp_path):
    test = karpathy.load(written(tmp_path, COCO), "test")
    assert test.captions == (("A man.", "A tall man."),)
    assert test.tokens == ((("a", "man"), ("a", "tall", "man")),)


@pytest.mark.parametrize("where", ["beside", "below", "zips", "elsewhere"])
def test_pictures_lie_in_the_folders_of_2014(tmp_path, where):
    pictures = {
        "train2014/COCO_train2014_000000057870.jpg": PICTURE,
        "val2014/COCO_val2014_000000391895.jpg": PICTURE,
    }
    options = {"restval": False}
    root = written(tmp_path / "root" / ("karpathy" if where == "below" else ""), COCO)
    match where:
        case "beside":
            folder(root, pictures)
        case "below":
            root = folder(root.parent, {f"images/{k}": v for k, v in pictures.items()})
        case "zips":
            archive(root / "train2014.zip", pictures)
        case _:
            options["pictures"] = folder(tmp_path / "pictures", pictures)
            root = root / "dataset_coco.json"
    train = karpathy.load(root, **options)
    assert train.pictures.open(0).size == (23, 17)
    assert train.pictures.paths[1].endswith("train2014/COCO_train2014_000000222016.jpg")
    with pytest.raises(DatasetError, match="expected a file, and found none"):
        train.pictures.open(1)


def test_flickr_has_no_restval(tmp_path):
    pictures = {"Flicker8k_Dataset/3000268201_69.jpg": PICTURE}
    root = written(tmp_path, FLICKR, "dataset_flickr8k.json", **pictures)
    for restval in (None, True, False):
        train = karpathy.load(root, restval=restval)
        assert str(train) == "flickr8k-karpathy-train: 2 pictures, 3 captions, 1 to 2 each"
    assert train.ids.tolist() == [0, 2]
    assert train.pictures.open(1).size == (23, 17)
    assert karpathy.load(root, "val").ids.tolist() == [1]
    with pytest.raises(DatasetError, match="expected pictures of the split 'test', and found none"):
        karpathy.load(root, "test")


def test_a_file_without_ids_counts_its_pictures(tmp_path):
    images = [{k: v for k, v in i.items() if k != "imgid"} for i in FLICKR["images"]]
    root = written(tmp_path, {"images": images}, "dataset_flickr30k.json")
    assert karpathy.load(root, "val").ids.tolist() == [1]


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected one of dataset_coco\.json, .* found none"):
        karpathy.load(tmp_path, "val")
    root = written(tmp_path, COCO, **{"dataset_flickr8k.json": b"{}"})
    with pytest.raises(
        DatasetError, match=r"found dataset_coco\.json, dataset_flickr8k\.json; the"
    ):
        karpathy.load(root, "val")
    assert len(karpathy.load(root / "dataset_coco.json", "val")) == 1
    with pytest.raises(DatasetError, match="Karpathy's split has the splits 'train', 'restval'"):
        karpathy.load(root, "dev")


def with_image(**fields):
    document = json.loads(json.dumps(COCO))
    document["images"][2].update(fields)
    return document


def with_sentence(**fields):
    document = json.loads(json.dumps(COCO))
    document["images"][2]["sentences"][0].update(fields)
    return document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (with_image(split="dev"), r"images\[2\]: expected 'split' as one of .* received dev"),
        (with_image(split=1), r"images\[2\]: expected 'split' as str"),
        (with_image(cocoid=57870), r"images\[3\]: expected each cocoid once, and received 57870"),
        (
            {"images": COCO["images"][:2] + FLICKR["images"]},
            r"\[2\]: expected the field 'filepath'",
        ),
        ({"images": FLICKR["images"] + COCO["images"]}, r"\[0\]: expected the field 'filepath'"),
        (with_image(cocoid=1.5), r"images\[2\]: expected 'cocoid' as int"),
        (with_image(cocoid=True), r"images\[2\]: expected 'cocoid' as int"),
        (with_image(filename="/a.jpg"), r"images\[2\]: expected a path inside"),
        (with_image(filepath=".."), r"images\[2\]: expected a path inside"),
        (with_image(filename="COCO_val2014_000000391895.jpg"), r"\[2\]: expected each filename"),
        (with_image(sentences=[]), r"images\[2\]: expected captions of the image, found none"),
        (with_image(sentences=[[]]), r"images\[2\]\.sentences\[0\]: expected an object"),
        (with_sentence(raw=""), r"images\[2\]\.sentences\[0\]: expected a caption as 'raw'"),
        (with_sentence(raw="\udfff"), r"sentences\[0\]: expected 'raw' as text, and"),
        (with_sentence(tokens=["a", 2]), r"sentences\[0\]: expected 'tokens' as texts"),
        (with_sentence(tokens=["a", "\ud83d"]), r"sentences\[0\]: expected 'tokens' as texts"),
        (with_sentence(tokens="a b"), r"sentences\[0\]: expected 'tokens' as list"),
        ({"images": []}, "expected pictures of the split 'val', and found none"),
        ({"image": []}, "expected the field 'images'"),
    ],
)
def test_what_is_not_of_the_format_is_named(tmp_path, document, message):
    root = written(tmp_path, document)
    with pytest.raises(DatasetError, match=message):
        karpathy.load(root, "val")


def naive(content):
    found = []
    for entry in json.loads(content)["images"]:
        assert entry["split"] in ("train", "restval", "val", "test")
        if entry["split"] in ("train", "restval"):
            path = f"{entry['filepath']}/{entry['filename']}".replace("\\", "/")
            sentences = [(s["raw"], s["tokens"]) for s in entry["sentences"]]
            found.append((entry["cocoid"], path, sentences))
    return found


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_files_are_read_as_they_are_or_refused(copies, tmp_path):
    def read(content):
        (tmp_path / "dataset_coco.json").write_bytes(content)
        train = karpathy.load(tmp_path / "dataset_coco.json", restval=True)
        sentences = [
            [(raw, list(words)) for raw, words in zip(*of_picture, strict=True)]
            for of_picture in zip(train.captions, train.tokens, strict=True)
        ]
        return list(zip(train.ids.tolist(), train.pictures.paths, sentences, strict=True))

    check_damage(json.dumps(COCO, indent=1).encode(), read, naive, copies)
