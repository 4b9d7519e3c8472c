"""How far figures may be off by the luck of their faces."""

import numpy as np
import pytest

from canthus.metrics import auc, bootstrap, failure_rate, percentile_intervals
from canthus.metrics.intervals import counts

ERRORS = np.random.default_rng(0).gamma(4, 0.01, 400)


def test_intervals_hold_the_figures_themselves() -> None:
    found = bootstrap(ERRORS, 0.06)
    figures = {"nme": ERRORS.mean(), "failure_rate": failure_rate(ERRORS, 0.06)}
    figures["auc"] = auc(ERRORS, 0.06)
    assert all(found[name][0] < value < found[name][1] for name, value in figures.items())


def test_the_interval_of_the_mean_is_two_standard_errors_wide_to_either_side() -> None:
    low, high = bootstrap(ERRORS, 0.06)["nme"]
    assert high - low == pytest.approx(2 * 1.96 * ERRORS.std() / 20, rel=0.1)


def test_intervals_hold_the_truth_about_95_times_in_100() -> None:
    draw = np.random.default_rng(1)
    found = [bootstrap(draw.gamma(4, 0.01, 100), 0.06)["nme"] for _ in range(200)]
    assert 0.88 <= np.mean([low < 0.04 < high for low, high in found]) <= 0.99


def test_more_faces_make_it_narrower() -> None:
    few, many = (np.diff(bootstrap(ERRORS[:n], 0.06)["nme"]) for n in (50, 400))
    assert many < few


def test_faces_of_one_person_are_drawn_together() -> None:
    same = np.repeat(ERRORS[:20], 20)  # twenty people, whose frames are all alike
    people = [str(i // 20) for i in range(400)]
    apart, together = (np.diff(bootstrap(same, 0.06, groups=g)["nme"]) for g in (None, people))
    assert together == pytest.approx(np.sqrt(20) * apart, rel=0.2)


def test_misses_are_failures() -> None:
    errors = np.append(ERRORS, [np.inf] * 100)
    low, high = bootstrap(errors, 1.0)["failure_rate"]
    assert low < 0.2 < high


def test_missing_everybody_leaves_no_mean() -> None:
    found = bootstrap([np.inf, np.inf], 0.08)
    assert np.isnan(found["nme"]).all()
    assert found["failure_rate"] == (1, 1)


def test_the_same_faces_give_the_same_intervals() -> None:
    assert bootstrap(ERRORS, 0.06) == bootstrap(ERRORS, 0.06)


def test_one_face_has_no_spread() -> None:
    assert bootstrap([0.03], 0.06)["nme"] == (0.03, 0.03)


@pytest.mark.parametrize("errors", [[], [np.nan], [-0.1], [[0.1]]])
def test_what_are_no_errors_is_refused(errors: list[float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        bootstrap(errors, 0.06)


def test_every_face_has_a_group() -> None:
    with pytest.raises(ValueError, match="expected 2 groups, one a face, found 1"):
        bootstrap([0.1, 0.2], 0.06, groups=["a"])


def test_percentiles_are_those_of_the_faces_drawn() -> None:
    drawn = np.random.default_rng(0).integers(0, 50, (200, 50))
    medians = np.percentile(ERRORS[:50][drawn], (50, 90), axis=1)
    expected = np.percentile(medians, (2.5, 97.5), axis=1).T
    np.testing.assert_allclose(percentile_intervals(ERRORS[:50], resamples=200), expected)


def test_percentiles_of_whole_people_are_those_of_the_people_drawn() -> None:
    errors, people = [0.01, 0.03, 0.02, 0.02, 0.05], ["a", "a", "b", "b", "b"]
    of = ([0.01, 0.03], [0.02, 0.02, 0.05])
    drawn = np.random.default_rng(0).integers(0, 2, (100, 2))
    medians = [np.median([*of[one], *of[two]]) for one, two in drawn]
    expected = [np.percentile(medians, (2.5, 97.5))]
    found = percentile_intervals(errors, (50,), groups=people, resamples=100)
    np.testing.assert_allclose(found, expected)


def test_percentiles_among_misses_are_infinite() -> None:
    errors = np.append(ERRORS[:70], [np.inf] * 30)
    median, high = percentile_intervals(errors)
    assert np.isfinite(median).all()
    assert high == (np.inf, np.inf)


def test_one_face_is_all_its_percentiles() -> None:
    assert percentile_intervals([0.03]) == ((0.03, 0.03), (0.03, 0.03))


def test_draws_without_a_face_found_take_no_part_in_the_mean() -> None:
    """A quarter of the draws of these two faces finds none."""
    assert bootstrap([0.03, np.inf], 0.06)["nme"] == (0.03, 0.03)


def test_another_seed_draws_other_faces() -> None:
    assert bootstrap(ERRORS, 0.06) != bootstrap(ERRORS, 0.06, seed=1)


def test_draws_in_parts_are_all_the_draws() -> None:
    """More faces than are drawn at once for all resamples."""
    each = [drawn.sum(axis=1) for drawn in counts(5000, None, resamples=500)]
    assert len(each) > 1
    np.testing.assert_array_equal(np.concatenate(each), np.full(500, 5000))
