"""Triangle meshes as pictures: which triangle every pixel sees, where in it, and how far away.

A triangle is cut along the rows of pixel centers that it crosses. Where an edge crosses a row is
the same number for both triangles that share it, so no pixel between them is lost. It is also
several times faster than to try every pixel of a bounding box.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

Inside = Literal["closed", "half_open", "strict"]
"""Which pixel centers on a triangle's outline are in it.

- closed: all of them, so that meshes have no holes.
- half_open: those on the two edges from its first corner, not those on the third edge.
- strict: none, so that a center on the edge between two triangles sees neither.
"""

TICKS = 2**30  # parts of the mesh's range in which depths are compared
_BITS = 32  # of a span's number, below its depth
_NOTHING = np.iinfo(np.int64).max
_ROW = 16  # pixels: what a triangle's row costs, beside those in it
_WORK = 2**17  # pixels with these at a time, and
_PIXELS = 2**14  # of the finished picture, which fit into a processor's cache


@dataclass(frozen=True, eq=False)
class Raster:
    """What each pixel of a picture sees of a mesh.

    Attributes:
        corners: (T, 3), the mesh's triangles, as vertex numbers.
        triangle: (H, W) int32, the number of the triangle seen; -1 where there is none.
        weights: (H, W, 3) float32, of its corners, at the pixel's center; 0 where there is none.
        depth: (H, W) float32, the z seen there, in the vertices' unit; NaN where there is none.
    """

    corners: Longs
    triangle: NDArray[np.int32]
    weights: NDArray[np.float32]
    depth: NDArray[np.float32]

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where the mesh is, (H, W)."""
        return self.triangle >= 0

    def interpolated(self, values: ArrayLike, *, empty: float = 0.0) -> NDArray[np.float32]:
        """Spread what is known at the vertices over the picture: (H, W), or (H, W, C).

        Args:
            values: (V,) or (V, C).
            empty: the value where the mesh is not.

        Raises:
            ValueError: if there are fewer values than the triangles have vertices.
        """
        known = np.asarray(values, np.float32)
        if known.ndim not in (1, 2) or len(known) <= self.corners.max(initial=-1):
            raise ValueError(
                f"values: expected shape (V,) or (V, C) for {self.corners.max(initial=-1) + 1} "
                f"vertices, found {known.shape}"
            )
        channels = known.reshape(len(known), -1).T
        result = np.full((self.triangle.size, len(channels)), empty, np.float32)
        seen = self.triangle.reshape(-1)
        pixel = np.flatnonzero(seen >= 0)
        weights = [self.weights[..., corner].reshape(-1)[pixel] for corner in range(3)]
        vertices = [self.corners[:, corner][seen[pixel]] for corner in range(3)]
        for number, channel in enumerate(np.ascontiguousarray(channels)):
            mixed = sum(w * channel[vertex] for w, vertex in zip(weights, vertices, strict=True))
            result[pixel, number] = mixed
        return result.reshape(*self.triangle.shape, *known.shape[1:])


def rasterize(
    vertices: ArrayLike,
    triangles: ArrayLike,
    size: tuple[int, int],
    *,
    inside: Inside = "closed",
) -> Raster:
    """Find what each pixel sees of a mesh, from straight ahead: the smallest z is the nearest.

    Both sides of a triangle are seen; one without area is not. Depths closer than a billionth of
    the mesh's range count as equal, and of triangles equally near the first is seen.

    Args:
        vertices: (V, 3), x right and y down, in pixels of the picture, the center of whose
            top-left pixel is (0, 0); z grows away from the camera, in any unit.
        triangles: (T, 3), vertex numbers from 0; the order of the corners does not matter.
        size: width and height of the picture.
        inside: which pixel centers on a triangle's outline are in it.

    Raises:
        ValueError: if shapes are others, a coordinate is not finite, a vertex does not exist, or
            there is no such picture.
    """
    points, corners = checked_mesh(vertices, triangles)
    if inside not in get_args(Inside):
        raise ValueError(f"inside: expected one of {get_args(Inside)}, found {inside!r}")
    if min(size) < 1:
        raise ValueError(f"size: expected a width and height of 1 or more, found {size}")
    mesh = np.ascontiguousarray(points.T)[:, np.ascontiguousarray(corners.T)]
    low, high = points[:, 2].min(initial=np.inf), points[:, 2].max(initial=-np.inf)
    ticks = TICKS / (high - low) if high > low else 0.0
    nearest, spans, num_spans = np.full(size[0] * size[1], _NOTHING), [], 0
    for batch in _batches(mesh, size):
        found = _spans(_rows(mesh, batch), mesh[2], size[0], inside)
        _draw(found, nearest, number=num_spans, low=low, ticks=ticks)
        spans.append(found)
        num_spans += len(found.start)
    return _seen(spans, nearest.reshape(size[::-1]), corners)


