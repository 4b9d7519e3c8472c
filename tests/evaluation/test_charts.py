"""Charts as text: what is in them, how large they are, and that nothing in them leaves the page."""

import re
import time
from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from canthus.datasets.synthetic import Head, points_of
from canthus.evaluation.charts import (
    LONGEST,
    SMALL,
    Curve,
    Line,
    ced_chart,
    condition_chart,
    landmark_chart,
    learning_chart,
    sweep_chart,
)
from canthus.evaluation.charts import _steps as steps_of
from canthus.evaluation.svg import MEASURED_BY
from canthus.faces import SCHEMES

FACE = points_of(Head())[:, :2]
EDGES = SCHEMES["68"].edges
FEW = [0.01, 0.02, 0.02, 0.05, np.inf]
MANY = np.random.default_rng(0).lognormal(-3.3, 0.4, 10_000)


def ced(name: str = "one") -> str:
    return ced_chart([Curve(name, FEW)], 0.08, "error by inter_ocular")


def landmarks() -> str:
    return landmark_chart(FACE, EDGES, np.linspace(0.01, 0.08, 68))


def condition() -> str:
    return condition_chart(np.arange(100), np.ones(100) / 50, "yaw, degrees", threshold=0.08)


def sweep() -> str:
    return sweep_chart([Line("shift", [0, 1, 2], [3, np.nan, 4])], "shift", "error, %")


def learning() -> str:
    terms = [Line("points0", [1, 2, 3], [0.3, 0.2, 0.1]), Line("maps0", [1, 2, 3], [2, 0, np.nan])]
    return learning_chart(terms, Line("error, %", [1, 2, 3], [np.nan, 4, 3]))


every = pytest.mark.parametrize("chart", [ced, landmarks, condition, sweep, learning])


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


@every
def test_a_chart_is_one_svg_element_that_scales(chart: Callable[[], str]) -> None:
    root = ElementTree.fromstring(chart())
    assert root.tag == "svg"
    assert {"viewBox", "role", "aria-label"} <= set(root.attrib)
    assert not {"width", "height"} & set(root.attrib)


@every
def test_a_chart_is_text_that_can_be_read_and_searched(chart: Callable[[], str]) -> None:
    assert texts(chart())


@every
def test_the_same_chart_is_the_same_text(chart: Callable[[], str]) -> None:
    assert chart() == chart()


@every
def test_a_chart_refers_to_nothing_outside(chart: Callable[[], str]) -> None:
    svg = chart()
    assert "http" not in svg
    assert "<style" not in svg
    assert "<!" not in svg
    assert "<?" not in svg


