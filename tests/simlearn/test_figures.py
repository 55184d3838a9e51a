"""What the figures show, read from the artists that matplotlib holds."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.spatial.distance import cdist

from simlearn import figures
from simlearn.errors import UserError
from simlearn.figures._drawing import PALETTE


def drawn(figure: Figure) -> Any:  # matplotlib types its artists by their base classes
    figure.canvas.draw()
    return figure


def written(figure: Figure) -> list[str]:
    texts = [legend.get_texts() for legend in figure.legends]
    return [text.get_text() for group in texts for text in group]


class TestLearningCurves:
    def test_a_panel_a_metric_and_a_line_a_run_and_kind(self) -> None:
        figure = figures.learning_curves(
            {
                "a": {
                    "loss": [3.0, 2.0, 1.5],
                    "val_loss": [4.0, 3.0, 2.5],
                    "recall": [0.1, 0.2, 0.4],
                },
                "b": {"loss": [5.0, 4.0, 3.0], "val_only": [7.0, 8.0, 9.0]},
            }
        )
        panels = {axes.get_title(loc="left"): axes for axes in drawn(figure).axes}
        assert list(panels) == ["loss", "recall", "only"]
        lines = [line for line in panels["loss"].lines if len(line.get_xdata())]
        assert [list(line.get_ydata()) for line in lines] == [[3, 2, 1.5], [4, 3, 2.5], [5, 4, 3]]
        assert [line.get_linestyle() for line in lines] == ["--", "-", "--"]
        assert lines[0].get_color() == lines[1].get_color() != lines[2].get_color()
        assert list(lines[0].get_xdata()) == [1, 2, 3]
        assert written(figure) == ["a", "b", "training", "validation"]

    def test_an_epoch_without_a_value_is_left_out(self) -> None:
        figure: Any = figures.learning_curves({"a": {"loss": [3, np.nan, 1, np.inf, 2]}})
        line = figure.axes[0].lines[0]
        assert list(line.get_xdata()) == [1, 3, 5]
        assert list(line.get_ydata()) == [3, 1, 2]

    def test_one_epoch_can_be_seen(self) -> None:
        line = drawn(figures.learning_curves({"a": {"loss": [3.0]}})).axes[0].lines[0]
        assert line.get_marker() == "o"

    def test_names_are_written_as_they_are(self) -> None:
        # A leading underscore hides a legend's entry and $...$ is mathematics to matplotlib.
        names = ["_hidden", "cost $x_{1$ or $"]
        figure = figures.learning_curves({name: {"$b": [1.0, 2.0]} for name in names})
        assert written(drawn(figure)) == [*names, "training"]
        texts = figure.legends[0].get_texts()
        assert not any(text.get_parse_math() for text in texts)
        assert figure.axes[0].get_title(loc="left") == "$b"

    @pytest.mark.parametrize("histories", [{}, {"a": {}}, {"a": {"loss": []}}])
    def test_refuses_nothing(self, histories: Any) -> None:
        with pytest.raises(UserError, match="at least one value"):
            figures.learning_curves(histories)

    def test_refuses_ragged_metrics(self) -> None:
        with pytest.raises(UserError, match=r"run 'a'.*'loss': 3, 'val_loss': 2"):
            figures.learning_curves({"a": {"loss": [1, 2, 3], "val_loss": [1, 2]}})


class TestEmbeddingMap:
    def test_every_class_has_its_colour_and_its_name_at_the_median(self) -> None:
        points = np.array([[0.0, 1], [2, 3], [40, 5], [7, 7], [9, 9]])
        figure = drawn(figures.embedding_map(points, ["b", "b", "b", "a", "a"]))
        axes = figure.axes[0]
        (cloud,) = axes.collections
        np.testing.assert_array_equal(cloud.get_offsets(), points)
        colours = [to_hex(colour) for colour in cloud.get_facecolors()]
        assert colours[0] == colours[1] == colours[2] != colours[3] == colours[4]
        # Median of b: (median(0, 2, 40), median(1, 3, 5)); of a: the mean of two points.
        places = {text.get_text(): text.get_position() for text in axes.texts}
        assert places == {"a": (8, 8), "b": (2, 3)}

    def test_the_largest_of_many_classes_are_named(self) -> None:
        labels = np.repeat(np.arange(67), np.where(np.arange(67) < 7, 1, 2))
        points = np.random.default_rng(0).normal(size=(len(labels), 2))
        axes = drawn(figures.embedding_map(points, labels)).axes[0]
        assert [text.get_text() for text in axes.texts] == [str(label) for label in range(7, 67)]
        assert axes.get_title(loc="left") == "60 largest of 67 classes named"
        assert len({to_hex(colour) for colour in axes.collections[0].get_facecolors()}) == 67

    @pytest.mark.parametrize(
        ("points", "labels", "message"),
        [
            (np.zeros((3, 3)), [1, 2, 3], r"shape \(n, 2\).*got shape \(3, 3\)"),
            (np.zeros((0, 2)), [], r"got shape \(0, 2\)"),
            ([[1.0, np.nan]], [1], "1 not finite"),
            (np.zeros((3, 2)), [1, 2], r"labels: expected shape \(3,\).*got \(2,\)"),
        ],
    )
    def test_refuses(self, points: Any, labels: Any, message: str) -> None:
        with pytest.raises(UserError, match=message):
            figures.embedding_map(points, labels)


class TestRocCurves:
    def test_the_axis_is_logarithmic_and_zero_stands_at_its_left_edge(self) -> None:
        figure = drawn(figures.roc_curves({"a": ([0, 0.003, 0.2], [0.5, 0.7, 0.9])}))
        axes = figure.axes[0]
        assert axes.get_xscale() == "log"
        # 0.003 is right of 1e-3; one decade more is kept free for 0.
        assert axes.get_xlim() == pytest.approx((1e-4, 1))
        assert list(axes.lines[0].get_xdata()) == pytest.approx([1e-4, 0.003, 0.2, 1])
        assert list(axes.lines[0].get_ydata()) == [0.5, 0.7, 0.9, 0.9]
        assert axes.lines[0].get_drawstyle() == "steps-post"
        assert "left edge: 0" in axes.get_xlabel()

    def test_without_a_zero_the_axis_does_not_speak_of_it(self) -> None:
        axes = figures.roc_curves({"a": ([0.003, 1], [0.7, 1])}).axes[0]
        assert axes.get_xlim() == pytest.approx((1e-3, 1))
        assert axes.get_xlabel() == "false accept rate"

    def test_the_order_of_the_points_does_not_matter(self) -> None:
        one = figures.roc_curves({"a": ([0.1, 0.1, 0.5], [0.2, 0.4, 0.8])}).axes[0].lines[0]
        other = figures.roc_curves({"a": ([0.5, 0.1, 0.1], [0.8, 0.4, 0.2])}).axes[0].lines[0]
        np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())

    def test_the_chosen_threshold_is_marked_and_written(self) -> None:
        curve = ([0.01, 0.1, 1.0], [0.5, 0.8, 1.0])
        figure = drawn(
            figures.roc_curves({"a": curve, "b": curve}, chosen={"b": (0.1, 0.8, 1.2345)})
        )
        lines = figure.axes[0].lines
        (mark,) = [line for line in lines if line.get_marker() == "o"]
        np.testing.assert_allclose(mark.get_xydata(), [[0.1, 0.8]])
        assert mark.get_color() == lines[1].get_color()
        assert written(figure) == ["a", "b: threshold 1.234, FAR 0.1, TAR 0.800"]

    def test_a_chosen_rate_of_zero_is_on_the_axis(self) -> None:
        figure = figures.roc_curves({"a": ([0.01, 1], [0.5, 1])}, chosen={"a": (0, 0.4, 1)})
        axes = drawn(figure).axes[0]
        assert axes.lines[-1].get_xdata()[0] == axes.get_xlim()[0] == pytest.approx(1e-3)

    @pytest.mark.parametrize(
        ("curves", "chosen", "message"),
        [
            ({}, {}, "at least one curve"),
            ({"a": ([0.1], [0.1, 0.2])}, {}, "got 2 and 1"),
            ({"a": ([0.1, 1.1], [0.1, 0.2])}, {}, "far within.*got 0.1 to 1.1"),
            ({"a": ([0.1], [-0.5])}, {}, "tar within.*got -0.5"),
            ({"a": ([], [])}, {}, "n > 0"),
            ({"a": ([0.1], [0.1])}, {"b": (0.1, 0.1, 1)}, r"names \['b'\].*\['a'\]"),
            ({"a": ([0.1], [0.1])}, {"a": (2, 0.1, 1)}, "chosen a"),
        ],
    )
    def test_refuses(self, curves: Any, chosen: Any, message: str) -> None:
        with pytest.raises(UserError, match=message):
            figures.roc_curves(curves, chosen=chosen)


class TestDistanceHistogram:
    def test_each_kind_is_scaled_to_its_own_pairs(self) -> None:
        rng = np.random.default_rng(0)
        distances = np.concatenate([rng.normal(1, 0.1, 53), rng.normal(2, 0.2, 331)])
        same = np.arange(384) < 53
        figure = drawn(figures.distance_histogram(distances, same, threshold=1.5))
        axes = figure.axes[0]
        for patch in axes.patches:
            values = patch.get_data().values
            assert values.sum() == pytest.approx(1)
        first, second = axes.patches[0].get_data(), axes.patches[2].get_data()
        assert np.average(first.edges[:-1], weights=first.values) < 1.1
        assert np.average(second.edges[:-1], weights=second.values) > 1.8
        assert written(figure) == ["same, 53 pairs", "different, 331 pairs"]

    def test_the_threshold_is_drawn_and_written(self) -> None:
        figure = figures.distance_histogram([0.25, 0.5], [True, False], threshold=0.375)
        axes = drawn(figure).axes[0]
        assert list(axes.lines[0].get_xdata()) == [0.375, 0.375]
        assert [text.get_text() for text in axes.texts] == ["threshold 0.375"]

    def test_one_kind_alone_is_drawn(self) -> None:
        drawn(figures.distance_histogram([0.5, 0.5, 0.5], [False] * 3, threshold=0))

    @pytest.mark.parametrize(
        ("distances", "same", "threshold", "message"),
        [
            ([0.1, 0.2], [True], 1, r"\(2,\) booleans, got \(1,\)"),
            ([0.1, 0.2], [1, 0], 1, "booleans, got.*int"),
            ([0.1, np.nan], [True, False], 1, "1 not finite"),
            ([[0.1]], [[True]], 1, r"shape \(n,\)"),
            ([0.1], [True], np.inf, "threshold: expected a finite number, got inf"),
        ],
    )
    def test_refuses(self, distances: Any, same: Any, threshold: float, message: str) -> None:
        with pytest.raises(UserError, match=message):
            figures.distance_histogram(distances, same, threshold=threshold)


class TestProject:
    def test_neighbours_stay_neighbours(self) -> None:
        rng = np.random.default_rng(0)
        classes = np.arange(131) % 5
        values = rng.normal(size=(5, 67))[classes] * 5 + rng.normal(size=(131, 67))
        flat = figures.project(values, seed=1)
        assert flat.shape == (131, 2)
        distances = cdist(flat, flat) + np.diag(np.full(131, np.inf))
        assert (classes[distances.argmin(axis=1)] == classes).mean() > 0.98

    def test_the_seed_fixes_it(self) -> None:
        # More than 500 dimensions: scikit-learn's PCA then draws random numbers, too.
        values = np.random.default_rng(0).normal(size=(151, 503))
        np.testing.assert_array_equal(
            figures.project(values, seed=3), figures.project(values, seed=3)
        )

    @pytest.mark.parametrize("count", range(1, 14))
    def test_any_small_number_of_points(self, count: int) -> None:
        values = np.random.default_rng(count).normal(size=(count, 11))
        flat = figures.project(values, seed=0)
        assert flat.shape == (count, 2)
        assert np.isfinite(flat).all()

    def test_two_dimensions_keep_their_distances(self) -> None:
        values = np.random.default_rng(1).normal(size=(37, 2))
        flat = figures.project(values, seed=0)
        np.testing.assert_allclose(cdist(flat, flat), cdist(values, values), atol=1e-12)

    def test_one_dimension_gets_a_flat_second(self) -> None:
        flat = figures.project(np.array([[1.0], [3.0], [11.0], [12], [13], [14]]), seed=0)
        np.testing.assert_allclose(np.abs(np.diff(flat[:, 0])), [2, 8, 1, 1, 1], atol=1e-12)
        assert (flat[:, 1] == 0).all()

    @pytest.mark.parametrize("scale", [0.0, 1e-20, 1e20])
    def test_any_scale(self, scale: float) -> None:
        values = 0.1 + np.zeros((17, 5)) + scale * np.random.default_rng(0).normal(size=(17, 5))
        assert np.isfinite(figures.project(values, seed=0)).all()

    def test_refuses(self) -> None:
        with pytest.raises(UserError, match="1 not finite"):
            figures.project([[1.0, np.inf]], seed=0)
        with pytest.raises(UserError, match=r"shape \(n, d\).*got shape \(3,\)"):
            figures.project([1.0, 2.0, 3.0], seed=0)
        with pytest.raises(UserError, match="perplexity: expected a number above 0, got 0"):
            figures.project(np.zeros((7, 3)), seed=0, perplexity=0)


@pytest.mark.parametrize("ground", ["#fefefd", "#15181b"])
def test_the_palette_is_legible_on_light_and_dark(ground: str) -> None:
    # WCAG 2.2, success criterion 1.4.11: graphics need a contrast of 3:1.
    for colour in PALETTE:
        light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, colour


def luminance(colour: str) -> float:
    # WCAG 2.2, definition of relative luminance.
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_text_is_drawn_in_the_colours_that_a_page_can_change() -> None:
    figure = drawn(figures.roc_curves({"a": ([0.01, 1], [0.5, 1])}, chosen={"a": (0.01, 0.5, 1.0)}))
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert {to_hex(text.get_color()) for text in texts} == {figures.INK}


def test_neither_pyplot_nor_scikit_learn_nor_tensorflow_is_loaded() -> None:
    program = """
