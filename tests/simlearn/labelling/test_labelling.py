"""Names, files, the server's refusals, doubtful labels and decisions."""

import http.client
import json
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from simlearn import audit
from simlearn.audit import Doubt
from simlearn.data import clicked
from simlearn.data.clicked import Clicked
from simlearn.data.records import Landmark, LandmarkPictures, PictureArray
from simlearn.errors import DatasetError, RunError, UserError
from simlearn.labelling import (
    Labels,
    Server,
    _reviewing,
    kept,
    landmarks_of,
    read_decisions,
    write_decisions,
)
from simlearn.labelling._clicking import Clicking
from simlearn.labelling._reviewing import Reviewing

POINTS = landmarks_of("eyes,nose")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.png", "a.jpg", "sub/c.PNG"):
        Image.new("RGB", (20, 10), (90, 40, 10)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_text("no picture")
    return tmp_path


def test_names_stand_for_points_and_their_twins():
    assert (Landmark("left_eye", 1), Landmark("right_eye", 0), Landmark("nose", 2)) == POINTS
    mixed = landmarks_of("image_left_ear, tail,image_right_ear")
    assert [point.mirrored for point in mixed] == [2, 1, 0]
    for bad, message in (
        ("", "names of small letters"),
        ("Nose", "names of small letters"),
        ("nose,nose", "each point once"),
        ("eyes,left_eye", "each point once"),
        ("left_eye,nose", "right_eye beside left_eye"),
    ):
        with pytest.raises(UserError, match=message):
            landmarks_of(bad)


def test_labels_are_written_after_each_change_and_go_on(folder):
    labels = Labels(folder, POINTS)
    assert labels.images == ["a.jpg", "b.png", "sub/c.PNG"]
    labels.set(2, Clicked("done", ((1.0, 2.0), (3.5, 4.0), (5.0, 6.25))))
    labels.set(0, Clicked("done", ((1.0, 2.0), None, (5.0, 6.0))))
    labels.set(1, Clicked("open", ((1.0, 2.0), None, None)))
    assert (folder / "labels.csv").read_text() == (
        "image,status,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y\n"
        "a.jpg,done,1.00,2.00,,,5.00,6.00\n"
        "b.png,open,1.00,2.00,,,,\n"
        "sub/c.PNG,done,1.00,2.00,3.50,4.00,5.00,6.25\n"
    )
    # As MTFL: all x, then all y; only pictures with all points.
    assert (folder / "labels.txt").read_text() == "sub/c.PNG 1.00 3.50 5.00 2.00 4.00 6.25\n"
    again = Labels(folder, POINTS)
    assert again.get(2) == labels.get(2)
    assert again.counts() == {"done": 2, "open": 1, "skipped": 0}


def test_labels_of_pictures_that_are_gone_are_kept(folder):
    labels = Labels(folder, landmarks_of("nose"))
    labels.set(1, Clicked("done", ((1.0, 2.0),)))
    (folder / "b.png").rename(folder / "elsewhere")
    again = Labels(folder, landmarks_of("nose"))
    again.set(0, Clicked("skipped", (None,)))
    assert "b.png,done,1.00,2.00" in (folder / "labels.csv").read_text()


def test_a_folder_labelled_with_other_points_is_refused(folder):
    Labels(folder, POINTS).set(0, Clicked("skipped", (None,) * 3))
    with pytest.raises(UserError, match=r"expected the points nose, found left_eye, right_eye"):
        Labels(folder, landmarks_of("nose"))
    with pytest.raises(UserError, match="expected a folder of pictures"):
        Labels(folder / "nowhere", POINTS)
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="expected pictures"):
        Labels(folder / "empty", POINTS)


def test_what_was_clicked_is_a_record(folder):
    labels = Labels(folder, POINTS)
    labels.set(2, Clicked("done", ((1.0, 2.0), (3.5, 4.0), (5.0, 6.25))))
    labels.set(0, Clicked("done", ((1.0, 2.0), None, (5.0, 6.0))))
    labels.set(1, Clicked("skipped", (None,) * 3))
    record = clicked.load(folder)
    assert record.landmarks == POINTS
    assert record.visible.tolist() == [[True, False, True], [True, True, True]]
    np.testing.assert_array_equal(record.points[1], [[1, 2], [3.5, 4], [5, 6.25]])
    assert record.pictures.size(1) == (20, 10)


