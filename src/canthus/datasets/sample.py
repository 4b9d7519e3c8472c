"""One annotated face."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Fit, Landmarks, Pose
from canthus.geometry import Box


@dataclass(frozen=True, eq=False)
class Sample:
    """A face in a picture on disk, and what people said of it.

    Attributes:
        image: the picture's path, or that of the file that holds it among others.
        box: tight around the face's landmarks, or the nearest that the data set allows.
        landmarks: in the picture's pixels; unknown points are NaN.
        tags: the subsets it belongs to.
        group: whose face or which photo it is: one group is never split between sets.
        yaw_deg: how far the head is turned, where the data set says so.
        visible: (L,) flags: which landmarks are to be seen, others are known but hidden behind
            something; None where the data set does not say.
        pose: which way the head looks, where the data set says all three angles.
        name: what the data set's own lists call the picture, with forward slashes; empty if
            its path says it.
        entry: which picture of the file it is, if the file holds several: its number from 0, or
            the byte at which its record begins.
        fit: of a face model, where there is one.
    """

    image: Path
    box: Box
    landmarks: Landmarks
    tags: frozenset[str] = field(default_factory=frozenset)
    group: str = ""
    yaw_deg: float | None = None
    visible: NDArray[np.bool_] | None = None
    pose: Pose | None = None
    name: str = ""
    entry: int | None = None
    fit: Fit | None = None
