"""The mean face: the same whatever the place, size and turn of the faces."""

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets.synthetic import Head, points_of
from canthus.evaluation.mean_face import mean_face
from canthus.geometry import Similarity

Array = NDArray[np.float64]
SHAPE = points_of(Head())[:, :2]
UNIT = (SHAPE - SHAPE.mean(axis=0)) / np.sqrt(((SHAPE - SHAPE.mean(axis=0)) ** 2).sum(1).mean())


def placed(count: int, *, noise: float = 0.0, roll_deg: float = 20.0) -> Array:
    """One face at many places, in many sizes, turned either way as far."""
    generator = np.random.default_rng(5)
    faces = []
    for index in range(count):
        place = tuple(generator.uniform(0, 500, 2).tolist())
        turn = roll_deg if index % 2 else -roll_deg
        scale = generator.uniform(20, 200)
        to_picture = Similarity.about((0, 0), place, scale=scale, roll_deg=turn)
        faces.append(to_picture.apply(UNIT + generator.normal(0, noise, UNIT.shape)))
    return np.array(faces)


def test_the_mean_of_moved_faces_is_the_face() -> None:
    assert mean_face(placed(10)) == pytest.approx(UNIT, abs=1e-9)


def test_it_is_as_upright_as_the_faces_on_average() -> None:
    found = mean_face(placed(11)[1:])
    assert found[8, 1] > found[27, 1]  # the chin below the nose
    assert found[45, 1] == pytest.approx(found[36, 1], abs=1e-9)


def test_its_size_is_one() -> None:
    found = mean_face(placed(6, noise=0.1))
    assert found.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert (found**2).sum(axis=1).mean() == pytest.approx(1)


def test_chance_averages_out() -> None:
    assert mean_face(placed(400, noise=0.05)) == pytest.approx(UNIT, abs=0.02)


def test_points_that_few_faces_know_are_found_all_the_same() -> None:
    faces = placed(20)
    for index, face in enumerate(faces):
        face[index::3] = np.nan
    assert mean_face(faces) == pytest.approx(UNIT, abs=1e-6)


def test_a_point_that_no_face_knows_is_unknown() -> None:
    faces = placed(10)
    faces[:, 30] = np.nan
    found = mean_face(faces)
    assert np.isnan(found[30]).all()
    assert np.isfinite(np.delete(found, 30, axis=0)).all()


@pytest.mark.parametrize("known", [0, 1, 2])
def test_faces_of_too_few_points_do_not_count(known: int) -> None:
    faces = placed(10)
    faces[4, known:] = np.nan
    faces[4, :known] += 77
    assert mean_face(faces) == pytest.approx(mean_face(np.delete(faces, 4, axis=0)), abs=0.05)


def test_of_no_known_face_nothing_is_known() -> None:
    assert np.isnan(mean_face(np.full((3, 68, 2), np.nan))).all()


def test_of_no_face_nothing_is_known() -> None:
    assert np.isnan(mean_face(np.zeros((0, 5, 2)))).all()


def test_points_that_coincide_stay_where_they_are() -> None:
    assert mean_face(np.full((3, 5, 2), 7.0)) == pytest.approx(np.zeros((5, 2)))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, L, 2\), found \(68, 2\)"):
        mean_face(SHAPE)


def test_ten_thousand_faces_take_less_than_a_second() -> None:
    faces = np.tile(placed(100, noise=0.05), (100, 1, 1))
    begin = time.perf_counter()
    mean_face(faces)
    assert time.perf_counter() - begin < 1
