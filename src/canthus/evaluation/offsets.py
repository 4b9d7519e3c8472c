"""What somebody else means by the same landmarks, found on some faces and removed from others.

Two tools that are equally good may mark the corner of an eye a little apart, since one learned
from other annotators. An error against one tool's truth then holds the difference of conventions
besides the mistakes. The difference is the same on every face, in a frame that goes with it: it
can be measured, and removed, as long as no face is corrected by its own truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.errors import DatasetError
from canthus.evaluation.mean_face import FEWEST, mean_face
from canthus.geometry import Similarity

Array = NDArray[np.float64]

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Offsets:
    """How far beside a tool's landmarks others mark them, in the frame of the tool's mean face.

    A face is in that frame when its answer lies on the mean one as well as scale, turn and shift
    allow (Gower, 1975): nothing but the answer is needed to get there. The offsets are the same
    for all heads, so what changes as a head turns, such as an outline, is not in them.

    Attributes:
        mean: (L, 2) of the answers, at a root mean square distance of 1 from its center.
        offsets: (L, 2) in the same unit, from the answer to the truth; 0 where nothing is known.
    """

    mean: Array
    offsets: Array

    @classmethod
    def fit(cls, found: ArrayLike, truth: ArrayLike) -> Self:
        """The median offset of each landmark, along x and along y; a face gone astray moves none.

        Args:
            found: (N, L, 2) pixels, the tool's answers; NaN where it found nothing.
            truth: (N, L, 2) pixels; NaN where it is not known.

        Raises:
            ValueError: if the shapes differ or are others.
        """
        answers, marked = np.asarray(found, np.float64), np.asarray(truth, np.float64)
        if answers.shape != marked.shape or answers.ndim != 3 or answers.shape[2] != 2:
            raise ValueError(
                f"expected answers and truth of one shape (N, L, 2), found {answers.shape} and "
                f"{marked.shape}"
            )
        mean = mean_face(answers)
        rows = np.full(answers.shape, np.nan)
        for row, face, known in zip(rows, answers, marked, strict=True):
            frame = _frame(face, mean)
            if frame is not None:
                row[:] = frame.apply(known) - frame.apply(face)
        return cls(mean, np.array([_median(column) for column in rows.swapaxes(0, 1)]))

    def removed(self, found: ArrayLike) -> Array:
        """Answers (N, L, 2) in pixels, moved to where the others mark the same landmarks."""
        moved = np.array(found, np.float64)
        for face in moved:
            frame = _frame(face, self.mean)
            if frame is not None:
                face[:] = frame.inverse().apply(frame.apply(face) + self.offsets)
        return moved


def without_offsets(
    found: ArrayLike, truth: ArrayLike, groups: Sequence[str] | None = None, *, folds: int = FOLDS
) -> Array:
    """A tool's answers (N, L, 2) without its offsets, each face by those of other people's faces.

    The people are dealt out to the folds; the faces of each fold are corrected by what was fitted
    to those of all others (cross-fitting), so no face's own truth, nor its person's, tells
    where its landmarks should be.

    Args:
        found: (N, L, 2) pixels; NaN where the tool found nothing.
        truth: (N, L, 2) pixels; NaN where it is not known.
        groups: the person or photo of each face; None if each has its own.
        folds: at most so many.

    Raises:
        DatasetError: if there are not two people at least.
        ValueError: if the shapes differ, or there are fewer than two folds.
    """
    answers, marked = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    dealt = np.array(_dealt(groups or [str(i) for i in range(len(answers))], folds))
    moved = np.full_like(answers, np.nan)
    for fold in np.unique(dealt):
        held = dealt == fold
        moved[held] = Offsets.fit(answers[~held], marked[~held]).removed(answers[held])
    return moved


def _dealt(groups: Sequence[str], folds: int) -> list[int]:
    """The fold of each face, the same for all of one person."""
    if folds < 2:
        raise ValueError(f"expected two folds at least, found {folds}")
    people = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    if len(people) < 2:
        raise DatasetError(
            f"offsets are fitted to other people's faces: expected faces of two people at least, "
            f"found {len(people)}"
        )
    return [people[name] % folds for name in groups]


def _frame(face: Array, mean: Array) -> Similarity | None:
    """The map from the picture to the frame of the mean face; None if too little is known."""
    known = np.isfinite(face).all(axis=1) & np.isfinite(mean).all(axis=1)
    if known.sum() < FEWEST or not np.ptp(face[known], axis=0).any():
        return None
    return Similarity.fit(face[known], mean[known])


def _median(offsets: Array) -> Array:
    """The median (2,) of a landmark's offsets (N, 2), over the faces of which it is known."""
    known = offsets[np.isfinite(offsets).all(axis=1)]
    return np.median(known, axis=0) if len(known) else np.zeros(2)