def checked_mesh(vertices: ArrayLike, triangles: ArrayLike) -> tuple[Floats, Longs]:
    """A mesh's vertices (V, 3) and triangles (T, 3), in the types that we count with.

    Raises:
        ValueError: if shapes are others, a coordinate is not finite, or a vertex does not exist.
    """
    points, corners = np.asarray(vertices, np.float64), np.asarray(triangles)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"vertices: expected shape (V, 3), found {points.shape}")
    if not np.isfinite(points).all():
        bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
        raise ValueError(f"vertices: expected finite numbers; vertex {bad[0]} has others")
    if corners.ndim != 2 or corners.shape[1] != 3 or corners.dtype.kind not in "iu":
        raise ValueError(
            f"triangles: expected whole numbers (T, 3), found {corners.dtype} {corners.shape}"
        )
    if corners.size and (corners.min() < 0 or corners.max() >= len(points)):
        raise ValueError(
            f"triangles: expected vertices from 0 to {len(points) - 1}, "
            f"found {corners.min()} to {corners.max()}"
        )
    return points, corners.astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Batch:
    """Some triangles that a picture may see: their numbers, first rows, and how many rows, (N,)."""

    triangle: Longs
    first: Longs
    count: Longs


@dataclass(frozen=True, eq=False)
class _Rows:
    """Triangles at the rows of pixel centers that they cross, R in all, ordered by triangle.

    Attributes:
        triangle, row: (R,).
        corners: (3, 2, R), x and y of the triangle's corners, from the highest to the lowest.
        order: (3, R), which of the triangle's corners these are.
    """

    triangle: Longs
    row: Longs
    corners: Floats
    order: Longs


@dataclass(frozen=True, eq=False)
class _Spans:
    """Runs of pixels in one row and one triangle, S in all, ordered by triangle.

    Attributes:
        triangle: (S,).
        start: (S,), the number of the first pixel, counted row by row.
        count: (S,), how many pixels there are.
        base: (3, S), at the first pixel, the weights of the triangle's first two corners, and z.
        step: (3, S), by which these grow from pixel to pixel.
    """

    triangle: Longs
    start: Longs
    count: Longs
    base: Floats
    step: Floats


def _batches(mesh: Floats, size: tuple[int, int]) -> Iterator[_Batch]:
    """The triangles around which a box holds centers of pixels, so many at a time."""
    bounds = []
    for places, side in zip(mesh, size, strict=False):
        first = np.ceil(np.clip(places.min(axis=0), 0, side)).astype(np.int64)
        last = np.floor(np.clip(places.max(axis=0), -1, side - 1)).astype(np.int64)
        bounds.append((first, last - first + 1))
    (_, across), (first, down) = bounds
    triangle = np.flatnonzero((across > 0) & (down > 0))
    work = np.cumsum(down[triangle] * (across[triangle] + _ROW))
    cuts = np.searchsorted(work, np.arange(_WORK, work[-1] if len(work) else 0, _WORK))
    for part in np.split(triangle, cuts):
        yield _Batch(part, first[part], down[part])


def _rows(mesh: Floats, batch: _Batch) -> _Rows:
    places = mesh[:2, :, batch.triangle]
    order = np.argsort(places[1], axis=0)
    places = np.take_along_axis(places, order[None], axis=1)
    x, y = places
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    owner, number = _enumerated(np.where(area != 0, batch.count, 0))
    corners = places.transpose(1, 0, 2)[:, :, owner]
    return _Rows(batch.triangle[owner], batch.first[owner] + number, corners, order[:, owner])


def _spans(rows: _Rows, depths: Floats, width: int, inside: Inside) -> _Spans:
    """The runs of pixels between the edge from the top to the bottom and the two others."""
    top, middle, bottom = rows.corners
    below = rows.row > middle[1]
    upper, lower = np.where(below, middle, top), np.where(below, bottom, middle)
    long, short = _crossing(rows.row, top, bottom), _crossing(rows.row, upper, lower)
    ends = np.stack([long[0], short[0]])
    first = np.ceil(np.clip(ends.min(axis=0), 0, width)).astype(np.int64)
    last = np.floor(np.clip(ends.max(axis=0), -1, width - 1)).astype(np.int64)
    if inside != "closed":
        first, last = _trimmed(rows, first, last, strict=inside == "strict")
    kept = np.flatnonzero(last >= first)
    weights = _weights(rows.order[:, kept], below[kept], long[1][kept], short[1][kept])
    triangle, (start, end), first = rows.triangle[kept], ends[:, kept], first[kept]
    z = np.einsum("eks,ks->es", weights, depths[:, triangle])
    known = np.concatenate([weights[:, :2], z[:, None]], axis=1)
    across = np.divide(1.0, end - start, out=np.zeros(len(kept)), where=end != start)
    step = (known[1] - known[0]) * across
    base = known[0] + (first - start) * step
    return _Spans(triangle, rows.row[kept] * width + first, last[kept] - first + 1, base, step)


