"""Inner points moved to where marks are: on the open model, and on a head of 99 vertices."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.training import test_fitting, test_lifted
from tests.training.test_face_points import placed

from canthus.faces.face_model import FaceModel, open_face_model
from canthus.training import face_inner, fitting
from canthus.training.face_inner import INNER, LEAST, MIRROR, MOST
from canthus.training.fitting import OUTLINE

Floats = NDArray[np.float64]


def head() -> FaceModel:
    """A small symmetric model that can do nothing."""
    none = np.zeros((0, len(test_lifted.head()), 3))
    return FaceModel(
        name="head",
        license="anything goes",
        unit_mm=1.0,
        neutral=test_lifted.head(),
        triangles=np.zeros((0, 3), int),
        keypoints=placed(),
        identity=none,
        expression=none,
    )


def drawn(size: float) -> Floats:
    """Symmetric offsets (68, 3) of inner points."""
    found = np.random.default_rng(1).normal(0, size, (68, 3))
    found[OUTLINE] = 0
    return (found + found[MIRROR] * [-1, 1, 1]) / 2


def dense(model: FaceModel) -> Floats:
    """The weight of each vertex in each point, (68, V)."""
    found = np.zeros((68, len(model.neutral)))
    rows = np.arange(68)[:, None]
    np.add.at(found, (rows, model.keypoints.indices), model.keypoints.weights)
    return found


def apart(one: FaceModel, other: FaceModel) -> Floats:
    """How far points lie from those of another model, (68, 3)."""
    places = [model.keypoints_of(model.neutral).astype(np.float64) for model in (one, other)]
    return np.asarray(places[0] - places[1])


def test_points_move_by_their_offsets() -> None:
    wanted = drawn(2.0)

    found = face_inner.moved(open_face_model(), wanted)

    off = np.abs(apart(found, open_face_model()) - wanted)
    assert off.max() < 0.5  # where the mouth's skin is flat, for the sake of small weights
    assert off.mean() < 0.02


def test_the_mesh_and_the_outline_stay() -> None:
    model = head()

    found = face_inner.moved(model, drawn(3.0))

    np.testing.assert_array_equal(found.neutral, model.neutral)
    np.testing.assert_allclose(dense(found)[OUTLINE], dense(model)[OUTLINE], atol=1e-7)


def test_without_offsets_nothing_changes() -> None:
    found = face_inner.moved(head(), np.zeros((68, 3)))

    np.testing.assert_allclose(dense(found), dense(head()), atol=1e-5)


@pytest.mark.parametrize("size", [1.0, 10.0, 100.0])
def test_mirrored_points_are_mirrored_blends_within_bounds(size: float) -> None:
    found = dense(face_inner.moved(head(), drawn(size)))

    np.testing.assert_allclose(found[MIRROR][:, test_lifted.mirror()], found, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert found.min() >= LEAST - 1e-6
    assert found.max() <= MOST + 1e-6


def test_a_point_that_cannot_be_had_comes_nearer() -> None:
    far = np.zeros((68, 3))
    far[30, 2] = 300.0

    found = face_inner.moved(head(), far)

    assert 5 < apart(found, head())[30, 2] < 300


def test_the_unit_does_not_matter() -> None:
    larger = replace(head(), unit_mm=0.001, neutral=1000 * head().neutral)

    found = face_inner.moved(larger, 1000 * drawn(2.0))

    wanted = dense(face_inner.moved(head(), drawn(2.0)))
    np.testing.assert_allclose(dense(found), wanted, atol=1e-3)


def test_offsets_are_found_by_heads_of_all_poses() -> None:
    model, wanted = open_face_model(), np.zeros((68, 3))
    wanted[[27, 28, 29], 2] = 5.0
    wanted[[21, 22], 0] = [-3.0, 3.0]
    truth = face_inner.moved(model, wanted)
    _, places = test_fitting.drawn(truth)
    known = test_fitting.witnesses(truth, places, lifted=places)

    one = [(known, fitting.fit(model, known))]
    found = face_inner.offsets(model, one)

    np.testing.assert_array_equal(found[OUTLINE], 0)
    np.testing.assert_allclose(found, found[MIRROR] * [-1, 1, 1], atol=1e-9)
    assert (found[[27, 28, 29], 2] > 2).all()
    assert found[22, 0] > 1.5


def test_mending_twice_comes_nearer() -> None:
    model, wanted = open_face_model(), np.zeros((68, 3))
    wanted[[27, 28, 29], 2] = 5.0
    truth = face_inner.moved(model, wanted)
    _, places = test_fitting.drawn(truth)
    known = test_fitting.witnesses(truth, places, lifted=places)

    found = face_inner.mended(model, [known])

    left = np.linalg.norm(apart(found, truth), axis=1)
    assert left[[27, 28, 29]].max() < 2.5
    assert left[INNER].mean() < 0.6


def test_points_that_nobody_marked_are_named() -> None:
    model = open_face_model()
    known = test_fitting.witnesses(model, test_fitting.drawn(model)[1])
    fitted = fitting.fit(model, known)
    with pytest.raises(ValueError, match="point 17: expected faces where it is marked"):
        face_inner.offsets(
            model, [(replace(known, marks=np.full_like(known.marks, np.nan)), fitted)]
        )
