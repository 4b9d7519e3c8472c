"""One pass of MTCNN over a picture: windows of every size, through three nets."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.detection import pyramid, windows
from canthus.detection.mtcnn_networks import (
    CELL,
    FINISH_SIZE,
    REFINE_SIZE,
    STRIDE,
    Networks,
    Planes,
)
from canthus.detection.pyramid import Level
from canthus.detection.windows import Scores, Windows

log = logging.getLogger(__name__)

# At most so many windows of a level are weighed, and come before the second and the third net.
MAX_CELLS, MAX_PROPOSED, MAX_REFINED = 2000, 1500, 500
# Overlaps above which the lower score goes: inside a level, after the first and the second net as
# intersection over union; after the third net as part of the smaller window.
LEVEL_OVERLAP, PROPOSED_OVERLAP, REFINED_OVERLAP, FOUND_OVERLAP = 0.5, 0.6, 0.6, 0.7

Judge = Callable[[Planes, Windows], NDArray[np.float32]]


@dataclass(frozen=True)
class Search:
    """How hard to look.

    Attributes:
        scores: the least that each of the three nets must give, in (0, 1).
        factor: scale of each level of the pyramid from the one before.
    """

    scores: tuple[float, float, float]
    factor: float


@dataclass(frozen=True, eq=False)
class Found:
    """Faces, the surest first.

    Attributes:
        windows: (N, 4).
        scores: (N,), as logits.
        points: (N, 5, 2).
    """

    windows: Windows
    scores: Scores
    points: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scores)

    def surer_than(self, score: float) -> "Found":
        """Those with a score above one in (0, 1)."""
        sure = self.scores > logit(score)
        return Found(self.windows[sure], self.scores[sure], self.points[sure])

    def resized(self, size: tuple[int, int], to: tuple[int, int]) -> "Found":
        """The same in a picture of another width and height."""
        scale = np.divide(to, size)
        windows = (self.windows + 0.5) * np.tile(scale, 2) - 0.5
        return Found(windows, self.scores, (self.points + 0.5) * scale - 0.5)


def look(networks: Networks, image: NDArray[np.uint8], search: Search, min_face: float) -> Found:
    """Find faces of `min_face` pixels and more in a picture (H, W, 3)."""
    levels = pyramid.build(image, CELL / min_face, search.factor, smallest=CELL)
    least = [logit(score) for score in search.scores]
    proposed = _propose(networks, levels, least[0])
    refined = _refine(networks, levels, proposed, least[1])
    return _finish(networks, levels, refined, least[2])


def logit(score: float) -> float:
    """What the nets give for a score in (0, 1)."""
    return math.log(score / (1 - score))


def _propose(networks: Networks, levels: list[Level], least: float) -> Windows:
    """Squares that the first net takes for faces, the likeliest first."""
    seen = [_propose_in(networks, level, least) for level in levels[1:]]
    if not seen:
        return np.zeros((0, 4))
    found, rows = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    kept = windows.best(found, rows[:, 0], PROPOSED_OVERLAP)
    kept = _capped(kept, MAX_PROPOSED)
    return windows.squared(windows.moved(found[kept], rows[kept, 1:]))


def _propose_in(
    networks: Networks, level: Level, least: float
) -> tuple[Windows, NDArray[np.float32]]:
    """The cells of a level, in the picture, and what the net says of them, (N, 5)."""
    answer = networks.propose(level.planes)
    y, x = np.nonzero(answer[0] > least)
    rows = answer[:, y, x].T
    corners = STRIDE * np.stack([x, y], axis=1).astype(np.float64)
    if len(rows) > MAX_CELLS:
        likely = np.sort(np.argsort(-rows[:, 0], kind="stable")[:MAX_CELLS])
        rows, corners = rows[likely], corners[likely]
    cells = np.concatenate([corners, corners + CELL], axis=1)
    kept = windows.best(cells, rows[:, 0], LEVEL_OVERLAP)
    return level.to_picture(cells[kept]), rows[kept]


def _refine(networks: Networks, levels: list[Level], found: Windows, least: float) -> Windows:
    rows = _judged(networks.refine, levels, found, REFINE_SIZE)
    sure = rows[:, 0] > least
    found, rows = found[sure], rows[sure]
    kept = _capped(windows.best(found, rows[:, 0], REFINED_OVERLAP), MAX_REFINED)
    return windows.squared(windows.moved(found[kept], rows[kept, 1:]))


def _finish(networks: Networks, levels: list[Level], found: Windows, least: float) -> Found:
    rows = _judged(networks.finish, levels, found, FINISH_SIZE)
    sure = rows[:, 0] > least
    found, rows = found[sure], rows[sure]
    sides = found[:, None, 2:] - found[:, None, :2]
    points = found[:, None, :2] + sides * rows[:, 5:].reshape(-1, 2, 5).transpose(0, 2, 1)
    found = windows.moved(found, rows[:, 1:5])
    kept = windows.best(found, rows[:, 0], FOUND_OVERLAP, of_smaller=True)
    return Found(found[kept], rows[kept, 0], points[kept])


def _judged(judge: Judge, levels: list[Level], found: Windows, size: int) -> NDArray[np.float32]:
    """What a net says of windows, each cut from the smallest level that still has its pixels."""
    width = {REFINE_SIZE: 5, FINISH_SIZE: 15}[size]
    rows = np.empty((len(found), width), np.float32)
    scales = np.array([level.scale.min() for level in levels])
    wanted = size / (found[:, 2] - found[:, 0])
    choice = (scales > wanted[:, None]).sum(axis=1) - 1
    for number in np.unique(choice.clip(0)):
        here = choice.clip(0) == number
        level = levels[number]
        rows[here] = judge(level.planes, level.from_picture(found[here]))
    return rows


def _capped(kept: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    if len(kept) > most:
        log.warning("%d windows may hold faces; only the likeliest %d are judged", len(kept), most)
    return kept[:most]
