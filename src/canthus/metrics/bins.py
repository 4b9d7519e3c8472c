"""Means over bins of faces, which are not means over faces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

YAW_BINS = ("yaw 0-30", "yaw 30-60", "yaw 60-90")


@dataclass(frozen=True)
class OverBins:
    """The mean errors of bins of faces, and what they make together; fractions.

    Attributes:
        bins: their names.
        counts: how many faces each has.
        means: the mean error of each, over the faces that were found; NaN if none was.
        stds: the standard deviation over the faces of each (divisor: their number).
        mean: of the bins' means, each counting alike.
        std: of the bins' means (divisor: the number of bins).
    """

    bins: tuple[str, ...]
    counts: tuple[int, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]
    mean: float
    std: float


def yaw_bins(yaw_deg: ArrayLike) -> tuple[str, ...]:
    """The bin of each yaw (N,) by 3DDFA's rule (Zhu et al., CVPR 2016).

    To either side: up to 30 degrees, above 30 up to 60, and all above, wrapped angles too.

    Example:
        >>> yaw_bins([-30.0, 30.5, -351.0])
        ('yaw 0-30', 'yaw 30-60', 'yaw 60-90')
    """
    turned = np.abs(np.asarray(yaw_deg, np.float64))
    return tuple(YAW_BINS[i] for i in np.searchsorted([30, 60], turned, side="left").tolist())


def over_bins(
    errors: ArrayLike, labels: Sequence[str], order: Sequence[str] | None = None
) -> OverBins:
    """The mean over bins of errors (N,), and its parts.

    3DDFA's headline, such as 4.252 +- 0.976, is `mean` and `std`: the unweighted mean of three
    bins and the spread of those three numbers.

    A bin in which no face was found has no mean, and then neither have the bins together: NaN.

    Args:
        errors: of faces; a missed face is infinite and in no mean.
        labels: (N,) the bin of each face.
        order: of all the bins; by name if not given.

    Raises:
        ValueError: if there is no face, an error is NaN or below 0, there is not a label for
            each face, or one of them is not in the order.

    Example:
        >>> over_bins([0.01, 0.03, 0.08], ["a", "a", "b"]).mean
        0.05
    """
    values = np.asarray(errors, np.float64)
    names = np.asarray(labels)
    if values.ndim != 1 or values.shape != names.shape:
        raise ValueError(f"expected a bin for each face, found {names.shape} for {values.shape}")
    if not len(values) or not (values >= 0).all():  # false for NaN too
        raise ValueError("expected errors of 0 and more; NaN is not a miss, infinity is")
    there = sorted(set(names.tolist()))
    bins = tuple(dict.fromkeys(there if order is None else order))
    if beyond := set(there) - set(bins):
        raise ValueError(f"expected bins of {bins}, found {sorted(beyond)}")
    inside = [values[names == name] for name in bins]
    found = [some[np.isfinite(some)] for some in inside]
    means = [float(some.mean()) if len(some) else float("nan") for some in found]
    return OverBins(
        bins=bins,
        counts=tuple(len(some) for some in inside),
        means=tuple(means),
        stds=tuple(float(some.std()) if len(some) else float("nan") for some in found),
        mean=float(np.mean(means)),
        std=float(np.std(means)),
    )
