import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.evaluation import Benchmark, Report, evaluate, to_text
from canthus.evaluation.report import picture_names, plain
from canthus.evaluation.tables import table
from canthus.metrics import Coverage

Fake = Callable[..., Any]


@pytest.fixture
def report(fake: Fake, benchmark: Benchmark) -> Report:
    found = evaluate(fake(offset=(0.6, 0.8), lost=(3,), score=0.9), benchmark)
    return replace(found, model="fake", command="canthus evaluate fake drawn --data faces")


def test_json_says_its_schema_first(report: Report) -> None:
    assert report.to_json().startswith('{"schema": 1, "kind": "evaluation", "benchmark": "drawn"')


def test_json_holds_the_figures_as_fractions(report: Report) -> None:
    every = json.loads(report.to_json())["subsets"]["all"]
    assert every["nme"] == pytest.approx(1 / 40)
    assert every["failure_rate"] == pytest.approx(1 / 6)
    assert every["missed"] == 1


def test_json_has_no_infinity(report: Report) -> None:
    values = json.loads(report.to_json(), parse_constant=pytest.fail)
    assert values["faces"][3] == {
        "image": "3.png",
        "group": "",
        "error": None,
        "missed": True,
        "length": pytest.approx(40),
    }
    assert values["subsets"]["all"]["p99"] is None


def test_json_names_no_folder_of_this_machine(report: Report) -> None:
    assert str(report.faces[0].sample.image.parent) not in report.to_json()


def test_json_holds_the_command_that_made_it(report: Report) -> None:
    assert json.loads(report.to_json())["command"] == "canthus evaluate fake drawn --data faces"


def test_the_text_says_what_was_scored_and_how(report: Report) -> None:
    lines = to_text(report).splitlines()
    assert lines[0] == "drawn: six faces"
    assert lines[1] == ("fake (68), jitter boxes (seed 0), errors by inter_ocular, failed above 8%")


def test_the_text_has_a_line_for_each_subset(report: Report) -> None:
    rows = [line.split() for line in to_text(report).splitlines()]
    same = ["2.50", "2.50", "to", "2.50"]
    assert ["all", "6", "1", *same, "16.67", "57.29", "2.50", "-", "-", "-"] in rows
    assert ["hard", "2", "0", *same, "0.00", "68.75", "2.50", "2.50", "2.50", "2.50"] in rows


def test_the_text_says_what_scores_are_worth(report: Report) -> None:
    text = to_text(report)
    assert "below 3.5% of the box's longer side; mean gap 10.0%" in text
    # 0.9 as float32 is a little less than 0.9
    assert ["0.8", "to", "0.9", "340", "90.00", "100.00"] in [
        line.split() for line in text.splitlines()
    ]


def test_json_and_text_say_what_ellipses_hold(report: Report) -> None:
    known = replace(report, ellipses=(Coverage(0.68, 0.7123), Coverage(0.95, 0.925)))
    assert json.loads(known.to_json())["ellipses"] == [
        {"level": 0.68, "held": 0.7123},
        {"level": 0.95, "held": 0.925},
    ]
    rows = [line.split() for line in to_text(known).splitlines()]
    assert ["said", "%", "68", "95"] in rows
    assert ["was", "%", "71.23", "92.50"] in rows


def test_the_text_warns_of_a_conversion(report: Report) -> None:
    other = replace(report, conversion="approx", scheme="21")
    assert "converted from scheme 68 to 21 (approx)" in to_text(other)


def test_the_worst_faces_begin_with_the_missed(report: Report) -> None:
    worst = report.worst(2)
    assert [face.error for face in worst] == [np.inf, report.faces[0].error]


def test_the_curve_ends_below_one_if_a_face_was_missed(report: Report) -> None:
    errors, shares = report.curve
    assert errors.max() == pytest.approx(1 / 40)
    assert shares.max() == pytest.approx(5 / 6)


def test_pictures_are_named_below_their_common_folder() -> None:
    paths = [Path("/data/afw/1.jpg"), Path("/data/helen/x/2.jpg")]
    assert picture_names(paths) == ["afw/1.jpg", "helen/x/2.jpg"]


def test_one_picture_is_named_by_itself() -> None:
    assert picture_names([Path("/data/afw/1.jpg")]) == ["1.jpg"]


def test_columns_stand_below_each_other() -> None:
    lines = table(("a", "long"), [("first", ("1", "2")), ("x", ("100", "3"))], title="t")
    assert list(lines) == ["t        a  long", "first    1     2", "x      100     3"]


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match=r"found \w*Path"):
        plain({"image": Path("face.jpg")})


def test_json_holds_intervals_about_the_figures(fake: Fake, benchmark: Benchmark) -> None:
    every = json.loads(evaluate(fake(lost=(1, 4)), benchmark).to_json())["subsets"]["all"]
    low, high = every["intervals"]["failure_rate"]
    assert low < every["failure_rate"] < high


def test_json_holds_the_area_as_others_define_it(report: Report) -> None:
    areas = json.loads(report.to_json())["areas"]
    assert set(areas) == {"step_sum", "trapezoid", "simpson", "histogram"}


def test_the_text_has_the_notes(report: Report) -> None:
    assert "Mind the gap." in to_text(replace(report, notes=("Mind the gap.",)))


@pytest.mark.parametrize(("threshold", "said"), [(0.08, "8%"), (0.075, "7.5%")])
def test_the_text_gives_the_threshold_in_full(report: Report, threshold: float, said: str) -> None:
    assert f"failed above {said}" in to_text(replace(report, threshold=threshold))
