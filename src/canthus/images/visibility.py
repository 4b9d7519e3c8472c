"""Which landmarks of a face are seen, and which the face itself hides: by its mesh."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces import SCHEMES
from canthus.faces.face_model import FaceModel, Keypoints
from canthus.images.raster import Floats, Longs, checked_mesh
from canthus.images.shading import normal_sums

FACING = -0.2  # how far the surface around a landmark looks toward the viewer, at least
BEFORE = 0.12  # of the mesh's radius: how much nearer what hides a landmark is, at least
BESIDE = 0.04  # of it: a landmark of the outline so near to the mesh's edge is not hidden by it
OUTLINE = list(SCHEMES["68"].parts["contour"])


def visible_keypoints(model: FaceModel, vertices: ArrayLike) -> NDArray[np.bool_]:
    """Which of the 68 landmarks are seen from straight ahead; only the mesh itself hides any.

    A landmark is hidden where the surface around it looks away from the viewer, or where another
    part of the mesh is before it. Those of the outline lie behind the edge of the face, which hides
    them only where they are further in. A landmark may itself be a little below the surface, as
    blends of vertices are; see docs/methods/tddfa.md for how much that is.

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
    outward = (places - points.mean(axis=0))[OUTLINE, :2]
    lengths = np.linalg.norm(outward, axis=1, keepdims=True)
    places[OUTLINE, :2] += BESIDE * radius * outward / np.maximum(lengths, np.finfo(float).tiny)
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
    mesh = points[corners].transpose(1, 2, 0)  # corner, axis, triangle
    left, top, near = np.minimum(np.minimum(mesh[0], mesh[1]), mesh[2])
    right, down, _ = np.maximum(np.maximum(mesh[0], mesh[1]), mesh[2])
    x, y, z = places.T[..., None]
    around = (left <= x) & (x <= right) & (top <= y) & (y <= down) & (near < z)
    place, triangle = np.nonzero(around)
    covered = np.zeros(len(places), bool)
    before = _before(mesh[..., triangle], places[place].T)
    covered[place[before]] = True
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