@every
def test_what_a_chart_refers_to_is_in_it(chart: Callable[[], str]) -> None:
    svg = chart()
    ids = re.findall(r' id="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) == set(ids)


def test_ids_of_different_charts_differ() -> None:
    ids = [set(re.findall(r' id="([^"]+)"', chart())) for chart in (ced, landmarks, sweep)]
    assert not ids[0] & ids[1]
    assert not ids[1] & ids[2]
    assert all(ids)


@every
def test_drawing_changes_no_setting(chart: Callable[[], str]) -> None:
    before = dict(matplotlib.rcParams)
    chart()
    assert dict(matplotlib.rcParams) == before


@every
def test_a_user_s_settings_do_not_change_a_chart(chart: Callable[[], str]) -> None:
    usual = chart()
    with matplotlib.rc_context({"svg.fonttype": "path", "font.size": 30, "lines.linewidth": 9}):
        assert chart() == usual


@pytest.mark.parametrize("name", ["a$b$c", "_a_", "<b>&\"'", "模型", "a\0b", "a" * 500, "x^2_1"])
def test_names_from_outside_are_written_as_they_are(name: str) -> None:
    (written,) = [text for text in texts(ced(name)) if "AUC" in text]
    assert written.startswith(name[:10].replace("\0", "\N{REPLACEMENT CHARACTER}"))
    assert len(written) <= LONGEST


@pytest.mark.parametrize("name", ["hourglass-fast, detector boxes", "n" * 500])
def test_a_line_of_the_legend_fits_the_chart(name: str) -> None:
    root = ElementTree.fromstring(ced(name))
    (line,) = [text for text in root.iter("text") if "AUC" in (text.text or "")]
    room = float(root.attrib["viewBox"].split()[2]) - float(line.attrib["x"])
    letters = FontProperties(family=MEASURED_BY)
    assert TextPath((0, 0), line.text or "", size=SMALL, prop=letters).get_extents().width < room


def test_a_model_of_ours_and_its_boxes_are_named_in_full() -> None:
    assert "hourglass-fast, detector boxes: AUC 55.00 %" in texts(
        ced("hourglass-fast, detector boxes")
    )


def test_the_legend_gives_the_area_in_percent() -> None:
    # errors 0.01, 0.02, 0.02, 0.05 and a miss: (7 + 6 + 6 + 3) / 8 / 5
    assert "one: AUC 55.00 %" in texts(ced())


def test_a_curve_rises_at_each_error() -> None:
    x, y = steps_of(np.array(FEW), 0.08)
    assert x.tolist() == [0, 0.01, 0.01, 0.02, 0.02, 0.05, 0.05, 0.08, 0.08]
    assert y == pytest.approx([0, 0, 0.2, 0.2, 0.6, 0.6, 0.8, 0.8, 0.8])


def test_a_curve_ends_at_its_limit() -> None:
    x, y = steps_of(np.array(FEW), 0.03)
    assert (x[-1], y[-1]) == (0.03, pytest.approx(0.6))


def test_a_perfect_model_starts_at_the_top() -> None:
    x, y = steps_of(np.zeros(3), 0.08)
    assert (x.min(), x.max()) == (0, 0.08)
    assert y[-2:].tolist() == [1, 1]


def test_a_curve_of_many_faces_is_right_at_each_of_its_places() -> None:
    x, y = steps_of(MANY, 0.12)
    assert len(x) < 1000
    after = dict(zip(x.tolist(), y.tolist(), strict=True))  # the upper end of each step
    assert all(share == (place >= MANY).mean() for place, share in after.items())


def test_curves_need_not_be_of_as_many_faces() -> None:
    svg = ced_chart([Curve("a", FEW), Curve("b", MANY)], 0.08, "error")
    assert len([text for text in texts(svg) if "AUC" in text]) == 2


def test_a_plot_of_no_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        ced_chart([], 0.08, "error")


def test_a_training_without_terms_is_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        learning_chart([], Line("error, %", [], []))


def test_the_worst_landmarks_are_numbered() -> None:
    assert {"63", "64", "65", "66", "67"} <= set(texts(landmarks()))
    assert "62" not in texts(landmarks())


def test_landmarks_without_error_are_hollow() -> None:
    errors = np.full(68, 0.02)
    errors[[3, 4]] = np.nan
    svg = landmark_chart(FACE, EDGES, errors)
    assert svg.count("fill-opacity: 0") + svg.count("fill: none; stroke: #7d838f") == 2


@pytest.mark.parametrize("errors", [np.full(68, np.nan), np.zeros(68)])
def test_a_face_without_errors_is_drawn(
    errors: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    assert landmark_chart(FACE, EDGES, errors).startswith("<svg")


def test_a_face_is_drawn_upright() -> None:
    errors = np.full(68, np.nan)
    errors[[8, 27]] = 0.02  # the chin, the top of the nose
    svg = ElementTree.fromstring(landmark_chart(FACE, EDGES, errors))
    heights = {text.text: float(text.get("y", "nan")) for text in svg.iter("text")}
    assert heights["8"] > heights["27"]  # y is down in a page too


def test_points_whose_place_is_not_known_are_left_out() -> None:
    face = FACE.copy()
    face[60:] = np.nan
    assert "67" not in texts(landmark_chart(face, EDGES, np.linspace(0.01, 0.08, 68)))


def test_an_error_for_each_landmark_is_needed() -> None:
    with pytest.raises(ValueError, match=r"found \(68, 2\) and \(21,\)"):
        landmark_chart(FACE, EDGES, np.zeros(21))


def test_a_condition_says_its_bins_to_those_who_cannot_see() -> None:
    svg = condition_chart(
        [-10, -10, 10], [0.02, 0.04, np.inf], "yaw", threshold=0.08, edges=(-15, 0, 15)
    )
    assert 'aria-label="Mean error and failures against yaw; -15 to 0: 3.00 % (2 faces), ' in svg
    assert "0 to 15: none found (1 face)" in svg


@pytest.mark.parametrize("values", [[5.0] * 30, np.arange(30), [1e-3] * 29 + [1e3], range(-9, 21)])
def test_any_values_are_drawn(values: list[float]) -> None:
    assert condition_chart(values, np.full(30, 0.02), "x", threshold=0.08).startswith("<svg")


@pytest.mark.parametrize("error", [0.0, 0.5, np.inf])
def test_any_errors_are_drawn(error: float) -> None:
    assert condition_chart(np.arange(30), np.full(30, error), "x", threshold=0.08)


def test_sizes_that_differ_much_are_on_a_logarithmic_axis() -> None:
    sizes = np.geomspace(10, 1000, 200)
    ticks = texts(condition_chart(sizes, np.full(200, 0.02), "pixels", threshold=0.08))
    assert {"10", "20", "50", "100", "200", "500"} <= set(ticks)


def test_a_condition_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="values of yaw, found none"):
        condition_chart([np.nan], [0.1], "yaw", threshold=0.08)


def test_ten_thousand_faces_make_small_charts_quickly() -> None:
    begin = time.perf_counter()
    curve = ced_chart([Curve("many", MANY)], 0.08, "error")
    bins = condition_chart(MANY, MANY, "x", threshold=0.08)
    assert time.perf_counter() - begin < 4
    assert len(curve) < 60_000
    assert len(bins) < 60_000
    assert max(curve.count("<"), bins.count("<")) < 1000


def test_a_line_is_broken_where_a_value_is_missing() -> None:
    assert texts(sweep())[-1] == "shift"
    whole = sweep_chart([Line("shift", [0, 1, 2], [3, 3.5, 4])], "shift", "error, %")
    assert whole.count("<use") == sweep().count("<use") + 1


def test_lines_of_x_and_y_that_differ_in_length_are_refused() -> None:
    with pytest.raises(ValueError, match="'a': 2 values of x and 1 of y"):
        sweep_chart([Line("a", [0, 1], [0])], "x", "y")


def test_a_plot_of_no_line_is_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        sweep_chart([], "x", "y")


def place_of(name: str, svg: str) -> tuple[float, float]:
    (found,) = re.findall(rf'x="([\d.]+)" y="([\d.]+)">{name}<', svg)
    return float(found[0]), float(found[1])


@pytest.mark.parametrize("apart", [0.0, 0.1, 1.0])  # of the axes: a long name reaches further
def test_names_beside_points_do_not_cover_each_other(apart: float) -> None:
    lines = [Line("a-long-name", [1.0], [2.0]), Line("second", [1 + apart], [2.01])]
    lines += [Line("third", [1.0], [2.02]), Line("far", [9], [9])]

    named = sweep_chart(lines, "ms", "%", named=True)

    assert [named.count(f">{line.name}<") for line in lines] == [1] * 4  # and in no legend
    for one, other in combinations(lines, 2):
        (x, y), (end_x, end_y) = (place_of(line.name, named) for line in (one, other))
        first = one if x <= end_x else other
        apart_x = abs(end_x - x) > 4 * len(first.name)  # points, of letters of 8
        assert apart_x or abs(end_y - y) > 6


def test_a_name_does_not_cover_another_line() -> None:
    alone, crossed = (
        sweep_chart(lines, "ms", "%", named=True)
        for lines in (
            [Line("one", [1.0], [2.0]), Line("far", [2.0, 9.0], [9.0, 9.0])],
            [Line("one", [1.0], [2.0]), Line("far", [1.3, 9.0], [2.0, 9.0])],
        )
    )

    low, high = (float(re.findall(r'y="([\d.]+)">one<', each)[0]) for each in (crossed, alone))
    assert abs(low - high) > 3  # points, above or below the marker that begins beside it


def test_a_name_finds_its_place_in_a_crowd() -> None:
    crowd = [Line(f"no-{i}", [1.3, 9.0], [2 + 0.4 * i] * 2) for i in (-2, -1, 0, 1, 2)]
    rest = [Line("far", [9.0], [10.0]), Line("low", [9.0], [0.0])]

    alone, crowded = (
        place_of("one", sweep_chart([Line("one", [1.0], [2.0]), *others], "ms", "%", named=True))
        for others in (rest, [*rest, *crowd])
    )

    assert alone[1] - crowded[1] > 20  # points, above all five lines


def test_a_named_line_without_points_has_no_name() -> None:
    named = sweep_chart(
        [Line("none", [np.nan], [np.nan]), Line("late", [np.nan, 1], [2, 3])], "x", "y", named=True
    )
    assert texts(named).count("late") == 1
    assert "none" not in texts(named)
