"""Pictures of a mesh as 3DDFA and 3DDFA_V2 were published to draw them, mistakes included.

Vertices are in their frame: x right, y down, z towards the viewer, so that the largest z is the
nearest. V1 draws pictures of floats, V2 of bytes. Our own are in `images`: `raster`, `shading` and
`mesh_pictures`; this is what they are measured against.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.images.raster import Raster, checked_mesh, rasterize
from canthus.images.shading import Lighting, normal_sums, trace, vertex_normals

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Longs = NDArray[np.int64]
Pixels = NDArray[np.uint8]

Version = Literal["v1", "v2"]

LIGHT_V1 = Lighting(specular=0.9, light=(0, 0, 1), eye=(0, 0, 1))  # V1, if nothing is said
LIGHT = Lighting(light=(0, 0, 5), eye=(0, 0, 5))  # V1's demonstration, and all of V2

FARTHEST = {"v1": -999999.0, "v2": -1e8}  # what is not nearer than this is not drawn
CROP = 120  # pixels, the crop's side
ANCHORS = 64  # of the face in a row, and in a column
_QUARTER = 0.25  # pixels: around centers, and far from others


@dataclass(frozen=True, eq=False)
class PublishedMesh:
    """A mesh as both renderers take it.

    Attributes:
        vertices: (V, 3), in pixels.
        triangles: (T, 3), vertex numbers from 0.
    """

    vertices: ArrayLike
    triangles: ArrayLike


def published_raster(mesh: PublishedMesh, size: tuple[int, int], version: Version) -> Raster:
    """What each pixel sees, by the published test of what is inside, all in 32 bits.

    In V1 a triangle without area covers the centers in its box, in its first corner's color, and
    the edge opposite the first corner is open. In V2 all edges are open.

    Args:
        mesh: whose largest z is the nearest; so is the raster's depth.
        size: width and height.
        version: of 3DDFA.
    """
    points, corners = checked_mesh(np.asarray(mesh.vertices, np.float32), mesh.triangles)
    flat = _determinants(points.astype(np.float32)[corners])[0] == 0
    owner = np.flatnonzero(~flat)
    places, drawn = points, corners[owner]
    if version == "v1" and flat.any():
        places, drawn, owner = _with_boxes(points, corners, flat)
    inside: Literal["half_open", "strict"] = "half_open" if version == "v1" else "strict"
    found = rasterize(places * (1, 1, -1), drawn, size, inside=inside)
    seen = found.covered & (-found.depth > FARTHEST[version])
    triangle = np.full(seen.shape, -1, np.int32)
    triangle[seen] = owner[found.triangle[seen]]
    return _weighed(points.astype(np.float32), corners, triangle)


def draw_v1(mesh: PublishedMesh, colors: ArrayLike, background: ArrayLike) -> Singles:
    """V1's fast renderer: colors spread over the mesh, and laid over a background (H, W, C).

    Args:
        mesh: in pixels of the background.
        colors: (V, C).
        background: (H, W, C).
    """
    picture = np.array(background, np.float32)
    raster = published_raster(mesh, _size(picture), "v1")
    picture[raster.covered] = raster.interpolated(colors)[raster.covered]
    return picture


def draw_flat(mesh: PublishedMesh, colors: ArrayLike, size: tuple[int, int]) -> Singles:
    """V1's slow renderer: every triangle has one depth and one color, its corners' means.

    Args:
        mesh: in pixels of the picture.
        colors: (V, C).
        size: width and height.

    Returns:
        (H, W, C), on black.
    """
    points, numbers = checked_mesh(mesh.vertices, mesh.triangles)
    corners = points[numbers]
    corners[..., 2] = corners[..., 2].mean(axis=1, keepdims=True)
    alone = PublishedMesh(corners.reshape(-1, 3), np.arange(3 * len(numbers)).reshape(-1, 3))
    raster = published_raster(alone, size, "v1")
    means = np.asarray(colors, np.float32)[numbers].mean(axis=1)
    picture = np.zeros((*raster.triangle.shape, means.shape[1]), np.float32)
    picture[raster.covered] = means[raster.triangle[raster.covered]]
    return picture


def draw_v2(
    mesh: PublishedMesh, colors: ArrayLike, background: Pixels, *, reverse: bool = False
) -> Pixels:
    """V2's renderer: bytes, cut off rather than rounded, over a background.

    Args:
        mesh: in pixels of the background.
        colors: (V, C), in [0, 1].
        background: (H, W, C).
        reverse: draw the mesh's rows from the bottom up; the background stays.
    """
    picture = background.copy()
    raster = published_raster(mesh, _size(picture), "v2")
    rows = slice(None, None, -1) if reverse else slice(None)
    shown = np.float32(255) * raster.interpolated(colors)
    picture[rows][raster.covered] = shown[raster.covered].astype(np.uint8)
    return picture


def draw_fast(mesh: PublishedMesh, background: Pixels, lighting: Lighting = LIGHT) -> Pixels:
    """V2's renderer of lit faces in C: no highlights, and nothing drawn where z is 0 or less.

    Its vertices ought to be centered and scaled for the lamp, but what it subtracts and divides by
    are mean and range of the normals before they have length 1. The cosine is not cut off at 0, so
    what faces away is darker than the light from everywhere.
    """
    points, numbers = checked_mesh(mesh.vertices, mesh.triangles)
    sums = normal_sums(points, numbers)
    extent = np.ptp(sums, axis=0)
    places = (points - sums.mean(axis=0)) / np.where(extent > 0, extent, 1)
    toward = np.array(lighting.light) - places
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    facing = np.sum(vertex_normals(points, numbers) * toward, axis=1, keepdims=True)
    lit = lighting.ambient * np.array(lighting.ambient_color)
    colors = np.clip(lit + lighting.diffuse * np.array(lighting.light_color) * facing, 0, 1)
    picture = background.copy()
    raster = published_raster(mesh, _size(picture), "v2")
    seen = raster.covered & (raster.depth > 0)
    picture[seen] = (np.float32(255) * raster.interpolated(colors))[seen].astype(np.uint8)
    return picture


def published_phong(mesh: PublishedMesh, lighting: Lighting = LIGHT) -> Floats:
    """Colors of lit vertices (V, 3): the highlight's power is taken before coordinates are summed.

    There is one on what faces away from the light too, unless it does so exactly sideways.
    """
    beams = trace(mesh.vertices, vertex_normals(mesh.vertices, mesh.triangles), lighting)
    powers = (beams.view * beams.mirrored) ** lighting.shininess
    mirrored = np.where(beams.facing != 0, np.sum(powers, axis=1), 0.0)
    return lighting.colors(beams.facing, mirrored)


def overlay_v2(background: Pixels, mesh: PublishedMesh, lighting: Lighting = LIGHT) -> Pixels:
    """V2's lit face over a picture: 0.4 of the picture, 0.6 of the picture drawn over."""
    drawn = draw_v2(mesh, published_phong(mesh, lighting), background)
    return np.rint(0.4 * background + 0.6 * drawn).astype(np.uint8)


