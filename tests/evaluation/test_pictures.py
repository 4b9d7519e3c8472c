from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from canthus.evaluation import Benchmark, Report, evaluate
from canthus.evaluation.pictures import (
    FOUND,
    TILE,
    TRUTH,
    draw_ced,
    draw_face,
    draw_worst,
    steps_of,
)

Fake = Callable[..., Any]


@pytest.fixture
def report(fake: Fake, benchmark: Benchmark) -> Report:
    return evaluate(fake(offset=(12.0, 0.0), lost=(3,)), benchmark)


@pytest.fixture
def two_errors(report: Report) -> Report:
    """Four faces that are 0.3 wrong, one that is 0.4, and one that was missed."""
    errors = [0.3] * 4 + [0.4, np.inf]
    faces = zip(report.faces, errors, strict=True)
    return replace(report, faces=tuple(replace(face, error=error) for face, error in faces))


def paints(tile: np.ndarray[Any, Any], color: tuple[int, int, int]) -> bool:
    """Whether some pixel has nearly this color."""
    return bool((np.abs(tile.astype(int) - color).max(axis=2) < 30).any())


def test_the_curve_is_a_staircase_up_to_the_limit(two_errors: Report) -> None:
    x, y = steps_of(two_errors, 0.5)
    assert x == pytest.approx([0, 30, 30, 40, 40, 50])
    assert y == pytest.approx([0, 0, 4 / 6, 4 / 6, 5 / 6, 5 / 6])


def test_errors_beyond_the_limit_are_not_on_the_staircase(two_errors: Report) -> None:
    x, y = steps_of(two_errors, 0.35)
    assert x == pytest.approx([0, 30, 30, 35])
    assert y == pytest.approx([0, 0, 4 / 6, 4 / 6])


def test_curves_of_two_models_are_on_one_plot(report: Report) -> None:
    other = replace(report, model="other")
    assert (draw_ced([report, other]) != draw_ced([report])).any()


def test_curves_of_different_normalizers_are_not(report: Report) -> None:
    with pytest.raises(ValueError, match="one benchmark and normalizer"):
        draw_ced([report, replace(report, normalizer="inter_pupil")])


def test_a_plot_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        draw_ced([])


def test_a_tile_shows_truth_and_prediction(report: Report) -> None:
    tile = draw_face(report.faces[0])
    assert tile.shape == (TILE, TILE, 3)
    assert paints(tile, TRUTH)
    assert paints(tile, FOUND)


def test_a_missed_face_shows_the_truth_alone(report: Report) -> None:
    tile = draw_face(report.faces[3])
    assert paints(tile, TRUTH)
    assert not paints(tile, FOUND)


def test_the_sheet_holds_as_many_faces_as_wanted(report: Report) -> None:
    one, six = draw_worst(report, 1), draw_worst(report, 6)
    assert one.shape[0] < six.shape[0]
    assert one.shape[1] < six.shape[1]


def test_no_more_faces_than_there_are(report: Report) -> None:
    assert draw_worst(report, 100).shape == draw_worst(report, 6).shape
