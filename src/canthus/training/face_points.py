"""Where on a mesh the 68 points are that people mark: fitted on faces that look ahead."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from canthus.faces import SCHEMES
from canthus.faces.face_model import Keypoints

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

NEAREST = 14  # vertices that a point is looked for between
CORNERS = 4  # at most, that a point is a blend of
BEYOND = 0.5  # how far below 0 the weights of the outline's points may be: the mesh ends there
STEADY = 1e-3  # of the mean error: what keeps weights from growing where vertices lie together
MIRROR = np.array(SCHEMES["68"].mirror)
OUTLINE = SCHEMES["68"].parts["contour"]


@dataclass(frozen=True, eq=False)
class Marked:
    """Faces whose points are marked, with their meshes, in pictures.

    Attributes:
        vertices: (N, V, 2), pixels.
        points: (N, 68, 2), pixels.
    """

    vertices: Floats
    points: Floats

    @property
    def inter_ocular(self) -> Floats:
        """(N,), pixels between the outer corners of the eyes, as marked."""
        (right,), (left,) = SCHEMES["68"].normalizers["inter_ocular"]
        return np.linalg.norm(self.points[:, right] - self.points[:, left], axis=1)


def fit(marked: Marked, mirror: Longs) -> Keypoints:
    """The 68 points as blends of vertices that are nearest to the marked ones, in the pictures.

    Weights add up to 1, and are 0 or more but for the outline, which people mark a little outside
    of the mesh; a mirrored point is the same blend of the mirrored vertices. Of all blends of the
    vertices nearest to a point, the best one is taken.

    Args:
        marked: faces that look ahead.
        mirror: (V,), which vertex mirrors which.
    """
    indices = np.zeros((len(MIRROR), CORNERS), np.int64)
    weights = np.zeros((len(MIRROR), CORNERS))
    for point, other in enumerate(MIRROR):
        if point <= other:
            least = -BEYOND if point in OUTLINE else 0.0
            corners, shares = _best(*_units(marked, mirror, point), least)
            count = len(corners)
            indices[point, :count], indices[other, :count] = corners, mirror[corners]
            weights[point, :count] = weights[other, :count] = shares
    return Keypoints(indices, weights)


def residuals(keypoints: Keypoints, marked: Marked) -> Floats:
    """How far points are from the marked ones (N, 68), by the distance of the eyes' corners."""
    found = np.einsum("kc,nkcd->nkd", keypoints.weights, marked.vertices[:, keypoints.indices])
    return np.linalg.norm(found - marked.points, axis=2) / marked.inter_ocular[:, None]


def _units(marked: Marked, mirror: Longs, point: int) -> tuple[Longs, Floats]:
    """What a point may be a blend of, and how far it is from these, both of a face and mirrored.

    Returns:
        units: (M, 1) vertices, the nearest ones; of a point in the middle (M, 2), a vertex and
            the one that mirrors it, of which the unit is the mean.
        errors: (M, F), of all faces and both coordinates, in distances of the eyes' corners.
    """
    other = MIRROR[point]
    own, image = _apart(marked, point), _apart(marked, other)[mirror]
    errors = np.concatenate([own, image], axis=1)
    near = np.argsort((errors**2).sum(axis=1), kind="stable")[:NEAREST]
    if point != other:
        return near[:, None], errors[near]
    near = np.unique(np.minimum(near, mirror[near]))
    return np.column_stack([near, mirror[near]]), (own[near] + own[mirror[near]]) / 2


def _apart(marked: Marked, point: int) -> Floats:
    """How far every vertex is from a point: (V, 2 N)."""
    offsets = marked.vertices - marked.points[:, point, None]
    scaled = offsets / marked.inter_ocular[:, None, None]
    return scaled.transpose(1, 0, 2).reshape(scaled.shape[1], -1)


def _best(units: Longs, errors: Floats, least: float) -> tuple[Longs, Floats]:
    """The vertices and weights of the blend with the least error; no weight is below the least.

    An error of a blend is the blend of errors; the best weights of some units, that add up to 1,
    are those of the least square of it.
    """
    products = errors @ errors.T
    products += STEADY * np.diag(products).mean() * np.eye(len(products))
    best: tuple[int, ...] = (0,)
    lowest, shares = np.inf, np.ones(1)
    for size in range(1, CORNERS // units.shape[1] + 1):
        for chosen in combinations(range(len(units)), size):
            found = np.linalg.solve(products[np.ix_(chosen, chosen)], np.ones(size))
            error = 1 / found.sum()
            if (found * error >= least).all() and error < lowest:
                lowest, best, shares = error, chosen, found * error
    return units[list(best)].ravel(), np.repeat(shares, units.shape[1]) / units.shape[1]
