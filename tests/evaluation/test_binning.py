"""Errors in bins of a condition: who is counted where, and what a miss does."""

import numpy as np
import pytest

from canthus.evaluation.binning import bins_of


def test_a_bin_holds_what_lies_from_its_beginning_to_the_next() -> None:
    bins = bins_of([0, 4.9, 5, 10], [0.1] * 4, 0.2, edges=(0, 5, 10))
    assert [(b.low, b.high, b.count) for b in bins] == [(0, 5, 2), (5, 10, 2)]


def test_what_lies_beyond_counts_in_the_outer_bins() -> None:
    bins = bins_of([-99, 99], [0.1, 0.1], 0.2, edges=(-90, 0, 90))
    assert [b.count for b in bins] == [1, 1]


def test_bins_without_a_face_are_left_out() -> None:
    bins = bins_of([1, 9], [0.1, 0.1], 0.2, edges=(0, 3, 6, 10))
    assert [(b.low, b.high) for b in bins] == [(0, 3), (6, 10)]


def test_quantiles_share_the_faces_evenly() -> None:
    bins = bins_of(np.arange(80), np.ones(80), 2)
    assert [b.count for b in bins] == [10] * 8


def test_equal_values_share_a_bin() -> None:
    bins = bins_of([3.0] * 50, np.ones(50), 2)
    assert [(b.low, b.high, b.count) for b in bins] == [(3, 3, 50)]


def test_values_that_nearly_agree_share_a_bin() -> None:
    values = [*np.linspace(10, 90, 40), *(100 + 1e-6 * np.arange(40))]
    bins = bins_of(values, np.ones(80), 2)
    assert [b.count for b in bins] == [10, 10, 10, 10, 40]


def test_a_miss_fails_but_is_not_in_the_mean() -> None:
    (b,) = bins_of([0, 1, 1, 1], [0.02, 0.04, 0.09, np.inf], 0.08, edges=(0, 2))
    assert b.mean == pytest.approx(0.05)
    assert b.failed == pytest.approx(0.5)


def test_an_error_at_the_threshold_has_not_failed() -> None:
    (b,) = bins_of([0], [0.08], 0.08, edges=(0, 1))
    assert b.failed == 0


def test_a_face_whose_value_is_not_known_is_left_out() -> None:
    (b,) = bins_of([0, np.nan], [0.1, 0.5], 0.2, edges=(0, 1))
    assert (b.count, b.mean) == (1, 0.1)


def test_the_interval_of_the_mean_is_two_standard_errors_to_either_side() -> None:
    (b,) = bins_of([0] * 4, [0.1, 0.1, 0.3, 0.3], 1, edges=(0, 1))
    # deviation with divisor 3: sqrt(4 * 0.01 / 3); standard error: half of it
    assert b.spread == pytest.approx(1.96 * np.sqrt(0.04 / 3) / 2)


def test_one_face_has_a_mean_without_interval() -> None:
    (b,) = bins_of([0], [0.1], 1, edges=(0, 1))
    assert np.isnan(b.spread)


def test_the_interval_of_a_share_is_that_of_wilson() -> None:
    (b,) = bins_of([0] * 10, [1.0] + [0.0] * 9, 0.5, edges=(0, 1))
    # (0.1 + 0.19208 -+ 1.96 sqrt(0.009 + 0.0096040)) / 1.38416
    assert b.between == pytest.approx((0.0178757, 0.4041564), abs=1e-6)


def test_where_all_were_missed_there_is_no_mean() -> None:
    (b,) = bins_of([0, 0], [np.inf, np.inf], 1, edges=(0, 1))
    assert np.isnan(b.mean)
    assert b.failed == 1


def test_of_no_known_value_there_is_no_bin() -> None:
    assert bins_of([np.nan], [0.1], 1) == []


def test_a_value_for_each_error_is_needed() -> None:
    with pytest.raises(ValueError, match=r"found \(1,\) and \(2,\)"):
        bins_of([0], [0.1, 0.1], 1)
