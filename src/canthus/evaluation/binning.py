"""Errors of faces by a condition: the mean and the share of failures in bins of its values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

QUANTILES = 8  # bins of about as many faces each
NEARLY = 1e-3  # of the range of most values: less is no difference
Z95 = 1.96  # standard errors to either side that hold 95 %


@dataclass(frozen=True, slots=True)
class Bin:
    """The faces whose condition lies between two values.

    Attributes:
        low: where the bin begins.
        high: where it ends.
        middle: the median of the values in it.
        count: how many faces.
        mean: the mean error of those that were found; NaN if none was.
        spread: half the width of its 95 % interval; NaN for fewer than two faces.
        failed: the share whose error is above the threshold, misses included.
        between: the 95 % interval of that share (Wilson, 1927).
    """

    low: float
    high: float
    middle: float
    count: int
    mean: float
    spread: float
    failed: float
    between: tuple[float, float]


def bins_of(
    values: ArrayLike, errors: ArrayLike, threshold: float, edges: Sequence[float] | None = None
) -> list[Bin]:
    """The bins of a condition, by rising value; those without a face are left out.

    Args:
        values: (N,) of the condition; faces whose value is NaN are left out.
        errors: (N,) fractions; infinite where a face was missed.
        threshold: above which a face has failed.
        edges: of the bins, what lies beyond counts in the outer ones; by quantiles if None.

    Raises:
        ValueError: if there are not as many values as errors.
    """
    value, error = np.asarray(values, np.float64), np.asarray(errors, np.float64)
    if value.shape != error.shape or value.ndim != 1:
        raise ValueError(f"expected a value for each error, found {value.shape} and {error.shape}")
    known = np.isfinite(value)
    value, error = value[known], error[known]
    if not len(value):
        return []
    limits = _quantiles(value) if edges is None else np.asarray(edges, np.float64)
    place = np.searchsorted(limits[1:-1], value, side="right")
    return [
        _bin(
            (float(limits[i]), float(limits[i + 1])),
            value[place == i],
            error[place == i],
            threshold,
        )
        for i in np.unique(place)
    ]


def _quantiles(value: Array) -> Array:
    """Edges of bins that hold about as many faces each; values that are nearly equal share one."""
    low, *inner, high = np.quantile(value, np.linspace(0, 1, QUANTILES + 1)).tolist()
    least = NEARLY * ((inner[-1] - inner[0]) or (high - low))
    edges = [low]
    for edge in inner:
        if edge - edges[-1] > least and high - edge > least:
            edges.append(edge)
    return np.array([*edges, high])


def _bin(limits: tuple[float, float], value: Array, error: Array, threshold: float) -> Bin:
    found = error[np.isfinite(error)]
    some = len(found) > 1
    spread = Z95 * float(found.std(ddof=1)) / math.sqrt(len(found)) if some else math.nan
    failed = float((error > threshold).mean())
    return Bin(
        low=limits[0],
        high=limits[1],
        middle=float(np.median(value)),
        count=len(value),
        mean=float(found.mean()) if len(found) else math.nan,
        spread=spread,
        failed=failed,
        between=_wilson(failed, len(value)),
    )


def _wilson(share: float, count: int) -> tuple[float, float]:
    square = Z95**2 / count
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
