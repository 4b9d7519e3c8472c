"""What the pixels of a mesh show: how far away it is, which part of a face it is, its colors."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.images.raster import Raster

Pixels = NDArray[np.uint8]
Color = tuple[float, float, float]  # red, green, blue, in [0, 1]

LINES_SHOW = 0.8  # how far lines cover what is below


def depth_picture(depth: ArrayLike, *, nearest: float, farthest: float) -> Pixels:
    """Depth as gray, the nearer the brighter: from 255 to 1, and 0 where nothing is seen.

    Args:
        depth: (H, W), smaller is nearer, NaN where nothing is seen.
        nearest: the depth that is white, usually the smallest z of the mesh.
        farthest: the depth that is almost black, usually the largest z of the mesh.

    Raises:
        ValueError: if the farthest is nearer than the nearest.
    """
    if farthest < nearest:
        raise ValueError(
            f"nearest, farthest: expected them in this order, found {nearest} and {farthest}; "
            "z grows away from the camera"
        )
    z = np.asarray(depth, np.float32)
    share = (farthest - z) / (farthest - nearest) if farthest > nearest else np.ones_like(z)
    gray = 1 + 254 * np.clip(share, 0, 1)
    return np.where(np.isnan(z), 0, np.rint(np.nan_to_num(gray))).astype(np.uint8)


def face_codes(mean: ArrayLike) -> NDArray[np.float32]:
    """A color for every vertex that says where on the face it is: its projected normalized code.

    Red, green and blue are the vertex's x, y and z on the mean face, each from 0 at the axis's
    smallest to 1 at its largest. They belong to the vertex, whatever the pose or the person.

    Args:
        mean: (V, 3), the mean face, in its own frame.

    Returns:
        (V, 3), in [0, 1]; an axis on which all are equal is 0.

    Raises:
        ValueError: if the shape is another, or there is no vertex.
    """
    points = np.asarray(mean, np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) == 0:
        raise ValueError(f"mean: expected shape (V, 3), found {points.shape}")
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    return ((points - low) / np.where(extent > 0, extent, 1)).astype(np.float32)


def color_picture(raster: Raster, colors: ArrayLike) -> Pixels:
    """The mesh in its vertices' colors on black, RGB (H, W, 3).

    Args:
        raster: what each pixel sees.
        colors: (V, 3), RGB in [0, 1]: of `face_codes` for PNCC, of `phong` for a lit face.

    Raises:
        ValueError: if the shape is another.
    """
    shown = raster.interpolated(_colors(colors))
    return np.rint(255 * np.clip(shown, 0, 1)).astype(np.uint8)


def overlay(image: Pixels, raster: Raster, colors: ArrayLike, *, opacity: float = 0.6) -> Pixels:
    """The mesh in its vertices' colors over a picture, RGB (H, W, 3).

    Args:
        image: (H, W, 3), of the raster's size.
        raster: what each pixel sees.
        colors: (V, 3), RGB in [0, 1].
        opacity: from 0, the picture alone, to 1, which hides it.

    Raises:
        ValueError: if a shape is another.
    """
    _check_size(image, raster)
    shown = raster.interpolated(_colors(colors))
    share = opacity * raster.covered[..., None].astype(np.float32)
    mixed = (1 - share) * image + share * 255 * np.clip(shown, 0, 1)
    return np.rint(mixed).astype(np.uint8)


def wireframe(
    image: Pixels,
    raster: Raster,
    vertices: ArrayLike,
    *,
    color: Color = (1.0, 1.0, 1.0),
    width: float = 1.0,
) -> Pixels:
    """The edges of a mesh's triangles over a picture, RGB (H, W, 3); what is hidden is left out.

    Lines fade where triangles are hardly larger than lines are wide; fine meshes are left bare.

    Args:
        image: (H, W, 3), of the raster's size.
        raster: what each pixel sees.
        vertices: (V, 3), those that were rasterized.
        color: of lines, RGB in [0, 1].
        width: of lines, in pixels.

    Raises:
        ValueError: if a shape is another.
    """
    _check_size(image, raster)
    seen = np.flatnonzero(raster.triangle.reshape(-1) >= 0)
    corners = np.asarray(vertices, np.float64)[raster.corners, :2]
    sides = corners[:, [2, 0, 1]] - corners[:, [1, 2, 0]]  # opposite of each corner
    lengths = np.maximum(np.linalg.norm(sides, axis=2), np.finfo(float).tiny)
    doubled = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0])
    triangle = raster.triangle.reshape(-1)[seen]
    heights = (doubled[:, None] / lengths)[triangle]
    away = (raster.weights.reshape(-1, 3)[seen] * heights).min(axis=1)
    fading = np.clip(doubled / lengths.sum(axis=1) / width, 0, 1)[triangle]
    share = (np.clip(width / 2 + 0.5 - away, 0, 1) * fading)[:, None]
    result = np.array(image, np.float64).reshape(-1, 3)
    result[seen] += LINES_SHOW * share * (255 * np.array(color) - result[seen])
    return np.rint(result).astype(np.uint8).reshape(image.shape)


def _check_size(image: Pixels, raster: Raster) -> None:
    if image.shape != (*raster.triangle.shape, 3):
        raise ValueError(
            f"image: expected shape {(*raster.triangle.shape, 3)}, found {image.shape}"
        )


def _colors(colors: ArrayLike) -> NDArray[np.float32]:
    known = np.asarray(colors, np.float32)
    if known.ndim != 2 or known.shape[1] != 3:
        raise ValueError(f"colors: expected shape (V, 3), found {known.shape}")
    return known