def test_an_id_stays_when_more_pictures_are_labelled(folder):
    labels = Labels(folder, landmarks_of("nose"))
    labels.set(1, Clicked("done", ((1.0, 2.0),)))
    decisions = {int(clicked.load(folder).ids[0]): "drop"}
    labels.set(0, Clicked("done", ((3.0, 4.0),)))
    Image.new("RGB", (20, 10)).save(folder / "0.png")
    Labels(folder, landmarks_of("nose")).set(0, Clicked("done", ((5.0, 6.0),)))
    left = kept(clicked.load(folder), decisions)
    assert left.points.tolist() == [[[5.0, 6.0]], [[3.0, 4.0]]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,status\n", "line 1: expected image,status"),
        ("picture,status,nose_x,nose_y\n", "line 1: expected image,status"),
        ("image,status,nose_x,nose_y\na.jpg,finished,1,2\n", "line 2: expected a new image"),
        ("image,status,nose_x,nose_y\na.jpg,done,1\n", "line 2: expected a new image"),
        ("image,status,nose_x,nose_y\na.jpg,done,1,2\na.jpg,done,1,2\n", "line 3: expected a new"),
        ("image,status,nose_x,nose_y\na.jpg,done,1,\n", "two numbers or two empty cells"),
        ("image,status,nose_x,nose_y\na.jpg,done,1,nan\n", "finite numbers"),
        ("image,status,nose_x,nose_y\na.jpg,done,99,2\n", "nose inside the picture of 20x10"),
    ],
)
def test_a_damaged_file_is_one_error(folder, text, message):
    (folder / "labels.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        clicked.load(folder)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00bad", b"a" * 200_000])
def test_a_file_that_is_no_csv_is_one_error(folder, content):
    (folder / "labels.csv").write_bytes(content)
    for call in (clicked.load, lambda root: Labels(root, landmarks_of("nose"))):
        with pytest.raises(DatasetError, match=r"labels.csv: expected a CSV file in UTF-8"):
            call(folder)


