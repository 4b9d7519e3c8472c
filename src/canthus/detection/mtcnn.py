"""MTCNN: three small nets, one after the other, each surer and slower than the one before.

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multitask Cascaded Convolutional
Networks, IEEE Signal Processing Letters 2016. The cascade is ours; the weights are those of the
installed package `mtcnn`.
"""

import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.detection import mtcnn_weights, pyramid, turns, windows
from canthus.detection.boxes import RELATIONS
from canthus.detection.detector import Detection
from canthus.detection.mtcnn_networks import CELL, FINISH_SIZE, REFINE_SIZE, STRIDE, Networks
from canthus.detection.pyramid import Level
from canthus.detection.tight import tight_box
from canthus.detection.windows import Scores, Windows
from canthus.geometry import Box
from canthus.images.arrays import as_image
from canthus.images.warp import resize

log = logging.getLogger(__name__)

MAX_SIDE = 1280  # pixels; larger pictures are shrunk to it first
MAX_PROPOSED, MAX_REFINED = 1500, 500  # windows that the second and the third net look at
# Overlaps above which the lower score goes: inside a level, after the first and the second net as
# intersection over union; after the third net as part of the smaller window.
LEVEL_OVERLAP, PROPOSED_OVERLAP, REFINED_OVERLAP, FOUND_OVERLAP = 0.5, 0.6, 0.6, 0.7


@dataclass(frozen=True)
class Search:
    """How hard to look.

    Attributes:
        scores: the least that each of the three nets must give.
        factor: scale of each level from the one before.
    """

    scores: tuple[float, float, float]
    factor: float


# Tuned on training faces: `scripts/tune_mtcnn.py`.
GLANCE = Search(scores=(0.7, 0.5, 0.8), factor=0.709)
# Where a glance finds nobody, what is there is large or hard to see: from the side, dark, turned.
STARE = Search(scores=(0.1, 0.05, 0.7), factor=0.8)
STARE_SIDE = 160  # pixels of the picture's longer side for a stare, which takes faces of an eighth
TURNED_SCORE = 0.95  # what a stare at the turned picture asks for: people seldom stand on their heads


@dataclass(frozen=True, eq=False)
class _Found:
    """Windows that are faces: (N, 4), their scores as logits (N,), and points (N, 5, 2)."""

    windows: Windows
    scores: Scores
    points: NDArray[np.float64]


NOBODY = _Found(np.zeros((0, 4)), np.zeros(0, np.float32), np.zeros((0, 5, 2)))


class Mtcnn:
    """Finds faces of any pose, and five points of each, in some milliseconds.

    Faces smaller than `min_face` are not found, nor those smaller than that in a picture whose
    longer side was shrunk to 1280 pixels. Where nobody is found, it looks again, harder: for large
    faces that are hard to see, and with the picture turned by quarters. The same picture always
    gives the same answer.

    Args:
        min_face: pixels of the smallest face's longer side, 12 at least.
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
        height, width = pixels.shape[:2]
        found, quarters = self._look(pixels, GLANCE, MAX_SIDE), 0
        if not len(found.windows):
            found, quarters = self._look_again(pixels)
        detections = _described(found)
        return [turns.back(detection, quarters, width, height) for detection in detections]

    def _look_again(self, image: NDArray[np.uint8]) -> tuple[_Found, int]:
        """Look harder, at the picture turned by quarters too; answers by how many."""
        best, best_margin, best_quarters = NOBODY, 0.0, 0
        small = resize(image, STARE_SIDE / max(image.shape[:2]))
        for quarters in range(4):
            seen = self._look(turns.turned(small, quarters), STARE, STARE_SIDE)
            least = TURNED_SCORE if quarters else STARE.scores[-1]
            margin = float(seen.scores.max(initial=-math.inf)) - _logit(least)
            if margin > best_margin:
                best, best_margin, best_quarters = seen, margin, quarters
        if not len(best.windows):
            return NOBODY, 0
        found = NOBODY
        if best_quarters:  # turned upright, the whole picture may show more
            found = self._look(turns.turned(image, best_quarters), GLANCE, MAX_SIDE)
        return (found if len(found.windows) else best), best_quarters
