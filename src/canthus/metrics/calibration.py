"""Whether scores, ellipses and expected errors mean what they say.

Reliability tables of scores (Murphy and Winkler, 1977); how many errors the ellipses of their
covariances hold; risk and coverage of expected errors (Geifman and El-Yaniv, 2017): how wrong the
faces are that a model is surest of.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces.uncertainty import TAILS, squared_radius


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The landmarks whose score fell between two values.

    Attributes:
        low: the lowest score of the bin.
        high: the highest one, the next bin's lowest.
        count: how many landmarks.
        score: their mean score; NaN if there are none.
        hits: the share of them that was right; NaN if there are none.
    """

    low: float
    high: float
    count: int
    score: float
    hits: float


def reliability(scores: ArrayLike, hits: ArrayLike, num_bins: int = 10) -> list[ReliabilityBin]:
    """How often landmarks were right, against how often their scores said so.

    Args:
        scores: any shape, in [0, 1].
        hits: the same shape; whether each was right.
        num_bins: of equal width.

    Raises:
        ValueError: if the shapes differ or a score is not in [0, 1].

    Example:
        >>> for row in reliability([0.1, 0.2, 0.8, 0.9], [0, 1, 1, 1], num_bins=2):
        ...     print(row.count, round(row.score, 2), row.hits)
        2 0.15 0.5
        2 0.85 1.0
    """
    said, right = np.asarray(scores, np.float64).ravel(), np.asarray(hits).ravel().astype(bool)
    if said.shape != right.shape:
        raise ValueError(f"expected as many hits as scores, found {right.size} and {said.size}")
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("expected scores in [0, 1]")
    place = np.minimum((said * num_bins).astype(np.int64), num_bins - 1)
    counts = np.bincount(place, minlength=num_bins)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean
        mean = np.bincount(place, said, num_bins) / counts
        share = np.bincount(place, right, num_bins) / counts
    return [
        ReliabilityBin(i / num_bins, (i + 1) / num_bins, int(count), float(a), float(b))
        for i, (count, a, b) in enumerate(zip(counts, mean, share, strict=True))
    ]


def expected_gap(bins: Sequence[ReliabilityBin]) -> float:
    """The expected calibration error: the mean gap between score and share, by count.

    NaN if no landmark was scored.

    Example:
        >>> round(expected_gap(reliability([0.1, 0.2, 0.8, 0.9], [0, 1, 1, 1], num_bins=2)), 3)
        0.25
    """
    total = sum(row.count for row in bins)
    if not total:
        return float("nan")
    return sum(row.count * abs(row.score - row.hits) for row in bins if row.count) / total


LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the ellipses of one level hold.

    Attributes:
        level: the share of errors that they are to hold.
        held: the share that they hold.
    """

    level: float
    held: float


def coverage(
    offsets: ArrayLike,
    covariances: ArrayLike,
    levels: Sequence[float] = LEVELS,
    *,
    tails: float = TAILS,
) -> list[Coverage]:
    """How many errors lie in the ellipses that promise to hold a share of them.

    Args:
        offsets: (..., 2), truth less answer; those of NaN do not count.
        covariances: (..., 2, 2), positive definite; those of NaN do not count.
        levels: the shares, each in (0, 1).
        tails: degrees of freedom of the errors, as `faces.uncertainty` has them; infinity for a
            Gaussian's.

    Returns:
        For each level what is held; NaN if nothing counts.

    Raises:
        ValueError: if the shapes differ, a level is no share, or a matrix is no covariance.

    Example:
        >>> coverage([(0, 1), (0, 3)], [[[1, 0], [0, 1]], [[1, 0], [0, 4]]], levels=(0.5, 0.95))
        [Coverage(level=0.5, held=0.5), Coverage(level=0.95, held=1.0)]
    """
    apart, matrices = np.asarray(offsets, np.float64), np.asarray(covariances, np.float64)
    if matrices.shape != (*apart.shape, 2) or apart.shape[-1:] != (2,):
        raise ValueError(
            f"expected offsets (..., 2) and covariances (..., 2, 2), found {apart.shape} and "
            f"{matrices.shape}"
        )
    if not all(0 < level < 1 for level in levels):
        raise ValueError(f"expected levels above 0 and below 1, found {tuple(levels)}")
    known = np.isfinite(apart).all(axis=-1) & np.isfinite(matrices).all(axis=(-2, -1))
    (x, y), (xx, xy, _, yy) = apart[known].T, matrices[known].reshape(-1, 4).T
    area = xx * yy - xy * xy
    if not ((area > 0) & (xx > 0)).all():
        raise ValueError("expected covariances that are positive definite")
    distance = (yy * x * x - 2 * xy * x * y + xx * y * y) / area
    limits = [squared_radius(level, tails) for level in levels]
    held = [float((distance <= limit).mean()) if known.any() else math.nan for limit in limits]
    return [Coverage(*pair) for pair in zip(levels, held, strict=True)]


def risk_curve(errors: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """The mean error of the k faces of which a model expects the least, for k = 1 to N, (N,).

    Args:
        errors: (N,) of faces; a missed face is infinite, and so is the curve from there on.
        expected: (N,) by the model itself, in any unit; equal ones stay in the order given.

    Raises:
        ValueError: if there are not as many of both, no face, or a value is NaN.

    Example:
        >>> risk_curve([0.4, 0.1, 0.1], [9, 1, 2])
        array([0.1, 0.1, 0.2])
    """
    values, order = np.asarray(errors, np.float64), np.asarray(expected, np.float64)
    if values.ndim != 1 or values.shape != order.shape or not len(values):
        raise ValueError(f"expected errors (N,) twice, found {values.shape} and {order.shape}")
    if np.isnan(values).any() or np.isnan(order).any():
        raise ValueError("expected errors that are numbers, found NaN; a miss is infinite")
    ranked = values[np.argsort(order, kind="stable")]
    return np.cumsum(ranked) / np.arange(1, len(ranked) + 1)


def aurc(errors: ArrayLike, expected: ArrayLike) -> float:
    """The area under the risk-coverage curve: its mean over all coverages; less is better.

    Example:
        >>> round(aurc([0.4, 0.1, 0.1], [9, 1, 2]), 4)
        0.1333
    """
    return float(risk_curve(errors, expected).mean())


def risk_at_coverage(errors: ArrayLike, expected: ArrayLike, coverage: float) -> float:
    """The mean error of the share of faces of which a model expects the least.

    Raises:
        ValueError: if the coverage is not above 0 and at most 1.

    Example:
        >>> risk_at_coverage([0.4, 0.1, 0.1, 0.2], [9, 1, 2, 3], 0.5)
        0.1
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"expected a coverage above 0 and at most 1, found {coverage}")
    curve = risk_curve(errors, expected)
    return float(curve[max(1, round(coverage * len(curve))) - 1])


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """How alike two lists of numbers rank the same faces: 1 if alike, -1 if the other way around.

    Spearman's coefficient: the correlation of ranks, of which equal numbers share the mean. NaN
    for fewer than two faces, or where all numbers of a list are equal.

    Args:
        first: (N,).
        second: (N,), in any unit.

    Raises:
        ValueError: if there are not as many of both, or a value is NaN.

    Example:
        >>> spearman([0.1, 0.2, 0.3], [5, 9, 7])
        0.5
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"expected numbers (N,) twice, found {one.shape} and {other.shape}")
    if np.isnan(one).any() or np.isnan(other).any():
        raise ValueError("expected numbers, found NaN")
    apart = [ranks - ranks.mean() if len(ranks) else ranks for ranks in map(_ranks, (one, other))]
    scale = math.sqrt(float((apart[0] ** 2).sum() * (apart[1] ** 2).sum()))
    return float((apart[0] * apart[1]).sum()) / scale if scale else math.nan


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places], np.float64)
