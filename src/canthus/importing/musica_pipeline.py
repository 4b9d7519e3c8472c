"""MuSiCa as it was published: boxes, crops, the mean face and where the steps begin.

The released code cuts faces in two ways, of which one was trained on and the other runs; neither
is what it aims at. Points are (x, y) here, as everywhere; theirs are (y, x).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SIDE = 142  # pixels of the longer side of a box, in the crop
MARGIN = 0.3  # of a box's side, beyond each of its edges
SMALLEST = 10  # pixels; boxes as narrow do not count in the mean face
SLIM = 4  # times as long as wide: beyond it the shorter side is enlarged more


@dataclass(frozen=True)
class Cut:
    """How a face is cut, and where its landmarks are before anything is seen.

    Attributes:
        to_crop: from the picture to the crop, (2, 3); the scales along x and y may differ.
        size: width and height of the crop, in pixels; not whole numbers in `clean`.
        start: the mean face in the crop, (L, 2).
        start_in_picture: the same in the picture, (L, 2).
    """

    to_crop: Floats
    size: tuple[float, float]
    start: Floats
    start_in_picture: Floats


def scales(box: Sequence[float]) -> Floats:
    """Along x and y, (2,): the longer side of a box (x0, y0, x1, y1) becomes `SIDE` pixels.

    A box more than four times as long as wide is enlarged more across.
    """
    x0, y0, x1, y1 = box
    sides = np.array([x1 - x0, y1 - y0], np.float64)
    longest = sides.max()
    return SIDE / longest * np.where(sides < longest, np.maximum(1, longest / (SLIM * sides)), 1.0)


def mean_face(points: ArrayLike, boxes: ArrayLike) -> Floats:
    """The mean of faces in their boxes, (L, 2), from the boxes' corners; not turned, not scaled.

    Args:
        points: (N, L, 2), in pictures.
        boxes: (N, 4); faces in boxes with a side of `SMALLEST` or less do not count.

    Raises:
        ValueError: if no box is large enough.
    """
    places = []
    for face, box in zip(np.asarray(points), np.asarray(boxes, np.float64), strict=True):
        if (box[2:] - box[:2] > SMALLEST).all():
            places.append((face - box[:2]) * scales(box))
    if not places:
        raise ValueError(f"expected a box with sides of more than {SMALLEST} pixels, found none")
    return np.mean(places, axis=0)


def clean(box: Sequence[float], mean: ArrayLike) -> Cut:
    """What both of theirs aim at: the box with its margin, not rounded; what we recommend.

    Args:
        box: (x0, y0, x1, y1).
        mean: the mean face, (L, 2), from the box's corner.
    """
    x0, y0, x1, y1 = box
    sides = np.array([x1 - x0, y1 - y0])
    scale = SIDE / sides.max()
    shift = MARGIN * sides * scale
    start = np.asarray(mean) + shift
    width, height = (1 + 2 * MARGIN) * sides * scale
    to_crop = _scaling(np.full(2, scale), shift - scale * np.array([x0, y0]))
    return Cut(to_crop, (width, height), start, _back(to_crop, start))


def inferred(box: Sequence[float], mean: ArrayLike) -> Cut:
    """As the released code cuts a face to align it, with all that it rounds.

    The box is of whole pixels and holds its last ones. A turn by 0 degrees moves a side of an odd
    number of pixels by half of one; afterwards the box is measured one pixel larger.
    """
    x0, y0, x1, y1 = (_rounded(edge) for edge in box)
    sides = np.array([x1 - x0 + 1, y1 - y0 + 1])
    first = np.array([_rounded(edge) for edge in (x0, y0) - MARGIN * sides])
    last = np.array([_rounded(edge) for edge in (x1, y1) + MARGIN * sides])
    size = last - first + 1
    turned = -0.5 * (size % 2)
    low, high = np.trunc(size // 2 - sides / 2), np.trunc(size // 2 + sides / 2)
    scale = SIDE / float((high - low + 1).max())
    corner = np.array([_rounded(edge) for edge in low * scale])
    width, height = (_rounded(side) for side in size * scale)
    start = np.asarray(mean) + corner
    to_crop = _scaling(np.full(2, scale), scale * (turned - first))
    return Cut(to_crop, (width, height), start, _back(to_crop, start))


def trained(box: Sequence[float], picture: tuple[int, int], mean: ArrayLike) -> Cut:
    """As the released code cuts a face to learn from it: no further than the picture goes.

    Args:
        box: (x0, y0, x1, y1).
        picture: its width and height.
        mean: the mean face, (L, 2), from the box's corner.
    """
    corner = np.array(box[:2], np.float64)
    sides, scale = np.array(box[2:]) - corner, scales(box)
    first = np.floor(corner - MARGIN * sides).clip(0, picture)
    last = np.ceil(corner + (1 + MARGIN) * sides).clip(0, picture)
    size = last - first
    factor = (scale * size - 1) / (size - 1)
    width, height = np.ceil(scale * size).astype(int).tolist()
    places = np.asarray(mean) / scale + corner
    return Cut(
        _scaling(factor, -factor * first), (width, height), factor * (places - first), places
    )


def _rounded(value: float) -> int:
    """To whole numbers, halves away from 0."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def _scaling(scale: Floats, shift: Floats) -> Floats:
    return np.concatenate([np.diag(scale), shift[:, None]], axis=1)


def _back(to_crop: Floats, points: Floats) -> Floats:
    return (points - to_crop[:, 2]) / to_crop.diagonal()