def _crossing(row: Longs, upper: Floats, lower: Floats) -> tuple[Floats, Floats]:
    """Where edges cross rows: x, and the share of the way down. Exact at both ends of an edge."""
    down, height, ended = row - upper[1], lower[1] - upper[1], row >= lower[1]
    height = np.where(height > 0, height, 1.0)
    x = np.where(ended, lower[0], upper[0] + down * (lower[0] - upper[0]) / height)
    return x, np.where(ended, 1.0, down / height)


def _weights(order: Longs, below: NDArray[np.bool_], long: Floats, short: Floats) -> Floats:
    """Of a triangle's corners (2, 3, S), at shares of the way down its long and a short edge."""
    downwards = np.zeros((2, 3, len(below)))
    downwards[0, 0], downwards[0, 2] = 1 - long, long
    downwards[1, 0] = np.where(below, 0, 1 - short)
    downwards[1, 1] = np.where(below, 1 - short, short)
    downwards[1, 2] = np.where(below, short, 0)
    weights = np.empty_like(downwards)
    np.put_along_axis(weights, order[None], downwards, axis=1)
    return weights


def _trimmed(rows: _Rows, first: Longs, last: Longs, *, strict: bool) -> tuple[Longs, Longs]:
    """Runs without pixels on open edges: on all three, or on the one opposite the first corner."""
    for corner, (upper, lower) in enumerate([(1, 2), (0, 2), (0, 1)]):
        start, end = rows.corners[upper], rows.corners[lower]
        touched = (start[1] <= rows.row) & (rows.row <= end[1])
        if not strict:
            touched &= rows.order[corner] == 0
        x, _ = _crossing(rows.row, start, end)
        first, last = first + (touched & (first == x)), last - (touched & (last == x))
        last = np.where(touched & (start[1] == end[1]), first - 1, last)
    return first, last


def _draw(spans: _Spans, nearest: Longs, *, number: int, low: float, ticks: float) -> None:
    """Note at each pixel the nearest span so far, the first of equals.

    A depth in ticks and a span's number make one whole number, of which the smallest is kept.

    Args:
        spans: the next ones.
        nearest: (H * W,).
        number: of the first of these spans.
        low: the depth that has no ticks.
        ticks: how many there are in a unit of depth.
    """
    base, step = (spans.base[2] - low) * ticks, spans.step[2] * ticks
    span, column = _enumerated(spans.count)
    tick = np.clip(np.rint(base[span] + step[span] * column), 0, TICKS).astype(np.int64)
    np.minimum.at(nearest, spans.start[span] + column, (tick << _BITS) + (span + number))


def _seen(spans: list[_Spans], nearest: Longs, corners: Longs) -> Raster:
    """The picture, from the number of the span that each pixel sees, (H, W)."""
    shape, nearest = nearest.shape, nearest.ravel()
    triangle = np.full(nearest.size, -1, np.int32)
    weights = np.zeros((3, nearest.size), np.float32)
    depth = np.full(nearest.size, np.nan, np.float32)
    numbers = np.concatenate([part.triangle for part in spans])
    starts = np.concatenate([part.start for part in spans])
    bases = np.concatenate([part.base.astype(np.float32) for part in spans], axis=1)
    steps = np.concatenate([part.step.astype(np.float32) for part in spans], axis=1)
    covered = np.flatnonzero(nearest != _NOTHING)
    for pixel in np.split(covered, range(_PIXELS, len(covered), _PIXELS)):
        span = nearest[pixel] & (2**_BITS - 1)
        column = (pixel - starts[span]).astype(np.float32)
        first, second, z = (
            base[span] + step[span] * column for base, step in zip(bases, steps, strict=True)
        )
        triangle[pixel], depth[pixel] = numbers[span], z
        for corner, weight in enumerate((first, second, 1 - first - second)):
            weights[corner][pixel] = weight
    return Raster(
        corners,
        triangle.reshape(shape),
        weights.reshape(3, *shape).transpose(1, 2, 0),
        depth.reshape(shape),
    )


def _enumerated(counts: Longs) -> tuple[Longs, Longs]:
    """For counts (2, 0, 3): owners (0, 0, 2, 2, 2) and numbers among their own (0, 1, 0, 1, 2)."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
