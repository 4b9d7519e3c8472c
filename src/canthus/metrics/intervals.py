"""How far a figure may be off by the luck of its faces: bootstrap intervals (Efron, 1979).

Faces are drawn again with replacement, as many as there are, a thousand times; the interval is
where the middle 95 % of the figures fall. Where several faces are of one person or photo, whole
groups are drawn: frames of one person are not independent faces. Draws in which no face was found
have no mean and take no part in its interval. A single face has intervals without width.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.metrics.curves import between, percentiles

Array = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 1000
LEVEL = 0.95
AT_ONCE = 1 << 18  # draws held in memory


def bootstrap(
    errors: ArrayLike,
    threshold: float,
    *,
    groups: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Interval]:
    """The 95 % intervals of mean error, failure rate and exact area under the curve.

    Args:
        errors: (N,) of faces, as fractions; a missed face is an infinite error.
        threshold: of failure rate and area.
        groups: (N,) the person or photo of each face.
        resamples: how often faces are drawn.
        seed: of the draws; the same errors give the same intervals.

    Returns:
        Low and high of "nme" (over the faces found; NaN if none was), "failure_rate" and "auc".

    Raises:
        ValueError: if there is no face, an error is NaN or below 0, or there is not a group for
            each.

    Example:
        >>> bootstrap([0.02, 0.02, 0.02], 0.08)
        {'nme': (0.02, 0.02), 'failure_rate': (0.0, 0.0), 'auc': (0.75, 0.75)}
    """
    totals = per_face(errors, threshold)
    sums = np.concatenate(
        [drawn @ totals for drawn in counts(len(totals), groups, resamples=resamples, seed=seed)]
    )
    return {name: middle(values) for name, values in figures(sums).items()}


def percentile_intervals(
    errors: ArrayLike,
    percents: Sequence[float] = (50, 90),
    *,
    groups: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """The 95 % intervals of percentiles of the errors, one for each of the percents.

    They are drawn as those of `bootstrap` are. An end is infinite where missed faces take part.

    Args:
        errors: (N,) of faces, as fractions; a missed face is an infinite error.
        percents: from 0 to 100; the median and the 90th percentile unless told.
        groups: (N,) the person or photo of each face.
        resamples: how often faces are drawn.
        seed: of the draws; the same errors give the same intervals.

    Raises:
        ValueError: if there is no face, an error is NaN or below 0, there is not a group for
            each, or a percent is not from 0 to 100.

    Example:
        >>> percentile_intervals([0.02, 0.02, 0.02])
        ((0.02, 0.02), (0.02, 0.02))
    """
    percentiles(errors, percents)  # checks both
    values = np.asarray(errors, np.float64)
    order = np.argsort(values)
    drawn = counts(len(values), groups, resamples=resamples, seed=seed)
    each = np.concatenate([_percentiles(values[order], n[:, order], percents) for n in drawn])
    ends = (100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2)
    low, high = np.stack([percentiles(column, ends) for column in each.T], axis=1).tolist()
    return tuple(zip(low, high, strict=True))


def _percentiles(values: Array, times: Array, percents: Sequence[float]) -> Array:
    """The percentiles (R, P) of sorted values (N,), each so many times there, (R, N)."""
    reached = np.cumsum(times, axis=1)
    last = reached[:, -1] - 1
    found = []
    for percent in percents:
        place = percent / 100 * last
        low = np.floor(place)
        ends = (low, np.minimum(low + 1, last))
        lower, upper = (values[(reached <= end[:, None]).sum(axis=1)] for end in ends)
        found.append(between(lower, upper, place - low))
    return np.stack(found, axis=1)


def per_face(errors: ArrayLike, threshold: float) -> Array:
    """What each face adds to the sums that figures are made of, (N, 5).

    The columns: its error if it was found, whether it was found, whether it failed, its area,
    and 1.
    """
    values = np.asarray(errors, np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"expected the errors of faces (N,), found shape {values.shape}")
    if not (values >= 0).all():  # false for NaN too
        raise ValueError("expected errors of 0 and more; NaN is not a miss, infinity is")
    found = np.isfinite(values)
    area = np.maximum(0.0, 1.0 - values / threshold)
    columns = (np.where(found, values, 0.0), found, values > threshold, area, np.ones(len(values)))
    return np.stack(columns, axis=1).astype(np.float64)


def figures(sums: Array) -> Mapping[str, Array]:
    """The figures (R,) of sums (R, 5) of `per_face`."""
    error, found, failed, area, faces = sums.T
    mean = np.divide(error, found, out=np.full(len(sums), np.nan), where=found > 0)
    return {"nme": mean, "failure_rate": failed / faces, "auc": area / faces}


def counts(
    faces: int, groups: Sequence[str] | None, *, resamples: int = RESAMPLES, seed: int = 0
) -> Iterator[Array]:
    """How often each face is drawn, (some, N) of the resamples at a time.

    Args:
        faces: N.
        groups: (N,) labels; the faces of one are drawn together.
        resamples: how many rows there are in all.
        seed: of the draws.

    Raises:
        ValueError: if there is not a group for each face.
    """
    if groups is not None and len(groups) != faces:
        raise ValueError(f"expected {faces} groups, one a face, found {len(groups)}")
    member = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    units = faces if member is None else int(member.max()) + 1
    generator = np.random.default_rng(seed)
    at_once = max(1, AT_ONCE // max(units, faces))
    for begin in range(0, resamples, at_once):
        rows = min(at_once, resamples - begin)
        drawn = generator.integers(0, units, (rows, units)) + units * np.arange(rows)[:, None]
        each = np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units)
        yield (each if member is None else each[:, member]).astype(np.float64)


def middle(values: Array, level: float = LEVEL) -> Interval:
    """The middle part of some figures (R,), those that are not NaN; NaN if all are."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high
