"""Normalized mean error: how far the landmarks are from the truth, in units of the face.

The error of a face is the mean distance of its landmarks from the truth, divided by a length of
that face (`normalizers`); the error of a set is the mean over its faces (300-W, Sagonas et al.,
2013). Landmarks whose truth is not known are left out. A landmark that has a truth but no
prediction is infinitely wrong, so that a missed face fails and is never dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Visibility:
    """The errors of visible and of hidden landmarks apart; fractions.

    Attributes:
        share: of the landmarks with a truth that are visible.
        visible: the mean over faces of the mean error of their visible landmarks.
        hidden: the same of the hidden ones; NaN if there are none.
        none_visible: how many faces have no visible landmark, and so no part in `visible`.
        none_hidden: how many have no hidden one.
    """

    share: float
    visible: float
    hidden: float
    none_visible: int = 0
    none_hidden: int = 0


def landmark_errors(
    prediction: ArrayLike, truth: ArrayLike, visible: ArrayLike | None = None
) -> Array:
    """The distance of every landmark from its truth, (N, L), in the unit of the points.

    NaN where a landmark is not scored, infinity where it has a truth but was not predicted.

    Args:
        prediction: (N, L, D); NaN where nothing was found.
        truth: (N, L, D); NaN where it is not known.
        visible: (N, L) flags; landmarks without it are not scored.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> truth = [[[0, 0], [10, 0], [np.nan, np.nan]], [[0, 0], [10, 0], [5, 5]]]
        >>> found = [[[3, 4], [10, 0], [5, 5]], [[np.nan, np.nan], [10, 1], [5, 5]]]
        >>> landmark_errors(found, truth)
        array([[ 5.,  0., nan],
               [inf,  1.,  0.]])
    """
    found, known = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if found.ndim != 3 or found.shape != known.shape:
        raise ValueError(
            f"expected prediction and truth of one shape (N, L, D), found {found.shape} "
            f"and {known.shape}"
        )
    missed = np.isnan(found).any(axis=2)
    scored = np.isfinite(known).all(axis=2)
    if visible is not None:
        flags = np.asarray(visible)
        if flags.shape != scored.shape:
            raise ValueError(f"expected visible of shape {scored.shape}, found {flags.shape}")
        scored &= flags.astype(bool)
    away = _lengths(found - known)
    away[missed] = np.inf
    away[~scored] = np.nan
    return away


def nme(errors: ArrayLike, normalizer: ArrayLike) -> Array:
    """The normalized mean error of each face, (N,), over its scored landmarks.

    Args:
        errors: (N, L) of `landmark_errors`.
        normalizer: (N,) lengths in the same unit.

    Raises:
        ValueError: if a face has no scored landmark, or the lengths are not N positive numbers.

    Example:
        >>> nme([[5, 0, np.nan], [np.inf, 1, 0]], [50, 50])
        array([0.05,  inf])
    """
    table = _normalized(errors, normalizer)
    scored = ~np.isnan(table)
    if not (some := scored.any(axis=1)).all():
        raise ValueError(f"no landmark to score in faces {_first(np.logical_not(some))}")
    return np.where(scored, table, 0.0).sum(axis=1) / scored.sum(axis=1)


def nme_per_landmark(errors: ArrayLike, normalizer: ArrayLike) -> Array:
    """The mean error of each landmark, (L,), over the faces where it was found.

    NaN for a landmark that no face could score. Misses have no place here: count them apart.

    Example:
        >>> nme_per_landmark([[5, 1, np.nan], [np.inf, 3, np.nan]], [50, 50])
        array([0.1 , 0.04,  nan])
    """
    return _mean_of_finite(_normalized(errors, normalizer), axis=0)


def nme_per_part(
    errors: ArrayLike, normalizer: ArrayLike, parts: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    """The mean over faces of the mean error of each named part, over what was found.

    Args:
        errors: (N, L) of `landmark_errors`.
        normalizer: (N,) lengths in the same unit.
        parts: the indices of each part, as a scheme has them.

    Example:
        >>> nme_per_part([[4, 2, 3], [np.inf, np.inf, 4]], [50, 50], {"nose": [0, 1], "chin": [2]})
        {'nose': 0.06, 'chin': 0.07}
    """
    table = _normalized(errors, normalizer)
    faces = {name: _mean_of_finite(table[:, list(part)], axis=1) for name, part in parts.items()}
    return {name: float(_mean_of_finite(each, axis=0)) for name, each in faces.items()}


def nme_by_visibility(errors: ArrayLike, normalizer: ArrayLike, visible: ArrayLike) -> Visibility:
    """The mean errors of visible and of hidden landmarks, over what was found.

    A face without any visible (hidden) landmark takes no part in that mean, and is counted.

    Args:
        errors: (N, L) of `landmark_errors`.
        normalizer: (N,) lengths in the same unit.
        visible: (N, L) flags.

    Raises:
        ValueError: if the flags are not of the errors' shape.

    Example:
        >>> nme_by_visibility([[4, 2, 6]], [100], [[True, True, False]])  # doctest: +ELLIPSIS
        Visibility(share=0.66..., visible=0.03, hidden=0.06, none_visible=0, none_hidden=0)
    """
    table, flags = _normalized(errors, normalizer), np.asarray(visible).astype(bool)
    if flags.shape != table.shape:
        raise ValueError(f"expected visible of shape {table.shape}, found {flags.shape}")
    known = ~np.isnan(table)
    kinds = (known & flags, known & ~flags)
    visible, hidden = (
        float(_mean_of_finite(_mean_of_finite(np.where(some, table, np.nan), axis=1), axis=0))
        for some in kinds
    )
    none_visible, none_hidden = (int((~some.any(axis=1)).sum()) for some in kinds)
    share = float(flags[known].mean()) if known.any() else float("nan")
    return Visibility(share, visible, hidden, none_visible, none_hidden)


def _lengths(vectors: Array) -> Array:
    """The lengths of vectors (N, L, D), (N, L); these tables are the largest of an evaluation."""
    squares = np.einsum("nld,nld->nl", vectors, vectors)
    return np.sqrt(squares, out=squares)


def _normalized(errors: ArrayLike, normalizer: ArrayLike) -> Array:
    table, lengths = np.asarray(errors, np.float64), np.asarray(normalizer, np.float64)
    if table.ndim != 2 or lengths.shape != table.shape[:1]:
        raise ValueError(
            f"expected errors (N, L) and lengths (N,), found {table.shape} and {lengths.shape}"
        )
    if not (good := np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError(f"expected lengths above 0, found another in faces {_first(~good)}")
    return table / lengths[:, None]


def _mean_of_finite(values: Array, axis: int) -> Array:
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    mean = np.where(finite, values, 0.0).sum(axis=axis) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)


def _first(flags: NDArray[np.bool_], most: int = 5) -> str:
    """The indices of the first flags that are set, for a message."""
    indices = np.flatnonzero(flags)
    return ", ".join(map(str, indices[:most])) + (", ..." if len(indices) > most else "")
