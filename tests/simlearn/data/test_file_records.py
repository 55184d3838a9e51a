import numpy as np
import pytest

from simlearn.data import Files
from simlearn.data.records import (
    UNKNOWN,
    Attribute,
    BoxedPictures,
    LabelledFiles,
    Landmark,
    LandmarkPictures,
    PicturePairs,
    StoredPictures,
    VideoPairs,
)
from simlearn.data.records._files import labelled_files
from simlearn.errors import UserError
from tests.simlearn.data.pictures import archive, encoded, folder, noise

PATHS = ["b/1.png", "a/2.png", "b/3.png", "gone.png", "a/5.png"]
CONTENTS = {
    path: encoded(noise(5 + i, 3, seed=i)) for i, path in enumerate(PATHS) if path != "gone.png"
}


@pytest.fixture
def stored(tmp_path):
    return StoredPictures(Files(folder(tmp_path, CONTENTS)), PATHS)


def labelled(stored, **changes):
    fields = {
        "pictures": stored,
        "labels": np.array([2, 0, 2, 1, 0]),
        "classes": ("ann", "bob", "cy"),
        "ids": np.array([11, 7, 13, 5, 2]),
        "name": "faces",
    }
    return LabelledFiles(**fields | changes)


SIDES = (Landmark("left_eye", 1), Landmark("right_eye", 0), Landmark("nose", 2))
POSES = (
    Attribute("pose", ("left", "front", "right"), (2, 1, 0)),
    Attribute("smile", ("no", "yes")),
)
POINTS = np.arange(30, dtype=np.float64).reshape(5, 3, 2) / 4 + 1
VISIBLE = np.arange(15).reshape(5, 3) % 7 != 4
VALUES = np.array([[0, 1], [2, 0], [1, UNKNOWN], [1, 1], [2, 0]])


def marked(stored, **changes):
    fields = {
        "pictures": stored,
        "points": POINTS,
        "visible": VISIBLE,
        "landmarks": SIDES,
        "values": VALUES,
        "attributes": POSES,
        "ids": np.array([11, 7, 13, 5, 2]),
        "name": "marks",
    }
    return LandmarkPictures(**fields | changes)


def boxed(stored, **changes):
    fields = {
        "pictures": stored,
        "owner": np.array([0, 2, 2, 4], np.int16),
        "boxes": np.array([[0, 1, 2, 3], [0.5, 0, 4, 2], [1, 1, 1, 2], [-1, 0, 9, 9]]),
        "ignored": np.array([False, True, False, True]),
        "name": "boxes",
        "details": {"angle": np.array([0.5, 1, 1.5, 2])},
    }
    return BoxedPictures(**fields | changes)


def pairs(stored, **changes):
    fields = {
        "pictures": stored,
        "left": np.array([0, 4, 1]),
        "right": np.array([2, 3, 0]),
        "same": np.array([True, False, False]),
        "fold": np.array([0, 0, 1]),
        "name": "pairs",
    }
    return PicturePairs(**fields | changes)


def videos(stored, **changes):
    fields = {
        "pictures": stored,
        "video": np.array([1, 0, 1, 1, 0]),
        "videos": ("ann/0", "bob/2"),
        "left": np.array([0, 1, 1]),
        "right": np.array([1, 1, 0]),
        "same": np.array([True, False, False]),
        "fold": np.array([0, 0, 0]),
        "name": "videos",
    }
    return VideoPairs(**fields | changes)


MAKERS = [labelled, marked, boxed, pairs, videos]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (labelled, "faces: 5 pictures, 3 classes with 1 to 2 pictures"),
        (
            marked,
            "marks: 5 pictures, 3 landmarks (2 of 15 missing), attributes pose, smile",
        ),
        (boxed, "boxes: 5 pictures, 4 boxes, 2 of them ignored"),
        (pairs, "pairs: 3 pairs in 2 folds, 1 of one person, among 5 pictures"),
        (videos, "videos: 3 pairs, 1 of one person, among 2 videos with 5 frames"),
    ],
)
def test_a_record_prints_what_it_holds(stored, make, text):
    record = make(stored)
    assert str(record) == text
    assert repr(record) == f"<{type(record).__name__} {text}>"


