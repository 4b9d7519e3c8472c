import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import SCHEMES
from canthus.geometry import Box
from canthus.metrics import NORMALIZERS, box_size, corner_mid, distances, inter_ocular, inter_pupil

IBUG = SCHEMES["68"]


def eyes() -> NDArray[np.float64]:
    """One face of 68 points whose eyes are known: right at x 10 to 30, left at x 60 to 100."""
    points = np.zeros((1, 68, 2))
    points[0, 36:42] = (10, 0), (15, 5), (25, 5), (30, 0), (25, -5), (15, -5)
    points[0, 42:48] = (60, 0), (70, 5), (90, 5), (100, 0), (90, -5), (70, -5)
    return points


def test_inter_ocular_joins_the_outer_corners() -> None:
    assert inter_ocular(eyes(), IBUG) == pytest.approx([90])


def test_inter_pupil_joins_the_means_of_the_eyes() -> None:
    assert inter_pupil(eyes(), IBUG) == pytest.approx([80 - 20])


def test_corner_mid_joins_the_middles_of_the_corners() -> None:
    points = eyes()
    points[0, 37] = 1000, 1000  # the lids take no part
    assert corner_mid(points, IBUG) == pytest.approx([80 - 20])


def test_box_size_is_the_root_of_the_area_around_the_known_points() -> None:
    points = [[(1, 1), (5, 10), (np.nan, np.nan), (3, 2)]]
    assert box_size(points) == pytest.approx([6])


def test_a_third_coordinate_does_not_change_the_box() -> None:
    assert box_size([[(1, 1, -50), (5, 10, 50)]]) == pytest.approx([6])


def test_given_box_size_is_that_of_the_box_not_of_the_points() -> None:
    assert distances("given_box_size", eyes(), IBUG, [Box(0, 0, 4, 9)]) == pytest.approx([6])


@pytest.mark.parametrize("name", NORMALIZERS)
def test_every_normalizer_grows_with_the_face(name: str) -> None:
    once = distances(name, eyes(), IBUG, [Box(0, 0, 4, 9)], given=[7.0])
    twice = distances(name, 2 * eyes(), IBUG, [Box(0, 0, 8, 18)], given=[14.0])
    assert twice == pytest.approx(2 * once)


@pytest.mark.parametrize("name", ["inter_ocular", "inter_pupil", "corner_mid"])
def test_eyes_in_one_place_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 0 or not known in 1 faces: 1"):
        distances(name, np.concatenate([eyes(), np.zeros((1, 68, 2))]), IBUG)


def test_an_eye_corner_that_is_not_known_is_refused() -> None:
    points = eyes()
    points[0, 45] = np.nan
    with pytest.raises(ValueError, match="inter_ocular is 0 or not known in 1 faces: 0"):
        inter_ocular(points, IBUG)


def test_a_face_without_area_has_no_box() -> None:
    with pytest.raises(ValueError, match="box_size is 0 or not known in 2 faces: 0, 1"):
        box_size(np.array([[(1, 1), (5, 1)], [(np.nan, np.nan)] * 2]))


def test_a_scheme_without_the_anchors_says_which_it_has() -> None:
    with pytest.raises(ValueError, match="scheme 5 has no inter_ocular; it has inter_pupil"):
        inter_ocular(np.zeros((1, 5, 2)), SCHEMES["5"])


def test_points_of_another_scheme_are_refused() -> None:
    with pytest.raises(ValueError, match="scheme 68 has 68 points, found 5"):
        inter_ocular(np.zeros((1, 5, 2)), IBUG)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown normalizer 'iod'; known are inter_ocular, "):
        distances("iod", eyes(), IBUG)


def test_given_boxes_must_be_given() -> None:
    with pytest.raises(ValueError, match="expected a box for each face, found none"):
        distances("given_box_size", eyes(), IBUG)


def test_given_boxes_must_be_one_a_face() -> None:
    with pytest.raises(ValueError, match="expected 1 boxes, one a face, found 2"):
        distances("given_box_size", eyes(), IBUG, [Box(0, 0, 4, 9)] * 2)


@pytest.mark.parametrize(
    ("name", "length"),
    [("box_diagonal", 5), ("box_side", 4), ("given_box_diagonal", 13), ("given_box_side", 12)],
)
def test_boxes_have_a_diagonal_and_a_longer_side(name: str, length: float) -> None:
    points = [[(1, 1), (4, 5), (np.nan, np.nan)]]
    assert distances(name, points, IBUG, [Box(0, 0, 5, 12)]) == pytest.approx([length])


@pytest.mark.parametrize(("name", "right", "left"), [("106jd", 74, 83), ("106if", 34, 88)])
def test_eye_centers_are_those_marked_where_some_are(name: str, right: int, left: int) -> None:
    points = np.zeros((1, 106, 2))
    points[0, right], points[0, left] = (10, 0), (40, 40)
    assert distances("eye_centers", points, SCHEMES[name]) == pytest.approx(50)


def test_eye_centers_are_the_middles_of_the_corners() -> None:
    assert distances("eye_centers", eyes(), IBUG) == distances("corner_mid", eyes(), IBUG)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (None, "expected a length for each face, found none"),
        ([1.0, 2.0], "expected 1 lengths, one a face"),
        ([0.0], "given is 0 or not known in 1 faces: 0"),
        ([np.nan], "given is 0 or not known in 1 faces: 0"),
    ],
)
def test_given_lengths_must_be_lengths(given: list[float] | None, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        distances("given", eyes(), IBUG, given=given)


def test_a_scheme_may_have_a_normalizer_of_its_own() -> None:
    tips = dataclasses.replace(SCHEMES["5"], normalizers={"tips": ((3,), (4,))})
    truth = np.zeros((1, 5, 2))
    truth[0, 4] = 3, 4

    assert distances("tips", truth, tips).tolist() == [5]
