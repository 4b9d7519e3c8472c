"""Where the 68 points are on a mesh: blends of vertices that are known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.training.test_lifted import COLUMNS, head, mirror

from canthus.faces import SCHEMES
from canthus.faces.face_model import Keypoints
from canthus.training import face_points
from canthus.training.face_points import Marked

Floats = NDArray[np.float64]

PAIRS = SCHEMES["68"].mirror
MIDDLE = [point for point, other in enumerate(PAIRS) if point == other]


def placed() -> Keypoints:
    """Each point between two vertices: those in the middle along it, the others on their side."""
    indices = np.zeros((68, 2), np.int64)
    for number, point in enumerate(MIDDLE):
        vertex = number * COLUMNS + COLUMNS // 2
        indices[point] = vertex, vertex + COLUMNS
    sided = [point for point, other in enumerate(PAIRS) if point < other]
    for number, point in enumerate(sided):
        vertex = number % 10 * COLUMNS + number // 10
        indices[point], indices[PAIRS[point]] = (
            (vertex, vertex + COLUMNS),
            mirror()[[vertex, vertex + COLUMNS]],
        )
    return Keypoints(indices, np.tile([0.7, 0.3], (68, 1)))


def marked(count: int = 30, noise: float = 0.0) -> Marked:
    """Heads from ahead, somewhat different, and their points."""
    rng = np.random.default_rng(0)
    vertices = head()[:, :2] + rng.normal(0, 2, (count, len(head()), 2))
    keypoints = placed()
    points = np.einsum("kc,nkcd->nkd", keypoints.weights, vertices[:, keypoints.indices])
    return Marked(vertices, points + rng.normal(0, noise, points.shape))


def test_points_on_the_mesh_are_found_again() -> None:
    faces = marked()

    residuals = face_points.residuals(face_points.fit(faces, mirror()), faces)

    assert residuals.max() < 0.01


def test_mirrored_points_are_blends_of_mirrored_vertices() -> None:
    found = face_points.fit(marked(noise=1.0), mirror())

    dense = np.zeros((68, len(head())))
    np.add.at(dense, (np.arange(68)[:, None], found.indices), found.weights)
    np.testing.assert_allclose(dense[list(PAIRS)][:, mirror()], dense, atol=1e-6)


def test_only_points_of_the_outline_may_lie_outside() -> None:
    found = face_points.fit(marked(noise=3.0), mirror())

    inner = sorted(set(range(68)) - set(SCHEMES["68"].parts["contour"]))
    assert found.weights[inner].min() >= 0
    assert found.weights.min() >= -face_points.BEYOND


def test_distances_are_by_the_corners_of_the_eyes() -> None:
    points = np.zeros((1, 68, 2))
    points[0, 45] = [50, 0]
    corner = Keypoints(np.zeros((68, 1), int), np.ones((68, 1)))

    found = face_points.residuals(corner, Marked(np.array([[[10.0, 0.0]]]), points))

    assert found[0, 0] == pytest.approx(0.2)
    assert found[0, 45] == pytest.approx(0.8)
