"""MTCNN: three small nets, one after the other, each surer and slower than the one before.

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multitask Cascaded Convolutional
Networks, IEEE Signal Processing Letters 2016. The code is ours; the weights are those of the
installed package `mtcnn`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.detection import mtcnn_weights, turns
from canthus.detection.boxes import RELATIONS
from canthus.detection.detector import Detection
from canthus.detection.mtcnn_cascade import Found, Search, logit, look
from canthus.detection.mtcnn_networks import CELL, Networks
from canthus.detection.tight import tight_box
from canthus.geometry import Box
from canthus.images.arrays import as_image
from canthus.images.warp import resize

MAX_SIDE = 1280  # pixels; larger pictures are shrunk to it first
GLANCE = Search(scores=(0.7, 0.5, 0.9), factor=0.709)
# Where a glance finds nobody, what is there is large and hard to see: from the side, dark, turned.
STARE = Search(scores=(0.05, 0.05, 0.6), factor=0.8)
STARE_SIDE, STARE_FACE = 112, 20  # pixels of the picture's longer side, and of the smallest face
TURNED_SCORE = 0.95  # asked of a stare at the turned picture: people seldom stand on their heads
SURE_SCORE = 0.97  # below it, what a glance takes for a face may be one that is turned


class Mtcnn:
    """Finds faces of any pose, and five points of each, in some milliseconds.

    Faces smaller than `min_face` are not found; nor those that become so where the picture is
    shrunk, since its longer side is 1280 pixels at most. Where nobody is found for sure it looks
    again, harder: for large faces that are hard to see, with the picture turned by quarters too.
    The same picture always gives the same answer.

    Args:
        min_face: pixels of the smallest face, 12 at least; halving it takes four times as long.
        weights: the folder of the weights, that of the installed package `mtcnn` by default.

    Raises:
        WeightsError: if the weights are not installed, or are damaged.
        ValueError: if `min_face` is too small.
    """

    name = "mtcnn"
    relation = RELATIONS["mtcnn"]

    def __init__(self, *, min_face: float = 20, weights: Path | None = None) -> None:
        if not min_face >= CELL:
            raise ValueError(f"expected faces of {CELL} pixels or more, found {min_face}")
        self._min_face = min_face
        self._networks = Networks(mtcnn_weights.find() if weights is None else weights)

    def __call__(self, image: ArrayLike) -> list[Detection]:
        """Find all faces in a picture (H, W, 3) of RGB, the surest first.

        Raises:
            ValueError: if the array is no picture.
        """
        pixels = np.ascontiguousarray(as_image(image))
        small = resize(pixels, min(1.0, MAX_SIDE / max(pixels.shape)))
        found, quarters = self._glance(small), 0
        if not found.surer_than(SURE_SCORE):
            found, quarters = self._look_again(small, found)
        scale = np.divide(_size(pixels), _size(small))

        def where(points: NDArray[np.float64]) -> NDArray[np.float64]:
            upright = turns.back(points, quarters, _size(small))
            return (upright + 0.5) * scale - 0.5

        return [detection.mapped(where) for detection in _described(found)]

    def _look_again(self, image: NDArray[np.uint8], glanced: Found) -> tuple[Found, int]:
        """Look harder, at the picture turned by quarters too; answers by how many."""
        seen = [glanced or self._stare(image)]
        seen += [self._stare(turns.turned(image, quarters)) for quarters in (1, 2, 3)]
        least = [STARE.scores[-1], TURNED_SCORE, TURNED_SCORE, TURNED_SCORE]
        sure = [found.surer_than(score) for found, score in zip(seen, least, strict=True)]
        quarters = int(np.argmax([_margin(*pair) for pair in zip(sure, least, strict=True)]))
        if quarters == 0:
            return sure[0], 0
        # The right way up, a glance may see more, and more exactly.
        return self._glance(turns.turned(image, quarters)) or sure[quarters], quarters

    def _glance(self, image: NDArray[np.uint8]) -> Found:
        return look(self._networks, image, GLANCE, self._min_face)

    def _stare(self, image: NDArray[np.uint8]) -> Found:
        small = resize(image, STARE_SIDE / max(image.shape))
        found = look(self._networks, small, STARE, STARE_FACE)
        return found.resized(_size(small), to=_size(image))


def _size(image: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height."""
    return image.shape[1], image.shape[0]


def _margin(found: Found, least: float) -> float:
    """By how much the surest face is surer than it must be, as logits; 0 if there is none."""
    return float(found.scores[0]) - logit(least) if found else 0.0


def _described(found: Found) -> list[Detection]:
    scores = 1 / (1 + np.exp(-found.scores.astype(np.float64)))
    detections = []
    for window, score, points in zip(found.windows, scores, found.points, strict=True):
        box, five = Box(*window.tolist()), points.astype(np.float32)
        detections.append(Detection(box, float(score), five, tight_box(box, five)))
    return detections
