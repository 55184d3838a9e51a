import json
import os
from pathlib import Path

import pytest

from caption.data import coco
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

# As the official files: ids in no order, fields that readers do not need, captions with a line
# end or another alphabet in them, images with more than one annotation far apart.
DOCUMENT = {
    "info": {"description": "made up", "year": 2017},
    "licenses": [{"id": 1, "name": "none"}],
    "images": [
        {"license": 1, "file_name": "000000000042.jpg", "height": 17, "width": 23, "id": 42},
        {"license": 1, "file_name": "000000000009.jpg", "height": 17, "width": 23, "id": 9},
        {"license": 1, "file_name": "000000000139.jpg", "height": 17, "width": 23, "id": 139},
    ],
    "annotations": [
        {"image_id": 9, "id": 71, "caption": "A man rides a horse.\n"},
        {"image_id": 42, "id": 5, "caption": "two dogs"},
        {"image_id": 139, "id": 90, "caption": "Caf\u00e9 at night"},
        {"image_id": 9, "id": 3, "caption": " The horse carries a \u201cman\u201d"},
        {"image_id": 42, "id": 4, "caption": "two dogs"},
    ],
}
ANNOTATIONS = json.dumps(DOCUMENT, indent=1).encode()
PICTURE = encoded(noise(23, 17), "JPEG")
CONTENTS = {
    "annotations/captions_val2017.json": ANNOTATIONS,
    "val2017/000000000042.jpg": PICTURE,
    "val2017/000000000009.jpg": PICTURE,
    "train2017/000000000008.jpg": PICTURE,
}


@pytest.fixture(params=["folder", "beside", "below", "zips"])
def root(request, tmp_path):
    if request.param == "folder":
        return folder(tmp_path, CONTENTS)
    if request.param == "beside":
        moved = {k.removeprefix("annotations/"): v for k, v in CONTENTS.items()}
        return folder(tmp_path, moved)
    if request.param == "below":
        inside = {k if "json" in k else f"images/{k}": v for k, v in CONTENTS.items()}
        return folder(tmp_path / "coco", inside).parent
    for name in ("annotations", "val2017"):
        part = {k: v for k, v in CONTENTS.items() if k.startswith(name)}
        archive(tmp_path / f"{name}.zip", part)
    return tmp_path


def test_images_come_with_their_captions(root):
    val = coco.load(root, "val", year=2017)
    assert str(val) == "coco-val2017: 3 pictures, 5 captions, 1 to 2 each"
    assert val.ids.tolist() == [42, 9, 139]
    assert val.captions == (
        ("two dogs", "two dogs"),
        ("A man rides a horse.\n", " The horse carries a \u201cman\u201d"),
        ("Caf\u00e9 at night",),
    )
    assert val.tokens is None
    assert val.pictures.open(1).size == (23, 17)
    # In the list and not on disk.
    with pytest.raises(DatasetError, match=r"val2017/000000000139\.jpg: expected a file"):
        val.pictures.open(2)


def test_the_names_of_2014(tmp_path):
    name = "COCO_train2014_000000000009.jpg"
    document = {
        "images": [{"id": 9, "file_name": name}],
        "annotations": [{"id": 1, "image_id": 9, "caption": "a horse"}],
    }
    contents = {"captions_train2014.json": json.dumps(document).encode()}
    train = coco.load(folder(tmp_path, contents | {f"train2014/{name}": PICTURE}))
    assert str(train) == "coco-train2014: 1 pictures, 1 caption, 1 each"
    assert train.pictures.paths == (f"train2014/{name}",)
    assert train.pictures.open(0).size == (23, 17)


def test_a_file_of_another_name(tmp_path):
    path = tmp_path / "half.json"
    path.write_bytes(ANNOTATIONS)
    pictures = archive(tmp_path / "mini.zip", {"val2017/000000000009.jpg": PICTURE})
    half = coco.load_file(path, pictures)
    assert str(half) == "half: 3 pictures, 5 captions, 1 to 2 each"
    assert half.pictures.open(1).size == (23, 17)
    assert coco.load_file(str(path), tmp_path, name="mine").name == "mine"
    with pytest.raises(DatasetError, match=r"none\.json: expected a JSON file to read"):
        coco.load_file(tmp_path / "none.json", tmp_path)


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected captions_val2014\.json there or up to two"):
        coco.load(tmp_path, "val")
    with pytest.raises(DatasetError, match=r"COCO has the splits 'train2014', .* not 'test2014'"):
        coco.load(tmp_path, "test")
    with pytest.raises(DatasetError, match="and not 'val2015'"):
        coco.load(tmp_path, "val", year=2015)


def changed(change):
    document = json.loads(ANNOTATIONS)
    change(document)
    return json.dumps(document).encode()


def with_image(**fields):
    return changed(lambda d: d["images"][1].update(fields))


