"""Boxes from outside, and what a detector found, in the frame of the tight box."""

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.detection import RELATIONS, Detection
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box, BoxRelation
from canthus.runtime.looks import (
    Look,
    from_boxes,
    from_detections,
    from_landmarks,
    is_off,
    roll_of,
)

SIZE = (200, 150)
UPRIGHT = np.array([(90, 60), (110, 60), (100, 70), (93, 80), (107, 80)], np.float32)


def turned(points: NDArray[np.float32], roll_deg: float) -> NDArray[np.float32]:
    """The points, turned clockwise as seen in the picture about (100, 70)."""
    turn = np.radians(roll_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return ((points - (100, 70)) @ rotation.T + (100, 70)).astype(np.float32)


def test_rows_of_numbers_are_boxes() -> None:
    (look,) = from_boxes([[10, 20, 50, 70]], SIZE)
    assert look.box == Box(10, 20, 50, 70)


def test_arrays_and_lists_of_boxes_are_the_same() -> None:
    array = np.array([[10, 20, 50, 70], [60, 20, 90, 60]], np.float32)
    assert from_boxes(array, SIZE) == from_boxes([Box(*row) for row in array.tolist()], SIZE)


@pytest.mark.parametrize("none", [[], (), np.zeros((0, 4)), np.zeros(0)])
def test_no_boxes_are_no_looks(none: NDArray[np.float64]) -> None:
    assert from_boxes(none, SIZE) == []


def test_a_box_partly_outside_is_fine() -> None:
    assert from_boxes([Box(-30, -40, 20, 20), Box(180, 130, 230, 190)], SIZE)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((300, 20, 350, 70), "box 1.*outside the picture"),
        ((-50, 20, -1, 70), "box 1.*outside the picture"),
        ((10, 160, 50, 190), "box 1.*outside the picture"),
        ((10, 20, 10, 70), "box 1.*x0 < x1"),
        ((10, 20, 50, 20), "box 1.*x0 < x1"),
        ((50, 20, 10, 70), "box 1.*x0 < x1"),
        ((90, 60, 40, 50), "box 1.*from_xywh"),
        ((float("nan"), 20, 50, 70), "box 1.*finite"),
        ((10, 20, float("inf"), 70), "box 1.*finite"),
        ((10, 20, 1e9, 70), "box 1.*times as large"),
        ((-5e8, -5e8, 5e8, 5e8), "box 1.*times as large"),
        ((0.1, 0.2, 0.4, 0.5), "box 1.*fractions"),
    ],
)
def test_a_box_that_can_be_no_face_is_refused_by_number(
    row: tuple[float, float, float, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        from_boxes([(10, 20, 50, 70), row], SIZE)


@pytest.mark.parametrize("rows", [[1, 2, 3, 4], [[1, 2, 3]], [[[1, 2, 3, 4]]]])
def test_rows_have_four_numbers(rows: list[object]) -> None:
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        from_boxes(np.array(rows), SIZE)


@pytest.mark.parametrize(
    "things", [["a box"], [[1, 2, 3, "x"]], [[1, 2], [3]], [None, Box(1, 2, 3, 4)]]
)
def test_other_things_are_no_boxes(things: list[object]) -> None:
    with pytest.raises(ValueError, match="expected boxes"):
        from_boxes(things, SIZE)  # type: ignore[arg-type]


def test_a_corner_with_width_and_height_is_warned_of() -> None:
    # A face 60 wide and 70 high at (55, 10); as edges it would be 5 x 60 pixels.
    with pytest.warns(UserWarning, match="box 0.*from_xywh"):
        from_boxes([(55, 10, 60, 70)], SIZE)


def test_an_odd_box_that_makes_no_better_one_either_is_taken_as_it_is() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_boxes([(55, 10, 60, 149)], SIZE)


def test_a_named_detectors_boxes_become_tight() -> None:
    relation = RELATIONS["mtcnn"]
    tight = Box(60, 40, 100, 80)
    (look,) = from_boxes([relation.from_tight(tight)], SIZE, "mtcnn")
    assert look.box.as_tuple() == pytest.approx(tight.as_tuple())


def test_boxes_from_nobody_known_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"tight.*mtcnn.*'wizard'"):
        from_boxes([(10, 20, 50, 70)], SIZE, "wizard")


@pytest.mark.parametrize("roll_deg", [0, 17, -45, 90, -90, 135, 179])
def test_eyes_and_mouth_tell_the_roll(roll_deg: float) -> None:
    assert roll_of(turned(UPRIGHT, roll_deg)) == pytest.approx(roll_deg, abs=1e-3)


def test_a_face_from_the_side_is_upright_too() -> None:
    # Both eyes, and both corners of the mouth, fall together.
    assert roll_of([(90, 60), (90, 60), (80, 70), (90, 80), (90, 80)]) == 0.0


@pytest.mark.parametrize(("roll_deg", "used"), [(29, 0), (-29, 0), (40, 40), (-170, -170)])
def test_only_a_marked_roll_is_used(roll_deg: float, used: float) -> None:
    found = Detection(Box(80, 50, 120, 90), 0.9, turned(UPRIGHT, roll_deg))
    (look,) = from_detections([found], BoxRelation())
    assert look.roll_deg == pytest.approx(used, abs=1e-3)


def test_without_points_a_face_is_taken_as_upright() -> None:
    (look,) = from_detections([Detection(Box(80, 50, 120, 90), 0.9, None)], BoxRelation())
    assert (look.roll_deg, look.score) == (0.0, 0.9)


def test_the_shift_of_a_detectors_box_turns_with_the_face() -> None:
    # The detector draws its boxes 8 pixels, a fifth of 40, higher than the tight box.
    relation = BoxRelation(down=-0.2)
    found = Detection(Box(80, 50, 120, 90), 0.9, turned(UPRIGHT, 90))
    (look,) = from_detections([found], relation)
    # The face lies on its left side, so that its chin is at the picture's left.
    assert look.box.as_tuple() == pytest.approx((72, 50, 112, 90), abs=1e-3)


def test_a_tight_box_that_the_detector_knows_is_taken_as_it_is() -> None:
    tight = Box(84, 56, 113, 88)
    found = Detection(Box(80, 50, 120, 90), 0.9, turned(UPRIGHT, 90), tight)
    (look,) = from_detections([found], BoxRelation(down=-0.2, scale=2.0))
    assert look.box == tight


@pytest.mark.parametrize("roll_deg", [0, 25, -100])
def test_a_second_look_is_upright_and_tight_around_the_landmarks(roll_deg: float) -> None:
    # In the upright frame the points span 90 to 110 by 60 to 80, about (100, 70).
    found = Landmarks(turned(UPRIGHT, roll_deg), SCHEMES["5"])
    look = from_landmarks(found, Look(Box(85, 55, 115, 85), 0.7))
    assert look.roll_deg == pytest.approx(roll_deg, abs=1e-3)
    assert look.box.as_tuple() == pytest.approx((90, 60, 110, 80), abs=1e-3)
    assert look.score == 0.7


@pytest.mark.parametrize("side", [8, 60])
def test_landmarks_that_are_not_where_the_face_is_change_nothing(side: float) -> None:
    first = Look(Box(0, 0, side, side))
    assert from_landmarks(Landmarks(UPRIGHT, SCHEMES["5"]), first) == first


@pytest.mark.parametrize(
    ("found", "off"),
    [
        (Look(Box(0, 0, 20, 20)), False),
        (Look(Box(0, 0, 22, 20)), False),
        (Look(Box(0, 0, 24, 20)), True),
        (Look(Box(1, 1, 17, 17)), True),
        (Look(Box(2, 0, 22, 20)), False),
        (Look(Box(4, 0, 24, 20)), True),
        (Look(Box(0, 0, 20, 20), roll_deg=-20), False),
        (Look(Box(0, 0, 20, 20), roll_deg=30), True),
    ],
)
def test_a_box_is_off_in_size_place_or_turn(found: Look, off: bool) -> None:
    assert is_off(Look(Box(0, 0, 20, 20)), found) == off


def test_a_turn_is_measured_the_short_way_around() -> None:
    assert not is_off(Look(Box(0, 0, 9, 9), roll_deg=175), Look(Box(0, 0, 9, 9), roll_deg=-175))


def test_landmarks_without_eyes_and_mouth_are_taken_as_upright() -> None:
    ring = np.stack([np.arange(478) % 20, np.arange(478) // 24], axis=1).astype(np.float32)
    # a center of an eye, unknown
    ring[468] = np.nan
    look = from_landmarks(Landmarks(ring, SCHEMES["478"]), Look(Box(0, 0, 20, 20)))
    assert look.roll_deg == 0.0
