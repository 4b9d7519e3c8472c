"""The mean face of a data set: its shape alone, without place, size and turn (Gower, 1975)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Plane = NDArray[np.complex128]  # x + i y: a similarity is a product and a sum

ROUNDS = 6
FEWEST = 3  # points that a face shares with the mean; two fit any face
MOST = 4000  # faces that the mean is taken over; more do not change it visibly


def mean_face(truth: ArrayLike) -> NDArray[np.float64]:
    """The mean shape (L, 2) of faces: centered, as upright as they stand on average.

    The root mean square distance from its center is 1. NaN for a point that no face knows.

    Args:
        truth: (N, L, 2) in pixels, y down; NaN where a point is not known.

    Raises:
        ValueError: if the shape is another.
    """
    points = np.asarray(truth, np.float64)
    if points.ndim != 3 or points.shape[2] < 2:
        raise ValueError(f"expected the points of faces (N, L, 2), found {points.shape}")
    points = points[:: -(-len(points) // MOST) or 1]
    known = np.isfinite(points[..., 0]) & np.isfinite(points[..., 1])
    faces = np.where(known, points[..., 0] + 1j * points[..., 1], 0)
    some = known.sum(axis=1) >= FEWEST
    mean = _aligned_mean(faces[some], known[some])
    return np.stack([mean.real, mean.imag], axis=1)


def _aligned_mean(faces: Plane, known: NDArray[np.bool_]) -> Plane:
    """The mean (L,) of faces (N, L), each moved onto it as well as its known points allow."""
    if not len(faces):
        return np.full(faces.shape[1], complex(np.nan, np.nan))
    fullest = int(np.argmax(known.sum(axis=1)))
    mean = _unit(np.where(known[fullest], faces[fullest], complex(np.nan, np.nan)))
    for _ in range(ROUNDS):
        moved, turns, used = _moved_onto(mean, faces, known)
        count = used.sum(axis=0)
        total = np.where(used, moved, 0).sum(axis=0)
        fresh = np.where(count > 0, total / np.maximum(count, 1), mean)
        mean = _unit(fresh * _phase(turns.conj().sum()))
    return mean


def _moved_onto(
    mean: Plane, faces: Plane, known: NDArray[np.bool_]
) -> tuple[Plane, Plane, NDArray[np.bool_]]:
    """The faces (N, L) brought onto the mean, their turns (N,), and what can be used of them."""
    shared = known & np.isfinite(mean)
    count = np.maximum(shared.sum(axis=1), 1)[:, None]
    goal = np.where(shared, mean, 0)
    middle = np.where(shared, faces, 0).sum(axis=1)[:, None] / count
    wanted = goal.sum(axis=1)[:, None] / count
    centered = faces - middle
    here = np.where(shared, centered, 0)
    spread = (here.real**2 + here.imag**2).sum(axis=1)
    usable = (shared.sum(axis=1) >= FEWEST) & (spread > 0)
    factor = (here.conj() * (goal - wanted)).sum(axis=1) / np.where(usable, spread, 1)
    turns = np.where(usable, factor / np.maximum(np.abs(factor), 1e-300), 0)
    return wanted + factor[:, None] * centered, turns, known & usable[:, None]


def _unit(mean: Plane) -> Plane:
    """The shape about its center, at a root mean square distance of 1; a point stays a point."""
    known = np.isfinite(mean)
    centered = mean - mean[known].mean()
    size = float(np.sqrt((np.abs(centered[known]) ** 2).mean()))
    return centered / size if size > 0 else centered


def _phase(value: complex) -> complex:
    return value / abs(value) if abs(value) > 0 else 1.0
