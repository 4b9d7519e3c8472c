import numpy as np
import pytest

from canthus.detection.windows import best, moved, squared

# Two that share 50 of 150 and, apart from them, one inside the second.
ROWS = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [8, 2, 12, 6]], np.float64)
SCORES = np.array([1.0, 3.0, 2.0], np.float32)


def test_edges_move_by_parts_of_the_window() -> None:
    offsets = np.array([[0.1, 0.2, -0.1, 0.5]], np.float32)

    rows = moved(np.array([[10.0, 20, 30, 60]]), offsets)

    np.testing.assert_allclose(rows, [[12, 28, 28, 80]], atol=1e-5)


def test_a_square_has_the_longer_side_about_the_same_center() -> None:
    assert squared(np.array([[10.0, 20, 30, 60]])).tolist() == [[0, 20, 40, 60]]


@pytest.mark.parametrize(
    ("overlap", "kept"), [(0.5, [1, 2, 0]), (0.3, [1, 2]), (0.1, [1])], ids=str
)
def test_what_overlaps_a_better_one_goes(overlap: float, kept: list[int]) -> None:
    assert best(ROWS, SCORES, overlap).tolist() == kept


def test_what_lies_in_a_better_one_goes_by_the_smaller() -> None:
    assert best(ROWS, SCORES, 0.7, of_smaller=True).tolist() == [1, 0]


def test_of_equals_the_first_stays() -> None:
    assert best(ROWS[[0, 0, 0]], np.zeros(3, np.float32), 0.5).tolist() == [0]


def test_of_none_none_is_best() -> None:
    assert best(np.zeros((0, 4)), np.zeros(0, np.float32), 0.5).tolist() == []