def scaled_depths(vertices: ArrayLike) -> Floats:
    """A mesh's z as colors (V, 1), from 0 at its farthest vertex to 1 at its nearest."""
    z = np.asarray(vertices, np.float64)[:, 2:]
    extent = np.ptp(z)
    return (z - z.min()) / (extent if extent > 0 else 1.0)


def pasted(faces: Iterable[Singles]) -> Singles:
    """V1's way to several faces: each over the last, channel by channel, where it is above 0.

    Args:
        faces: (H, W, C) each, of depths or codes; depths are each face's own, so the last one
            hides the others even where it is farther.
    """
    first, *others = faces
    picture = first.copy()
    for face in others:
        np.copyto(picture, face, where=face > 0)
    return picture


def sample(image: ArrayLike, x: ArrayLike, y: ArrayLike) -> Floats:
    """V2's bilinear sampler (N, C): its neighbors stay in the picture, but its weights do not know.

    From the last row or column on, and before the first, weights add up to 0: there it is black.

    Args:
        image: (H, W, C).
        x: (N,), columns.
        y: (N,), rows.
    """
    pixels, x, y = np.asarray(image, np.float64), np.asarray(x), np.asarray(y)
    (left, right), (top, bottom) = (
        [np.clip(np.floor(place).astype(np.int64) + step, 0, side - 1) for step in (0, 1)]
        for place, side in ((x, pixels.shape[1]), (y, pixels.shape[0]))
    )
    corners = [
        (top, left, (right - x) * (bottom - y)),
        (bottom, left, (right - x) * (y - top)),
        (top, right, (x - left) * (bottom - y)),
        (bottom, right, (x - left) * (y - top)),
    ]
    return np.sum([pixels[row, column] * w[:, None] for row, column, w in corners], axis=0)


def uv_places(uv: ArrayLike, size: tuple[int, int] = (256, 256)) -> Floats:
    """Where vertices are in the picture of a texture (V, 3), all of them at depth 0.

    Args:
        uv: (V, 2), in [0, 1], v upwards.
        size: width and height of the texture.
    """
    u, v = np.asarray(uv, np.float64).T
    width, height = size
    return np.stack([u * (width - 1), height - v * (height - 1) - 1, np.zeros_like(u)], axis=1)


def uv_texture(
    image: Pixels, mesh: PublishedMesh, uv: ArrayLike, size: tuple[int, int] = (256, 256)
) -> Pixels:
    """V2's texture (H, W, C): the picture's colors at all vertices, also at those it cannot see.

    Args:
        image: the picture, (H, W, C).
        mesh: in its pixels.
        uv: (V, 2), in [0, 1].
        size: width and height of the texture.
    """
    places = np.asarray(mesh.vertices, np.float64)
    colors = sample(image, places[:, 0], places[:, 1]) / 255
    black = np.zeros((size[1], size[0], colors.shape[1]), np.uint8)
    return draw_v2(PublishedMesh(uv_places(uv, size), mesh.triangles), colors, black)