def test_short_records_print_well(stored):
    assert str(labelled(stored).take([])) == "faces: 0 pictures"
    assert str(labelled(stored).take([0, 2])) == "faces: 2 pictures, 1 class with 2 pictures"
    assert str(labelled(stored).take([0])) == "faces: 1 picture, 1 class with 1 picture"
    plain = {"visible": np.ones((5, 3), bool), "values": np.zeros((5, 0), int), "attributes": ()}
    assert str(marked(stored, **plain)) == "marks: 5 pictures, 3 landmarks"
    many = tuple(Attribute(f"a{i}", ("no", "yes")) for i in range(7))
    record = marked(stored, values=np.zeros((5, 7), int), attributes=many)
    assert str(record).endswith("attributes a0, a1, a2, a3, a4, 2 more")
    kept = boxed(stored, ignored=np.zeros(4, bool))
    assert str(kept) == "boxes: 5 pictures, 4 boxes"


def test_lengths_are_of_pictures_or_of_pairs(stored):
    assert [len(make(stored)) for make in MAKERS] == [5, 5, 5, 3, 3]


@pytest.mark.parametrize("make", MAKERS)
def test_columns_are_read_only_and_the_callers_stay_writable(stored, make):
    record = make(stored)
    columns = {k: v for k, v in vars(record).items() if isinstance(v, np.ndarray)}
    columns |= getattr(record, "details", {})
    assert len(columns) >= 2
    for name, column in columns.items():
        assert not column.flags.writeable, name
    assert POINTS.flags.writeable
    if make is boxed:
        with pytest.raises(TypeError):
            record.details["more"] = columns["angle"]


@pytest.mark.parametrize("make", [labelled, marked])
@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (slice(1, 4, 2), [1, 3]),
        (np.array([3, 0, -1]), [3, 0, 4]),
        (np.array([False, True, False, False, True]), [1, 4]),
        ([2], [2]),
        ([], []),
    ],
)
def test_rows_are_taken_together(stored, make, index, rows):
    record = make(stored)
    part = record.take(index, name="part")
    assert part.name == "part"
    assert record.take(index).name == record.name
    assert part.pictures.paths == tuple(PATHS[row] for row in rows)
    for field, column in vars(record).items():
        if isinstance(column, np.ndarray):
            np.testing.assert_array_equal(getattr(part, field), column[rows], err_msg=field)
    for field in ("classes", "landmarks", "attributes"):
        assert getattr(part, field, None) == getattr(record, field, None)


