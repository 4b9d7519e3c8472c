import math

import numpy as np
import pytest

from canthus.metrics import (
    aurc,
    coverage,
    expected_gap,
    reliability,
    risk_at_coverage,
    risk_curve,
    spearman,
)


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


def test_gaussian_errors_lie_in_their_ellipses_as_often_as_said() -> None:
    covariance = np.array([[9, -4], [-4, 3]])
    offsets = np.random.default_rng(0).multivariate_normal((0, 0), covariance, 100_000)
    every = np.tile(covariance, (len(offsets), 1, 1))
    for found in coverage(offsets, every, tails=math.inf):
        assert found.held == pytest.approx(found.level, abs=0.005)


def test_an_error_counts_by_the_width_of_its_ellipse_that_way() -> None:
    along, across = coverage([(2, 2), (2, -2)], [[[5, 4], [4, 5]]] * 2, levels=[0.5, 0.95])
    # 8 / 9 along the ellipse, within 1.14; 8 / 1 across it, beyond 6.69
    assert (along.held, across.held) == (0.5, 0.5)


def test_unknown_errors_and_unknown_ellipses_do_not_count() -> None:
    unit, unknown = np.eye(2), np.full((2, 2), np.nan)
    (found,) = coverage([(0, 0), (9, 9), (np.nan, 0)], [unit, unknown, unit], levels=[0.5])
    assert found.held == 1


def test_of_nothing_no_share_is_held() -> None:
    (found,) = coverage(np.empty((0, 2)), np.empty((0, 2, 2)), levels=[0.5])
    assert math.isnan(found.held)


@pytest.mark.parametrize("covariance", [[[1, 2], [2, 1]], [[0, 0], [0, 0]], [[-1, 0], [0, -1]]])
def test_an_ellipse_of_no_covariance_is_refused(covariance: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="positive definite"):
        coverage([(0, 0)], [covariance])


def test_ellipses_need_an_error_each() -> None:
    with pytest.raises(ValueError, match=r"found \(1, 2\) and \(2, 2, 2\)"):
        coverage([(0, 0)], [np.eye(2), np.eye(2)])


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="levels above 0 and below 1"):
        coverage([(0, 0)], [np.eye(2)], levels=[level])


@pytest.mark.parametrize(
    ("first", "second", "coefficient"),
    [
        ([1, 2, 3], [10, 20, 90], 1),
        ([1, 2, 3], [9, 8, 1], -1),
        ([1, 2, 2, 3], [1, 2, 3, 4], 0.9486833),  # ranks 1, 2.5, 2.5, 4
        ([1, 1, 1], [1, 2, 3], np.nan),
        ([1], [1], np.nan),
        ([], [], np.nan),
    ],
)
def test_ranks_that_are_alike_have_a_coefficient_of_1(
    first: list[float], second: list[float], coefficient: float
) -> None:
    assert spearman(first, second) == pytest.approx(coefficient, nan_ok=True)


def test_ranks_need_as_many_numbers() -> None:
    with pytest.raises(ValueError, match=r"numbers \(N,\) twice"):
        spearman([1, 2], [1])
    with pytest.raises(ValueError, match="found NaN"):
        spearman([1, np.nan], [1, 2])
