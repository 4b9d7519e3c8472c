from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box
from canthus.images.files import read_image, write_image
from canthus.runtime import Aligner, Manifest
from canthus.runtime.backend import Arrays
from canthus.training.teacher import Taught, met, teach, together

SPOT = np.array([83.0, 64.0])  # the center of the pixels that are bright
LEAN = 3.0  # crop pixels by which the model below errs to the right
DOUBTED = 40  # a landmark of which it is never sure


class Spotter:
    """Puts all landmarks on the bright spot, and a little too far to the right."""

    def run(self, crops: NDArray[np.uint8]) -> Arrays:
        found = []
        for crop in crops:
            down, across = np.nonzero(crop[..., 0] > 127)
            found.append(np.tile([across.mean() + LEAN, down.mean()], (68, 1)))
        covariances = np.tile(np.eye(2, dtype=np.float32), (len(crops), 68, 1, 1))
        covariances[:, DOUBTED] *= 900
        return {
            "points": np.array(found, np.float32),
            "scores": np.ones((len(crops), 68), np.float32),
            "covariances": covariances,
        }


@pytest.fixture
def aligner(spot_manifest: Manifest) -> Aligner:
    return Aligner(replace(spot_manifest, crop_size=128), Spotter())


@pytest.fixture
def face(tmp_path: Path) -> Sample:
    """A face of 60 pixels, annotated with 68 points on the spot."""
    image = np.zeros((150, 200, 3), np.uint8)
    image[60:69, 79:88] = 255
    write_image(tmp_path / "spot.png", image)
    marked = Landmarks(np.tile(SPOT, (68, 1)), SCHEMES["68"])
    return Sample(tmp_path / "spot.png", Box(53, 34, 113, 94), marked)


def test_the_lean_of_a_model_cancels_in_the_mirror(aligner: Aligner, face: Sample) -> None:
    (points,) = teach(aligner, [face]).points

    sure = np.arange(68) != DOUBTED
    np.testing.assert_allclose(points[sure], np.tile(SPOT, (67, 1)), atol=0.15)


def test_a_landmark_of_which_the_model_is_not_sure_is_not_taught(
    aligner: Aligner, face: Sample
) -> None:
    (points,) = teach(aligner, [face]).points

    assert np.flatnonzero(np.isnan(points[:, 0])).tolist() == [DOUBTED]


def test_how_many_faces_are_shown_at_once_changes_no_answer(
    aligner: Aligner, face: Sample, tmp_path: Path
) -> None:
    moved = tmp_path / "moved.png"
    write_image(moved, np.roll(read_image(face.image), (7, -11), axis=(0, 1)))
    other = replace(
        face,
        image=moved,
        box=Box(42, 41, 102, 101),
        landmarks=Landmarks(face.landmarks.points + np.array([-11, 7]), face.landmarks.scheme),
    )
    faces = [face, other, face, other, other]

    one, several = teach(aligner, faces), teach(aligner, faces, at_once=3)

    np.testing.assert_array_equal(several.points, one.points)
    assert np.abs(one.points[1, 0] - one.points[0, 0] - (-11, 7)).max() < 0.5


def test_of_several_teachers_those_count_that_are_sure() -> None:
    first, second = np.full((3, 2, 2), 1.0), np.full((3, 2, 2), 4.0)
    first[0, 0], first[1], second[1], second[2] = np.nan, np.nan, np.nan, np.nan

    found = together(
        [
            Taught(first, np.array([False, True, False])),
            Taught(second, np.array([False, True, True])),
        ]
    )

    np.testing.assert_array_equal(found.points[0], [[4, 4], [2.5, 2.5]])
    assert np.isnan(found.points[1]).all()
    np.testing.assert_array_equal(found.points[2], np.ones((2, 2)))
    assert found.wrong.tolist() == [False, True, False]


def test_a_face_that_people_marked_elsewhere_is_left_out(aligner: Aligner, face: Sample) -> None:
    elsewhere = Landmarks(face.landmarks.points + np.array([6, 0]), SCHEMES["68"])

    found = teach(aligner, [face, replace(face, landmarks=elsewhere)])

    assert found.wrong.tolist() == [False, True]
    assert np.isnan(found.points[1]).all()


def test_few_points_of_another_scheme_are_enough_to_judge_a_face(
    aligner: Aligner, face: Sample
) -> None:
    few = np.full((21, 2), np.nan)
    few[7] = SPOT
    far = few + 10

    samples = [replace(face, landmarks=Landmarks(some, SCHEMES["21"])) for some in (few, far)]
    found = teach(aligner, samples)

    assert found.wrong.tolist() == [False, True]
    assert np.isfinite(found.points[0]).all(axis=1).sum() == 67


def test_a_face_that_nobody_marked_is_taught_too(aligner: Aligner, face: Sample) -> None:
    bare = replace(face, landmarks=Landmarks(np.full((68, 2), np.nan), SCHEMES["68"]))

    found = teach(aligner, [bare])

    assert not found.wrong.any()
    assert np.isfinite(found.points).all(axis=(0, 2)).sum() == 67


def test_an_answer_meets_what_people_marked_and_takes_the_rest_along() -> None:
    answer = np.array([[0.0, 0], [100, 0], [2, 0], [50, 0], [500, 0]])
    marked = np.full_like(answer, np.nan)
    marked[:2] = [[0, 3], [100, -3]]

    found = met(answer, marked, reach=20)

    np.testing.assert_array_equal(found[:2], marked[:2])
    assert found[2, 1] == pytest.approx(3, abs=0.2)  # beside the first one
    assert found[3, 1] == pytest.approx(0, abs=0.2)  # between both
    assert found[4].tolist() == pytest.approx([500, 0])  # far from both
    np.testing.assert_allclose(found[:, 0], answer[:, 0])


def test_what_people_marked_is_taught_as_they_marked_it(aligner: Aligner, face: Sample) -> None:
    points = face.landmarks.points + np.arange(136).reshape(68, 2) / 100
    marked = replace(face, landmarks=Landmarks(points, SCHEMES["68"]))

    (found,) = teach(aligner, [marked], meet=True).points

    np.testing.assert_allclose(found, points, atol=1e-4)  # the one that it doubts, too
