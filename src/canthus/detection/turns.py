"""Pictures turned by quarters, and what was found in them turned back."""

import numpy as np
from numpy.typing import NDArray


def turned(image: NDArray[np.uint8], quarters: int) -> NDArray[np.uint8]:
    """A picture turned counterclockwise by quarters of a circle."""
    return np.ascontiguousarray(np.rot90(image, quarters))


def back(points: NDArray[np.float64], quarters: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """Points (..., 2) of the turned picture in the original.

    Args:
        points: in the turned picture.
        quarters: by how many it was turned, counterclockwise.
        size: width and height of the original, in pixels.
    """
    width, height = size
    x, y = points[..., 0], points[..., 1]
    original = (
        (x, y),
        (width - 1 - y, x),
        (width - 1 - x, height - 1 - y),
        (y, height - 1 - x),
    )
    return np.stack(original[quarters % 4], axis=-1)
