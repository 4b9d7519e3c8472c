"""Where the points inside of the outline lie in space: as marks on heads of all poses say.

Blends of vertices that were chosen on faces that look ahead may be too deep: between the flanks of
the nose they lie below its ridge. On turned heads, depth shows.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canthus.faces import SCHEMES
from canthus.faces.face_model import FaceModel, Keypoints
from canthus.training import fitting
from canthus.training.face_rim import MIRRORING, equations, robust
from canthus.training.face_surface import mirror_map
from canthus.training.fitting import OUTLINE, Fitted, Witnesses

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

MIRROR = np.array(SCHEMES["68"].mirror)
INNER = np.setdiff1d(np.arange(len(MIRROR)), OUTLINE)
HALF = INNER[MIRROR[INNER] >= INNER]  # one point of each pair, and those in the middle
NEAREST = 8  # vertices that a point is blended of, beside those that it was
ROUNDS = 2  # of fitting and mending
LEAST, MOST = -0.5, 1.5  # weights
STEADY_MM = 0.1  # that a point may be off for weights that change by 1 less


def mended(model: FaceModel, known: Sequence[Witnesses]) -> FaceModel:
    """The model with its inner points where people mark them.

    Fitted faces give way to points that are wrong, so that it is fitted again with mended points,
    and these are mended again.

    Args:
        model: whose points these are; it says how far its coefficients vary.
        known: marked faces of all poses.

    Raises:
        ValueError: if a point was not marked on any face, or left and right are not alike.
    """
    for _ in range(ROUNDS):
        seen = [(faces, fitting.fit(model, faces)) for faces in known]
        model = moved(model, offsets(model, seen))
    return model


def offsets(model: FaceModel, seen: Sequence[tuple[Witnesses, Fitted]]) -> Floats:
    """How far marks are from the model's points, (68, 3), in its frame and unit; symmetric.

    One offset for all faces, by robust least squares; 0 for points of the outline.

    Args:
        model: whose points these are.
        seen: marked faces of all poses, and the model's fits to them.

    Raises:
        ValueError: if a point was not marked on any face.
    """
    if not seen:
        raise ValueError("expected faces with 68 marked points, found none")
    found = np.zeros((len(MIRROR), 3))
    for point in HALF:
        other = MIRROR[point]
        pairs = [
            equations(known, fitted, side, among=np.isfinite(fitted.errors), mirrored=mirrored)
            for known, fitted in seen
            for side, mirrored in ((point, False), (other, True))
        ]
        slopes, off = (np.concatenate(each) for each in zip(*pairs, strict=True))
        if not len(slopes):
            raise ValueError(f"point {point}: expected faces where it is marked, found none")
        moved = robust(slopes, off)
        found[point] = moved if point != other else moved * [0, 1, 1]
        found[other] = found[point] * (MIRRORING if point != other else 1)
    return found


def moved(model: FaceModel, offsets: Floats) -> FaceModel:
    """The model with its inner points moved by offsets (68, 3) in the mean face.

    A moved point is another blend of the vertices nearest to its new place, with weights that
    differ as little as can be from those before and are from -0.5 to 1.5; where no such blend is
    at that place, the nearest one is taken. A mirrored point is the mirrored blend. The outline
    stays as it is.
    """
    mirror = mirror_map(model.neutral.astype(np.float64))
    places, dense = model.neutral.astype(np.float64) * model.unit_mm, _dense(model)
    targets = dense @ places + offsets * model.unit_mm
    for point in HALF:
        other = MIRROR[point]
        chosen = _around(places, targets[point], dense[point])
        units = np.column_stack([chosen, chosen])
        if point == other:
            units = np.unique(np.sort(np.column_stack([chosen, mirror[chosen]])), axis=0)
        old = dense[point][units].sum(axis=1) / (1 + (units[:, 0] == units[:, 1]))
        shares = _blend(places[units].mean(axis=1), targets[point], old)
        dense[point] = 0
        np.add.at(dense[point], units, shares[:, None] / 2)
        if point != other:
            dense[other] = dense[point][mirror]
    return replace(model, keypoints=_sparse(dense))


def _dense(model: FaceModel) -> Floats:
    """The weights of all vertices in each point, (68, V)."""
    dense = np.zeros((len(MIRROR), len(model.neutral)))
    np.add.at(dense, (np.arange(len(MIRROR))[:, None], model.keypoints.indices), _weights(model))
    return dense


def _weights(model: FaceModel) -> Floats:
    """The weights of points, (68, n), free of what rounding left of their sums."""
    weights = model.keypoints.weights.astype(np.float64)
    return weights / weights.sum(axis=1, keepdims=True)


def _around(places: Floats, target: Floats, weights: Floats) -> Longs:
    """The vertices nearest to a target, and those that are blended already."""
    near = np.argsort(np.linalg.norm(places - target, axis=1), kind="stable")[:NEAREST]
    return np.union1d(near, np.flatnonzero(weights))


def _blend(places: Floats, target: Floats, old: Floats) -> Floats:
    """Weights (M,) of places (M, 3), in mm, that lead to a target, near to old ones.

    Least squares with a sum of 1. On the way there from the old ones, a weight that comes to one of
    its bounds stays there, and the others go on (the method of active sets).
    """
    shares = old / old.sum()
    free = np.ones(len(old), bool)
    while free.sum() > 1:
        left = target - shares[~free] @ places[~free]
        best = _least(places[free], left, old[free], total=shares[free].sum())
        step = best - shares[free]
        bound = np.where(step > 0, MOST, LEAST)
        room = np.full(len(step), np.inf)
        np.divide(bound - shares[free], step, out=room, where=step != 0)
        first = int(room.argmin())
        shares[free] += np.clip(room[first], 0, 1) * step
        if room[first] >= 1:
            break
        free[np.flatnonzero(free)[first]] = False
    return shares


def _least(places: Floats, target: Floats, old: Floats, *, total: float) -> Floats:
    """Weights as of `_blend` with a given sum and without bounds."""
    ones = np.ones((len(places), 1))
    products = places @ places.T + STEADY_MM**2 * np.eye(len(places))
    system = np.block([[products, ones], [ones.T, np.zeros((1, 1))]])
    wanted = np.append(places @ target + STEADY_MM**2 * old, total)
    return np.asarray(np.linalg.solve(system, wanted)[:-1])


def _sparse(dense: Floats) -> Keypoints:
    """Keypoints of as few corners as the points need; unused ones are vertex 0 of weight 0."""
    corners = int((dense != 0).sum(axis=1).max())
    order = np.argsort(-np.abs(dense), axis=1, kind="stable")[:, :corners]
    weights = np.take_along_axis(dense, order, axis=1)
    return Keypoints(np.where(weights != 0, order, 0), weights)
