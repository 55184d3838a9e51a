"""The page as a parser sees it."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from simlearn import figures
from simlearn.errors import UserError
from simlearn.report import Picture, Report
from simlearn.report._style import STYLE

VOID = {"meta", "img", "use", "path", "br"}


class Page(HTMLParser):
    """Collects tags and text, and checks that every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def table_cells(page: str, column: int) -> list[str]:
    rows = re.findall(r"<tr>(<td.*?)</tr>", page)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row)[column] for row in rows]


def plot(title: str = "", **options: Any) -> Figure:
    figure = Figure(figsize=(3, 2), **options)
    figure.subplots().plot([1, 2, 5], marker="o")
    figure.axes[0].set_title(title, parse_math=False)
    return figure


def full_report() -> Report:
    page = Report("Title", subtitle="Sub")
    for name in ("One", "Two", "Three"):
        page.section(name)
    page.text("Text")
    page.table(["a", "b"], [["x", 1]])
    page.figure(plot(), caption="A plot", alt="Rising")
    page.figure(figures.embedding_map(np.eye(2), [1, 2]), caption="A map", alt="Two points")
    page.figure(plot(), caption="A bitmap", alt="Rising", kind="png")
    page.pictures([[Picture(np.zeros((7, 5), np.uint8), "zero", "wrong")]], caption="Grid")
    return page


