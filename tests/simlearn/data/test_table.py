import csv
import io

import pytest

from simlearn.data import Files, table
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

PICTURE = encoded(noise(7, 5))
PICTURES = {"a/1.png": PICTURE, "a/2, old.png": PICTURE, 'b/"3".png': PICTURE, "b/4.png": b"x"}
TABLE = (
    b"\xef\xbb\xbfid,label,path,note\r\n"
    b"7,ann,./a/1.png,\r\n"
    b'5,"bob, the 2nd","a/2, old.png", kept as it is\r\n'
    b'3,ann,"b/""3"".png","a ""word"""\r\n'
    b"\r\n"
    b"4,10,b\\4.png,\r\n"
)
PLAIN = b"1.jpg,cat\n2.JPG,dog\nsub/3.png,cat\n"


@pytest.fixture(params=["beside", "folder", "zip", "files"])
def read(request, tmp_path):
    """Reads the table with the pictures beside it or elsewhere."""
    where = tmp_path if request.param == "beside" else tmp_path / "pictures"
    folder(where, PICTURES)
    roots = {
        "beside": None,
        "folder": where,
        "zip": archive(tmp_path / "pictures.zip", PICTURES),
        "files": Files(where),
    }

    def read(content, **options):
        (tmp_path / "faces.v1.csv").write_bytes(content)
        return table.load(tmp_path / "faces.v1.csv", root=roots[request.param], **options)

    return read


def test_rows_become_pictures_with_labels(read):
    record = read(TABLE)
    assert str(record) == "faces.v1: 4 pictures, 3 classes with 1 to 2 pictures"
    assert record.pictures.paths == tuple(PICTURES)
    # As texts: "10" comes before letters.
    assert record.classes == ("10", "ann", "bob, the 2nd")
    assert record.labels.tolist() == [1, 2, 1, 0]
    assert record.ids.tolist() == [0, 1, 2, 3]
    assert record.pictures.open(2).size == (7, 5)
    assert read(TABLE, name="mine").name == "mine"


def test_columns_have_the_names_that_are_asked_for(read):
    record = read(TABLE, label_column="id")
    assert [record.classes[label] for label in record.labels] == ["7", "5", "3", "4"]
    with pytest.raises(DatasetError, match=r"csv:1: expected names of columns with file and label"):
        read(TABLE, path_column="file")


def test_spaces_around_the_names_of_columns_are_passed_over(tmp_path):
    record = load(tmp_path, b' path , label,"note "\n1.jpg,cat, kept\n')
    assert record.pictures.paths == ("1.jpg",)
    assert record.classes == ("cat",)


@pytest.mark.parametrize("kind", ["default", "text", "relative", "files", "below"])
def test_an_absolute_path_inside_the_root_is_taken(tmp_path, monkeypatch, kind):
    pets = tmp_path / "my pets"
    folder(pets, PICTURES)
    monkeypatch.chdir(tmp_path)
    root = {
        "default": None,
        "text": f"{pets}/",
        "relative": "my pets",
        "files": Files(pets),
        "below": Files(tmp_path).below("my pets"),
    }[kind]
    rows = "".join(f'"{path}",cat\n' for path in (f"{pets}/a/1.png", "a/1.png", f"{pets}/b/4.png"))
    record = load(pets, f"path,label\n{rows}".encode(), root=root)
    assert record.pictures.paths == ("a/1.png", "b/4.png")
    assert len(record.pictures.missing()) == 0
    for outside in (f"{tmp_path}/1.png", f"{pets}/../1.png", f"{pets} 2/1.png", f"{pets}//1.png",
                    f"{pets}/", f"{pets}"):  # fmt: skip
        with pytest.raises(DatasetError, match=r"t\.csv:2: expected a path inside"):
            load(pets, f'path,label\n"{outside}",cat\n'.encode(), root=root)


def load(tmp_path, content, **options):
    (tmp_path / "t.csv").write_bytes(content)
    return table.load(tmp_path / "t.csv", **options)


def test_a_table_of_two_columns_may_do_without_names(tmp_path):
    record = load(tmp_path, PLAIN)
    assert record.pictures.paths == ("1.jpg", "2.JPG", "sub/3.png")
    assert [record.classes[label] for label in record.labels] == ["cat", "dog", "cat"]
    assert load(tmp_path, b"label,path\ncat,1.jpg\n").pictures.paths == ("1.jpg",)
    assert load(tmp_path, b"1.JPEG,cat\n").pictures.paths == ("1.JPEG",)
    # The last line may lack its end.
    assert load(tmp_path, PLAIN[:-1]).pictures.paths == record.pictures.paths