def with_annotation(**fields):
    return changed(lambda d: d["annotations"][3].update(fields))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (with_image(id=42), r"images\[1\]: expected each id once, and received 42 again after .*"),
        (with_image(id=True), r"images\[1\]: expected 'id' as int, and received True"),
        (with_image(id=9.0), r"images\[1\]: expected 'id' as int, and received 9\.0"),
        (with_image(id="9"), r"images\[1\]: expected 'id' as int"),
        (with_image(id=-9), r"images\[1\]: expected 'id' from 0, and received -9"),
        (with_image(id=2**63), r"expected JSON .*9223372036854775808 is too large an integer"),
        (with_image(id=None), r"images\[1\]: expected 'id' as int, and received None"),
        (with_image(file_name="../9.jpg"), r"images\[1\]: expected a path inside the data set"),
        (with_image(file_name="\ud800.jpg"), r"images\[1\]: expected 'file_name' as text, and"),
        (with_image(file_name="000000000042.jpg"), r"images\[1\]: expected each file_name once"),
        (with_annotation(id=71), r"annotations\[3\]: expected each id once, and received 71"),
        (with_annotation(image_id=10), r"annotations\[3\]: expected the id of an image, .* 10"),
        (with_annotation(image_id=9.0), r"annotations\[3\]: expected 'image_id' as int"),
        (with_annotation(caption=7), r"annotations\[3\]: expected 'caption' as str"),
        (with_annotation(caption="a \ud800"), r"annotations\[3\]: expected 'caption' as text, and"),
        (with_annotation(caption=" \n"), r"annotations\[3\]: expected a caption as 'caption'"),
        (changed(lambda d: d["annotations"].pop(2)), r"images\[2\]: expected captions of the imag"),
        (changed(lambda d: d.pop("images")), "expected the field 'images', and received info"),
        (changed(lambda d: d.update(images={})), "expected 'images' as list"),
        (changed(lambda d: d["images"].append(7)), r"images\[3\]: expected an object, and rec"),
        (b"[]", r"captions_val2017\.json: expected an object"),
        (ANNOTATIONS.replace(b'"id": 71', b'"id": 71, "id": 71'), "key id occurs twice"),
        (ANNOTATIONS[:-9], r"captions_val2017\.json:\d+: expected JSON"),
    ],
)
def test_what_is_not_of_the_format_is_named(tmp_path, content, message):
    root = folder(tmp_path, {"captions_val2017.json": content})
    with pytest.raises(DatasetError, match=rf"captions_val2017\.json.*{message}|^.*{message}"):
        coco.load(root, "val", year=2017)


def naive(content):
    document = json.loads(content)
    found = {
        image["id"]: (image["file_name"].replace("\\", "/"), []) for image in document["images"]
    }
    for annotation in document["annotations"]:
        found[annotation["image_id"]][1].append(annotation["caption"])
    return found


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_annotations_are_read_as_they_are_or_refused(copies, tmp_path):
    def read(content):
        (tmp_path / "captions.json").write_bytes(content)
        record = coco.load_file(tmp_path / "captions.json", tmp_path)
        columns = (record.ids.tolist(), record.pictures.paths, map(list, record.captions))
        return {key: (path, texts) for key, path, texts in zip(*columns, strict=True)}

    check_damage(ANNOTATIONS, read, naive, copies)


RESULTS = b"""[{"image_id": 42, "caption": "a dog and a dog"},
 {"image_id": 9, "caption": ""}, {"caption": "caf\\u00e9", "image_id": 139, "score": 0.5}]"""


def test_results_by_picture(tmp_path):
    (tmp_path / "results.json").write_bytes(RESULTS)
    results = coco.read_results(tmp_path / "results.json")
    assert list(results.items()) == [(42, "a dog and a dog"), (9, ""), (139, "caf\u00e9")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"9,", b"42,", r"results.json: \[1\]: expected each image_id once, and received 42"),
        (b"9,", b"9.0,", r"results.json: \[1\]: expected 'image_id' as int"),
        (b"9,", b'"9",', r"results.json: \[1\]: expected 'image_id' as int"),
        (b'""', b"null", r"results.json: \[1\]: expected 'caption' as str"),
        (b"u00e9", b"udc00", r"results.json: \[2\]: expected 'caption' as text, and"),
        (b"[", b'{"results":[', "expected JSON"),
        (RESULTS, b"{}", r"results.json: expected a list of results, and received \{\}"),
        (b'{"image_id": 9, "caption": ""}', b"9", r"\[1\]: expected an object, and received 9"),
    ],
)
def test_results_of_another_form_are_named(tmp_path, old, new, message):
    (tmp_path / "results.json").write_bytes(RESULTS.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        coco.read_results(tmp_path / "results.json")


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_results_are_read_as_they_are_or_refused(copies, tmp_path):
    def read(content):
        (tmp_path / "results.json").write_bytes(content)
        return coco.read_results(tmp_path / "results.json")

    def naive(content):
        return {record["image_id"]: record["caption"] for record in json.loads(content)}

    check_damage(RESULTS, read, naive, copies)


@pytest.mark.real_data
def test_half_of_the_real_validation_captions():
    root = Path(os.environ["SIMLEARN_DATA"]) / "coco"
    path = root / "captions_val2017-half.json"
    half = coco.load_file(path, root / "val2017-mini.zip")
    assert str(half) == "captions_val2017-half: 2500 pictures, 12507 captions, 5 to 7 each"
    there = [path in half.pictures.files for path in half.pictures.paths]
    assert sum(there) == 75
    document = json.loads(path.read_text())
    assert half.ids.tolist() == [image["id"] for image in document["images"]]
    row = there.index(True)
    size = document["images"][row]
    width, height = half.pictures.size(row)
    assert abs(width / height - size["width"] / size["height"]) < 0.02
    captions = [a["caption"] for a in document["annotations"] if a["image_id"] == half.ids[row]]
    assert list(half.captions[row]) == captions
