"""Two models on the same faces."""

import numpy as np
import pytest

from canthus.metrics import bootstrap, compare

DRAW = np.random.default_rng(0)
ONE = DRAW.gamma(4, 0.01, 200)


def test_a_constant_difference_is_certain() -> None:
    found = compare(ONE, ONE + 0.001, 0.06)
    assert found.nme == pytest.approx(-0.001)
    assert found.intervals["nme"] == pytest.approx((-0.001, -0.001))
    assert found.p_value < 0.001


def test_no_difference_is_none() -> None:
    found = compare(ONE, ONE, 0.06)
    assert (found.nme, found.p_value, found.first_better, found.second_better) == (0, 1, 0, 0)


def test_noise_is_not_taken_for_a_difference() -> None:
    found = compare(ONE, np.abs(ONE + DRAW.normal(0, 0.002, 200)), 0.06)
    low, high = found.intervals["nme"]
    assert low < 0 < high
    assert found.p_value > 0.01


def test_pairs_say_more_than_two_sets_apart() -> None:
    two = ONE + np.abs(DRAW.normal(0.001, 0.001, 200))
    apart = np.diff(bootstrap(ONE, 0.06)["nme"]) + np.diff(bootstrap(two, 0.06)["nme"])
    assert np.diff(compare(ONE, two, 0.06).intervals["nme"]) < apart / 5


def test_a_face_that_one_missed_is_not_in_the_mean_but_fails() -> None:
    found = compare([0.01, np.inf], [0.02, 0.02], 0.06)
    assert (found.nme, found.failure_rate) == pytest.approx((-0.01, 0.5))
    assert (found.both_found, found.first_missed, found.second_missed) == (1, 1, 0)


def test_the_shares_count_a_miss_as_worse() -> None:
    found = compare([0.01, np.inf, 0.03], [0.02, 0.02, 0.03], 0.06)
    assert (found.first_better, found.second_better) == pytest.approx((1 / 3, 1 / 3))


def test_faces_of_one_person_are_one_piece_of_evidence() -> None:
    two = np.tile(ONE[:2] + 0.001, 100)
    people = ["a", "b"] * 100
    assert compare(np.tile(ONE[:2], 100), two, 0.06, groups=people).p_value > 0.2


def test_other_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="errors of the same faces"):
        compare([0.1], [0.1, 0.2], 0.06)


def test_every_face_is_accounted_for() -> None:
    found = compare([np.inf, 0.1, np.inf, 0.1, 0.2], [np.inf, np.inf, 0.1, 0.1, 0.3], 0.15)
    counts = (found.both_missed, found.first_missed, found.second_missed, found.both_found)
    assert counts == (1, 1, 1, 2)
    shares = (found.first_better, found.equal, found.second_better)
    assert shares == pytest.approx((2 / 5, 2 / 5, 1 / 5))


def test_without_a_face_that_both_found_there_is_no_difference_of_means() -> None:
    found = compare([0.1, np.inf], [np.inf, 0.1], 0.15)
    assert np.isnan([found.nme, *found.intervals["nme"]]).all()
    assert (found.failure_rate, found.p_value) == (0, 1)


def test_the_chance_of_few_faces_is_that_of_their_signs() -> None:
    """Of the 16 ways to swap four faces, all differing alike, two are as far from 0."""
    found = compare([0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.4, 0.5], 1)
    assert found.p_value == pytest.approx(2 / 16, abs=0.01)


def test_swapping_the_models_turns_the_signs() -> None:
    two = ONE * 1.1
    one_way, other_way = compare(ONE, two, 0.06), compare(two, ONE, 0.06)
    assert (one_way.nme, one_way.auc) == pytest.approx((-other_way.nme, -other_way.auc))
    assert one_way.intervals["auc"] == pytest.approx(
        tuple(-x for x in other_way.intervals["auc"])[::-1]
    )
    assert one_way.p_value == other_way.p_value


def test_the_same_faces_give_the_same_answer() -> None:
    assert compare(ONE, ONE * 1.1, 0.06) == compare(ONE, ONE * 1.1, 0.06)
