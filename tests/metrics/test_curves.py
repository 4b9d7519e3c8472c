from collections.abc import Callable

import numpy as np
import pytest

from canthus.metrics import (
    auc,
    auc_histogram,
    auc_simpson,
    auc_step_sum,
    auc_trapezoid,
    ced,
    failure_rate,
    percentiles,
)

INF = np.inf


def test_an_error_at_the_threshold_is_no_failure() -> None:
    assert failure_rate([0.05, 0.1, 0.15, 0.2], 0.1) == 0.5


def test_a_miss_is_a_failure_at_any_threshold() -> None:
    assert failure_rate([0.0, INF], 1e9) == 0.5


def test_the_area_is_that_under_the_steps() -> None:
    # share 1/3 from 0.02 to 0.05, 2/3 from 0.05 to 0.1: (0.03 / 3 + 0.05 * 2 / 3) / 0.1
    assert auc([0.02, 0.05, 0.3], 0.1) == pytest.approx((0.03 + 0.1) / 3 / 0.1)


def test_the_area_equals_that_of_the_curve() -> None:
    errors = np.random.default_rng(0).gamma(2, 0.02, 200)
    steps, shares = ced(errors)
    edges = np.append(steps[steps < 0.08], 0.08)
    area = (np.diff(edges) * shares[: len(edges) - 1]).sum() / 0.08
    assert auc(errors, 0.08) == pytest.approx(area)


@pytest.mark.parametrize(("errors", "area"), [([0.0, 0.0], 1.0), ([INF, 0.2], 0.0)])
def test_the_area_lies_between_none_and_all(errors: list[float], area: float) -> None:
    assert auc(errors, 0.1) == area


def test_the_histogram_comes_close_to_the_exact_area() -> None:
    errors = np.random.default_rng(0).gamma(2, 0.02, 500)
    assert auc_histogram(errors, 0.08) == pytest.approx(auc(errors, 0.08), abs=2e-4)


def test_the_histogram_leans_to_one_side() -> None:
    # two bins of 0.05 between 0 and 0.1: (0, 1/2) and (0.05, 1), then 1 up to 0.2
    assert auc_histogram([0.0, 0.1], 0.2, bins=2) == pytest.approx((0.75 * 0.05 + 0.15) / 0.2)


def test_misses_lower_the_histogram() -> None:
    errors = np.random.default_rng(0).gamma(2, 0.02, 500)
    with_misses = auc_histogram(np.append(errors, np.full(500, INF)), 0.08)
    assert with_misses == pytest.approx(auc_histogram(errors, 0.08) / 2, abs=2e-4)


@pytest.mark.parametrize("errors", [[INF, INF], [0.5, 0.6]])
def test_the_histogram_of_failures_is_empty(errors: list[float]) -> None:
    assert auc_histogram(errors, 0.1) == 0


def test_the_curve_steps_where_the_faces_are() -> None:
    steps, shares = ced([0.2, 0.1, 0.2, 0.4])
    np.testing.assert_array_equal(steps, [0, 0.1, 0.2, 0.4])
    np.testing.assert_array_equal(shares, [0, 0.25, 0.75, 1])


def test_the_curve_never_reaches_what_was_missed() -> None:
    assert ced([0.1, INF, INF, INF])[1].max() == 0.25


def test_the_curve_of_perfect_faces_starts_above_none() -> None:
    np.testing.assert_array_equal(ced([0.0, 0.1]), [[0, 0.1], [0.5, 1]])


def test_percentiles_are_those_of_numpy_where_nothing_was_missed() -> None:
    errors = np.random.default_rng(0).gamma(2, 0.02, 101)
    percents = (0, 12.5, 50, 90, 99, 100)
    np.testing.assert_allclose(percentiles(errors, percents), np.percentile(errors, percents))


def test_percentiles_among_misses_are_infinite() -> None:
    np.testing.assert_array_equal(percentiles([INF, 0.1, INF], (0, 25, 50, 100)), [0.1, *[INF] * 3])


def test_percentiles_beyond_all_are_refused() -> None:
    with pytest.raises(ValueError, match="percents from 0 to 100"):
        percentiles([0.1, 0.2], (101,))


@pytest.mark.parametrize("measure", [failure_rate, auc, auc_histogram])
@pytest.mark.parametrize("errors", [[np.nan, 0.1], [-0.1]])
def test_errors_that_are_none_are_refused(
    measure: Callable[[list[float], float], float], errors: list[float]
) -> None:
    with pytest.raises(ValueError, match="errors of 0 and more"):
        measure(errors, 0.1)


@pytest.mark.parametrize("errors", [[], [[0.1]]])
def test_a_set_without_faces_is_refused(errors: list[float]) -> None:
    with pytest.raises(ValueError, match=r"expected the errors of faces \(N,\)"):
        failure_rate(errors, 0.1)


