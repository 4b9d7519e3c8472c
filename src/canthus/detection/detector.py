"""What a detector must do, so that anybody's can find the faces."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import Box, BoxRelation


@dataclass(frozen=True, eq=False)
class Detection:
    """A face that a detector found, in the picture's pixels.

    Attributes:
        box: as the detector draws it.
        score: how surely it is a face, in [0, 1].
        points: (5, 2) in the order of scheme "5", if the detector knows them: eye, eye, tip of the
            nose, corner and corner of the mouth; of each pair the subject's right one first.
        tight: the tight box around the landmarks, where the detector knows better than its box
            and its relation tell.

    Raises:
        ValueError: if the score is not in [0, 1], or the points are not five finite ones.
    """

    box: Box
    score: float
    points: NDArray[np.float32] | None = None
    tight: Box | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"a score is from 0 to 1, found {self.score}")
        if self.points is None:
            return
        points = np.array(self.points, np.float32)
        if points.shape != (5, 2) or not np.isfinite(points).all():
            raise ValueError(f"expected five finite points (5, 2), found {points.tolist()}")
        points.setflags(write=False)
        object.__setattr__(self, "points", points)

    def tight_by(self, relation: BoxRelation) -> Box:
        """The tight box: the detector's own, or else what the relation makes of its box."""
        return relation.to_tight(self.box) if self.tight is None else self.tight

    def mapped(self, where: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Self:
        """The same face elsewhere; `where` maps points (L, 2), and upright boxes to such."""

        def moved(box: Box) -> Box:
            return Box.around(where(np.array(box.as_tuple()).reshape(2, 2)))

        return replace(
            self,
            box=moved(self.box),
            points=None
            if self.points is None
            else where(self.points.astype(np.float64)).astype(np.float32),
            tight=None if self.tight is None else moved(self.tight),
        )


class Detector(Protocol):
    """Finds faces in pictures.

    Attributes:
        name: what commands and reports call it.
        relation: how it draws its boxes.
    """

    @property
    def name(self) -> str: ...

    @property
    def relation(self) -> BoxRelation: ...

    def __call__(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Find all faces in a picture (H, W, 3) of RGB, the surest first; none is an empty list."""
        ...