import sys
import simlearn.figures
early = {"matplotlib.pyplot", "sklearn", "tensorflow", "keras"} & set(sys.modules)
assert not early, early
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


class TestCurvesWithSpread:
    CURVES: dict[str, Any] = {  # noqa: RUF012
        "a": ([1, 2, 5], [0.5, 0.75, 1.0], [0.25, 0.125, 0.0]),
        "b_$x$": ([2, 5], [0.25, 0.5], [0.125, 0.25]),
    }

    def test_a_line_of_means_in_a_band_of_one_spread_to_either_side(self) -> None:
        figure = drawn(figures.curves_with_spread(self.CURVES, xlabel="pictures", ylabel="rate"))
        (axes,) = figure.axes
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("pictures", "rate")
        assert written(figure) == ["a", "b_$x$"]
        for line, band, (x, mean, spread) in zip(
            axes.lines, axes.collections, self.CURVES.values(), strict=True
        ):
            assert (list(line.get_xdata()), list(line.get_ydata())) == (x, mean)
            corners = {tuple(corner) for corner in band.get_paths()[0].vertices}
            for place, middle, wide in zip(x, mean, spread, strict=True):
                assert {(place, middle - wide), (place, middle + wide)} <= corners
            assert to_rgb(band.get_facecolor()[0][:3]) == pytest.approx(to_rgb(line.get_color()))
        assert axes.lines[0].get_color() != axes.lines[1].get_color()

    @pytest.mark.parametrize(
        ("curves", "message"),
        [
            ({}, "at least one curve, got none"),
            ({"a": ([1, 2], [1, 2], [1])}, r"a: expected as many x .* got \[2, 2, 1\]"),
            ({"a": ([2, 1], [1, 2], [1, 1])}, r"a: expected ascending x, got \[2\.0, 1\.0\]"),
            ({"a": ([1, 1], [1, 2], [1, 1])}, "a: expected ascending x"),
            ({"a": ([1, 2], [1, 2], [1, -1])}, r"a: expected spreads of at least 0, got -1\.0"),
            ({"a": ([1, 2], [1, np.nan], [1, 1])}, "a: mean: expected finite numbers"),
        ],
    )
    def test_what_is_no_curve_is_refused(self, curves: Any, message: str) -> None:
        with pytest.raises(UserError, match=message):
            figures.curves_with_spread(curves, xlabel="x", ylabel="y")
