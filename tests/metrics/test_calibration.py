import math

import numpy as np
import pytest

from canthus.metrics import expected_gap, reliability


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