@pytest.mark.parametrize("make", [labelled, marked])
@pytest.mark.parametrize(
    ("index", "message"),
    [
        (np.array([0, 5]), r"\[-5, 5\).* 0 to 5"),
        (np.array([1, 1]), "each id must occur once"),
        (np.ones(4, bool), r"mask of 5 booleans.* bool of shape \(4,\)"),
        (np.array([0.0]), "float64"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(stored, make, index, message):
    with pytest.raises(UserError, match=message):
        make(stored).take(index)


def test_points_that_are_not_visible_are_0(stored):
    points = np.where(VISIBLE[..., np.newaxis], POINTS, np.nan)
    record = marked(stored, points=points)
    np.testing.assert_array_equal(record.points, np.where(VISIBLE[..., np.newaxis], POINTS, 0))
    assert record.points.dtype == np.float32
    assert record.fingerprint() == marked(stored).fingerprint()


def test_a_mirror_and_an_attribute_are_found_by_name(stored):
    record = marked(stored)
    assert record.mirror.tolist() == [1, 0, 2]
    assert record.attribute("smile").tolist() == [1, 0, -1, 1, 0]
    with pytest.raises(UserError, match="marks has the attributes pose, smile, and not 'age'"):
        record.attribute("age")
    plain = marked(stored, values=np.zeros((5, 0), int), attributes=())
    with pytest.raises(UserError, match="marks has the attributes none, and not 'pose'"):
        plain.attribute("pose")


def test_boxes_belong_to_their_picture(stored):
    record = boxed(stored)
    assert [len(record.of(row)) for row in range(5)] == [1, 0, 2, 0, 1]
    assert record.of(2).tolist() == [[0.5, 0, 4, 2], [1, 1, 1, 2]]


def mirrored(*places):
    return {"landmarks": tuple(Landmark(f"p{i}", m) for i, m in enumerate(places))}


def posed(*places):
    return {"attributes": (Attribute("pose", ("l", "f", "r"), places), POSES[1])}


def nan_at(row, point):
    points = POINTS.copy()
    points[row, point, 1] = np.nan
    return points


def with_value(row, column, value):
    values = VALUES.copy()
    values[row, column] = value
    return values


IDS = {"ids": np.array([3, 7, 3, 2, 7])}
WRONG = [
    (labelled, {"labels": np.array([0, 1, 2])}, r"faces: labels must be .* shape \(5,\).* \(3,\)"),
    (labelled, {"labels": np.zeros(5)}, "labels must be integers .* float64"),
    (labelled, {"labels": np.array([0, 1, 2, 3, 0])}, r"labels must lie in \[0, 3\).* 0 to 3"),
    (labelled, {"labels": np.array([0, 1, 2, -1, 0])}, r"labels must lie in \[0, 3\).* -1 to 2"),
    (labelled, {"classes": ()}, r"labels must lie in \[0, 0\)"),
    (labelled, {"ids": np.array([1, 2, 3, 4, 2**63], "uint64")}, "ids must be at most 92233720368"),
    (labelled, IDS, "each id must occur once, and 2 occur more often, among them 3, 7"),
    (marked, IDS, "each id must occur once"),
    (marked, {"points": POINTS[:4]}, r"marks: points must be float32 of shape \(5, 3, 2\)"),
    (marked, {"points": POINTS[:, :, 0]}, r"points .* float64 of shape \(5, 3\)"),
    (marked, {"points": POINTS.astype(complex)}, "points .* complex128"),
    (marked, {"points": nan_at(0, 0)}, "expected visible points to be finite numbers"),
    (marked, {"visible": VISIBLE.astype(int)}, "visible must be bool of shape .* int64"),
    (marked, {"visible": VISIBLE[:, :2]}, r"visible must be .* \(5, 3\), .* \(5, 2\)"),
    (marked, {"values": VALUES * 1.0}, "values must be int64 .* float64"),
    (marked, {"values": VALUES[:, :1]}, r"values must be int64 of shape \(5, 2\)"),
    (marked, {"values": with_value(1, 0, 3)}, r"pose must lie in \[-1, 3\), and came as 0 to 3"),
    (marked, {"values": with_value(1, 1, -2)}, r"smile must lie in \[-1, 2\), and came as -2 to 1"),
    (marked, mirrored(1, 2, 0), r"the mirror of landmarks must swap .* \[1, 2, 0\]"),
    (marked, mirrored(1, 0, 3), r"the mirror of landmarks must swap .* \[1, 0, 3\]"),
    (marked, mirrored(1, 0, -1), r"the mirror of landmarks must swap .* \[1, 0, -1\]"),
    (marked, mirrored(0, 0, 2), r"the mirror of landmarks must swap .* \[0, 0, 2\]"),
    (marked, posed(1, 2, 0), r"the mirror of pose must swap .* \[1, 2, 0\]"),
    (marked, posed(1, 0), r"the mirror of pose must swap .* \[1, 0\]"),
    (boxed, {"owner": np.array([0, 2, 1, 4])}, "boxes: owners must ascend"),
    (boxed, {"owner": np.array([0, 1, 2, 5])}, r"owners must lie in \[0, 5\)"),
    (boxed, {"owner": np.array([-1, 1, 2, 3])}, r"owners must lie in \[0, 5\)"),
    (boxed, {"owner": np.array([0.0, 1, 2, 3])}, "owner must be integers"),
    (boxed, {"boxes": np.zeros((4, 5))}, r"boxes must be float32 of shape \(4, 4\)"),
    (boxed, {"boxes": np.array([[0, 0, 1, 1]] * 3 + [[2, 0, 1, 1]])}, "left, top, right, bottom"),
    (boxed, {"boxes": np.full((4, 4), np.nan)}, "boxes must be left, top, right, bottom"),
    (boxed, {"ignored": np.zeros(3, bool)}, "ignored must be bool"),
    (boxed, {"details": {"angle": np.zeros(3)}}, "expected 4 angle, and received 3"),
    (pairs, {"left": np.array([0, 5, 1])}, r"pairs: left must lie in \[0, 5\), and came as 0 to 5"),
    (pairs, {"right": np.array([0, -1, 1])}, r"right must lie in \[0, 5\), and came as -1 to 1"),
    (pairs, {"right": np.array([0, 1])}, "right must be integers"),
    (pairs, {"same": np.array([1, 0, 0])}, "same must be bool"),
    (pairs, {"fold": np.array([0, -1, 1])}, "fold must lie in .* -1 to 1"),
    (videos, {"left": np.array([0, 2, 1])}, r"videos: left must lie in \[0, 2\)"),
    (videos, {"video": np.array([0, 1, 1])}, r"video must be integers of shape \(5,\)"),
    (videos, {"video": np.array([0, 1, 1, 2, 0])}, r"video must lie in \[0, 2\), .* 0 to 2"),
]


@pytest.mark.parametrize(("make", "changes", "message"), WRONG)
def test_what_is_no_record_is_refused(stored, make, changes, message):
    make(stored)
    with pytest.raises(UserError, match=message):
        make(stored, **changes)


def test_a_fingerprint_is_the_same_in_a_folder_and_in_a_zip(tmp_path):
    roots = (
        folder(tmp_path / "folder", CONTENTS),
        archive(tmp_path / "one.zip", CONTENTS),
        folder(tmp_path / "mixed", {"b/1.png": CONTENTS["b/1.png"]}),
    )
    archive(tmp_path / "mixed" / "rest.zip", CONTENTS)
    for make in (labelled, marked):
        prints = {make(StoredPictures(Files(root), PATHS)).fingerprint() for root in roots}
        assert len(prints) == 1
        # Hexadecimal of SHA-256.
        assert len(prints.pop()) == 64


def changed_picture(tmp_path):
    content = bytearray(CONTENTS["a/2.png"])
    content[-1] ^= 1
    files = folder(tmp_path / "changed", CONTENTS | {"a/2.png": bytes(content)})
    return StoredPictures(Files(files), PATHS)


def test_a_fingerprint_of_labels_sees_every_column_and_picture(stored, tmp_path):
    record = labelled(stored)
    renamed = folder(tmp_path / "renamed", {p.replace("1", "4"): c for p, c in CONTENTS.items()})
    changed = [
        labelled(stored, labels=np.array([2, 0, 2, 1, 1])),
        labelled(stored, classes=("ann", "bob", "dan")),
        labelled(stored, ids=np.array([11, 7, 13, 5, 3])),
        labelled(changed_picture(tmp_path)),
        labelled(StoredPictures(Files(renamed), [p.replace("1", "4") for p in PATHS])),
        record.take(slice(4)),
        record.take([1, 0, 2, 3, 4]),
    ]
    assert len({r.fingerprint() for r in [record, *changed]}) == len(changed) + 1
    assert labelled(stored, name="other").fingerprint() == record.fingerprint()


def test_a_fingerprint_of_landmarks_sees_every_column_and_picture(stored, tmp_path):
    first_at_0 = np.where(np.arange(3)[:, np.newaxis] == 0, 0, POINTS)

    def record_of(**changes):
        return marked(stored, **{"points": first_at_0} | changes)

    record = record_of()
    points = record.points.copy()
    points[2, 1, 1] += 0.5
    hidden = VISIBLE.copy()
    hidden[0, 0] = False  # A point at (0, 0).
    changed = [
        record_of(points=points),
        record_of(visible=hidden),
        record_of(values=with_value(0, 0, 1)),
        record_of(ids=np.array([11, 7, 13, 5, 3])),
        record_of(**mirrored(1, 0, 2)),
        record_of(**posed(2, 1, 0)),
        record_of(pictures=changed_picture(tmp_path)),
        record.take(slice(4)),
    ]
    assert len({r.fingerprint() for r in [record, *changed]}) == len(changed) + 1
    assert record_of(name="other").fingerprint() == record.fingerprint()


def test_classes_given_by_name_are_numbered_in_order(stored):
    names = ["cy", "ann", "cy", "10", "9"]
    record = labelled_files(stored.files, PATHS, names, name="named")
    assert record.classes == ("10", "9", "ann", "cy")
    assert record.labels.tolist() == [3, 2, 3, 0, 1]
    assert record.ids.tolist() == [0, 1, 2, 3, 4]
    assert record.pictures.paths == tuple(PATHS)
    assert [record.classes[label] for label in record.labels] == names
    assert len(labelled_files(stored.files, [], [], name="none")) == 0
