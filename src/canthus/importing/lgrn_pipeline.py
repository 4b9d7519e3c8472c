"""L-GRN as it was published: lists of faces, crops, changes, balance and schedule of its training.

What is rounded, and the nearest pixel that its warps take, is as in the released code; our own
trainings do neither. Pictures are (H, W, 3); blue comes first there. Points are (L, 2), x and y.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from canthus.datasets.sample import Sample
from canthus.datasets.trust import below, number, read_lines
from canthus.datasets.wflw import SUBSETS
from canthus.errors import DatasetError
from canthus.faces import Landmarks, LandmarkScheme
from canthus.geometry import Box
from canthus.images.warp import stretch
from canthus.importing.tddfa_pipeline import cut
from canthus.models import Lgrn

Floats = NDArray[np.float64]
Numbers = NDArray[np.number]

MARGIN = 1.2  # sides of the faces' squares, in longer sides of the tight box
GRAY = 127  # outside of a warped picture
TURN_DEG, SHIFT, ZOOM = 40.0, 0.1, 0.0686  # the largest changes; a shift in sides of the picture
COVERED = 0.2  # of the crop, by a rectangle
LEAST = 1e-6  # of a channel's deviation
RATE, FACTOR, MILESTONES = 0.01, 0.2, (200, 350)  # of the learning, by epochs from 0


def read_list(path: Path, root: Path, scheme: LandmarkScheme) -> list[Sample]:
    """Read a list of faces: `x0 y0 x1 y1 ... NAME` a line; or twice as many numbers.

    The second half of those are weights, which the original ignores too. There are no boxes: a
    face's is tight around its points.

    Args:
        path: such as `train_98pt.txt`.
        root: the folder that the names of the pictures are below.
        scheme: of the landmarks.

    Raises:
        DatasetError: naming the line that is not so.
    """
    return [_face(words, root, scheme, where) for words, where in _lines(path)]


def read_attributes(path: Path, faces: Sequence[Sample]) -> list[Sample]:
    """The same faces with their tags: six flags and NAME a line, in the order of the faces.

    The original matches lines by their place alone; here the names must agree.

    Raises:
        DatasetError: naming the line that is not so, or of another picture.
    """
    lines = _lines(path)
    if len(lines) != len(faces):
        raise DatasetError(f"{path}: expected {len(faces)} faces, found {len(lines)}")
    found = []
    for (words, where), face in zip(lines, faces, strict=True):
        *flags, name = words
        if len(flags) != len(SUBSETS) or not set(flags) <= {"0", "1"}:
            raise DatasetError(f"{where}: expected six flags of 0 and 1 and a name, found {words}")
        if name != face.name:
            raise DatasetError(f"{where}: expected the picture {face.name}, found {name}")
        tags = frozenset(tag for tag, flag in zip(SUBSETS, flags, strict=True) if flag == "1")
        found.append(replace(face, tags=tags))
    return found


def _lines(path: Path) -> list[tuple[list[str], str]]:
    lines = enumerate(read_lines(path), 1)
    return [(line.split(), f"{path}:{place}") for place, line in lines if line.strip()]


def _face(words: list[str], root: Path, scheme: LandmarkScheme, where: str) -> Sample:
    *numbers, name = words
    count = 2 * scheme.num_landmarks
    if len(numbers) not in (count, 2 * count):
        raise DatasetError(
            f"{where}: expected {count} or {2 * count} numbers and a name, found {len(numbers)}"
        )
    values = [number(word, where) for word in numbers]
    points = np.reshape(values[:count], (-1, 2))
    try:
        box = Box.around(points)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
    landmarks = Landmarks(points, scheme)
    return Sample(below(root, name, where), box, landmarks, group=name, name=name)


def square_of_points(points: ArrayLike) -> Floats:
    """The square (left, top, right, bottom) that a face is cut out by, of whole pixels."""
    places = np.asarray(points, np.float64)
    low, high = places.min(axis=0), places.max(axis=0)
    side = int(MARGIN * (high - low).max())
    corner = np.round((low + high) / 2 - side / 2)
    return np.concatenate([corner, corner + side])


@torch.no_grad()
def align(network: Lgrn, picture: NDArray[np.uint8], square: Floats) -> NDArray[np.float32]:
    """The landmarks (L, 2) of the face in a square, in pixels of the picture.

    The crop is black beyond the picture; points are scaled by the sides alone, without the half
    pixel that a resized picture moves by.
    """
    size = network.config.size
    crop = stretch(cut(picture, square), size)
    seen = torch.tensor(crop).permute(2, 0, 1)[None].float() / 255
    points = network.eval()(seen).points[0].numpy()
    scale = float(square[2] - square[0]) / size
    return (points * scale + square[:2]).astype(np.float32)


@dataclass(frozen=True)
class Change:
    """How a training face is turned, moved, enlarged and mirrored.

    Attributes:
        turn_deg: against the clock, as seen in a picture.
        shift: along x and y, in whole pixels before the zoom.
        zoom: about the middle.
        mirror: whether left and right are exchanged.
    """

    turn_deg: float
    shift: tuple[int, int]
    zoom: float
    mirror: bool

    @classmethod
    def draw(cls, side: float, rng: np.random.Generator) -> Self:
        """One at random, for pictures of a side."""
        x, y = rng.uniform(-SHIFT * side, SHIFT * side, 2).tolist()
        zoom = rng.uniform(1 - ZOOM, 1 + ZOOM)
        turn = rng.uniform(-TURN_DEG, TURN_DEG)
        return cls(turn, (round(x), round(y)), zoom, bool(rng.random() < 0.5))

    def matrix(self, width: int, height: int) -> Floats:
        """From a picture of this size to the changed one, (2, 3).

        Mirrored, x becomes the width less x, which is a pixel more than the mirror image has.
        """
        x, y = width / 2 - 0.5, height / 2 - 0.5
        a = self.zoom * math.cos(math.radians(self.turn_deg))
        b = self.zoom * math.sin(math.radians(self.turn_deg))
        right, down = (self.zoom * step for step in self.shift)
        found = np.array([[a, b, (1 - a) * x - b * y + right], [-b, a, b * x + (1 - a) * y + down]])
        if self.mirror:
            found[0] *= -1
            found[0, 2] += width
        return found

    def points(self, points: ArrayLike, size: tuple[int, int], scheme: LandmarkScheme) -> Floats:
        """Points (L, 2) in the changed picture; mirrored, the paired ones are exchanged.

        Args:
            points: in the picture.
            size: its width and height.
            scheme: of the points.
        """
        matrix = self.matrix(*size)
        moved = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
        return moved[list(scheme.mirror)] if self.mirror else moved


def warp(picture: NDArray[np.uint8], matrix: Floats) -> NDArray[np.uint8]:
    """A picture as a matrix (2, 3) maps it, in a frame of its own size; the nearest pixel's color.

    The original means to interpolate, and names the wrong argument.
    """
    height, width = picture.shape[:2]
    back = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2]
    columns, rows = np.arange(width), np.arange(height)[:, None]
    x, y = (np.floor(a * columns + (b * rows + c) + 0.5).astype(np.int64) for a, b, c in back)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    found = np.full_like(picture, GRAY)
    found[inside] = picture[y[inside], x[inside]]
    return found


def center_crop(picture: Numbers, points: ArrayLike, size: int) -> tuple[Numbers, Floats]:
    """The middle size x size of a picture, and points (L, 2) in it."""
    height, width = picture.shape[:2]
    top, left = (height - size) // 2, (width - size) // 2
    crop = picture[top : top + size, left : left + size]
    return crop, np.asarray(points, np.float64) - (left, top)


def covered(size: int, center: tuple[float, float], aspect: float) -> tuple[int, int, int, int]:
    """The first and last column and row that are covered: left, top, right, bottom.

    Args:
        size: of the crop's side.
        center: of the rectangle, x and y.
        aspect: its width over its height; as published from 0.4 to 2.5.
    """
    area = COVERED * size * size
    half = np.array([math.sqrt(area * aspect), math.sqrt(area / aspect)]) / 2
    low = np.clip((center - half).astype(np.int64), 0, size - 1)
    high = np.clip((center + half).astype(np.int64), 0, size - 1)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def cover(
    picture: NDArray[np.uint8], rectangle: tuple[int, int, int, int], color: Sequence[int]
) -> NDArray[np.uint8]:
    """A picture with one color from the first to the last column and row of a rectangle."""
    left, top, right, bottom = rectangle
    found = picture.copy()
    found[top : bottom + 1, left : right + 1] = color
    return found


def standardized(picture: Numbers) -> Floats:
    """Each channel with mean 0 and deviation 1; one of a single color only with mean 0."""
    apart = picture - picture.mean(axis=(0, 1), dtype=np.float64)
    deviation = np.sqrt(np.square(apart).mean(axis=(0, 1)))
    return apart / np.where(deviation < LEAST, 1.0, deviation)


def learning_rate(epoch: int) -> float:
    """As it is meant, of an epoch from 0; with later versions of torch the steps come one early."""
    return RATE * FACTOR ** sum(epoch >= each for each in MILESTONES)