def paf_anchors(coefficients: ArrayLike, mean: ArrayLike, basis: ArrayLike) -> Floats:
    """V1's anchors on the face (2, 4096), x and y in pixels of the crop.

    The basis of expressions in its file is a copy of the first ten of identity, so expressions
    move the anchors as if they were identities.

    Args:
        coefficients: (62,), not whitened: camera (3, 4), 40 of identity, 10 of expression.
        mean: (12288,) or (12288, 1).
        basis: (12288, 40), of identity.
    """
    known, columns = np.asarray(coefficients).reshape(-1, 1), np.asarray(basis, np.float32)
    camera, identity, expression = known[:12].reshape(3, 4), known[12:52], known[52:]
    moved = columns @ identity + columns[:, : len(expression)] @ expression
    shape = (np.asarray(mean).reshape(-1, 1) + moved).reshape(-1, 3)
    x, y, _ = camera[:, :3] @ shape.T + camera[:, 3:]
    return np.stack([x, CROP + 1 - y])


def paf_picture(crop: Pixels, anchors: ArrayLike, kernel: int = 3) -> Pixels:
    """V1's picture of what the anchors see (64 * kernel, 64 * kernel, 3).

    Row i and column j of its blocks show the crop around anchor 64 * j + i.

    Args:
        crop: (120, 120, 3).
        anchors: (2, 4096), moved into the crop where the block would leave it.
        kernel: the side of a block, odd.
    """
    reach = (kernel - 1) // 2
    centers = np.clip(np.rint(anchors).astype(np.int64), reach, CROP - reach - 1)
    columns, rows = centers.reshape(2, ANCHORS, ANCHORS).transpose(0, 2, 1)
    offsets = np.arange(-reach, reach + 1)
    down = rows[:, None, :, None] + offsets[:, None, None]
    across = columns[:, None, :, None] + offsets
    side = ANCHORS * kernel
    return crop[down, across].reshape(side, side, crop.shape[2])


def _size(picture: NDArray[np.generic]) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]


def _with_boxes(
    points: Floats, corners: Longs, flat: NDArray[np.bool_]
) -> tuple[Floats, Longs, Longs]:
    """The mesh with two triangles over the box of each flat one, and whose triangle each is."""
    places, z = points[corners[flat], :2], points[corners[flat, 0], 2]
    low = np.ceil(places.min(axis=1)) - _QUARTER
    high = np.floor(places.max(axis=1)) + _QUARTER
    sides = [(low, low), (high, low), (high, high), (low, high)]
    boxes = np.stack([np.stack([x[:, 0], y[:, 1], z], axis=1) for x, y in sides], axis=1)
    first = len(points) + 4 * np.arange(len(boxes))[:, None, None]
    halves = (first + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    owner = np.concatenate([np.flatnonzero(~flat), np.repeat(np.flatnonzero(flat), 2)])
    order = np.argsort(owner, kind="stable")
    drawn = np.concatenate([corners[~flat], halves])[order]
    return np.concatenate([points, boxes.reshape(-1, 3)]), drawn, owner[order]


def _determinants(corners: Singles) -> tuple[Singles, Singles, Singles, Singles]:
    """Of triangles (N, 3, 3): the determinant, and the products of its two sides, in 32 bits."""
    sides = corners[:, (2, 1), :2] - corners[:, :1, :2]
    (x, y), (p, q) = sides.transpose(1, 2, 0)
    long, mixed, short = x * x + y * y, x * p + y * q, p * p + q * q
    return long * short - mixed * mixed, long, mixed, short


def _weighed(points: Singles, corners: Longs, triangle: NDArray[np.int32]) -> Raster:
    """A raster of known triangles, its weights by products of sides, all in 32 bits."""
    rows, columns = np.nonzero(triangle >= 0)
    seen = points[corners[triangle[rows, columns]]]
    determinant, long, mixed, short = _determinants(seen)
    inverse = np.divide(1, determinant, out=np.zeros_like(determinant), where=determinant != 0)
    x, y = columns.astype(np.float32) - seen[:, 0, 0], rows.astype(np.float32) - seen[:, 0, 1]
    first, second = (
        (seen[:, k, 0] - seen[:, 0, 0]) * x + (seen[:, k, 1] - seen[:, 0, 1]) * y for k in (2, 1)
    )
    third = (short * first - mixed * second) * inverse
    middle = (long * second - mixed * first) * inverse
    shares = np.stack([1 - third - middle, middle, third])
    weights = np.zeros((*triangle.shape, 3), np.float32)
    depth = np.full(triangle.shape, np.nan, np.float32)
    weights[rows, columns] = shares.T
    depth[rows, columns] = sum(shares[k] * seen[:, k, 2] for k in range(3))
    return Raster(corners, triangle, weights, depth)
