import numpy as np
import pytest

from canthus.detection import RELATIONS, Detection, GivenBoxes
from canthus.detection.boxes import measured
from canthus.geometry import Box, BoxRelation

PICTURE = np.zeros((100, 100, 3), np.uint8)
FACES = [Box(10, 20, 50, 70), Box(100, 30, 160, 80), Box(5, 5, 25, 30)]


@pytest.mark.parametrize("name", RELATIONS)
def test_a_relation_goes_there_and_back(name: str) -> None:
    there = RELATIONS[name].from_tight(FACES[0])

    assert RELATIONS[name].to_tight(there).as_tuple() == pytest.approx(
        FACES[0].squared().as_tuple()
    )


def test_the_relation_of_drawn_boxes_is_found_again() -> None:
    relation = BoxRelation(right=-0.02, down=-0.18, scale=1.09)

    found = measured([relation.from_tight(face) for face in FACES], FACES)

    assert (found.right, found.down, found.scale) == pytest.approx((-0.02, -0.18, 1.09))


def test_as_many_boxes_are_needed_as_faces() -> None:
    with pytest.raises(ValueError, match="a tight box for each box, found 3 for 2"):
        measured(FACES[:2], FACES)


def test_given_boxes_are_found_in_every_picture() -> None:
    detector = GivenBoxes(FACES, drawn_by="mtcnn")

    assert [found.box for found in detector(PICTURE)] == FACES
    assert detector.relation == RELATIONS["mtcnn"]


def test_boxes_drawn_by_nobody_known_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected one of tight, .*mtcnn.*'wizard'"):
        GivenBoxes(FACES, drawn_by="wizard")


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_is_a_probability(score: float) -> None:
    with pytest.raises(ValueError, match="a score is from 0 to 1"):
        Detection(FACES[0], score)


@pytest.mark.parametrize("points", [np.zeros((4, 2)), np.full((5, 2), np.nan)])
def test_points_are_five_finite_ones(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected five finite points"):
        Detection(FACES[0], 0.5, points)
