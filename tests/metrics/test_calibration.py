import math

import numpy as np
import pytest

from canthus.metrics import aurc, expected_gap, reliability, risk_at_coverage, risk_curve


def test_each_bin_says_what_was_promised_and_what_was_kept() -> None:
    low, high = reliability([0.2, 0.4, 0.6, 1.0], [0, 1, 0, 1], num_bins=2)
    assert [low.count, low.score, low.hits] == pytest.approx([2, 0.3, 0.5])
    assert [high.count, high.score, high.hits] == pytest.approx([2, 0.8, 0.5])


def test_the_bins_cover_the_scores() -> None:
    edges = [(row.low, row.high) for row in reliability([0.5], [1], num_bins=4)]
    assert edges == [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]


def test_an_empty_bin_has_no_mean() -> None:
    empty = reliability([0.9], [1], num_bins=2)[0]
    assert empty.count == 0
    assert math.isnan(empty.score)
    assert math.isnan(empty.hits)


def test_honest_scores_leave_no_gap() -> None:
    generator = np.random.default_rng(0)
    scores = generator.random(100_000)
    hits = generator.random(100_000) < scores
    assert expected_gap(reliability(scores, hits)) < 0.01


def test_boasting_shows_as_the_gap() -> None:
    assert expected_gap(reliability([1.0] * 4, [1, 0, 0, 0])) == pytest.approx(0.75)


def test_no_scores_have_no_gap() -> None:
    assert math.isnan(expected_gap(reliability([], [])))


def test_a_score_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scores in \[0, 1\]"):
        reliability([1.1], [1])


def test_hits_without_a_score_are_refused() -> None:
    with pytest.raises(ValueError, match="as many hits as scores, found 2 and 1"):
        reliability([0.5], [1, 0])


def test_the_surest_faces_come_first() -> None:
    np.testing.assert_allclose(risk_curve([0.6, 0.1, 0.2], [3, 1, 2]), [0.1, 0.15, 0.3])


def test_the_area_is_the_mean_over_all_coverages() -> None:
    assert aurc([0.6, 0.1, 0.2], [3, 1, 2]) == pytest.approx((0.1 + 0.15 + 0.3) / 3)


def test_knowing_ones_errors_is_better_than_not() -> None:
    errors = np.random.default_rng(0).gamma(4, 0.01, 100)
    assert aurc(errors, errors) < errors.mean() < aurc(errors, -errors)


def test_equal_expectations_keep_the_order_of_the_faces() -> None:
    np.testing.assert_allclose(risk_curve([0.1, 0.3], [1, 1]), [0.1, 0.2])


@pytest.mark.parametrize(("coverage", "risk"), [(0.01, 0.1), (0.5, 0.15), (0.7, 0.2), (1, 0.4)])
def test_the_risk_at_a_coverage_is_that_of_its_faces(coverage: float, risk: float) -> None:
    assert risk_at_coverage([0.1, 0.2, 0.3, 1.0], [1, 2, 3, 4], coverage) == pytest.approx(risk)


def test_a_missed_face_makes_the_curve_infinite_from_there_on() -> None:
    np.testing.assert_array_equal(risk_curve([0.1, np.inf, 0.1], [1, 2, 3]), [0.1, np.inf, np.inf])


@pytest.mark.parametrize("coverage", [0, -0.5, 1.1])
def test_a_coverage_that_is_none_is_refused(coverage: float) -> None:
    with pytest.raises(ValueError, match="coverage above 0 and at most 1"):
        risk_at_coverage([0.1], [1], coverage)


@pytest.mark.parametrize(
    ("errors", "expected"), [([], []), ([0.1], [1, 2]), ([np.nan], [1]), ([0.1], [np.nan])]
)
def test_what_has_no_order_has_no_curve(errors: list[float], expected: list[float]) -> None:
    with pytest.raises(ValueError, match="expected errors"):
        risk_curve(errors, expected)
