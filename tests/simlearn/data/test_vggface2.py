import pytest

from simlearn.data import vggface2
from simlearn.data.vggface2 import Identity
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

PICTURE = encoded(noise(7, 5), "JPEG")
# As the official file: a space after most commas, and names in quotes, some with commas.
META = (
    'Class_ID, Name, Sample_Num, Flag, Gender\n'
    'n000001, "3rd_Example", 424, 0, m\n'
    'n000002, "Ann_Exämple", 31, 1, f\n'
    'n000147, "Bob,_the_2nd,_Example",205,1, m\n'
    'n000201, Cy, 7, 1, f,\n'
).encode()  # fmt: skip
IDENTITIES = {
    "n000001": Identity("3rd_Example", 424, "test", "m"),
    "n000002": Identity("Ann_Exämple", 31, "train", "f"),
    "n000147": Identity("Bob,_the_2nd,_Example", 205, "train", "m"),
    "n000201": Identity("Cy", 7, "train", "f"),
}
CONTENTS = {
    "meta/identity_meta.csv": META,
    "train/n000002/0001_01.jpg": PICTURE,
    "train/n000002/0001_02.jpg": PICTURE,
    "train/n000147/0310_01.jpg": PICTURE,
    "test/n000001/0019_01.jpg": PICTURE,
    "test/readme.txt": b"",
}


@pytest.fixture(params=["folder", "zip", "below"])
def root(request, tmp_path):
    if request.param == "folder":
        return folder(tmp_path, CONTENTS)
    contents = {f"VGGFace2/{name}": content for name, content in CONTENTS.items()}
    if request.param == "zip":
        return archive(tmp_path / "vggface2.zip", contents)
    return folder(tmp_path, contents)


def test_pictures_have_their_people(root):
    train = vggface2.load(root)
    assert str(train) == "vggface2-train: 3 pictures, 2 classes with 1 to 2 pictures"
    assert train.classes == ("n000002", "n000147")
    assert train.pictures.paths == (
        "n000002/0001_01.jpg", "n000002/0001_02.jpg", "n000147/0310_01.jpg",
    )  # fmt: skip
    assert train.labels.tolist() == [0, 0, 1]
    assert train.ids.tolist() == [2000101, 2000102, 147031001]
    assert train.pictures.open(2).size == (7, 5)
    test = vggface2.load(root, "test")
    assert test.classes == ("n000001",)
    assert test.ids.tolist() == [1001901]
    assert vggface2.identities(root) == IDENTITIES


@pytest.mark.parametrize(
    "name",
    [
        "n00002/0001_01.jpg", "n0000002/0001_01.jpg", "000002/0001_01.jpg", "0001_01.jpg",
        "n000002/001_01.jpg", "n000002/0001_1.jpg", "n000002/0001.jpg", "n000002/0001_01.png",
        "n000002/0001_01_1.jpg", "n000002/x/0001_01.jpg", "n00000\u0662/0001_01.jpg",
        "n000002/0001_01.JPG", "n000002/boxes.csv",
    ],
)  # fmt: skip
def test_another_name_is_refused(tmp_path, name):
    root = archive(tmp_path / "z.zip", CONTENTS | {f"train/{name}": PICTURE})
    with pytest.raises(DatasetError, match=r"train/.*: expected only files named as n000002/0001"):
        vggface2.load(root)
    assert len(vggface2.load(root, "test")) == 1


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match="expected train there or up to two folders down"):
        vggface2.load(tmp_path)
    with pytest.raises(DatasetError, match="VGGFace2 has the splits 'train', 'test', and not"):
        vggface2.load(tmp_path, "val")
    with pytest.raises(DatasetError, match=r"expected identity_meta\.csv there or up to two"):
        vggface2.identities(tmp_path)


def identities(tmp_path, content):
    (tmp_path / "identity_meta.csv").write_bytes(content)
    return vggface2.identities(tmp_path)


def test_a_list_may_lack_its_names_of_columns_or_have_been_through_a_spreadsheet(tmp_path):
    header, _, rows = META.partition(b"\n")
    assert identities(tmp_path, rows) == IDENTITIES
    # Commas at the ends, and without spaces.
    loose = b",\r\n".join(line.rstrip(b",") for line in META.splitlines())
    assert identities(tmp_path, loose) == IDENTITIES
    assert identities(tmp_path, META.replace(b", ", b",")) == IDENTITIES
    quoted = header + b'\nn000002," ""Ann_Example""",31,1, f\n'
    assert identities(tmp_path, quoted)["n000002"].name == "Ann_Example"
    assert identities(tmp_path, header) == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"n000002,", b"n00002,", "csv:3: expected a class as n000002, and received n00002"),
        (b"n000002,", b"n00000\xd9\xa2,", "csv:3: expected a class as n000002"),
        (b"n000002,", b"n000001,", "csv:3: expected each class once, and received n000001"),
        (b", 31, 1", b", 1", "csv:3: expected Class_ID, Name, Sample_Num, Flag, Gender with"),
        (b"31", b"3_1", "csv:3: expected Sample_Num as an integer from 0 to 1000000, and .* 3_1"),
        (b"31", b"-1", "csv:3: expected Sample_Num as an integer"),
        (b"31, 1", b"31, 2", "csv:3: expected Flag as an integer from 0 to 1, and received 2"),
        (b"1, f\n", b"1, F\n", "csv:3: expected Gender as one of m, f, and received F"),
        (b'"Ann_', b'Ann_"', "csv:3: expected a name"),
        (b'"Ann_Ex\xc3\xa4mple"', b'""', "csv:3: expected a name"),
        (b'"Ann_Ex\xc3\xa4mple"', b"", "csv:3: expected a name"),
        (b"Ex\xc3\xa4m", b"Ex\xe4m", "csv:3: expected text in UTF-8"),
        (b"Class_ID", b"Class", "csv:1: expected a class as n000002, and received Class"),
        (b"Class_ID", b"\xef\xbb\xbfClass_ID", "csv:1: expected text without control"),
    ],
)
def test_a_row_of_another_form_is_named(tmp_path, old, new, message):
    assert old in META
    with pytest.raises(DatasetError, match=r"identity_meta\." + message):
        identities(tmp_path, META.replace(old, new, 1))


def naive(content):
    rows = [line.strip() for line in content.decode().split("\n") if line.strip()]
    rows = [[part.strip() for part in row.removesuffix(",").split(",")] for row in rows]
    if rows and rows[0] == ["Class_ID", "Name", "Sample_Num", "Flag", "Gender"]:
        del rows[0]
    # A name's own commas are those that are left; no name here has a space at one.
    return {
        row[0]: (
            ",".join(row[1:-3]).strip('"').strip(),
            int(row[-3]),
            ("test", "train")[int(row[-2])],
            row[-1],
        )
        for row in rows
    }


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_lists_are_read_as_they_are_or_refused(copies, tmp_path):
    def squeezed(people):
        """Spaces at a name's commas apart, which the naive parse does not keep."""
        return {
            key: (",".join(part.strip() for part in name.split(",")), *rest)
            for key, (name, *rest) in people.items()
        }

    check_damage(
        META,
        lambda content: squeezed(identities(tmp_path, content)),
        lambda content: squeezed(naive(content)),
        copies,
    )
