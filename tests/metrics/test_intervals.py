"""How far figures may be off by the luck of their faces."""

import numpy as np
import pytest

from canthus.metrics import auc, bootstrap, failure_rate

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