class TestPage:
    def test_it_loads_nothing_from_elsewhere(self) -> None:
        text = full_report().html()
        page = Page(text)
        for tag, attributes in page.tags:
            assert tag not in ("script", "link", "iframe", "object", "base")
            for name in ("src", "href", "xlink:href"):
                assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,"))
            assert not any(name.startswith("on") for name in attributes)
        assert not re.search(r"url\((?!#)|@import|@font-face", text)
        assert "default-src 'none'" in text

    def test_it_follows_the_scheme_and_the_width_of_the_screen(self) -> None:
        text = full_report().html()
        assert "@media screen and (prefers-color-scheme: dark)" in text
        assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in Page(
            text
        ).all("meta")

    def test_no_id_is_used_twice_and_every_reference_has_its_target(self) -> None:
        text = full_report().html()
        ids = [attributes["id"] for _, attributes in Page(text).tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        references = re.findall(r'(?:href="#|url\(#)([^")]+)', text)
        assert references
        assert set(references) <= set(ids)

    def test_the_contents_appear_with_the_third_section(self) -> None:
        page = Report("T")
        page.section("A")
        page.section("B & C")
        assert "<nav" not in page.html()
        page.section("D")
        assert '<a href="#section-2">B &amp; C</a>' in page.html()

    def test_sections_of_a_chapter_stand_below_it(self) -> None:
        page = Report("T")
        page.section("A")
        page.chapter("B & C", subtitle="of <two>")
        page.section("D")
        text = page.html()
        assert '<h2 id="section-1">A</h2>' in text
        assert '<h2 id="section-2" class="chapter">B &amp; C</h2>' in text
        assert '<p class="subtitle">of &lt;two&gt;</p>' in text
        assert '<h3 id="section-3">D</h3>' in text
        contents = text[text.index("<nav") : text.index("</nav>")]
        assert re.findall(r"<li( class=\"chapter\")?><a", contents) == ["", ' class="chapter"', ""]

    def test_parts_stand_in_the_order_of_the_calls(self) -> None:
        page = Report("T")
        page.text("first")
        page.section("second")
        page.text("third\n\nfourth")
        places = [page.html().index(word) for word in ("first", "second", "third", "fourth")]
        assert places == sorted(places)
        assert "<p>third</p>\n<p>fourth</p>" in page.html()

    @settings(max_examples=30, deadline=None)
    @given(
        st.text(max_size=20) | st.sampled_from(['"><script>x</script>', "</td>&amp;'", "\ud800"])
    )
    def test_no_text_becomes_markup(self, text: str) -> None:
        def build(word: str) -> str:
            page = Report(word, subtitle=word or "-")
            page.section(word)
            page.text("." + word.replace("\n", " ").replace("\r", " "))
            page.table([word], [[word or "-"]], caption=word or "-", best={word: "highest"})
            page.pictures([[Picture(np.zeros((3, 2), np.uint8), word)]], caption=word)
            html = page.html()
            html.encode("utf-8")
            return html

        expected = [name for name, _ in Page(build("w")).tags]
        found = Page(build(text))
        assert [name for name, _ in found.tags] == expected
        assert "script" not in [name for name, _ in found.tags]

    def test_the_figure_text_is_no_markup(self) -> None:
        page = Report("T")
        hostile = '</text></svg><script>x</script> id="a" url(#b) "'
        page.figure(plot(hostile), caption=hostile, alt=hostile)
        parsed = Page(page.html())
        assert hostile in "".join(parsed.texts)
        assert not parsed.all("script")
        (svg,) = parsed.all("svg")
        assert svg["aria-label"] == hostile


class TestTable:
    def page(self, *args: Any, **kwargs: Any) -> str:
        page = Report("T")
        page.table(*args, **kwargs)
        return page.html()

    @pytest.mark.parametrize(
        ("values", "texts"),
        [
            ([0.97123, 0.5, 1.0], ["0.9712", "0.5000", "1.0000"]),
            ([12.3456, 0.5], ["12.35", "0.50"]),
            ([99.9, 100.0], ["99.9", "100.0"]),
            ([123456.7], ["123457"]),
            ([0.001, 0.0005], ["0.001000", "0.000500"]),
            ([1.5e-9, 2e-8], ["1.500e\N{MINUS SIGN}09", "2.000e\N{MINUS SIGN}08"]),
            ([-0.25, 0.0], ["\N{MINUS SIGN}0.2500", "0.0000"]),
            ([0.0], ["0"]),
            ([3, 40000, np.int64(5)], ["3", "40000", "5"]),
            ([1, 0.5], ["1", "0.5000"]),
            ([None, float("nan"), np.float32(0.5)], ["–", "–", "0.5000"]),  # noqa: RUF001
            ([float("inf"), 0.5], ["inf", "0.5000"]),
            ([True, np.False_], ["yes", "no"]),
            (["0.98 ± 0.01", "12 %"], ["0.98 ± 0.01", "12 %"]),
        ],
    )
    def test_cells(self, values: list[Any], texts: list[str]) -> None:
        assert table_cells(self.page(["c"], [[value] for value in values]), 0) == texts

    @pytest.mark.parametrize(
        ("values", "right"),
        [
            ([1, 2.5], True),
            (["0.98 ± 0.01", None], True),
            (["-3", "+4"], True),
            (["resnet", "18"], False),
            ([True, False], False),
            ([None, None], False),
            ([], False),
        ],
    )
    def test_numbers_stand_on_the_right(self, values: list[Any], right: bool) -> None:
        text = self.page(["c"], [[value] for value in values])
        assert ('<th scope="col" class="number">' in text) is right
        assert text.count('<td class="number">') == (len(values) if right else 0)

    def test_the_best_is_bold_and_ties_share_it(self) -> None:
        rows = [[0.2, 5], [0.7, float("nan")], [0.7, 3], [None, 4]]
        text = self.page(["up", "down"], rows, best={"up": "highest", "down": "lowest"})
        assert ["strong" in cell for cell in table_cells(text, 0)] == [False, True, True, False]
        assert ["strong" in cell for cell in table_cells(text, 1)] == [False, False, True, False]
        assert "Bold: the best of its column." in text

    def test_a_truth_value_is_no_number(self) -> None:
        cells = table_cells(self.page(["a"], [[True], [0.5]], best={"a": "highest"}), 0)
        assert cells == ["yes", "<strong>0.5000</strong>"]

    def test_a_column_without_numbers_has_no_best(self) -> None:
        assert "<strong>" not in self.page(["a"], [["x"], [None]], best={"a": "highest"})

    @pytest.mark.parametrize(
        ("columns", "rows", "best", "message"),
        [
            ([], [], {}, "different column names"),
            (["a", "a"], [], {}, "different column names"),
            (["a", "b"], [[1, 2], [3]], {}, "row 2: expected 2 cells.*got 1"),
            (["a"], [], {"b": "highest"}, "got 'b'"),
            (["a"], [], {"a": "max"}, "got 'a': 'max'"),
        ],
    )
    def test_refuses(self, columns: Any, rows: Any, best: Any, message: str) -> None:
        with pytest.raises(UserError, match=message):
            Report("T").table(columns, rows, best=best)


class TestFigure:
    def test_a_figure_of_ours_takes_the_colours_of_the_page(self) -> None:
        page = Report("T")
        page.figure(figures.learning_curves({"a": {"loss": [1, 2, 3]}}), caption="", alt="a")
        svg = page.html().partition("<svg")[2].partition("</svg>")[0]
        assert "currentColor" in svg
        assert "var(--rule)" in svg
        assert not {figures.INK, figures.PAPER, figures.RULE} & set(re.findall("#[0-9a-f]{6}", svg))
        assert "wide card" not in page.html()

    def test_another_figure_stands_on_a_card_as_it_is(self) -> None:
        page = Report("T")
        page.figure(plot(figures.INK), caption="", alt="a")
        svg = page.html().partition("<svg")[2].partition("</svg>")[0]
        assert "wide card" in page.html()
        assert "currentColor" not in svg
        assert "fill: #ffffff" in svg

    def test_the_same_report_gives_the_same_bytes(self) -> None:
        assert full_report().html() == full_report().html()

    def test_a_bitmap_is_the_figure(self) -> None:
        page = Report("T")
        page.figure(plot(), caption="", alt="a", kind="png")
        (image,) = Page(page.html()).all("img")
        assert decoded(image).size == (576, 384)  # 3 by 2 inches of 192 pixels
        assert image["alt"] == "a"

    def test_the_global_settings_and_the_figure_are_left_alone(self) -> None:
        import matplotlib as mpl

        before = dict(mpl.rcParams)
        page = Report("T")
        page.figure(plot(), caption="", alt="a")
        assert dict(mpl.rcParams) == before

    def test_letters_that_matplotlib_lacks_are_left_to_the_browser(self) -> None:
        page = Report("T")
        page.figure(plot("猫"), caption="", alt="a")
        assert "猫" in page.html()

    def test_refuses_another_kind(self) -> None:
        with pytest.raises(UserError, match="got 'pdf'"):
            Report("T").figure(plot(), caption="", alt="", kind="pdf")  # type: ignore[arg-type]


def decoded(image: dict[str, str | None]) -> Image.Image:
    source = image["src"] or ""
    return Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))


