from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from canthus.evaluation import Benchmark, Report, evaluate
from canthus.evaluation.pictures import FOUND, TILE, TRUTH, VIEW, draw_face
from canthus.geometry import Similarity
from canthus.images.warp import resize

Fake = Callable[..., Any]


@pytest.fixture
def report(fake: Fake, benchmark: Benchmark) -> Report:
    return evaluate(fake(offset=(12.0, 0.0), lost=(3,)), benchmark)


def paints(tile: np.ndarray[Any, Any], color: tuple[int, int, int]) -> bool:
    """Whether some pixel has nearly this color."""
    return bool((np.abs(tile.astype(int) - color).max(axis=2) < 30).any())


def test_a_tile_shows_truth_and_prediction(report: Report) -> None:
    tile = draw_face(report.faces[0])
    assert tile.shape == (TILE, TILE, 3)
    assert paints(tile, TRUTH)
    assert paints(tile, FOUND)


def test_a_missed_face_shows_the_truth_alone(report: Report) -> None:
    tile = draw_face(report.faces[3])
    assert paints(tile, TRUTH)
    assert not paints(tile, FOUND)


def test_a_tile_shown_as_small_as_on_a_page_shows_every_point_in_full(report: Report) -> None:
    face = report.faces[3]
    shown = resize(draw_face(face), 0.6).astype(int)
    to_shown = Similarity.crop(face.sample.box.scaled(VIEW), len(shown))
    x, y = to_shown.apply(face.sample.landmarks.points[:, :2]).round().astype(int).T
    bluer = shown[y, x, 2] - shown[y, x, 0]
    assert bluer.min() > 0.9 * (TRUTH[2] - TRUTH[0])
