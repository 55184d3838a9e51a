"""Both pages in a real browser: keys and clicks end in files."""

import csv

import numpy as np
import pytest
from PIL import Image

from simlearn.audit import Doubt
from simlearn.data import clicked
from simlearn.labelling import Labels, Server, landmarks_of, read_decisions
from simlearn.labelling._clicking import Clicking
from tests.simlearn.labelling.browser import CHROMIUM, Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path):
    for name, size in (("a.png", (60, 40)), ("b.png", (31, 47)), ("c.png", (50, 50))):
        pixels = np.random.default_rng(len(name)).integers(0, 256, (size[1], size[0], 3))
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name)
    return tmp_path


@pytest.fixture
def served(folder):
    servers = []

    def serve(pages):
        server = Server(pages)
        server.start()
        servers.append(server)
        return server.address

    yield serve
    for server in servers:
        server.close()


def ready(browser, address):
    browser.open(address)
    browser.until("document.body && document.body.dataset.ready === 'yes'")


def picture(browser, number):
    browser.until(f"image && at === {number - 1} && image.complete")


def rows(folder):
    with (folder / "labels.csv").open() as file:
        return list(csv.DictReader(file))


def test_keys_and_clicks_label_pictures(browser, served, folder):
    points = landmarks_of("eyes,nose")
    ready(browser, served(Clicking(Labels(folder, points))))
    picture(browser, 1)
    # The cross begins in the middle, (29.5, 19.5); 10 left and 3 up, then 17 right.
    browser.key("ArrowLeft", shift=True)
    for _ in range(3):
        browser.key("ArrowUp")
    browser.key(" ")
    browser.key("ArrowRight", shift=True)
    for _ in range(7):
        browser.key("ArrowRight")
    browser.key(" ")
    browser.key("u")
    browser.key(" ")
    # A click on the middle of the pixel (20, 30).
    x, y = browser.run(
        "(() => { const b = stage.getBoundingClientRect(), [x, y] = toScreen(20, 30);"
        "return [b.left + x, b.top + y]; })()"
    )
    browser.click(x, y)
    picture(browser, 2)
    browser.key("h")
    browser.key(" ")
    browser.key("s")
    picture(browser, 3)
    browser.run("saving")
    found = rows(folder)
    assert [row["status"] for row in found] == ["done", "skipped", "open"]
    assert float(found[0]["left_eye_x"]) == 19.5
    assert float(found[0]["left_eye_y"]) == 16.5
    assert float(found[0]["right_eye_x"]) == 36.5
    assert float(found[0]["nose_x"]) == pytest.approx(20, abs=0.1)
    assert float(found[0]["nose_y"]) == pytest.approx(30, abs=0.1)
    assert (found[1]["left_eye_x"], found[1]["right_eye_x"]) == ("", "15.00")
    assert "1 done, 1 skipped, 1 open" in browser.text()


def test_a_second_visit_goes_on_and_undo_reaches_back(browser, served, folder):
    labels = Labels(folder, landmarks_of("nose"))
    labels.set(0, clicked.Clicked("done", ((3.0, 4.0),)))
    ready(browser, served(Clicking(Labels(folder, landmarks_of("nose")))))
    picture(browser, 2)
    browser.key(" ")  # Done: the next open one is shown.
    picture(browser, 3)
    browser.key("u")
    picture(browser, 2)
    browser.run("saving")
    assert [row["status"] for row in rows(folder)] == ["done", "open", "open"]
    assert rows(folder)[0]["nose_x"] == "3.00"


def test_zoom_keeps_what_lies_under_the_cross(browser, served, folder):
    ready(browser, served(Clicking(Labels(folder, landmarks_of("nose")))))
    picture(browser, 1)
    browser.key("ArrowLeft", shift=True)
    before = browser.run("[...toScreen(cross.x, cross.y), view.scale]")
    browser.key("z")
    after = browser.run("[...toScreen(cross.x, cross.y), view.scale]")
    assert after[:2] == pytest.approx(before[:2])
    assert after[2] == pytest.approx(4 * before[2])


