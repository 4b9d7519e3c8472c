"""Painting smooth shapes to a fraction of a pixel: what drawn faces are made of."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Color = tuple[float, float, float]  # red, green and blue, 0 to 255
Picture = NDArray[np.float32]  # (H, W, 3), 0 to 255, painted in place

ROWS = 16  # lines on which a pixel's coverage is measured; along a line it is exact
STEPS = 12  # pieces of a smooth curve between two of its points


def smooth(points: ArrayLike, *, closed: bool = False) -> NDArray[np.float64]:
    """A smooth curve through every one of the points (n, 2), as a polyline of short pieces.

    It is a Catmull-Rom spline; the given points are points of the polyline.
    """
    given = np.asarray(points, np.float64)
    if closed:
        p = np.concatenate([given[-1:], given, given[:2]])
    else:  # straight on before the first point and after the last
        p = np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    a, b, c, d = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    t = np.linspace(0, 1, STEPS, endpoint=False)[:, None]
    pieces = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    curve = pieces.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, given[-1:]])


def fill(
    picture: Picture, outline: ArrayLike, color: Color, *, within: ArrayLike | None = None
) -> None:
    """Paint the inside of a polygon (n, 2), or only the part of it that lies within another.

    A pixel on the edge takes as much of the color as the polygon covers of it.
    """
    polygon = np.asarray(outline, np.float64)
    place = _place(picture, polygon, margin=1)
    covered = _inside(polygon, place)
    if within is not None:
        covered = covered * _inside(np.asarray(within, np.float64), place)
    _blend(picture, place, covered, color)


def stroke(picture: Picture, line: ArrayLike, width: float, color: Color) -> None:
    """Paint a polyline (n, 2), `width` pixels wide, with round ends."""
    points = np.asarray(line, np.float64)
    place = _place(picture, points, margin=1 + width)
    covered = np.clip(width / 2 + 0.5 - _distances(points, place), 0, min(1, width))
    _blend(picture, place, covered, color)


Place = tuple[slice, slice]  # rows and columns of the picture
Shares = NDArray[np.float64]  # how much of each pixel of a place is covered, 0 to 1


def _place(picture: Picture, points: NDArray[np.float64], margin: float) -> Place:
    """The part of the picture that a shape can touch."""
    limits = picture.shape[1::-1]
    x0, y0 = np.clip(np.floor(points.min(axis=0) - margin), 0, limits).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(points.max(axis=0) + margin) + 1, 0, limits).astype(int).tolist()
    return slice(y0, y1), slice(x0, x1)


def _inside(polygon: NDArray[np.float64], place: Place) -> Shares:
    """How much of each pixel lies in a polygon: the sum, from the left, of its edges passed."""
    rows, columns = place
    height, width = rows.stop - rows.start, columns.stop - columns.start
    lines = rows.start - 0.5 + (np.arange(height * ROWS)[:, None] + 0.5) / ROWS
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    down, up = (y0 <= lines) & (lines < y1), (y1 <= lines) & (lines < y0)
    line, edge = np.nonzero(down | up)
    along = (lines[line, 0] - y0[edge]) / (y1 - y0)[edge]
    crossing = x0[edge] + along * (x1 - x0)[edge] + 0.5 - columns.start
    crossing = np.clip(crossing, 0, width)
    column = crossing.astype(int)
    sign = np.where(down[line, edge], 1.0, -1.0) / ROWS
    passed = np.zeros((height, width + 2))
    np.add.at(passed, (line // ROWS, column), sign * (1 - crossing + column))
    np.add.at(passed, (line // ROWS, column + 1), sign * (crossing - column))
    return np.clip(np.abs(np.cumsum(passed, axis=1)[:, :width]), 0, 1)


def _distances(points: NDArray[np.float64], place: Place) -> NDArray[np.float64]:
    """How far each pixel's center is from a polyline."""
    rows, columns = place
    y, x = np.mgrid[rows, columns].astype(np.float64)
    nearest = np.full(x.shape, np.inf)
    for (ax, ay), (dx, dy) in zip(points[:-1], np.diff(points, axis=0), strict=True):
        length = dx * dx + dy * dy
        along = ((x - ax) * dx + (y - ay) * dy) / length if length else np.zeros_like(x)
        along = np.clip(along, 0, 1)
        nearest = np.minimum(nearest, (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2)
    return np.sqrt(nearest)


def _blend(picture: Picture, place: Place, shares: Shares, color: Color) -> None:
    share = shares[..., None].astype(np.float32)
    picture[place] += share * (np.array(color, np.float32) - picture[place])
