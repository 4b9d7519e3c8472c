import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canthus.errors import CanthusError
from canthus.evaluation import Benchmark, evaluate, figures_of, read_figures
from canthus.evaluation.figures import Result, results_to_plain, results_to_text, shown
from canthus.evaluation.report import Report
from canthus.runtime.manifest import Figure

Fake = Callable[..., Any]
COMMAND = "canthus benchmark speed"
NETWORK = Figure(metric="face_ms", benchmark="one core", value=3.5, command=COMMAND)


@pytest.fixture
def report(fake: Fake, benchmark: Benchmark) -> Report:
    found = evaluate(fake(offset=(0.6, 0.8), lost=(3,)), benchmark)
    return replace(found, model="fake", command="canthus evaluate fake drawn")


def written(path: Path, *results: Result) -> Path:
    path.write_text(json.dumps(results_to_plain(results, command=COMMAND, machine={})))
    return path


def test_the_figures_of_a_report_are_named_by_what_divides_them(report: Report) -> None:
    found = {(f.metric, f.benchmark): f.value for f in figures_of(report)}
    assert found == {
        ("nme inter_ocular", "drawn, jitter boxes"): pytest.approx(1 / 40),
        ("failure_rate at 0.08", "drawn, jitter boxes"): pytest.approx(1 / 6),
        ("auc at 0.08", "drawn, jitter boxes"): pytest.approx((1 - 0.025 / 0.08) * 5 / 6),
        ("nme inter_ocular", "drawn, jitter boxes, hard"): pytest.approx(1 / 40),
        ("nme inter_ocular", "drawn, jitter boxes, easy"): pytest.approx(1 / 40),
    }


def test_every_figure_says_how_to_make_it_again(report: Report) -> None:
    assert {f.command for f in figures_of(report)} == {"canthus evaluate fake drawn"}


def test_a_figure_without_a_value_is_left_out(fake: Fake, benchmark: Benchmark) -> None:
    nobody = evaluate(fake(lost=tuple(range(6))), benchmark)
    assert [f.metric for f in figures_of(nobody)] == ["failure_rate at 0.08", "auc at 0.08"]


def test_figures_come_back_from_a_file(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(report.to_json())
    assert read_figures(path) == figures_of(report)


def test_figures_come_back_from_a_benchmark(tmp_path: Path) -> None:
    path = written(tmp_path / "speed.json", Result("one", (NETWORK,)), Result("", (NETWORK,)))
    assert read_figures(path) == [NETWORK, NETWORK]


def test_figures_of_two_models_are_not_mixed(tmp_path: Path) -> None:
    path = written(tmp_path / "speed.json", Result("one", (NETWORK,)), Result("two", (NETWORK,)))
    with pytest.raises(CanthusError, match="speaks of one, two; benchmark one of them"):
        read_figures(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("not JSON", "cannot be read as a report"),
        ("[]", "expected a report of schema 1"),
        ('{"schema": 2}', "expected a report of schema 1"),
        ('{"schema": 1}', "not a whole report: 'kind'"),
        ('{"schema": 1, "kind": "evaluation"}', "not a whole report: 'benchmark'"),
        ('{"schema": 1, "kind": "recipe"}', "expected an evaluation or a benchmark"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(CanthusError, match=complaint):
        read_figures(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CanthusError, match="cannot be read as a report"):
        read_figures(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("face_ms", "3.50 ms"),
        ("start_peak_mb", "3.50 MB"),
        ("extra_count boxes a picture", "3.50"),
        ("nme inter_ocular", "350.00 %"),
    ],
)
def test_people_see_the_unit(metric: str, text: str) -> None:
    assert shown(replace(NETWORK, metric=metric)) == text


def test_people_see_no_value_where_there_is_none() -> None:
    assert shown(replace(NETWORK, value=float("nan"))) == "-"


def test_the_table_has_a_line_for_each_figure() -> None:
    text = results_to_text([Result("one", (NETWORK,)), Result("", (NETWORK,))])
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["face_ms", "3.50", "ms", "one", "one", "core"],
        ["face_ms", "3.50", "ms", "-", "one", "core"],
    ]
