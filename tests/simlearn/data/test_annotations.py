import json
import random

import pytest

from simlearn.data import _annotations
from simlearn.data._annotations import (
    Line,
    check_split,
    field,
    json_of,
    lines_of,
    read_json,
    read_lines,
    shown,
)
from simlearn.data.files import Files
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import damaged
from tests.simlearn.data.pictures import archive, folder

LINE = Line("\ta.jpg  12 \t-3.5 ", "list.txt:7")


def test_lines_are_numbered_as_in_an_editor(tmp_path):
    content = "one \r\n\n \t\ngröße\r\n\r\nfive".encode()
    expected = [("one ", "list.txt:1"), ("größe", "list.txt:4"), ("five", "list.txt:6")]
    assert [(line.text, line.where) for line in lines_of(content, "list.txt")] == expected
    assert list(lines_of(b" \n\n", "list.txt")) == []
    read = read_lines(Files(archive(tmp_path / "z.zip", {"a/list.txt": content})), "a/list.txt")
    assert [line.where for line in read] == [f"{tmp_path}/z.zip/a/list.txt:{n}" for n in (1, 4, 6)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ok\n\xff\xfe", "list.txt:2: expected text in UTF-8, and received b'"),
        (b"\xef\xbb\xbfok", "list.txt:1: expected text without control characters, .*ufeff"),
        (b"ok\nan\x00other", "list.txt:2: expected text without control .*x00"),
        (b"one\rtwo\n", r"list.txt:1: expected text without control .*\\r"),
        (b"ok\n\n\r\r\n", r"list.txt:3: expected text without control .*\\r"),
        ("a\x85b".encode(), "list.txt:1: .*x85"),
        ("a\u2028b".encode(), "list.txt:1: .*u2028"),
        (b"a\x1cb\x0b", "list.txt:1: .*x1c"),
        (b"\xed\xa0\x80", "list.txt:1: expected text in UTF-8"),
    ],
)
def test_what_is_no_plain_text_is_refused(content, message):
    with pytest.raises(DatasetError, match=message):
        list(lines_of(content, "list.txt"))


def test_tokens_lie_between_spaces_and_tabs_or_separators():
    assert LINE.tokens() == LINE.tokens(3) == ["a.jpg", "12", "-3.5"]
    assert Line("a,,b ", "").tokens(separator=",") == ["a", "", "b "]
    assert Line("", "").tokens(0) == []
    with pytest.raises(DatasetError) as error:
        LINE.tokens(4)
    message = "list.txt:7: expected 4 tokens, and received 3: a.jpg  12 \t-3.5"
    assert str(error.value).replace(r"\t", "\t").replace("'", "") == message
    with pytest.raises(DatasetError, match=r"expected 2 parts between ',', and received 3: a,,b"):
        Line("a,,b", "").tokens(2, separator=",")
    # Python's split would part these too.
    for space in "\xa0\u2003\u3000":
        with pytest.raises(DatasetError, match="expected only spaces and tabs between tokens"):
            Line(f"a{space}b c", "").tokens()


@pytest.mark.parametrize(("token", "value"), [("5", 5), ("-3", -3), ("+4", 4), ("007", 7)])
def test_integers(token, value):
    assert LINE.integer(token, "count", -3, 7) == value


WRONG_INTEGERS = [
    "", " 5", "5 ", "5\n", "1_0", "\u0663", "\uff15", "5.0", "1e0", "0x1", "--1", "+", "nan",
    "8", "-4", "9" * 19, "9" * 5000, "²",
]  # fmt: skip


@pytest.mark.parametrize("token", WRONG_INTEGERS)
def test_an_integer_is_ascii_digits_in_its_range(token):
    with pytest.raises(
        DatasetError, match=r"list.txt:7: expected count as an integer from -3 to 7, and received "
    ):
        LINE.integer(token, "count", -3, 7)


@pytest.mark.parametrize(
    ("token", "value"),
    [("5", 5), ("-3.25", -3.25), (".5", 0.5), ("+4.", 4), ("1e-2", 0.01), ("2.5E+03", 2500)],
)
def test_decimals(token, value):
    assert LINE.decimal(token, "x") == value


WRONG_DECIMALS = [
    "", ".", "-", "1,5", "1_0.0", "\u0663.\u0665", "nan", "inf", "-Infinity", "1e999", "1e", "e5",
    "0x1p3", " 1", "1\n", "1.5.2", "9" * 400, "1e0005",
]  # fmt: skip


@pytest.mark.parametrize("token", WRONG_DECIMALS)
def test_a_decimal_is_finite_and_ascii(token):
    with pytest.raises(DatasetError, match=r"list.txt:7: expected x as a decimal number, and rec"):
        LINE.decimal(token, "x")


def test_a_choice_is_one_of_its_words():
    assert LINE.choice("f", "gender", ("m", "f")) == 1
    with pytest.raises(DatasetError, match="expected gender as one of m, f, and received F"):
        LINE.choice("F", "gender", ("m", "f"))


