import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import SCHEMES
from canthus.metrics import (
    landmark_errors,
    nme,
    nme_by_visibility,
    nme_per_landmark,
    nme_per_part,
)

NAN, INF = np.nan, np.inf


def face(*points: tuple[float, float]) -> NDArray[np.float64]:
    return np.array([points], np.float64)


def test_the_error_of_a_landmark_is_its_distance() -> None:
    errors = landmark_errors(face((3, 4), (1, 1)), face((0, 0), (1, 1)))
    np.testing.assert_array_equal(errors, [[5, 0]])


def test_the_error_in_space_takes_all_three_coordinates() -> None:
    found, truth = np.array([[[2.0, 3.0, 6.0]]]), np.zeros((1, 1, 3))
    np.testing.assert_array_equal(landmark_errors(found, truth), [[7]])


def test_a_landmark_without_truth_is_not_scored() -> None:
    errors = landmark_errors(face((3, 4), (1, 1)), face((0, 0), (NAN, NAN)))
    np.testing.assert_array_equal(errors, [[5, NAN]])


def test_a_landmark_that_is_not_visible_is_not_scored() -> None:
    errors = landmark_errors(face((3, 4), (1, 1)), face((0, 0), (0, 0)), visible=[[0, 1]])
    np.testing.assert_allclose(errors, np.array([[NAN, 2**0.5]]))


def test_a_missed_landmark_is_infinitely_wrong() -> None:
    errors = landmark_errors(face((NAN, NAN), (1, 1)), face((0, 0), (1, 1)))
    np.testing.assert_array_equal(errors, [[INF, 0]])


def test_a_face_is_the_mean_of_what_could_be_scored_over_its_length() -> None:
    faces = nme(np.array([[4, 2, NAN], [1, 1, 4]]), [100, 10])
    assert faces == pytest.approx([0.03, 0.2])


def test_a_missed_face_is_infinitely_wrong() -> None:
    np.testing.assert_array_equal(nme([[INF, INF, NAN]], [10]), [INF])


def test_swapped_eyes_are_caught() -> None:
    truth = np.array([[(10.0, 0.0), (50, 0), (30, 20), (15, 40), (45, 40)]])
    swapped = truth[:, list(SCHEMES["5"].mirror)]
    # the eyes are 40 apart, the mouth's corners 30: (40 + 40 + 0 + 30 + 30) / 5 / 40
    assert nme(landmark_errors(swapped, truth), [40.0])[0] == pytest.approx(0.7)


def test_an_infinite_error_does_not_hide_the_mean_of_a_landmark() -> None:
    np.testing.assert_allclose(nme_per_landmark([[4, INF], [2, INF]], [10, 10]), [0.3, NAN])


def test_a_part_is_the_mean_of_the_faces_means() -> None:
    # face one: (1 + 3) / 2 / 10 = 0.2; face two knows one of the two points: 6 / 10 = 0.6
    means = nme_per_part(np.array([[1, 3, 9], [NAN, 6, 9]]), [10, 10], {"nose": (0, 1)})
    assert means == {"nose": pytest.approx(0.4)}


@pytest.mark.parametrize(
    ("found", "truth"),
    [((1, 5, 2), (1, 4, 2)), ((5, 2), (5, 2)), ((2, 5, 2), (1, 5, 2))],
)
def test_points_of_other_shapes_are_refused(found: tuple[int, ...], truth: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"one shape \(N, L, D\)"):
        landmark_errors(np.zeros(found), np.zeros(truth))


def test_flags_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"visible of shape \(1, 5\), found \(5,\)"):
        landmark_errors(np.zeros((1, 5, 2)), np.zeros((1, 5, 2)), visible=np.ones(5))


def test_a_face_with_nothing_to_score_is_named() -> None:
    with pytest.raises(ValueError, match="no landmark to score in faces 1"):
        nme([[1.0], [NAN]], [1, 1])


@pytest.mark.parametrize("length", [0.0, -1.0, NAN, INF])
def test_a_length_that_cannot_divide_is_named(length: float) -> None:
    with pytest.raises(ValueError, match="above 0, found another in faces 1"):
        nme([[1.0], [1.0]], [1, length])


def test_lengths_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"found \(1, 1\) and \(2,\)"):
        nme([[1.0]], [1, 1])


def test_visible_and_hidden_landmarks_are_told_apart() -> None:
    errors = [[2, 4, 9, np.nan], [np.inf, 6, 3, 3]]
    visible = [[1, 1, 0, 1], [1, 1, 0, 0]]
    found = nme_by_visibility(errors, [100, 100], visible)
    assert found.share == pytest.approx(4 / 7)
    assert found.visible == pytest.approx((0.03 + 0.06) / 2)
    assert found.hidden == pytest.approx((0.09 + 0.03) / 2)


def test_where_nothing_is_hidden_there_is_no_error_of_it() -> None:
    assert np.isnan(nme_by_visibility([[1, 2]], [10], [[1, 1]]).hidden)


def test_a_flag_for_each_landmark() -> None:
    with pytest.raises(ValueError, match="expected visible of shape"):
        nme_by_visibility([[1, 2]], [10], [[1]])


def test_faces_without_a_visible_or_a_hidden_landmark_are_counted() -> None:
    errors = np.array([[1, 2], [1, 3], [1, NAN], [4, 6]])
    found = nme_by_visibility(errors, [100] * 4, [[1, 1], [0, 0], [0, 1], [1, 0]])
    assert (found.none_visible, found.none_hidden) == (2, 1)
    assert found.visible == pytest.approx((0.015 + 0.04) / 2)
    assert found.hidden == pytest.approx((0.02 + 0.01 + 0.06) / 3)


def test_a_missed_face_is_not_one_without_visible_landmarks() -> None:
    found = nme_by_visibility(np.array([[INF, INF], [1, 3]]), [100, 100], [[1, 0], [1, 0]])
    assert (found.none_visible, found.none_hidden) == (0, 0)
    assert (found.visible, found.hidden) == pytest.approx((0.01, 0.03))


def test_a_hidden_landmark_without_a_truth_is_none() -> None:
    found = nme_by_visibility(np.array([[1, NAN]]), [100], [[1, 0]])
    assert (found.share, found.none_visible, found.none_hidden) == (1, 0, 1)