def test_a_sum_over_steps_takes_the_share_at_each_steps_end() -> None:
    # shares 0, 1/2, 1/2, 1 at 0.02, 0.04, 0.06 and 0.08
    assert auc_step_sum([0.03, 0.07], 0.08, steps=4) == pytest.approx(2 / 4)


def test_trapezoids_begin_at_the_first_step() -> None:
    # shares 1/2, 1/2, 1, 1 at 0.005 to 0.02: three trapezoids of 0.005 over 0.02
    assert auc_trapezoid([0.001, 0.012], 0.02) == pytest.approx((0.5 + 0.75 + 1) / 4)


def test_a_threshold_between_trapezoids_has_none() -> None:
    assert np.isnan(auc_trapezoid([0.01], 0.008))


def test_simpsons_rule_weighs_every_other_step() -> None:
    # shares 0, 1/2, 1, 1, 1 at 0, 0.02, ... 0.08
    area = (0 + 4 * 0.5 + 2 * 1 + 4 * 1 + 1) / 12
    assert auc_simpson([0.01, 0.03], 0.08, step=0.02) == pytest.approx(area)


@pytest.mark.parametrize("area", [auc_step_sum, auc_simpson])
def test_fine_steps_come_close_to_the_exact_area(area: Callable[..., float]) -> None:
    errors = np.random.default_rng(0).gamma(2, 0.02, 500)
    assert area(errors, 0.08) == pytest.approx(auc(errors, 0.08), abs=1e-3)


@pytest.mark.parametrize("area", [auc_step_sum, auc_simpson, auc_trapezoid])
def test_misses_have_no_area(area: Callable[..., float]) -> None:
    assert area([INF, INF], 0.1) == 0


@pytest.mark.parametrize("percent", [5, 6, 7, 8, 10])
def test_a_sum_over_steps_counts_each_error_at_a_steps_end(percent: int) -> None:
    """Face k has the error of step k, so the share at its end is k of 1000."""
    errors = [percent * k / 100_000 for k in range(1, 1001)]
    expected = sum(range(1, 1001)) / 1000 / 1000
    assert auc_step_sum(errors, percent / 100) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("percent", [5, 6, 7, 8, 10])
def test_simpsons_steps_end_at_the_decimals_that_errors_are_written_in(percent: int) -> None:
    """An error of a whole number of steps is counted at that step: the weights of all later."""
    steps = 100 * percent
    weights = np.array([1, *[4, 2] * (steps // 2 - 1), 4, 1])
    for k in range(steps + 1):
        area = auc_simpson([k / 10_000], percent / 100)
        assert area == pytest.approx(weights[k:].sum() / (3 * steps), abs=1e-12)


@pytest.mark.parametrize("threshold", [0.06, 0.08, 0.1])
def test_simpsons_rule_is_theirs_where_their_steps_add_up(threshold: float) -> None:
    errors = np.random.default_rng(0).gamma(4, 0.01, 300)
    places = np.arange(0, threshold + 0.0001, 0.0001)
    shares = [np.mean(errors <= place) for place in places]
    pairs = zip(shares[:-2:2], shares[1:-1:2], shares[2::2], strict=True)
    area = sum((a + 4 * b + c) / 6 * 0.0002 for a, b, c in pairs) / threshold
    assert auc_simpson(errors, threshold) == pytest.approx(area, abs=1e-9)


@pytest.mark.parametrize(("threshold", "beyond"), [(0.05, 1), (0.07, 1), (0.08, 0), (0.1, 0)])
def test_their_steps_go_one_too_far_at_some_thresholds(threshold: float, beyond: int) -> None:
    steps = len(np.arange(0, threshold + 0.0001, 0.0001)) - 1
    assert steps == round(threshold / 0.0001) + beyond


def test_an_odd_number_of_steps_is_made_even_by_longer_ones() -> None:
    errors = [0.011, 0.02, 0.05]
    assert auc_simpson(errors, 0.06, step=0.02) == auc_simpson(errors, 0.06, step=0.03)


def test_a_sum_over_steps_is_above_the_exact_area_by_less_than_a_step() -> None:
    errors = np.random.default_rng(0).gamma(4, 0.01, 3000)
    assert 0 < auc_step_sum(errors, 0.08, steps=100) - auc(errors, 0.08) < 0.01


def test_an_error_at_an_odd_threshold_counts() -> None:
    assert auc_step_sum([1 / 3], 1 / 3, steps=10) == pytest.approx(0.1)


def test_a_sum_over_no_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="one step at least, found 0"):
        auc_step_sum([0.1], 0.1, steps=0)