def test_json_is_read_whole(tmp_path):
    record = {"a": [1, -2.5, None, True, {"b": "ü\U0001f600"}], "c": {}, "d": 2**63 - 1}
    content = json.dumps(record).encode()
    assert json_of(content, "x.json") == record
    assert read_json(Files(folder(tmp_path, {"x.json": content})), "x.json") == record


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.json:1: expected JSON"),
        (b'{"a": 1,\n"b": }', "x.json:2: expected JSON"),
        (b"{} {}", "x.json:1: expected JSON: Extra data"),
        (b"\xef\xbb\xbf{}", "x.json: expected JSON without a byte order mark"),
        (b'{"a": "\xff"}', "x.json: expected JSON in UTF-8: .*decode"),
        (json.dumps([1]).encode("utf-16"), "x.json: expected JSON in UTF-8"),
        (b"[NaN]", "x.json: expected JSON in UTF-8: NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "x.json: .*1e999 is too large a number"),
        (b"[9223372036854775808]", "x.json: .*9223372036854775808 is too large an integer"),
        (b"[-9223372036854775809]", "-9223372036854775809 is too large an integer"),
        (b"[" + b"9" * 5000 + b"]", "x.json: expected JSON"),
        (b'[{"id": 1, "b": 2, "id": 3}]', "x.json: .*the key id occurs twice in an object"),
        (b"[" * 100_000, "x.json: expected JSON of a few levels"),
        (b"[01]", "x.json:1: expected JSON"),
        (b"['a']", "x.json:1: expected JSON"),
        (b'["a\nb"]', "x.json:1: expected JSON"),
    ],
)
def test_what_python_takes_beyond_json_is_refused(content, message):
    with pytest.raises(DatasetError, match=message):
        json_of(content, "x.json")


def test_a_field_has_its_kind():
    record = {"id": 7, "name": "ann", "x": 2.5, "flag": True, "half": "\ud800", "list": [1]}
    assert field(record, "id", int, "x.json: picture 3") == 7
    assert field(record, "id", (int, float), "") == 7
    assert field(record, "x", (int, float), "") == 2.5
    assert field(record, "list", list, "") == [1]
    for key, kind, message in (
        ("id", str, "x.json: picture 3: expected 'id' as str, and received 7"),
        ("name", (int, float), "expected 'name' as int or float, and received ann"),
        ("flag", int, "expected 'flag' as int, and received True"),
        ("half", str, "expected 'half' as text, and received"),
        ("gone", int, "expected the field 'gone', and received id, name, x, flag, half, list"),
    ):
        with pytest.raises(DatasetError, match=message):
            field(record, key, kind, "x.json: picture 3")
    with pytest.raises(DatasetError, match=r"x\.json: expected an object, and received"):
        field([1], "id", int, "x.json")


def test_messages_stay_short_and_printable():
    assert shown("plain") == "plain"
    assert shown("") == "''"
    assert shown(3) == "3"
    assert shown("a\nb\x1b[31m") == r"'a\nb\x1b[31m'"
    assert shown("x" * 80) == "x" * 80
    assert shown("x" * 81) == "x" * 77 + "..."
    assert len(shown("\n" * 1000)) == 80


def test_a_split_that_is_none_is_named():
    check_split("train", ("train", "test"), "ABC")
    with pytest.raises(DatasetError, match="ABC has the splits 'train', 'test', and not 'val'"):
        check_split("val", ("train", "test"), "ABC")


TREE = {
    "images": [{"id": i, "file": f"{i}.jpg", "size": [i * 1.5, -i]} for i in range(8)],
    "info": {"name": "tree", "free": True, "none": None},
}


def test_damaged_json_is_what_it_says_or_refused():
    content = json.dumps(TREE).encode()
    refused = 0
    for seed in range(3000):
        copy = damaged(content, seed)
        try:
            received = json_of(copy, "x.json")
        except DatasetError:
            refused += 1
            continue
        assert received == json.loads(copy)
    assert 300 < refused < 2950


def test_random_bytes_are_lines_or_refused():
    for seed in range(2000):
        chance = random.Random(seed)
        content = damaged(bytes(chance.choices(range(9, 127), k=40)) + b"\na b\n", seed)
        try:
            lines = list(lines_of(content, "x.txt"))
        except DatasetError:
            continue
        # A file that passes parts into lines the same way everywhere.
        texts = content.decode().replace("\r\n", "\n").splitlines()
        assert [line.text for line in lines] == [text for text in texts if text.strip()]


def test_a_list_of_very_many_lines_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_annotations, "MOST_LINES", 3)
    files = Files(folder(tmp_path, {"x.txt": b"a\nb\nc\n", "y.txt": b"a\nb\nc\nd\n"}))
    assert len(_annotations.read_lines(files, "x.txt")) == 3
    with pytest.raises(DatasetError, match=r"y.txt: expected at most 3 lines, and found 4"):
        _annotations.read_lines(files, "y.txt")
