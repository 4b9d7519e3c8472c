"""A face model learned from lifted heads, and what is measured of it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.training import test_face_modes
from tests.training.test_face_points import placed
from tests.training.test_lifted import faces

from canthus.faces.face_model import FaceModel, read_face_model, write_face_model
from canthus.training import open_face
from canthus.training.lifted import Lifted
from canthus.training.open_face import Figures

Floats = NDArray[np.float64]


def given() -> tuple[Lifted, Floats]:
    """Lifted heads, and their points where they were marked: on those of one picture."""
    shapes, people = test_face_modes.drawn()
    found, keypoints = faces(shapes, people), placed()
    corners = found.points[:, keypoints.indices, :2]
    points = np.einsum("kc,nkcd->nkd", keypoints.weights, corners)
    points[np.bincount(people)[people] > 1] = np.nan
    return found, points


@cache
def learned() -> tuple[FaceModel, Figures]:
    return open_face.learn(*given(), counts=(2, 1))


def test_eyes_are_as_far_apart_as_in_people() -> None:
    model, _ = learned()

    points = model.keypoints_of(model.neutral)
    assert np.linalg.norm(points[36] - points[45]) == pytest.approx(90, abs=1e-3)


def test_counts_are_those_asked_for() -> None:
    model, _ = learned()

    assert (len(model.identity), len(model.expression)) == (2, 1)


def test_a_tenth_of_people_is_held_out() -> None:
    _, figures = learned()

    assert figures.held_out == 3 * 6
    assert 180 < figures.people <= 230 - 3 - 20


def test_people_held_out_are_said_well() -> None:
    _, figures = learned()

    mean, identity, both = figures.mesh_mm
    assert mean > identity > both
    assert both < mean / 3


def test_points_held_out_are_found() -> None:
    _, figures = learned()

    assert figures.marked > 0
    assert max(figures.parts.values()) < 0.01


def test_the_model_is_its_own_mirror_image() -> None:
    _, figures = learned()

    assert figures.asymmetry_mm < 1e-5


def test_a_face_that_was_ill_lifted_is_left_out() -> None:
    found, points = given()
    spoiled = found.points.copy()
    spoiled[7, :, 1] *= 2

    _, figures = open_face.learn(replace(found, points=spoiled), points, counts=(2, 1))

    assert figures.faces == learned()[1].faces - 1


def test_marked_faces_are_needed() -> None:
    found, points = given()

    with pytest.raises(ValueError, match="expected marked faces that look ahead"):
        open_face.learn(found, np.full_like(points, np.nan), counts=(2, 1))


def test_the_file_holds_the_model(tmp_path: Path) -> None:
    model, _ = learned()
    write_face_model(model, tmp_path / "a.safetensors")

    found = read_face_model(tmp_path / "a.safetensors")

    np.testing.assert_array_equal(found.identity, model.identity)
    assert "research-only" in found.license
