"""Two models on the same faces: most of the spread is the faces', and cancels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.metrics.intervals import RESAMPLES, Interval, counts, figures, middle, per_face

Array = NDArray[np.float64]

FLIPS = 10_000  # of the permutation test


@dataclass(frozen=True)
class Paired:
    """How a first model differs from a second one; fractions, first minus second.

    Attributes:
        faces: how many both were asked about.
        both_found: how many both found: the mean error is compared on these alone.
        first_missed: faces that only the first missed.
        second_missed: faces that only the second missed.
        nme: difference of the mean errors; NaN if no face was found by both.
        failure_rate: difference over all faces.
        auc: difference over all faces.
        intervals: 95 % of nme, failure_rate and auc.
        first_better: share of all faces with the smaller error.
        second_better: the same of the second; the rest are equal.
        p_value: of the mean errors' difference, two-sided, by flipping signs at random; 1 if no
            face was found by both.
    """

    faces: int
    both_found: int
    first_missed: int
    second_missed: int
    nme: float
    failure_rate: float
    auc: float
    intervals: Mapping[str, Interval]
    first_better: float
    second_better: float
    p_value: float

    @property
    def both_missed(self) -> int:
        """Faces that neither found."""
        return self.faces - self.both_found - self.first_missed - self.second_missed

    @property
    def equal(self) -> float:
        """Share of all faces with the same error, those that both missed among them."""
        return 1.0 - self.first_better - self.second_better


def compare(
    first: ArrayLike,
    second: ArrayLike,
    threshold: float,
    *,
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> Paired:
    """Compare two models on the same faces.

    Args:
        first: (N,) errors of the first model; infinite where it missed a face.
        second: (N,) errors of the second, on the same faces.
        threshold: of failure rate and area.
        groups: (N,) the person or photo of each face: these are drawn, and flipped, together.
        seed: of draws and flips.

    Raises:
        ValueError: if there are not as many errors of both, or one is NaN or below 0.

    Example:
        >>> compare([0.02, 0.03], [0.03, 0.05], 0.08).nme
        -0.015
    """
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != two.shape:
        raise ValueError(f"expected errors of the same faces, found {one.shape} and {two.shape}")
    mine, its = per_face(one, threshold), per_face(two, threshold)
    both = np.isfinite(one) & np.isfinite(two)
    for table in (mine, its):
        table[~both, :2] = 0.0  # the mean error has no place for a face that one missed
    differences = [
        _differences(drawn @ mine, drawn @ its)
        for drawn in counts(len(one), groups, resamples=RESAMPLES, seed=seed)
    ]
    whole = _differences(mine.sum(axis=0)[None], its.sum(axis=0)[None])
    gaps = np.where(both, np.where(both, one, 0.0) - np.where(both, two, 0.0), 0.0)
    return Paired(
        faces=len(one),
        both_found=int(both.sum()),
        first_missed=int((np.isinf(one) & np.isfinite(two)).sum()),
        second_missed=int((np.isinf(two) & np.isfinite(one)).sum()),
        **{name: float(values[0]) for name, values in whole.items()},
        intervals={
            name: middle(np.concatenate([each[name] for each in differences])) for name in whole
        },
        first_better=float((one < two).mean()),
        second_better=float((two < one).mean()),
        p_value=_p_value(gaps, groups, seed),
    )


def _differences(mine: Array, its: Array) -> dict[str, Array]:
    ours, theirs = figures(mine), figures(its)
    return {name: ours[name] - theirs[name] for name in ours}


def _p_value(gaps: Array, groups: Sequence[str] | None, seed: int) -> float:
    """How often the sum of gaps (N,) is as far from 0 if the models' names are swapped at random.

    The gaps of a group are swapped together. The gaps as they are count as one of the swaps, so
    the least value is 1 / (FLIPS + 1).
    """
    if groups is not None:
        member = np.unique(np.asarray(groups), return_inverse=True)[1]
        gaps = np.bincount(member, gaps).astype(np.float64)
    gaps = gaps[gaps != 0]
    if not len(gaps):
        return 1.0
    generator, least, reached = np.random.default_rng(seed), abs(gaps.sum()), 0
    rows = max(1, (1 << 20) // len(gaps))
    for begin in range(0, FLIPS, rows):
        some = min(rows, FLIPS - begin)
        signs = 2.0 * generator.integers(0, 2, (some, len(gaps)), dtype=np.int8) - 1.0
        reached += int((np.abs(signs @ gaps) >= least * (1 - 1e-12)).sum())
    return (reached + 1) / (FLIPS + 1)