def test_a_file_that_a_spreadsheet_saved_goes_on(folder):
    text = "image,status,nose_x,nose_y\r\nb.png,done,1.5,2\r\n"
    (folder / "labels.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert Labels(folder, landmarks_of("nose")).get(1) == Clicked("done", ((1.5, 2.0),))
    assert clicked.load(folder).points.tolist() == [[[1.5, 2.0]]]


def test_two_pages_on_one_folder_do_not_undo_each_other(folder):
    first, second = (Labels(folder, landmarks_of("nose")) for _ in range(2))
    first.set(0, Clicked("done", ((1.0, 2.0),)))
    with pytest.raises(RunError, match=r"labels.csv was changed by somebody else"):
        second.set(1, Clicked("done", ((3.0, 4.0),)))
    first.set(2, Clicked("skipped", (None,)))
    again = Labels(folder, landmarks_of("nose"))
    assert again.counts() == {"done": 1, "open": 1, "skipped": 1}


@pytest.fixture
def server(folder):
    made = Server(Clicking(Labels(folder, landmarks_of("nose"))))
    made.start()
    yield made
    made.close()


def ask(server, method, path, body=None, **headers):
    port = int(server.address.rsplit(":", 1)[1].strip("/"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


DONE = json.dumps({"status": "done", "points": [[3, 4]]})


def test_the_server_serves_the_page_its_state_and_upright_pictures(server):
    status, page = ask(server, "GET", "/")
    assert status == 200
    assert server.secret.encode() in page
    status, state = ask(server, "GET", "/state")
    assert json.loads(state)["points"] == ["nose"]
    status, content = ask(server, "GET", "/picture/1")
    assert (status, content[:4]) == (200, b"\x89PNG")
    secret = {"X-Secret": server.secret}
    status, value = ask(server, "POST", "/picture/1", DONE, **secret)
    assert (status, json.loads(value)["counts"]["done"]) == (200, 1)


def test_other_pages_can_neither_read_nor_write(server, folder):
    assert ask(server, "GET", "/state", Host="evil.example")[0] == 403
    assert ask(server, "POST", "/picture/0", DONE)[0] == 403
    assert ask(server, "POST", "/picture/0", DONE, **{"X-Secret": "wrong"})[0] == 403
    assert not (folder / "labels.csv").exists()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/picture/9", DONE, 400),
        ("/picture/-1", DONE, 400),
        ("/picture/x", DONE, 400),
        ("/elsewhere", DONE, 404),
        ("/picture/0", "{", 400),
        ("/picture/0", "[]", 400),
        ("/picture/0", json.dumps({"status": "well", "points": [[3, 4]]}), 400),
        ("/picture/0", json.dumps({"status": "done", "points": [[3, 4], [1, 1]]}), 400),
        ("/picture/0", json.dumps({"status": "done", "points": [[3, 44]]}), 400),
        ("/picture/0", json.dumps({"status": "done", "points": [["a", 4]]}), 400),
        ("/picture/0", "x" * 70_000, 413),
    ],
)
def test_what_the_server_cannot_take_changes_nothing(server, folder, path, body, status):
    assert ask(server, "POST", path, body, **{"X-Secret": server.secret})[0] == status
    assert not (folder / "labels.csv").exists()
    assert ask(server, "GET", "/../labels.csv")[0] == 404


@pytest.mark.parametrize("length", ["x", "-5", ""])
def test_a_request_without_a_length_is_refused(server, length, capsys):
    headers = {"X-Secret": server.secret, "Content-Length": length}
    assert ask(server, "POST", "/picture/0", None, **headers)[0] == 413
    assert not capsys.readouterr().err


def test_a_port_that_is_taken_is_one_error(server, folder):
    port = int(server.address.rsplit(":", 1)[1].strip("/"))
    with pytest.raises(UserError, match=f"port {port}: expected one that is free"):
        Server(Clicking(Labels(folder, landmarks_of("nose"))), port=port)


FACE = np.array([[10.0, 10.0], [30.0, 10.0], [20.0, 20.0], [12.0, 30.0], [28.0, 30.0]])
FIVE = (
    Landmark("left_eye", 1),
    Landmark("right_eye", 0),
    Landmark("nose", 2),
    Landmark("left_mouth", 4),
    Landmark("right_mouth", 3),
)


def faces(count=20):
    random = np.random.default_rng(0)
    points = (FACE + random.normal(0, 1, (count, 5, 2))).astype(np.float32)
    return LandmarkPictures(
        pictures=PictureArray(random.integers(0, 256, (count, 40, 40, 1)).astype(np.uint8)),
        points=points,
        visible=np.ones((count, 5), bool),
        landmarks=FIVE,
        values=np.zeros((count, 0), int),
        attributes=(),
        ids=np.arange(100, 100 + count),
        name="faces",
    )


def changed(record, **columns):
    return LandmarkPictures(**{**vars(record), **columns})


def test_a_clean_record_has_no_doubts():
    assert audit.doubtful_labels(faces()) == []


def test_swapped_sides_are_found_all_or_one_pair():
    record = faces()
    points = record.points.copy()
    points[3] = points[3][[1, 0, 2, 4, 3]]
    points[7] = points[7][[0, 1, 2, 4, 3]]
    found = audit.doubtful_labels(changed(record, points=points))
    assert {(one.row, one.kind, one.note) for one in found} == {
        (3, "swapped", "all sides look swapped"),
        (7, "swapped", "left_mouth and right_mouth look swapped"),
    }


def test_points_outside_are_found_and_how_far():
    record = faces()
    points = record.points.copy()
    points[4, 2] = [20.0, 45.0]
    points[5, 0] = [-3.5, 10.0]
    found = audit.doubtful_labels(changed(record, points=points))
    outside = [one for one in found if one.kind == "outside"]
    # Pixels end half a pixel before 0; 40 is as far as coordinates from 1 reach.
    assert [(one.row, one.value) for one in outside] == [(4, 5.0), (5, 3.0)]
    assert "nose lies 5.0 pixels outside" in outside[0].note


def test_equal_and_nearly_equal_pictures_are_found():
    record = faces()
    images = record.pictures.images.copy()
    images[9] = images[2]
    images[12] = np.clip(images[6].astype(int) + 9, 0, 255)
    found = audit.doubtful_labels(changed(record, pictures=PictureArray(images)), threshold=20)
    assert [(one.row, one.kind) for one in found] == [(9, "duplicate"), (12, "duplicate")]
    assert (found[0].value, found[0].note) == (1.0, "equals picture 2")
    assert found[1].note == "is much like picture 6"
    assert len(audit.doubtful_labels(changed(record, pictures=PictureArray(images)))) == 1


def test_the_largest_errors_come_first_over_the_size_of_the_shape():
    record = faces()
    predicted = record.points.astype(float) + 0.1
    predicted[8, 3] += [6.0, 8.0]
    predicted[11] = np.nan
    predicted[2, 0] += 4.0
    found = audit.doubtful_labels(record, predicted=predicted, count=2)
    assert [one.row for one in found] == [8, 2]
    size = np.sqrt(((record.points[8] - record.points[8].mean(0)) ** 2).sum(1).mean())
    apart = np.linalg.norm(predicted[8] - record.points[8], axis=1).mean()
    assert found[0].value == pytest.approx(apart / size, rel=1e-5)
    assert found[0].note.startswith("furthest: left_mouth, 10.1 pixels")
    assert audit.kinds_of(found) == {"error": 2, "swapped": 0, "outside": 0, "duplicate": 0}


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(UserError, match="count of at least 1"):
        audit.doubtful_labels(faces(), count=0)
    with pytest.raises(UserError, match=r"predicted points \(20, 5, 2\)"):
        audit.doubtful_labels(faces(), predicted=np.zeros((3, 5, 2)))


def test_decisions_are_kept_in_a_file_and_leave_rows_out(tmp_path):
    record = faces(4)
    path = tmp_path / "decisions.csv"
    write_decisions(path, record, {103: "drop", 100: "keep", 101: "fix"}, {103: "error"})
    assert path.read_text().splitlines()[:2] == ["id,image,kinds,decision", "100,picture 0,,keep"]
    decisions = read_decisions(path)
    assert decisions == {100: "keep", 101: "fix", 103: "drop"}
    assert kept(record, decisions).ids.tolist() == [100, 102]
    path.write_text("id,image,kinds,decision\n1,a,,maybe\n")
    with pytest.raises(UserError, match="line 2: expected an id and one of keep, fix, drop"):
        read_decisions(path)
    with pytest.raises(UserError, match="expected a CSV file"):
        read_decisions(tmp_path / "nothing.csv")


def test_a_file_of_decisions_may_come_from_a_spreadsheet(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_bytes(b"\xef\xbb\xbfid,image,kinds,decision\r\n101,a,,fix\r\n")
    assert read_decisions(path) == {101: "fix"}
    path.write_text("id,image,kinds,decision\n\N{SUPERSCRIPT TWO},a,,fix\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 2: expected an id"):
        read_decisions(path)


def test_decisions_that_come_at_once_are_all_written(tmp_path, monkeypatch):
    record, path = faces(8), tmp_path / "decisions.csv"
    pages = Reviewing(record, [Doubt(row, "error", 1.0, "far") for row in range(8)], path)
    write, waits = _reviewing.write_decisions, iter([0.3, *[0.0] * 7])

    def slowly(path, record, decisions, kinds):
        decisions = dict(decisions)
        time.sleep(next(waits))  # The first thread is overtaken, were it let.
        write(path, record, decisions, kinds)

    monkeypatch.setattr(_reviewing, "write_decisions", slowly)
    threads = [threading.Thread(target=pages.change, args=(row, "drop")) for row in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_decisions(path) == dict.fromkeys(range(100, 108), "drop")


def test_a_picture_that_cannot_be_read_can_be_skipped(folder):
    (folder / "a.jpg").write_bytes(b"no picture")
    labels = Labels(folder, landmarks_of("nose"))
    pages = Clicking(labels)
    assert pages.change(0, {"status": "skipped", "points": [None]})["counts"]["skipped"] == 1
    with pytest.raises(UserError, match="expected a JPEG"):
        pages.change(0, {"status": "done", "points": [[1, 2]]})


def test_names_that_no_file_of_labels_can_hold_are_refused(folder):
    try:
        os.rename(folder / "b.png", os.fsencode(folder) + b"/b\xff.png")
    except OSError:
        pytest.skip("the file system takes UTF-8 alone")
    with pytest.raises(
        UserError, match=r"expected names of pictures in UTF-8, found 'b\\udcff.png'"
    ):
        Labels(folder, landmarks_of("nose"))