def test_a_picture_counts_once(tmp_path):
    record = load(tmp_path, PLAIN + b"./2.JPG,dog\nsub\\3.png,cat\n")
    assert record.pictures.paths == ("1.jpg", "2.JPG", "sub/3.png")
    with pytest.raises(
        DatasetError, match=r"t\.csv:4: expected the label dog for 2\.JPG, as in .*t\.csv:2, and"
    ):
        load(tmp_path, PLAIN + b"./2.JPG,cat\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t.csv: expected rows, and found none"),
        (b"\n \n", "t.csv: expected rows, and found none"),
        (b"file,class\n1.jpg,cat\n", "t.csv:1: expected names of columns with path and label"),
        (b"path;label\n1.jpg;cat\n", "t.csv:1: expected commas, and found semicolons$"),
        (b'"path";"label"\n"1.jpg";"cat"\n', "t.csv:1: expected commas, and found semicolons$"),
        (b"1.jpg;cat\n", "t.csv:1: expected commas, and found semicolons$"),
        (b"path,label;note\n1.jpg,cat;x\n", "t.csv:1: expected names .* received path,label;note"),
        (b"file,class\n1.jpg,cat\n", r"\(path_column= and label_column= take others\), or a path"),
        (b"1.jpg,cat,x\n", "t.csv:1: expected names of columns .* or a path"),
        (b"path,label,path\n1.jpg,cat,2.jpg\n", "t.csv:1: expected one column path"),
        (b"path,label\n1.jpg\n", "t.csv:2: expected 2 cells as in the first row, and received 1"),
        (b"path,label\n1.jpg,cat,\n", "t.csv:2: expected 2 cells .* received 3: 1.jpg,cat,"),
        (b"path,label\n1.jpg,\n", "t.csv:2: expected a path and a label without space"),
        (b"path,label\n,cat\n", "t.csv:2: expected a path and a label without space"),
        (b"path,label\n1.jpg, cat\n", "t.csv:2: expected a path and a label without space"),
        (b"path, label\n1.jpg, cat\n", "t.csv:2: expected a path and a label without space"),
        (b"1.jpg, cat\n", "t.csv:1: expected a path and a label without space"),
        (b"path, path ,label\n1.jpg,2.jpg,cat\n", "t.csv:1: expected one column path"),
        (b"path\t,label\n1.jpg,cat\n", "t.csv:1: expected names of columns"),
        (b"path, label\npath, label\n", "t.csv:2: expected the names of the columns in"),
        (b'path,label\n1.jpg,"cat "\n', "t.csv:2: expected a path and a label without space"),
        ("path,label\n1.jpg,cat\xa0\n".encode(), "t.csv:2: expected a path and a label without"),
        (b'path,label\n1.jpg,c"at"\n', "t.csv:2: expected a comma after each cell, and quotes"),
        (b'path,label\n1.jpg,"cat"s\n', "t.csv:2: expected a comma after each cell, and quotes"),
        (b'path,label\n1.jpg,"cat\ndog"\n', "t.csv:2: expected a comma after each cell, and quo"),
        (b'path,label\n1.jpg,"cat""\n', "t.csv:2: expected a comma after each cell, and quotes"),
        (b"path,label\n1.jpg,cat\npath,label\n", "t.csv:3: expected the names of the columns in"),
        (b"path,label\n../1.jpg,cat\n", r"t.csv:2: expected a path inside .*'\.\./1\.jpg'"),
        (b"path,label\n/1.jpg,cat\n", r"t.csv:2: expected a path inside .*'/1\.jpg'"),
        (b"path,label\n././1.jpg,cat\n", r"t.csv:2: expected a path inside .*'\./1\.jpg'"),
        (b"path,label\n1.jpg,cat\r2.jpg,dog\n", "t.csv:2: expected text without control"),
        (b"path,label\n1.jpg,\0\n", "t.csv:2: expected text without control"),
        (b"path,label\n1.jpg,\xe9\n", "t.csv:2: expected text in UTF-8"),
        (b"path,label\n\xef\xbb\xbf1.jpg,cat\n", "t.csv:2: expected text without control"),
        ("path,label\n".encode("utf-16"), "t.csv:1: expected text in UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        load(tmp_path, content)


def test_a_cell_may_be_longer_than_other_readers_take(tmp_path):
    record = load(tmp_path, b"path,label\n1.jpg,cat\n2.jpg," + b"x" * 200_000)
    assert len(record.classes[1]) == 200_000


def test_a_table_without_rows_is_empty(tmp_path):
    assert len(load(tmp_path, b"path,label\n")) == 0


def test_a_table_that_is_not_there_is_named(tmp_path, monkeypatch):
    for path in (tmp_path / "gone.csv", tmp_path, tmp_path / ("n" * 300)):
        with pytest.raises(DatasetError, match="expected a file, and found none"):
            table.load(path)
    monkeypatch.setattr(table, "LARGEST_ANNOTATION", len(PLAIN) - 1)
    with pytest.raises(DatasetError, match=r"t\.csv: expected at most .* bytes, found more"):
        load(tmp_path, PLAIN)


def naive(content):
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    rows = [row for row in rows if any(cell.strip() for cell in row) or len(row) > 1]
    path, label = 0, 1
    rows[0] = [name.strip(" ") for name in rows[0]]
    if "path" in rows[0] and "label" in rows[0]:
        path, label = rows[0].index("path"), rows[0].index("label")
        del rows[0]
    found = {}
    for row in rows:
        found.setdefault(row[path].removeprefix("./").replace("\\", "/"), row[label])
    return list(found.items())


@pytest.mark.parametrize("content", [TABLE, PLAIN], ids=["names", "plain"])
@pytest.mark.parametrize("copies", COPIES)
def test_damaged_tables_are_read_as_they_are_or_refused(content, copies, tmp_path):
    def read(content):
        record = load(tmp_path, content)
        labels = [record.classes[label] for label in record.labels]
        return list(zip(record.pictures.paths, labels, strict=True))

    check_damage(content, read, naive, copies)
