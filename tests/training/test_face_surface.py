"""The surface of a mean face: mirror images, and triangles."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.training.test_lifted import head, mirror

from canthus.training.face_surface import delaunay, mirror_map, triangulate

Floats = NDArray[np.float64]


def circle(corners: Floats) -> tuple[Floats, float]:
    """The center and radius of the circle through three points."""
    a, b, c = corners
    center = np.linalg.solve(2 * np.array([b - a, c - a]), [b @ b - a @ a, c @ c - a @ a])
    return center, float(np.linalg.norm(center - a))


def test_no_point_is_within_the_circle_of_a_triangle() -> None:
    points = np.random.default_rng(0).uniform(0, 1, (25, 2))

    found = {tuple(sorted(row)) for row in delaunay(points).tolist()}

    empty = set()
    for three in combinations(range(len(points)), 3):
        center, radius = circle(points[list(three)])
        others = np.delete(points, three, axis=0)
        if (np.linalg.norm(others - center, axis=1) > radius).all():
            empty.add(three)
    # Of flat triangles at the outline, the rule for all the plane leaves some out.
    assert found <= empty
    assert len(empty - found) <= 3


def test_vertices_find_their_mirror_images_in_a_turned_head() -> None:
    angle = np.radians(7)
    turning = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]

    np.testing.assert_array_equal(mirror_map(head() @ np.array(turning)), mirror())


def test_a_vertex_without_a_mirror_image_is_named() -> None:
    with pytest.raises(ValueError, match="expected a mirrored one"):
        mirror_map(np.concatenate([head(), [[30.0, 41.0, 20.0]]]))


def test_triangles_close_a_head_without_holes() -> None:
    triangles = triangulate(head(), mirror())

    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, number = np.unique(edges, axis=0, return_counts=True)
    assert len(np.unique(triangles)) == len(head())
    assert number.max() == 2
    assert len(head()) - len(unique) + len(triangles) == 1  # Euler: a disk


def test_triangles_are_counter_clockwise_from_outside() -> None:
    triangles = triangulate(head(), mirror())

    a, b, c = head()[triangles].transpose(1, 0, 2)
    out = (a + b + c) / 3 * [1, 0, 1] + [0, 0, 30]
    assert (np.sum(np.cross(b - a, c - a) * out, axis=1) > 0).all()


def test_the_mirror_image_of_a_triangle_is_a_triangle() -> None:
    triangles = triangulate(head(), mirror())

    rows = {tuple(sorted(row)) for row in triangles.tolist()}
    assert {tuple(sorted(row)) for row in mirror()[triangles].tolist()} == rows
