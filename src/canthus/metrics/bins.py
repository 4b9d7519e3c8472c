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

    Args:
        errors: of faces; a missed face is infinite and in no mean.
        labels: (N,) the bin of each face.
        order: of the bins; by name if not given.

    Raises:
        ValueError: if there is not a label for each face.

    Example:
        >>> over_bins([0.01, 0.03, 0.08], ["a", "a", "b"]).mean
        0.05
    """
    values = np.asarray(errors, np.float64)
    names = np.asarray(labels)
    if values.ndim != 1 or values.shape != names.shape:
        raise ValueError(f"expected a bin for each face, found {names.shape} for {values.shape}")
    bins = tuple(dict.fromkeys(order or sorted(set(names.tolist()))))
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
