"""Where the outline's points lie in space: behind the edge of what was lifted, near the ears.

On a face that looks ahead, nothing says how deep its outline is. On turned heads the near half of
it was marked, and ears: the pose is known by the other points, and so is the depth.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canthus.faces import SCHEMES
from canthus.faces.face_model import FaceModel, Keypoints
from canthus.training.fitting import CHIN, OUTLINE, Fitted, Witnesses

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]

MIRROR = np.array(SCHEMES["68"].mirror)[OUTLINE]
TURNED_DEG = 20.0  # from where on a head's near half says how deep it is
CREDIBLE = 0.06  # sides of the face: fits that are off by more say nothing
OUTLIER = 0.04  # sides of the face, from where on a mark counts less and less
ROUNDS = 10
STEADY = 1e-4  # of the mean square of slopes: where no face is turned, depths stay
MIRRORING = np.array([-1.0, 1.0, 1.0])


def offsets(model: FaceModel, seen: Sequence[tuple[Witnesses, Fitted]]) -> Floats:
    """How much nearer the outline's points are than the model's, (17, 3), in its unit; symmetric.

    Only their depths change: the rest was measured on faces that look ahead.

    Args:
        model: whose points these are.
        seen: marked faces, and the model's fits to them by other marks than those of the outline.

    Raises:
        ValueError: if a point was not marked on the near half of any turned head.
    """
    found = np.zeros((len(OUTLINE), 3))
    for point in range(CHIN + 1):
        pairs = [
            equations(witnesses, fitted, side, among=_near(fitted, side), mirrored=other)
            for witnesses, fitted in seen
            for side, other in ((point, False), (MIRROR[point], True))
        ]
        slopes, off = (np.concatenate(each) for each in zip(*pairs, strict=True))
        if not len(slopes):
            raise ValueError(f"point {point}: expected turned heads where it is marked, found none")
        found[[point, MIRROR[point]], 2] = robust(slopes[..., 2:], off)
    return found


def with_rim(model: FaceModel, offsets: Floats) -> FaceModel:
    """The model with its outline's points as vertices of their own, moved by offsets (17, 3).

    They move with the blends of vertices that they were before; triangles join them to the edge.
    """
    count, corners = len(model.neutral), model.keypoints.indices.shape[1]
    neutral, identity, expression = (
        np.concatenate([own, model.keypoints_of(own)[..., OUTLINE, :]], axis=-2)
        for own in (model.neutral, model.identity, model.expression)
    )
    neutral[count:] += offsets
    rim = count + np.arange(len(OUTLINE))
    indices, weights = model.keypoints.indices.copy(), model.keypoints.weights.copy()
    indices[OUTLINE] = rim[:, None]
    weights[OUTLINE] = np.eye(1, corners)
    return replace(
        model,
        neutral=neutral,
        triangles=np.concatenate([model.triangles, _strips(neutral, _edge(model), rim)]),
        keypoints=Keypoints(indices, weights),
        identity=identity,
        expression=expression,
        uv=None,
    )


def equations(
    known: Witnesses, fitted: Fitted, point: int, *, among: Flags, mirrored: bool
) -> tuple[Floats, Floats]:
    """How a move of a point in the model's frame moves it in pictures, and how far it is off.

    Args:
        known: marked faces.
        fitted: a face model's fits to them.
        point: which; where no mark is that point alone, there are no equations.
        among: (N,), the faces to look at; those that fit badly are left out besides.
        mirrored: whether moves are those of the mirrored point, mirrored.

    Returns:
        slopes: (F, 2, 3), sides of the face by the model's unit.
        off: (F, 2), sides of the face.
    """
    rows = np.flatnonzero(known.readout[:, point] == 1)
    if not len(rows):
        return np.zeros((0, 2, 3)), np.zeros((0, 2))
    marks = known.marks[:, rows[0]]
    kept = among & (fitted.errors < CREDIBLE) & np.isfinite(marks[:, 0])
    side = known.side[kept, None]
    slopes = fitted.cameras[kept, :2, :3] / side[..., None]
    off = (marks - fitted.landmarks[:, point, :2])[kept] / side
    return slopes * (MIRRORING if mirrored else 1), off


def robust(slopes: Floats, off: Floats) -> Floats:
    """By how much to move, (D,), along slopes (N, 2, D), to be nearest to what is off by (N, 2).

    Errors beyond `OUTLIER` count less and less (Cauchy's weights).
    """
    weights, found = np.ones(len(slopes)), np.zeros(slopes.shape[2])
    for _ in range(ROUNDS):
        weighed = weights[:, None, None] * slopes
        products = np.einsum("nij,nik->jk", weighed, slopes)
        steady = STEADY * np.trace(products) / len(products) * np.eye(len(products))
        found = np.linalg.solve(products + steady, np.einsum("nij,ni->j", weighed, off))
        left = np.linalg.norm(off - slopes @ found, axis=1)
        weights = 1 / (1 + (left / OUTLIER) ** 2)
    return found


def _near(fitted: Fitted, point: int) -> Flags:
    """Turned heads on whose near half a point of the outline is."""
    yaw = fitted.yaw_deg
    near = -yaw if point < CHIN else yaw if point > CHIN else np.abs(yaw)
    return near >= TURNED_DEG


def _edge(model: FaceModel) -> Longs:
    """The vertices along the mesh's edge, from the first of the outline's points to the last."""
    sides = np.sort(
        np.concatenate([model.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1
    )
    pairs, times = np.unique(sides, axis=0, return_counts=True)
    beside: dict[int, list[int]] = {}
    for one, other in pairs[times == 1].tolist():
        beside.setdefault(one, []).append(other)
        beside.setdefault(other, []).append(one)
    rim = model.keypoints_of(model.neutral)[OUTLINE]
    around = np.array(sorted(beside))
    first, chin, last = (
        int(around[np.linalg.norm(model.neutral[around] - rim[i], axis=1).argmin()])
        for i in (0, CHIN, -1)
    )
    for step in beside[first]:
        path = [first, step]
        while path[-1] not in (last, first):
            path.append(next(each for each in beside[path[-1]] if each != path[-2]))
        if path[-1] == last and chin in path:
            return np.array(path)
    raise ValueError("expected one edge around the mesh that passes the chin")


def _strips(places: NDArray[np.float32], inner: Longs, outer: Longs) -> Longs:
    """Triangles between two lines of vertices, both halves alike, from the ends to the chin."""
    halves = [len(line) // 2 + 1 for line in (inner, outer)]
    one, other = (
        _strip(
            places.astype(np.float64), *(line[:n] for line, n in zip(lines, halves, strict=True))
        )
        for lines in ((inner, outer), (inner[::-1], outer[::-1]))
    )
    return np.concatenate([one, other[:, ::-1]])


def _strip(places: Floats, inner: Longs, outer: Longs) -> Longs:
    """Triangles between two lines of vertices; each next one closes the shorter gap."""
    triangles = []
    i = j = 0
    middle = len(inner) - 1, len(outer) - 1
    while (i, j) != middle:
        ahead_in = np.inf if i == middle[0] else _apart(places, inner[i + 1], outer[j])
        ahead_out = np.inf if j == middle[1] else _apart(places, inner[i], outer[j + 1])
        if ahead_in < ahead_out:
            triangles.append((inner[i], outer[j], inner[i + 1]))
            i += 1
        else:
            triangles.append((inner[i], outer[j], outer[j + 1]))
            j += 1
    return np.array(triangles)


def _apart(places: Floats, one: int, other: int) -> float:
    return float(np.linalg.norm(places[one] - places[other]))
