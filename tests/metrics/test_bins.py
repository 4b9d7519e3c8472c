"""Means over bins, which are not means over faces."""

import numpy as np
import pytest

from canthus.metrics import over_bins, yaw_bins


@pytest.mark.parametrize(
    ("yaw_deg", "name"),
    [
        (0, "yaw 0-30"),
        (-30, "yaw 0-30"),
        (30.001, "yaw 30-60"),
        (60, "yaw 30-60"),
        (-60.001, "yaw 60-90"),
        (99, "yaw 60-90"),
        (-351, "yaw 60-90"),
    ],
)
def test_edges_belong_to_the_bin_below(yaw_deg: float, name: str) -> None:
    assert yaw_bins([yaw_deg]) == (name,)


def test_each_bin_counts_alike() -> None:
    found = over_bins([0.02, 0.04, 0.06, 0.12], ["a", "a", "a", "b"])
    assert found.means == pytest.approx((0.04, 0.12))
    assert found.mean == pytest.approx(0.08)


def test_the_deviation_is_that_of_the_bins_means() -> None:
    assert over_bins([0.02, 0.04, 0.06, 0.12], ["a", "a", "a", "b"]).std == pytest.approx(0.04)


def test_a_missed_face_counts_but_is_in_no_mean() -> None:
    found = over_bins([0.02, np.inf], ["a", "a"])
    assert (found.counts, found.means) == ((2,), (0.02,))


def test_bins_stand_in_the_order_asked_for() -> None:
    assert over_bins([1, 2], ["a", "b"], ["b", "a"]).bins == ("b", "a")


def test_every_face_has_a_bin() -> None:
    with pytest.raises(ValueError, match="a bin for each face"):
        over_bins([0.1, 0.2], ["a"])


def test_a_bin_outside_the_order_is_not_dropped_silently() -> None:
    with pytest.raises(ValueError, match=r"expected bins of \('a',\), found \['b'\]"):
        over_bins([0.1, 0.2], ["a", "b"], ["a"])


def test_bins_without_a_face_leave_no_mean() -> None:
    found = over_bins([0.1], ["a"], ["a", "b"])
    assert found.counts == (1, 0)
    assert np.isnan(found.mean)


@pytest.mark.parametrize("errors", [[], [np.nan], [-0.1]])
def test_errors_that_are_none_are_refused(errors: list[float]) -> None:
    with pytest.raises(ValueError, match="errors of 0 and more"):
        over_bins(errors, ["a"] * len(errors))
