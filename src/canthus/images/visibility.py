"""Which landmarks of a face are seen, and which the face itself hides: by its mesh."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces.face_model import FaceModel, Keypoints
from canthus.images.raster import Floats, Longs, checked_mesh
from canthus.images.shading import normal_sums

FACING = -0.2  # how far the surface around a landmark looks toward the viewer, at least
BEFORE = 0.12  # of the mesh's radius: how much nearer what hides a landmark is, at least


def visible_keypoints(model: FaceModel, vertices: ArrayLike) -> NDArray[np.bool_]:
    """Which of the 68 landmarks are seen from straight ahead; only the mesh itself hides any.

    A landmark is hidden where the surface around it looks away from the viewer, or where another
    part of the mesh is before it. It may itself be a little below the surface, as blends of
    vertices are; see docs/methods/tddfa.md for how much that is.

    Args:
        model: whose triangles and keypoints these are.
        vertices: (V, 3), the mesh in a picture: x right, y down, z away, in the same unit.

    Returns:
        (68,).

    Raises:
        ValueError: if there are not V vertices, or a coordinate is not finite.
    """
    points, corners = checked_mesh(vertices, model.triangles)
    places = model.keypoints_of(points).astype(np.float64)
    radius = np.sqrt(np.square(points - points.mean(axis=0)).sum(axis=1).mean())
    places[:, 2] -= BEFORE * radius
    facing: NDArray[np.bool_] = _toward(points, corners, model.keypoints) >= FACING
    return facing & _uncovered(places, points, corners)


def _toward(points: Floats, corners: Longs, keypoints: Keypoints) -> Floats:
    """How far the surface around keypoints looks toward the viewer, (68,), from -1 to 1.

    Normals are blends of the vertices'; beyond the mesh's border, of the vertices nearest to them.
    """
    around = normal_sums(points, corners)[keypoints.indices]
    around /= np.maximum(np.linalg.norm(around, axis=2, keepdims=True), np.finfo(float).tiny)
    shares = keypoints.weights.clip(0)
    return -(shares * around[..., 2]).sum(axis=1) / shares.sum(axis=1)


def _uncovered(places: Floats, points: Floats, corners: Longs) -> NDArray[np.bool_]:
    """Before which places (K, 3) no triangle is: none that holds x and y has a smaller z."""
    order = np.argsort(places[:, 0])
    ordered = places[order]
    x = points[:, 0][corners]
    first = np.searchsorted(ordered[:, 0], x.min(axis=1), "left")
    last = np.searchsorted(ordered[:, 0], x.max(axis=1), "right")
    counts = last - first
    triangle = np.repeat(np.arange(len(corners)), counts)
    place = np.arange(len(triangle)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    mesh, at = points[corners[triangle]].transpose(1, 2, 0), ordered[place].T
    covered = np.zeros(len(places), bool)
    covered[order[place[_before(mesh, at)]]] = True
    return ~covered


def _before(mesh: Floats, at: Floats) -> NDArray[np.bool_]:
    """Whether triangles (3, 3, N), corner and axis first, are before places (3, N)."""
    a, b, c = mesh - at
    weights = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)])
    area = weights.sum(axis=0)
    inside = (area != 0) & ((weights >= 0).all(axis=0) | (weights <= 0).all(axis=0))
    nearer = weights[0] * a[2] + weights[1] * b[2] + weights[2] * c[2]
    return np.asarray(inside & (nearer * np.sign(area) < 0))


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[0] * b[1] - a[1] * b[0])
