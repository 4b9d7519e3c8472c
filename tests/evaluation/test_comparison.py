"""Models on the same faces."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.errors import DatasetError
from canthus.evaluation import Benchmark, Report, evaluate
from canthus.evaluation.comparison import Scored, compare_models, read_scored, scored_of

Fake = Callable[..., Any]


@pytest.fixture
def report(fake: Fake, benchmark: Benchmark) -> Report:
    return replace(evaluate(fake(offset=(0.6, 0.8), lost=(3,)), benchmark), model="one")


@pytest.fixture
def other(fake: Fake, benchmark: Benchmark) -> Report:
    return replace(evaluate(fake(offset=(1.2, 1.6)), benchmark), model="two")


def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(report.to_json())
    found = read_scored(path)
    assert (found.model, found.benchmark, found.label) == ("one", "drawn", "one, jitter boxes")
    assert found.images == scored_of(report).images
    np.testing.assert_allclose(found.errors, [face.error for face in report.faces])


def test_the_difference_is_over_faces_that_both_found(report: Report, other: Report) -> None:
    compared = compare_models([scored_of(report), scored_of(other)])
    ((_, _, paired),) = compared.pairs
    assert paired.nme == pytest.approx(1 / 40 - 2 / 40, rel=1e-5)


def test_each_is_compared_with_each(report: Report, other: Report) -> None:
    third = replace(other, model="three")
    compared = compare_models([scored_of(each) for each in (report, other, third)])
    assert [(i, j) for i, j, _ in compared.pairs] == [(0, 1), (0, 2), (1, 2)]


def test_the_comparison_is_json_and_text(report: Report, other: Report) -> None:
    compared = compare_models([scored_of(report), scored_of(other)])
    plain = json.loads(json.dumps(compared.to_plain(), allow_nan=False))
    assert [model["missed"] for model in plain["models"]] == [1, 0]
    assert "one, jitter boxes minus two, jitter boxes: NME -2.50 points" in compared.to_text()


@pytest.mark.parametrize("change", [{"normalizer": "box_size"}, {"threshold": 0.1}])
def test_only_reports_on_the_same_faces_are_compared(
    report: Report, other: Report, change: dict[str, Any]
) -> None:
    (name,) = change
    with pytest.raises(DatasetError, match=f"expected the {name} of"):
        compare_models([scored_of(report), scored_of(replace(other, **change))])


def test_files_with_the_same_truth_are_compared_whatever_they_are_called(
    report: Report, other: Report
) -> None:
    compared = compare_models([scored_of(report), scored_of(replace(other, benchmark="else"))])
    assert compared.pairs[0][2].faces == len(report.faces)


def test_the_same_pictures_with_another_truth_are_other_faces(
    report: Report, other: Report
) -> None:
    faces = tuple(replace(face, length=1.01 * face.length) for face in other.faces)
    changed = replace(other, benchmark="else", faces=faces)
    with pytest.raises(DatasetError, match="expected the benchmark of"):
        compare_models([scored_of(report), scored_of(changed)])


def test_one_report_is_not_compared(report: Report) -> None:
    with pytest.raises(ValueError, match="two reports at least, found 1"):
        compare_models([scored_of(report)])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "expected the report.json that .* wrote, found: Expecting"),
        ("[]", "expected the report.json of an evaluation"),
        ('{"schema": 1, "kind": "benchmark"}', "found 'benchmark'"),
        ('{"schema": 1, "kind": "evaluation", "faces": [{}]}', "not a whole report"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=complaint):
        read_scored(path)


def test_a_missed_face_is_an_infinite_error(report: Report) -> None:
    found: Scored = scored_of(report)
    assert np.flatnonzero(np.isinf(found.errors)).tolist() == [3]
