"""What a set of errors looks like: failure rate, area under the curve, the curve, percentiles.

All of them take the errors of faces, (N,), as fractions; a missed face is an infinite error.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def failure_rate(errors: ArrayLike, threshold: float) -> float:
    """The share of faces whose error is above the threshold.

    Raises:
        ValueError: if there is no face, or an error is NaN or below 0.

    Example:
        >>> failure_rate([0.02, 0.08, 0.09, np.inf], 0.08)
        0.5
    """
    return float((_checked(errors) > threshold).mean())


def auc(errors: ArrayLike, threshold: float) -> float:
    """The exact area under the cumulative error curve up to the threshold, in [0, 1].

    The curve is a step function, so the area is mean(max(0, 1 - error / threshold)).

    Raises:
        ValueError: if there is no face, or an error is NaN or below 0.

    Example:
        >>> auc([0.02, 0.04, np.inf, np.inf], 0.08)
        0.3125
    """
    return float(np.maximum(0.0, 1.0 - _checked(errors) / threshold).mean())


def auc_step_sum(errors: ArrayLike, threshold: float, steps: int = 1000) -> float:
    """The area as a sum over equal steps: the mean of the shares at the end of each step.

    What a loop over thresholds gives: never below the exact area, above it by less than a step
    (a thousandth with 1000 of them), on average by half of one. The code of FAN (Bulat and
    Tzimiropoulos, ICCV 2017) takes the shares at the beginnings of 70 steps up to 0.07 instead,
    and is too low by up to one of those steps, 0.014.

    Raises:
        ValueError: if there is no face, an error is NaN or below 0, or there is no step.

    Example:
        >>> auc_step_sum([0.02, 0.06], 0.08, steps=4)
        0.75
    """
    if steps < 1:
        raise ValueError(f"expected one step at least, found {steps}")
    return float(_shares(errors, _grid(threshold, steps)[1:]).mean())


def auc_trapezoid(errors: ArrayLike, threshold: float, step: float = 0.005) -> float:
    """The area as L-GRN's evaluation has it (Lin et al., TIP 2021).

    Trapezoids over the shares at step, 2 step, ... up to the threshold, divided by the threshold:
    what lies below the first step is left out, so at a threshold of 0.10 a perfect model has 0.95.
    Real models have hardly a face there: on WFLW it is within 0.0005 of the exact area, to either
    side. NaN if the threshold is not a whole number of steps, two at least.

    Example:
        >>> round(auc_trapezoid([0.0, 0.0], 0.1), 4)
        0.95
    """
    steps = round(threshold / step)
    if steps < 2 or abs(steps * step - threshold) > 1e-9:
        return float("nan")
    # Not rounded to decimals: an error of just 0.05 is beyond its tenth place, as it is in theirs.
    shares = _shares(errors, step + step * np.arange(steps, dtype=np.float64))
    return float(((shares[1:] + shares[:-1]) / 2).sum() / steps)


def auc_simpson(errors: ArrayLike, threshold: float, step: float = 0.0001) -> float:
    """The area by Simpson's rule, as the code of ADNet, STAR and LDEQ has it.

    Over the shares at 0, step, 2 step, ... up to the threshold; an odd number of steps is made
    even by making them a little longer. Simpson's rule is for smooth curves: on a staircase each
    face is off by two thirds of a step at most, thousands of faces together by about 0.00001.
    Their code takes one step too many where the threshold plus a step, in floating point, lies
    above the step after the threshold: so at 0.05 and 0.07, where its area is too high by that
    step, up to 0.002; at 0.06, 0.08 and 0.10 it is this one.

    Raises:
        ValueError: if there is no face, or an error is NaN or below 0.

    Example:
        >>> round(auc_simpson([0.0, 0.0], 0.1), 4)
        1.0
    """
    half = max(1, int(threshold / step / 2 + 1e-9))
    shares = _shares(errors, _grid(threshold, 2 * half))
    inner = 4 * shares[1::2].sum() + 2 * shares[2:-1:2].sum()
    return float((shares[0] + inner + shares[-1]) / (6 * half))


def auc_histogram(errors: ArrayLike, threshold: float, bins: int = 10_000) -> float:
    """The area as SPIGA's evaluation has it (Prados-Torreblanca et al., BMVC 2022).

    The errors are counted in equal bins between the smallest and the largest of them; the curve
    runs through (left edge of a bin, share up to that bin's right edge), so it stands up to one
    bin too high; its area is taken by trapezoids over the edges below the threshold (they use
    Simpson's rule, which differs by some 1e-6) and, if no error lies above, by 1 from there to
    the threshold. The bins depend on the worst face, so does the figure: use `auc` for anything
    but comparing with that code. Missed faces count in the share, not in the bins.

    Example:
        >>> round(auc_histogram([0.02, 0.04, 0.06], 0.08), 4)
        0.5
    """
    values = _checked(errors)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0
    counts, edges = np.histogram(finite, bins)
    below = edges[:-1] < threshold
    if not below.any():
        return 0.0
    shares, edges = np.cumsum(counts)[below] / len(values), edges[:-1][below]
    area = float(((shares[1:] + shares[:-1]) / 2 * np.diff(edges)).sum())
    if shares[-1] == 1:
        area += threshold - float(edges[-1])
    return area / threshold


def ced(errors: ArrayLike) -> tuple[Array, Array]:
    """The cumulative error distribution: where it steps, and the share of faces up to there.

    It begins at (0, 0 or the share of perfect faces) and ends below 1 if faces were missed.

    Returns:
        Errors (K,), rising, and shares (K,).

    Example:
        >>> ced([0.02, 0.04, 0.04, np.inf])
        (array([0.  , 0.02, 0.04]), array([0.  , 0.25, 0.75]))
    """
    values = _checked(errors)
    steps = np.unique(np.append(values[np.isfinite(values)], 0.0))
    return steps, np.searchsorted(np.sort(values), steps, side="right") / len(values)


def percentiles(errors: ArrayLike, percents: Sequence[float] = (50, 90, 95, 99)) -> Array:
    """The error that so many percent of the faces stay below, linear between two faces.

    Infinite where a missed face takes part.

    Example:
        >>> percentiles([0.01, 0.02, 0.03, 0.04, np.inf], (50, 75, 90))
        array([0.03, 0.04,  inf])
    """
    values = np.sort(_checked(errors))
    place = np.asarray(percents, np.float64) / 100 * (len(values) - 1)
    if place.size and not (place.min() >= 0 and place.max() <= len(values) - 1):
        raise ValueError(f"expected percents from 0 to 100, found {tuple(percents)}")
    low = np.floor(place).astype(np.int64)
    return between(values[low], values[np.minimum(low + 1, len(values) - 1)], place - low)


def between(lower: Array, upper: Array, part: Array) -> Array:
    """What lies a part of the way from lower to upper; infinite if upper is and takes part."""
    step = np.where(np.isfinite(upper), upper, 0.0) - np.where(np.isfinite(lower), lower, 0.0)
    reached = np.where(np.isfinite(upper), lower + part * step, np.inf)
    return np.where(part > 0, reached, lower)


def _grid(threshold: float, steps: int) -> Array:
    """0, ..., threshold in equal steps, each the double nearest to its decimal."""
    inner = np.round(threshold * np.arange(steps) / steps, 12)
    return np.append(inner, threshold)


def _shares(errors: ArrayLike, places: Array) -> Array:
    """The share of faces up to each place."""
    values = np.sort(_checked(errors))
    return np.searchsorted(values, places, side="right") / len(values)


def _checked(errors: ArrayLike) -> Array:
    values = np.asarray(errors, np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"expected the errors of faces (N,), found shape {values.shape}")
    if not (values >= 0).all():  # false for NaN too
        raise ValueError("expected errors of 0 and more; NaN is not a miss, infinity is")
    return values