def test_what_cannot_be_saved_is_said(browser, served, folder):
    ready(browser, served(Clicking(Labels(folder, landmarks_of("nose")))))
    picture(browser, 1)
    browser.run("label().points[0] = [500, 0]; save('done')")
    browser.until("document.getElementById('error').textContent.includes('not saved')")
    assert "inside 60x40 pixels" in browser.text()
    assert not (folder / "labels.csv").exists()


def test_doubts_are_decided_by_keys_and_buttons(browser, served, folder, tmp_path):
    from simlearn.labelling._reviewing import Reviewing

    labels = Labels(folder, landmarks_of("nose"))
    for row in range(3):
        labels.set(row, clicked.Clicked("done", ((5.0 + row, 6.0),)))
    record = clicked.load(folder)
    doubts = [
        Doubt(2, "error", 0.7, "far"),
        Doubt(0, "outside", 3.0, "out"),
        Doubt(2, "swapped", 1.0, "s"),
    ]
    path = tmp_path / "decisions.csv"
    ready(browser, served(Reviewing(record, doubts, path)))
    browser.key("d")
    browser.until("state.items[0].decision === 'drop'")
    browser.run("document.querySelectorAll('article')[1].querySelector('button').click()")
    browser.until("state.items[1].decision === 'keep'")
    assert read_decisions(path) == {record.ids[2]: "drop", record.ids[0]: "keep"}
    assert "2 of 2: 1 keep, 0 fix, 1 drop" in browser.text()
    browser.until("[...document.images].every(i => i.complete && i.naturalWidth)")


def test_the_next_picture_starts_unzoomed_and_was_fetched_before(
    browser, served, folder, monkeypatch
):
    pages = Clicking(Labels(folder, landmarks_of("nose")))
    asked, picture_of = [], pages.picture
    monkeypatch.setattr(pages, "picture", lambda index: asked.append(index) or picture_of(index))
    ready(browser, served(pages))
    picture(browser, 1)
    whole = browser.run("view.scale")
    browser.key("z")
    browser.key(" ")
    picture(browser, 2)
    fitted = browser.run("view.scale")
    browser.key("z")  # Once is enough.
    assert browser.run("view.scale") == pytest.approx(4 * fitted)
    browser.key("p")
    picture(browser, 1)
    assert browser.run("view.scale") == pytest.approx(whole)
    assert asked[:3] == [0, 1, 2]  # Each once, the next one ahead.


def test_a_picture_that_is_not_there_yet_has_no_hidden_points(browser, served, folder):
    ready(browser, served(Clicking(Labels(folder, landmarks_of("nose")))))
    picture(browser, 1)
    browser.run("image = null")
    browser.key("h")
    browser.run("saving")
    assert browser.run("hidden[0]") is False
    assert not (folder / "labels.csv").exists()


def test_a_point_is_placed_anew_by_its_number_or_its_line(browser, served, folder):
    labels = Labels(folder, landmarks_of("eyes,nose"))
    labels.set(0, clicked.Clicked("done", ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))))
    ready(browser, served(Clicking(Labels(folder, landmarks_of("eyes,nose")))))
    picture(browser, 2)
    browser.key("p")
    picture(browser, 1)
    browser.run("document.querySelectorAll('#points li')[1].click()")
    assert browser.run("active") == 1
    browser.key("3")
    browser.key(" ")
    picture(browser, 2)
    browser.run("saving")
    assert [rows(folder)[0][name] for name in ("right_eye_x", "nose_x", "nose_y")] == [
        "3.00",
        "29.50",
        "19.50",
    ]


def test_the_cross_stays_in_sight_when_zoomed(browser, served, folder):
    ready(browser, served(Clicking(Labels(folder, landmarks_of("nose")))))
    picture(browser, 1)
    browser.key("z")
    for _ in range(3):
        browser.key("ArrowRight", shift=True)
    # At the right edge of the picture, and still inside the stage.
    assert browser.run("cross.x") == 59.5
    x, width = browser.run("[toScreen(cross.x, cross.y)[0], stage.getBoundingClientRect().width]")
    assert 0 <= x <= width
