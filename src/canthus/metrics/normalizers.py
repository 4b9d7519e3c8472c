"""The length that divides the error: it must be named, since it moves the same figure by half.

| name | length | used by |
| --- | --- | --- |
| inter_ocular | between the outer corners of the eyes | 300-W, WFLW, COFW |
| inter_pupil | between the pupils, or the means of the eyes | older 300-W work, COFW |
| corner_mid | between the middles of each eye's corners | a few papers |
| box_size | sqrt(w * h) of the tight box around the truth | AFLW2000-3D, COFW-68, MERL-RAV |
| given_box_size | sqrt(w * h) of the box that came with the face | JD-landmark, AFLW crops |
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces import LandmarkScheme
from canthus.geometry import Box

Array = NDArray[np.float64]
Boxes = Sequence[Box]


def inter_ocular(truth: ArrayLike, scheme: LandmarkScheme) -> Array:
    """The distance between the outer eye corners, (N,), of faces (N, L, D).

    Raises:
        ValueError: if the scheme has none, or a face's is 0 or not known.
    """
    return _between("inter_ocular", truth, scheme)


def inter_pupil(truth: ArrayLike, scheme: LandmarkScheme) -> Array:
    """The distance between the pupils, or the means of the eyes' outlines, (N,).

    Raises:
        ValueError: if the scheme has none, or a face's is 0 or not known.
    """
    return _between("inter_pupil", truth, scheme)


def corner_mid(truth: ArrayLike, scheme: LandmarkScheme) -> Array:
    """The distance between the middles of each eye's two corners, (N,).

    Raises:
        ValueError: if the scheme has none, or a face's is 0 or not known.
    """
    return _between("corner_mid", truth, scheme)


def box_size(truth: ArrayLike) -> Array:
    """sqrt(w * h) of the tight box around the known points of each face, (N,).

    Args:
        truth: (N, L, D) in pixels; NaN where it is not known.

    Raises:
        ValueError: if a face's known points span no area.

    Example:
        >>> box_size([[[0, 0], [8, 2], [np.nan, np.nan]]])
        array([4.])
    """
    points = _faces(truth)[:, :, :2]
    known = np.isfinite(points)
    high = np.where(known, points, -np.inf).max(axis=1)
    low = np.where(known, points, np.inf).min(axis=1)
    spans = np.maximum(high - low, 0.0)  # of no known point at all it is -inf
    return _checked("box_size", np.sqrt(spans[:, 0] * spans[:, 1]))


def given_box_size(boxes: Boxes) -> Array:
    """sqrt(w * h) of boxes that came with the faces, (N,).

    Example:
        >>> given_box_size([Box(0, 0, 8, 2)])
        array([4.])
    """
    return np.array([box.size for box in boxes], np.float64)


def distances(
    name: str, truth: ArrayLike, scheme: LandmarkScheme, boxes: Boxes | None = None
) -> Array:
    """The lengths of the normalizer of this name, (N,) in pixels.

    Args:
        name: one of `NORMALIZERS`.
        truth: (N, L, D) in pixels; NaN where it is not known.
        scheme: of the truth.
        boxes: N, for `given_box_size`.

    Raises:
        ValueError: naming the normalizers if it is none of them, or the faces whose length is
            0 or not known.

    Example:
        >>> from canthus.faces import SCHEMES
        >>> truth = np.zeros((1, 5, 2))
        >>> truth[0, 1] = 30, 40
        >>> distances("inter_pupil", truth, SCHEMES["5"])
        array([50.])
    """
    if name not in NORMALIZERS:
        raise ValueError(f"unknown normalizer {name!r}; known are {', '.join(NORMALIZERS)}")
    lengths = NORMALIZERS[name](truth, scheme, boxes)
    if (faces := len(_faces(truth))) != len(lengths):
        raise ValueError(f"{name}: expected {faces} boxes, one a face, found {len(lengths)}")
    return lengths


def _given(truth: ArrayLike, scheme: LandmarkScheme, boxes: Boxes | None) -> Array:
    if boxes is None:
        raise ValueError("given_box_size: expected a box for each face, found none")
    return given_box_size(boxes)


NORMALIZERS: dict[str, Callable[[ArrayLike, LandmarkScheme, Boxes | None], Array]] = {
    "inter_ocular": lambda truth, scheme, _: inter_ocular(truth, scheme),
    "inter_pupil": lambda truth, scheme, _: inter_pupil(truth, scheme),
    "corner_mid": lambda truth, scheme, _: corner_mid(truth, scheme),
    "box_size": lambda truth, _, __: box_size(truth),
    "given_box_size": _given,
}


def _between(name: str, truth: ArrayLike, scheme: LandmarkScheme) -> Array:
    if name not in scheme.normalizers:
        raise ValueError(
            f"scheme {scheme.name} has no {name}; it has {', '.join(scheme.normalizers) or 'none'}"
        )
    points = _faces(truth)
    if points.shape[1] != scheme.num_landmarks:
        raise ValueError(
            f"scheme {scheme.name} has {scheme.num_landmarks} points, found {points.shape[1]}"
        )
    right, left = scheme.normalizers[name]
    apart = points[:, list(left)].mean(axis=1) - points[:, list(right)].mean(axis=1)
    return _checked(name, np.sqrt((apart**2).sum(axis=1)))


def _faces(truth: ArrayLike) -> Array:
    points = np.asarray(truth, np.float64)
    if points.ndim != 3 or points.shape[2] < 2:
        raise ValueError(
            f"expected the points of faces (N, L, 2) or (N, L, 3), found {points.shape}"
        )
    return points


def _checked(name: str, lengths: Array) -> Array:
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if len(bad):
        which = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        raise ValueError(f"{name} is 0 or not known in {len(bad)} faces: {which}")
    return lengths
