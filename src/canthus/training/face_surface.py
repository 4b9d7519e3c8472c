"""The surface over the points of a mean face: which mirrors which, and the triangles between."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

ROUNDS = 50  # in which the plane of symmetry has to be found
FAR = 1e3  # where the corners of the first triangle are, in sizes of what lies in it
FLAT_DEG = 150.0  # a corner that is wider, opposite the outline, makes no triangle
AXIS = 0.6  # how far behind the face's middle the axis of its cylinder is, in half widths


def mirror_map(mean: Floats) -> Longs:
    """Which vertex of a face (V, 3) is at the mirrored place of each: (V,), its own inverse.

    The face has to look about along z and its left and right to be about along x; how its plane
    of symmetry lies exactly is found on the way.

    Raises:
        ValueError: if vertices do not pair up, so that the mesh has no mirrored copy in itself.
    """
    centered = mean - mean.mean(axis=0)
    turned, pairs = centered * [-1, 1, 1], np.arange(len(mean))
    for _ in range(ROUNDS):
        apart = ((turned[:, None] - centered[None]) ** 2).sum(axis=2)
        found = apart.argmin(axis=1)
        if (found == pairs).all():
            break
        pairs = found
        mutual = np.flatnonzero(apart.argmin(axis=0)[pairs] == np.arange(len(mean)))
        turned = centered @ reflection(centered[mutual], centered[pairs[mutual]])
    if (lost := np.flatnonzero(pairs[pairs] != np.arange(len(mean)))).size:
        raise ValueError(f"vertex {lost[0]}: expected a mirrored one, found none of its own")
    return pairs


def reflection(source: Floats, target: Floats) -> Floats:
    """The reflection (3, 3) that brings points nearest to others, as `source @ reflection`."""
    left, _, right = np.linalg.svd(source.T @ target)
    return left @ np.diag([1, 1, -np.sign(np.linalg.det(left @ right))]) @ right


def triangulate(mean: Floats, mirror: Longs) -> Longs:
    """Triangles (T, 3) over a symmetric face, counter-clockwise as seen from outside.

    One half of the face, unrolled from a cylinder, is triangulated by Delaunay's rule, and the
    other half is its mirror image; eyes and mouth are closed. Where the surface bends, edges are
    turned until the triangles on it are as little pointed as they can be.

    Args:
        mean: (V, 3), y up, z toward the viewer, the plane of symmetry at x = 0.
        mirror: (V,), as of `mirror_map`.
    """
    half = np.flatnonzero((mean[:, 0] > 0) | (mirror == np.arange(len(mean))))
    triangles = _turned(half[delaunay(_unrolled(mean)[half])], mean)
    return _trimmed(np.concatenate([triangles, mirror[triangles][:, ::-1]]), mean)


def _unrolled(mean: Floats) -> Floats:
    """Places (V, 2) on a cylinder about the head, unrolled: along its girth, and y."""
    width, depth = np.ptp(mean[:, 0]) / 2, mean[:, 2].mean()
    angle = np.arctan2(mean[:, 0], mean[:, 2] - depth + AXIS * width)
    return np.column_stack([width * angle, mean[:, 1]])


def delaunay(points: Floats) -> Longs:
    """Delaunay's triangles (T, 3) of points in a plane (N, 2), counter-clockwise.

    Point after point is set into those before (Bowyer, Watson): the triangles in whose circle it
    lies make room for those from their outline to the point.
    """
    low, size = points.min(axis=0), np.ptp(points, axis=0).max()
    corners = low + size * FAR * np.array([[-1, -1], [1, -1], [0, 1]])
    known = np.concatenate([points, corners])
    count = len(points)
    triangles = np.array([[count, count + 1, count + 2]])
    for number in range(count):
        inside = _in_circle(known[triangles], known[number])
        edges = triangles[inside][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
        shared = {tuple(edge) for edge in edges[:, ::-1].tolist()}
        outline = [edge for edge in edges.tolist() if tuple(edge) not in shared]
        new = np.array([[a, b, number] for a, b in outline])
        triangles = np.concatenate([triangles[~inside], new])
    return triangles[(triangles < count).all(axis=1)]


def _in_circle(corners: Floats, point: Floats) -> NDArray[np.bool_]:
    """Whether a point is within the circles through triangles (T, 3, 2), counter-clockwise."""
    x, y = np.moveaxis(corners - point, -1, 0)
    square = x**2 + y**2
    value = (
        square[:, 0] * (x[:, 1] * y[:, 2] - x[:, 2] * y[:, 1])
        - square[:, 1] * (x[:, 0] * y[:, 2] - x[:, 2] * y[:, 0])
        + square[:, 2] * (x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0])
    )
    return value > 0


def _turned(triangles: Longs, places: Floats) -> Longs:
    """Triangles whose inner edges are those of Delaunay's rule on the surface itself."""
    rows = triangles.tolist()
    for _ in range(ROUNDS):
        turns = 0
        touched: set[int] = set()
        sides = {
            (row[i], row[(i + 1) % 3]): (number, row[(i + 2) % 3])
            for number, row in enumerate(rows)
            for i in range(3)
        }
        for (a, b), (number, c) in sides.items():
            other, d = sides.get((b, a), (-1, -1))
            if other < 0 or touched & {number, other} or (c, d) in sides or (d, c) in sides:
                continue
            if _angle(places, a, c, b) + _angle(places, a, d, b) > np.pi + 1e-6:
                rows[number], rows[other] = [a, d, c], [d, b, c]
                touched |= {number, other}
                turns += 1
        if not turns:
            break
    return np.array(rows)


def _trimmed(triangles: Longs, places: Floats) -> Longs:
    """Triangles without the nearly flat ones that span hollows of the outline."""
    while True:
        edges = triangles[:, [[0, 1], [1, 2], [2, 0]]]
        known = {tuple(edge) for edge in edges.reshape(-1, 2).tolist()}
        kept = [
            all(
                (b, a) in known or _angle(places, a, c, b) < np.radians(FLAT_DEG)
                for a, b, c in ((a, b, c), (b, c, a), (c, a, b))
            )
            for a, b, c in triangles.tolist()
        ]
        if all(kept):
            return triangles
        triangles = triangles[kept]


def _angle(places: Floats, a: int, corner: int, b: int) -> float:
    first, second = places[a] - places[corner], places[b] - places[corner]
    length = np.linalg.norm(first) * np.linalg.norm(second)
    return float(np.arccos(np.clip(first @ second / length, -1, 1)))
