"""The length that divides the error: it must be named, since it moves the same figure by half.

| name | length | used by |
| --- | --- | --- |
| inter_ocular | between the outer corners of the eyes | 300-W, WFLW, COFW, LaPa |
| inter_pupil | between the pupils, or the means of the eyes | older 300-W work, COFW |
| corner_mid | between the middles of each eye's corners | a few papers |
| eye_centers | between the eyes' centers if marked (106 points), else the same | others |
| box_size | sqrt(w * h) of the tight box around the truth | AFLW2000-3D, COFW-68, MERL-RAV |
| box_diagonal | diagonal of the same box | Menpo 2D |
| box_side | longer side of the same box | some AFLW |
| given_box_size | sqrt(w * h) of the box that came with the face | JD-landmark, AFLW crops |
| given_box_diagonal | diagonal of that box | AFLW with 19 points |
| given_box_side | longer side of that box | AFLW with 19 points |
| given | a length that came with the face | anything else |

"Eye centers" means `corner_mid` in some papers and `inter_pupil` in others; the two agree to
about one per cent.
"""

import math
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


def eye_centers(truth: ArrayLike, scheme: LandmarkScheme) -> Array:
    """The distance between the eyes' centers, (N,): as marked, or else as `corner_mid`.

    Raises:
        ValueError: if the scheme has neither, or a face's is 0 or not known.
    """
    marked = "eye_center" in scheme.normalizers
    return _between("eye_center" if marked else "corner_mid", truth, scheme)


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
    return _checked("box_size", np.sqrt(_spans(truth).prod(axis=1)))


def box_diagonal(truth: ArrayLike) -> Array:
    """The diagonal of the tight box around the known points of each face, (N,).

    Raises:
        ValueError: if a face has not two known points.

    Example:
        >>> box_diagonal([[[0, 0], [3, 4]]])
        array([5.])
    """
    return _checked("box_diagonal", np.sqrt((_spans(truth) ** 2).sum(axis=1)))


def box_side(truth: ArrayLike) -> Array:
    """The longer side of the tight box around the known points of each face, (N,).

    Raises:
        ValueError: if a face has not two known points.

    Example:
        >>> box_side([[[0, 0], [3, 4]]])
        array([4.])
    """
    return _checked("box_side", _spans(truth).max(axis=1))


def given_box_size(boxes: Boxes) -> Array:
    """sqrt(w * h) of boxes that came with the faces, (N,).

    Example:
        >>> given_box_size([Box(0, 0, 8, 2)])
        array([4.])
    """
    return np.array([box.size for box in boxes], np.float64)


def given_box_diagonal(boxes: Boxes) -> Array:
    """The diagonal of boxes that came with the faces, (N,).

    Example:
        >>> given_box_diagonal([Box(0, 0, 3, 4)])
        array([5.])
    """
    return np.array([math.hypot(box.width, box.height) for box in boxes], np.float64)


def given_box_side(boxes: Boxes) -> Array:
    """The longer side of boxes that came with the faces, (N,).

    Example:
        >>> given_box_side([Box(0, 0, 3, 4)])
        array([4.])
    """
    return np.array([box.side for box in boxes], np.float64)


def distances(
    name: str,
    truth: ArrayLike,
    scheme: LandmarkScheme,
    boxes: Boxes | None = None,
    *,
    given: ArrayLike | None = None,
) -> Array:
    """The lengths of the normalizer of this name, (N,) in pixels.

    Args:
        name: one of `NORMALIZERS`, or another that the scheme has.
        truth: (N, L, D) in pixels; NaN where it is not known.
        scheme: of the truth.
        boxes: N, for the normalizers that begin with `given_box`.
        given: (N,) lengths in pixels, for the normalizer `given`.

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
    if name not in NORMALIZERS and name in scheme.normalizers:
        return _between(name, truth, scheme)
    if name not in NORMALIZERS:
        raise ValueError(f"unknown normalizer {name!r}; known are {', '.join(NORMALIZERS)}")
    if name == "given":
        return _lengths(given, len(_faces(truth)))
    lengths = _MEASURES[name](truth, scheme, boxes)
    if (faces := len(_faces(truth))) != len(lengths):
        raise ValueError(f"{name}: expected {faces} boxes, one a face, found {len(lengths)}")
    return lengths


Measure = Callable[[ArrayLike, LandmarkScheme, Boxes | None], Array]


def _of_points(measure: Callable[[ArrayLike], Array]) -> Measure:
    return lambda truth, _, __: measure(truth)


def _of_eyes(measure: Callable[[ArrayLike, LandmarkScheme], Array]) -> Measure:
    return lambda truth, scheme, _: measure(truth, scheme)


def _of_boxes(measure: Callable[[Boxes], Array]) -> Measure:
    def length(truth: ArrayLike, scheme: LandmarkScheme, boxes: Boxes | None) -> Array:
        if boxes is None:
            raise ValueError(f"{measure.__name__}: expected a box for each face, found none")
        return measure(boxes)

    return length


_MEASURES: dict[str, Measure] = {
    "inter_ocular": _of_eyes(inter_ocular),
    "inter_pupil": _of_eyes(inter_pupil),
    "corner_mid": _of_eyes(corner_mid),
    "eye_centers": _of_eyes(eye_centers),
    "box_size": _of_points(box_size),
    "box_diagonal": _of_points(box_diagonal),
    "box_side": _of_points(box_side),
    "given_box_size": _of_boxes(given_box_size),
    "given_box_diagonal": _of_boxes(given_box_diagonal),
    "given_box_side": _of_boxes(given_box_side),
}
NORMALIZERS = (*_MEASURES, "given")


def _lengths(given: ArrayLike | None, faces: int) -> Array:
    """Lengths that came with the faces, one each."""
    if given is None:
        raise ValueError("given: expected a length for each face, found none")
    lengths = np.asarray(given, np.float64)
    if lengths.shape != (faces,):
        raise ValueError(f"given: expected {faces} lengths, one a face, found {lengths.shape}")
    return _checked("given", lengths)


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


def _spans(truth: ArrayLike) -> Array:
    """Width and height of the tight box around the known points of each face, (N, 2)."""
    points = _faces(truth)[:, :, :2]
    known = np.isfinite(points)
    high = np.where(known, points, -np.inf).max(axis=1)
    low = np.where(known, points, np.inf).min(axis=1)
    return np.maximum(high - low, 0.0)  # of no known point at all it is -inf


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
