"""Files of references and hypotheses: every format, every mistake."""

import contextlib
import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caption.metrics.readers import LONGEST, only, read_hypotheses, read_references
from simlearn.errors import DatasetError

COCO = {
    "images": [{"id": 42, "file_name": "b.jpg"}, {"id": 7, "file_name": "a.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 7, "caption": "A cat."},
        {"id": 2, "image_id": 42, "caption": "A dog\nruns."},
        {"id": 3, "image_id": 7, "caption": "The cat."},
    ],
}
KARPATHY = {
    "images": [
        {
            "filename": f"{name}.jpg",
            "imgid": number,
            "split": split,
            "sentences": [{"raw": f"A {name}.", "tokens": ["a", name]}],
        }
        for number, (name, split) in enumerate([("dog", "train"), ("cat", "test"), ("cow", "test")])
    ]
}
RESULTS = [{"image_id": 7, "caption": "a cat"}, {"image_id": 42, "caption": "a dog"}]


@pytest.fixture
def write(tmp_path):
    def write(content, name="file.json"):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def coco(write):
    return read_references(write(COCO, "refs.json"))


def test_coco(coco):
    assert coco.captions == {42: ("A dog\nruns.",), 7: ("A cat.", "The cat.")}
    assert coco.names == {"a.jpg": 7, "b.jpg": 42}


def test_karpathy(write):
    path = write(KARPATHY)
    assert read_references(path).captions == {1: ("A cat.",), 2: ("A cow.",)}
    train = read_references(path, split="train")
    assert (train.captions, train.names) == ({0: ("A dog.",)}, {"dog.jpg": 0})
    with pytest.raises(DatasetError, match="the split 'val', and found test, train"):
        read_references(path, split="val")


def test_lists_of_captions(write):
    texts = [*RESULTS, {"image_id": 7, "caption": "the cat"}]
    assert read_references(write(texts)).captions == {7: ("a cat", "the cat"), 42: ("a dog",)}
    # What is JSON shows the content, whatever the name.
    assert read_references(write(texts, "refs.txt")).captions.keys() == {7, 42}


def test_flickr(write):
    rows = "b.jpg#0\tA dog .\na.jpg.1#1\tCats #1\r\nb.jpg#1\tDogs\n"
    found = read_references(write(rows, "Flickr8k.token.txt"))
    assert found.captions == {"b.jpg": ("A dog .", "Dogs"), "a.jpg.1": ("Cats #1",)}
    own = write("a.jpg.1#0\ta cat\nb.jpg#0\ta dog\n", "hyps.txt")
    assert read_hypotheses(own, found) == {"b.jpg": "a dog", "a.jpg.1": "a cat"}


def test_plain_lines(write, coco):
    found = read_references(write("a dog\tdogs\n[a cat]", "refs.txt"))
    assert found.captions == {1: ("a dog", "dogs"), 2: ("[a cat]",)}
    # Hypotheses in lines go by the order of any references.
    assert read_hypotheses(write("x\ny\n", "h.txt"), coco) == {42: "x", 7: "y"}


def test_results_go_by_id_or_by_the_name_of_the_file(write, coco):
    assert list(read_hypotheses(write(RESULTS), coco).items()) == [(42, "a dog"), (7, "a cat")]
    named = [{"image_id": "b.jpg", "caption": "x"}, {"image_id": "a.jpg", "caption": "y"}]
    assert read_hypotheses(write(named), coco) == {42: "x", 7: "y"}


def test_numbers_and_their_texts_are_the_same_ids(write):
    numbers, texts = (
        [{"image_id": kind(n), "caption": "x"} for n in (1, 2)] for kind in (int, str)
    )
    refs = read_references(write(numbers, "refs.json"))
    assert read_hypotheses(write(texts), refs) == {1: "x", 2: "x"}
    refs = read_references(write(texts, "refs.json"))
    assert read_hypotheses(write(numbers), refs) == {"1": "x", "2": "x"}
    assert only(refs, write("2\n", "list.txt")).captions == {"2": ("x",)}
    # In one file nobody could tell which is meant.
    with pytest.raises(DatasetError, match=r"refs.json: .* under one id, and found both 1 and '1'"):
        read_references(write([numbers[0], texts[0]], "refs.json"))
    refs = read_references(write(numbers, "refs.json"))
    with pytest.raises(DatasetError, match=r"\[1\]: image 1: expected each image once"):
        read_hypotheses(write([numbers[0], texts[0]]), refs)


def test_some_images_alone(write, coco):
    kept = only(coco, write("a.jpg\n", "list.txt"))
    assert kept.captions == {7: ("A cat.", "The cat.")}
    assert only(coco, write("42", "list.txt")).captions.keys() == {42}
    # The others count as images without references.
    with pytest.raises(DatasetError, match=r"\[1\]: image 42: expected an image that has ref"):
        read_hypotheses(write(RESULTS), kept)
    with pytest.raises(DatasetError, match=r"list.txt:1: expected an image of .*, and received 8"):
        only(coco, write("8\n", "list.txt"))
    with pytest.raises(DatasetError, match=r"list.txt:2: expected each image once"):
        only(coco, write("7\na.jpg\n", "list.txt"))


def record(key, caption="x"):
    return {"image_id": key, "caption": caption}


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([record(7), record(9)], r"file.json: \[1\]: image 9: expected an image that has"),
        ([record(7)], r"file.json: expected a hypothesis .* none for image 42$"),
        ([record(7), record(7), record(42)], r"\[1\]: image 7: expected each image once.*\[0\]"),
        ([record("a.jpg"), record(7)], r"\[1\]: image 7: expected each image once"),
        ([record(7, " \n")], r"\[0\]: image 7: expected a caption, and received ' \\n'"),
        ([record(7, "x" * 10**6)], r"image 7: expected .* 65536 characters, and received 1000000"),
        ([record(7, 3)], r"image 7: expected 'caption' as str, and received 3"),
        ([record(7, None)], r"image 7: expected 'caption' as str, and received None"),
        ([record(True)], r"\[0\]: expected 'image_id' as int or str, and received True"),
        ([record(7, "\ud800")], r"expected 'caption' as text"),
        ([{"image_id": 7}], r"image 7: expected the field 'caption'"),
        (["a dog"], r"\[0\]: expected an object, and received a dog"),
        ({"7": "a cat"}, "expected a list of results"),
        (COCO, "expected a list of results"),
        (b'[{"image_id": 7, "caption": "\xff"}]', "expected JSON in UTF-8"),
        (b'[{"image_id": 7,]', "file.json:1: expected JSON"),
        (b"[" * 100_000, "expected JSON of a few levels, and found lists or objects nested too d"),
        (b"\xef\xbb\xbf[]", "file.json: expected JSON without a byte order mark, and found one"),
        (
            b'[{"image_id": ' + b"1" * 5000,
            "expected JSON in UTF-8: 1{77}.* is too large an integer",
        ),
        (b"", "expected captions, and found an empty file"),
        (b" ", "file.json:1: expected JSON"),
    ],
)
def test_hypotheses_that_are_not(write, coco, results, message):
    with pytest.raises(DatasetError, match=message):
        read_hypotheses(write(results), coco)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a dog\nx\xff\n", r"h.txt:2: expected text in UTF-8"),
        (b"\xef\xbb\xbfa dog\nx\n", "h.txt:1: expected text without a byte order mark"),
        ("a dog\n\n", r"h.txt:2: expected a caption, and received ''"),
        ("a dog\n", "expected 2 lines, one for each image of .*refs.json, and received 1"),
        ("a dog\na\tb\n", "h.txt:2: expected one caption, and received 2 between tabs"),
        ("a dog\na \u2028 b\n", "h.txt:2: expected text without control characters"),
        ("a.jpg#0\tx\na.jpg#0\ty\n", "h.txt:2: image a.jpg: expected each image once"),
        ("a.jpg#0\tx\nb.jpg\ty\n", "h.txt:2: expected a row like"),
        ("a.jpg#0\t\nb.jpg#0\ty\n", "h.txt:1: image a.jpg: expected a caption"),
    ],
)
def test_lines_that_are_not(write, coco, content, message):
    with pytest.raises(DatasetError, match=message):
        read_hypotheses(write(content, "h.txt"), coco)