class TestPictures:
    def images(self, *pictures: Picture) -> list[dict[str, str | None]]:
        page = Report("T")
        page.pictures([pictures], caption="c")
        return Page(page.html()).all("img")

    @pytest.mark.parametrize("shape", [(7, 5), (7, 5, 1), (7, 5, 3)])
    def test_a_small_picture_is_stored_whole_and_drawn_in_whole_pixels(
        self, shape: tuple[int, ...]
    ) -> None:
        array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        (image,) = self.images(Picture(array))
        np.testing.assert_array_equal(np.asarray(decoded(image)), array.squeeze())
        # 96 // 7 = 13 screen pixels a pixel.
        assert (image["width"], image["height"]) == ("65", "91")
        assert image["class"] == "pixels"

    def test_a_large_picture_is_stored_at_twice_its_size_on_the_page(self) -> None:
        (image,) = self.images(Picture(np.zeros((400, 200, 3), np.uint8)))
        assert (image["width"], image["height"]) == ("48", "96")
        assert decoded(image).size == (96, 192)
        assert "class" not in image

    def test_the_side_is_that_of_the_longer_edge_on_the_page(self) -> None:
        page = Report("T")
        large = Picture(np.zeros((500, 250), np.uint8))
        page.pictures([[large, Picture(np.zeros((7, 5), np.uint8))]], caption="c", side=200)
        first, second = Page(page.html()).all("img")
        assert (first["width"], first["height"]) == ("100", "200")
        assert decoded(first).size == (200, 400)
        assert (second["width"], second["height"]) == ("140", "196")

    def test_a_side_below_a_pixel_is_refused(self) -> None:
        page = Report("T")
        with pytest.raises(UserError, match="side of at least 1 pixel, got 0"):
            page.pictures([[Picture(np.zeros((3, 2), np.uint8))]], caption="c", side=0)

    def test_marks_show_by_class_sign_and_alternative_text(self) -> None:
        blank = np.zeros((3, 2), np.uint8)
        page = Report("T")
        page.pictures(
            [[Picture(blank, "q"), Picture(blank, "a", "right"), Picture(blank, "b", "wrong")]],
            caption="Grid",
        )
        text = page.html()
        cells = re.findall(r'<td class="(\w+)">(.*?)</td>', text)
        assert [name for name, _ in cells] == ["plain", "right", "wrong"]
        assert [re.findall("[✓✗]", cell) for _, cell in cells] == [[], ["✓"], ["✗"]]
        assert [image["alt"] for image in Page(text).all("img")] == ["q", "a (right)", "b (wrong)"]
        assert "Grid (✓ right, ✗ wrong)" in text

    def test_rows_stay_rows(self) -> None:
        picture = Picture(np.zeros((3, 2), np.uint8), "x")
        page = Report("T")
        page.pictures([[picture] * 3, [picture] * 2], caption="c")
        rows = re.findall(r"<tr>(.*?)</tr>", page.html())
        assert [row.count("<img") for row in rows] == [3, 2]

    @pytest.mark.parametrize(
        ("image", "mark", "message"),
        [
            (np.zeros((3, 2)), "", "uint8 array, got float64"),
            ([[1]], "", "uint8 array, got list"),
            (np.zeros((3, 2, 4), np.uint8), "", r"got \(3, 2, 4\)"),
            (np.zeros((3, 0), np.uint8), "", r"got \(3, 0\)"),
            (np.zeros(3, np.uint8), "", r"got \(3,\)"),
            (np.zeros((3, 2), np.uint8), "bad", "picture 'x'.*got 'bad'"),
        ],
    )
    def test_refuses(self, image: Any, mark: Any, message: str) -> None:
        with pytest.raises(UserError, match=message):
            Picture(image, "x", mark)

    @pytest.mark.parametrize("rows", [[], [[]], [[], []]])
    def test_refuses_none(self, rows: Any) -> None:
        with pytest.raises(UserError, match="at least one picture"):
            Report("T").pictures(rows, caption="c")


class TestSave:
    def test_it_makes_the_folder_and_returns_the_path(self, tmp_path: Path) -> None:
        page = Report("Tïtle")
        path = page.save(tmp_path / "new" / "report.html")
        assert path == tmp_path / "new" / "report.html"
        assert path.read_bytes().decode("utf-8") == page.html()
        assert [file.name for file in path.parent.iterdir()] == ["report.html"]

    def test_a_failure_leaves_the_old_page_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = Report("old").save(tmp_path / "report.html")

        def fail(*_: object) -> None:
            raise OSError("disk full")

        monkeypatch.setattr("os.replace", fail)
        with pytest.raises(OSError, match="disk full"):
            Report("new").save(path)
        assert "<title>old</title>" in path.read_text(encoding="utf-8")
        assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_every_colour_of_the_text_is_legible_in_its_scheme() -> None:
    light, dark = re.findall(r"--paper: (#\w+); --ink: (#\w+); --soft: (#\w+);", squeezed())
    for paper, *inks in (light, dark):
        for ink in inks:
            bright, dim = sorted((luminance(paper), luminance(ink)), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5  # WCAG 2.2, criterion 1.4.3


def squeezed() -> str:
    return re.sub(r"\s+", " ", STYLE)


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))
