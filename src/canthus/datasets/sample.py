"""One annotated face."""

from dataclasses import dataclass, field
from pathlib import Path

from canthus.faces import Landmarks
from canthus.geometry import Box


@dataclass(frozen=True, eq=False)
class Sample:
    """A face in a picture on disk, and what people said of it.

    Attributes:
        image: the picture's path.
        box: tight around the face's landmarks, or the nearest that the data set allows.
        landmarks: in the picture's pixels; unknown points are NaN.
        tags: the subsets it belongs to.
        group: whose face or which photo it is: one group is never split between sets.
        yaw_deg: how far the head is turned, where the data set says so.
    """

    image: Path
    box: Box
    landmarks: Landmarks
    tags: frozenset[str] = field(default_factory=frozenset)
    group: str = ""
    yaw_deg: float | None = None