def change(document, *path, to=None):
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return copy


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (change(COCO, "annotations", 1), "expected references of the image 42, and found none"),
        (change(COCO, "images", 0), r"annotations\[1\]: expected the id of an image"),
        (change(COCO, "images", 0, "id", to=7), r"images\[1\]: expected each id once"),
        (change(COCO, "annotations", 0, "caption", to=" "), r"image 7: expected a caption"),
        (change(COCO, "annotations", 0, "image_id", to="7"), "expected 'image_id' as int"),
        (change(COCO, "annotations", to=[]), "expected references of the image 42"),
        (change(KARPATHY, "images", 1, "split", to="x"), "expected 'split' as one of"),
        (change(KARPATHY, "images", 1, "sentences", to=[]), r"images\[1\]: expected captions"),
        ({"images": [], "annotations": []}, "expected references, and found none"),
        ([], "expected references, and found none"),
        ({"a": 1}, "expected COCO's captions, Karpathy's splits or a list"),
        ("a dog", "file.json:1: expected JSON"),
    ],
)
def test_references_that_are_not(write, document, message):
    with pytest.raises(DatasetError, match=message):
        read_references(write(document))


def test_what_the_evaluation_takes_is_taken_where_it_is_asked_for(write, coco):
    blank = [record(7, ""), record(42)]
    assert read_hypotheses(write(blank), coco, blank=True)[7] == ""
    gone = change(COCO, "annotations", 0, "caption", to=" ")
    assert read_references(write(gone), blank=True).captions[7] == (" ", "The cat.")
    assert read_hypotheses(write("\n\n", "h.txt"), coco, blank=True) == {42: "", 7: ""}
    with pytest.raises(DatasetError, match=f"at most {LONGEST}"):
        read_hypotheses(write([record(7, "x" * 99_999)]), coco, blank=True)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DatasetError, match=r"gone.json: expected a file to read: No such file"):
        read_references(tmp_path / "gone.json")
    with pytest.raises(DatasetError, match="expected a file to read"):
        read_references(tmp_path)


SNIPPETS = st.sampled_from(
    ["{", "}", "[", "]", '"images"', '"annotations"', ":", ",", '"image_id"', '"caption"', '"id"']
)
TEXT = st.text(st.characters() | st.sampled_from(string.printable + "\t\n#"), max_size=40)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(SNIPPETS | TEXT, max_size=12).map(lambda p: "".join(p).encode("utf-8", "replace")),
    st.sampled_from(["x.json", "x.txt"]),
)
def test_no_file_ends_in_another_error(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(content)
    with contextlib.suppress(DatasetError):
        references = read_references(path)
        hypotheses = read_hypotheses(path, references)
        assert references.captions.keys() == hypotheses.keys()
