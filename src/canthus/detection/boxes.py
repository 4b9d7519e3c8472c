"""Boxes from outside, and how those who draw them relate to the tight box around the landmarks."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from canthus.detection.detector import Detection
from canthus.geometry import Box, BoxRelation

RELATIONS: Mapping[str, BoxRelation] = MappingProxyType(
    {
        "tight": BoxRelation(),
        # The box around the points of scheme "5", on the training faces of 300-W and YouTube
        # Faces: `measured` of their landmarks' map to that scheme.
        "five points": BoxRelation(right=0.006, down=-0.067, scale=0.493),
        # On the same faces: `scripts/fit_mtcnn_boxes.py`. Its boxes are higher than wide.
        "mtcnn": BoxRelation(right=-0.027, down=-0.172, scale=1.219),
        # dlib's frontal HOG detector, and MediaPipe's: measured on video frames, elsewhere.
        "hog": BoxRelation(right=-0.02, down=-0.12, scale=1.05),
        "blazeface": BoxRelation(right=0.0, down=-0.06, scale=1.05),
    }
)


def measured(drawn: Sequence[Box], tight: Sequence[Box]) -> BoxRelation:
    """The relation of a detector's boxes to the tight boxes of the same faces: the medians.

    Raises:
        ValueError: if there are no boxes, or not as many of both.
    """
    if len(drawn) != len(tight) or not drawn:
        raise ValueError(f"expected a tight box for each box, found {len(tight)} for {len(drawn)}")
    rows = []
    for box, truth in zip(drawn, tight, strict=True):
        (x, y), (true_x, true_y) = box.center, truth.center
        rows.append(((x - true_x) / truth.side, (y - true_y) / truth.side, box.side / truth.side))
    right, down, scale = np.median(rows, axis=0).tolist()
    return BoxRelation(right, down, scale)


class GivenBoxes:
    """A detector that was told: the same boxes for every picture.

    Args:
        boxes: of the faces, in pixels.
        drawn_by: who drew them, one of `RELATIONS`, or a relation of your own.

    Raises:
        ValueError: naming the known ones, if it is none of them.
    """

    name = "given boxes"

    def __init__(self, boxes: Sequence[Box], drawn_by: str | BoxRelation = "tight") -> None:
        if isinstance(drawn_by, str):
            if drawn_by not in RELATIONS:
                raise ValueError(f"expected one of {', '.join(RELATIONS)}; found {drawn_by!r}")
            drawn_by = RELATIONS[drawn_by]
        self.relation = drawn_by
        self._boxes = tuple(boxes)

    def __call__(self, image: NDArray[np.uint8]) -> list[Detection]:
        return [Detection(box, 1.0) for box in self._boxes]
