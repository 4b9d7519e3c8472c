"""Square windows that may hold a face, as rows x0, y0, x1, y1 of an array (N, 4)."""

import numpy as np
from numpy.typing import NDArray

Windows = NDArray[np.float64]
Scores = NDArray[np.float32]


def moved(windows: Windows, offsets: NDArray[np.float32]) -> Windows:
    """Windows whose edges are shifted by parts of their own width and height, (N, 4)."""
    sizes = windows[:, 2:] - windows[:, :2]
    return windows + offsets * np.tile(sizes, 2)


def squared(windows: Windows) -> Windows:
    """Squares about the same centers whose sides are the longer sides."""
    centers = (windows[:, :2] + windows[:, 2:]) / 2
    halves = (windows[:, 2:] - windows[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centers - halves, centers + halves], axis=1)


def best(
    windows: Windows, scores: Scores, overlap: float, *, of_smaller: bool = False
) -> NDArray[np.intp]:
    """The windows that no better one overlaps too much: their indices, the best first.

    Args:
        windows: (N, 4).
        scores: (N,); of equal ones the earlier is the better.
        overlap: how much may be shared, as intersection over union.
        of_smaller: take the intersection over the smaller window, so that none is in another.
    """
    order = np.argsort(-scores, kind="stable")
    low, high = windows[order, :2].T.copy(), windows[order, 2:].T.copy()
    areas = np.prod(high - low, axis=0)
    kept, left = [], np.arange(len(order))
    while len(left):
        i, left = left[0], left[1:]
        kept.append(i)
        sides = np.minimum(high[:, i : i + 1], high[:, left])
        sides -= np.maximum(low[:, i : i + 1], low[:, left])
        np.maximum(sides, 0, out=sides)
        shared, others = sides[0] * sides[1], areas[left]
        whole = np.minimum(areas[i], others) if of_smaller else areas[i] + others - shared
        left = left[shared <= overlap * whole]
    return order[kept]
