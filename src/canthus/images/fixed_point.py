"""Affine warps to the last bit as OpenCV 4 makes them, for pipelines that were published with it.

OpenCV 4 rounds places to 1/32 of a pixel, OpenCV 5 does not; landmarks differ by up to 0.2 pixels.
Everywhere else, use `images.warp`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FINE, STEPS = 1024, 32  # parts of a pixel in which places are added up, and in which they are used

Longs = NDArray[np.int64]


def warp_affine(
    image: NDArray[np.uint8], matrix: ArrayLike, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Bilinear, and black outside, as `cv2.warpAffine` of OpenCV 4 on 8 bits.

    Args:
        image: (H, W, C).
        matrix: (2, 3), from pixels of the picture to those of the result.
        size: width and height of the result.
    """
    x, y = _places(_inverse(np.asarray(matrix, np.float64)), size)
    height, width = image.shape[:2]
    total = np.full((*x.shape, image.shape[2]), STEPS * STEPS // 2, np.int64)
    for down in (0, 1):
        for right in (0, 1):
            across, along = x // STEPS + right, y // STEPS + down
            inside = (across >= 0) & (across < width) & (along >= 0) & (along < height)
            weight = _share(x % STEPS, right) * _share(y % STEPS, down) * inside
            seen = image[np.clip(along, 0, height - 1), np.clip(across, 0, width - 1)]
            total += seen * weight[..., None]
    return (total // (STEPS * STEPS)).astype(np.uint8)


def _places(back: NDArray[np.float64], size: tuple[int, int]) -> tuple[Longs, Longs]:
    """Where each pixel of the result is in the picture, (H, W) each, in steps."""
    columns, rows = np.arange(size[0]), np.arange(size[1])[:, None]
    half = FINE // STEPS // 2
    found = [
        np.rint((row[1] * rows + row[2]) * FINE) + half + np.rint(row[0] * columns * FINE)
        for row in back
    ]
    x, y = (place.astype(np.int64) // (FINE // STEPS) for place in found)
    return x, y


def _share(rest: Longs, far: int) -> Longs:
    return rest if far else STEPS - rest


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map back, its operations in the order in which OpenCV does them."""
    (a, b, x), (c, d, y) = matrix.tolist()
    area = a * d - b * c
    factor = 1 / area if area else 0.0
    a, b, c, d = d * factor, b * -factor, c * -factor, a * factor
    return np.array([[a, b, -a * x - b * y], [c, d, -c * x - d * y]])
