"""Reports on expected errors, and on faces that quit."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canthus import load
from canthus.evaluation import Benchmark, Report, evaluate, to_text
from canthus.evaluation.page import render
from canthus.evaluation.quitting import tradeoffs
from canthus.evaluation.report import Tradeoff
from canthus.runtime.backend import quitter

Fake = Callable[..., Any]
ROWS = (
    Tradeoff((0.04,), 1.5, (0.5, 0.5), 0, 0.0512, 12.34e6),
    Tradeoff((math.inf,), 1.0, (1.0, 0.0), 0, 0.06),
)


@pytest.fixture
def report(fake: Fake, benchmark: Benchmark) -> Report:
    aligner = fake(offset=(0.6, 0.8), lost=(3,), expected=(0.01, 0.02, 0.03, 0.04, 0.05, 0.06))
    return replace(evaluate(aligner, benchmark), quitting=ROWS)


def test_expected_errors_are_held_against_the_true_ones(
    report: Report, benchmark: Benchmark
) -> None:
    said = report.expected

    assert said is not None
    assert said.faces == 5
    assert said.expected == pytest.approx((0.01 + 0.02 + 0.03 + 0.05 + 0.06) / 5)
    sides = [sample.box.side for i, sample in enumerate(benchmark.samples) if i != 3]
    assert said.true == pytest.approx(sum(1 / side for side in sides) / 5)
    assert -1 <= said.spearman <= 1
    assert said.aurc >= said.least_aurc > 0
    assert math.isnan(said.scores_aurc)  # nobody gave scores


def test_who_expects_nothing_is_not_judged(fake: Fake, benchmark: Benchmark) -> None:
    found = evaluate(fake(), benchmark)

    assert found.expected is None
    assert json.loads(found.to_json())["expected"] is None
    assert json.loads(found.to_json())["quitting"] == []


def test_json_has_both(report: Report) -> None:
    values = json.loads(report.to_json())

    assert set(values["expected"]) == {
        *("faces", "expected", "true", "spearman", "aurc", "least_aurc"),
        "scores_aurc",
    }
    first, last = values["quitting"]
    assert first == {"below": [0.04], "mean_steps": 1.5, "shares": [0.5, 0.5]} | {
        "missed": 0,
        "nme": 0.0512,
        "multiply_adds": 12.34e6,
    }
    assert last["multiply_adds"] is None
    assert last["below"] == [None]


def test_the_text_has_a_table_of_thresholds(report: Report) -> None:
    lines = [line.split() for line in to_text(report).splitlines()]

    assert ["4", "1.50", "50.00", "50.00", "12.3", "5.12"] in lines
    assert ["all", "1.00", "100.00", "0.00", "-", "6.00"] in lines
    assert any("Spearman" in line for line in lines)


def test_the_page_has_both(report: Report) -> None:
    page = render(report, pictures=False)

    assert "What the expected errors are worth" in page
    assert "What quitting costs" in page


def test_a_model_is_scored_at_every_threshold(quitting_weights: Path, benchmark: Benchmark) -> None:
    aligner = load(quitting_weights, once=True)
    told = quitter(aligner.backend)
    assert told is not None
    told.quit_below = 0.3

    none, one = tradeoffs(
        aligner, benchmark, boxes="truth", thresholds=((0.0, 0.0), (math.inf, 0.0))
    )

    assert (none.mean_steps, none.shares) == (3, (0, 0, 1))
    assert (one.mean_steps, one.shares) == (1, (1, 0, 0))
    assert (none.multiply_adds, one.multiply_adds) == (5e6, 2e6)
    usual = evaluate(load(quitting_weights, once=True), benchmark, boxes="truth")
    assert none.nme == pytest.approx(usual.headline.nme)
    assert usual.expected is not None
    assert usual.expected.scores_aurc >= usual.expected.least_aurc
    assert told.quit_below == (0.3, 0.3)


def test_thresholds_are_where_the_manifest_says_that_errors_are(
    quitting_weights: Path, benchmark: Benchmark
) -> None:
    aligner = load(quitting_weights, once=True)

    found = tradeoffs(aligner, benchmark, boxes="truth")

    assert [row.below for row in found] == [(0.0, 0.0), (0.5, 0.6), (math.inf, math.inf)]


def test_faces_that_cannot_quit_have_no_table(spot_weights: Path, benchmark: Benchmark) -> None:
    assert tradeoffs(load(spot_weights, once=True), benchmark) == ()
