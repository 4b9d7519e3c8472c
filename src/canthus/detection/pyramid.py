"""A picture at many sizes, so that one small window fits faces of every size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.images.shrink import shrink

BORDER = 4  # black pixels around each level: a window may hang over the picture by a third


@dataclass(frozen=True, eq=False)
class Level:
    """The picture at one size, with a black border.

    Attributes:
        planes: (1, 3, H, W), RGB from 0 to 255.
        scale: pixels of the level in one of the picture, across and down.
    """

    planes: NDArray[np.float32]
    scale: NDArray[np.float64]

    def from_picture(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Edges (N, 4) in this level, counted from its outer corner."""
        return (windows + 0.5) * np.tile(self.scale, 2) + BORDER

    def to_picture(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Edges (N, 4), counted from this level's outer corner, in the picture."""
        return (windows - BORDER) / np.tile(self.scale, 2) - 0.5


def build(image: NDArray[np.uint8], finest: float, factor: float, smallest: int) -> list[Level]:
    """The picture itself, then its smaller levels.

    Args:
        image: (H, W, 3).
        finest: scale of the first of the smaller levels.
        factor: scale of each from the one before.
        smallest: pixels of a level's shorter side with the border; smaller ones are left out.
    """
    levels = [_level(image, image.shape)]
    small, scale = shrink(image, finest), factor
    while min(small.shape[:2]) + 2 * BORDER >= smallest:
        levels.append(_level(small, image.shape))
        small = shrink(small, scale)
    return levels


def _level(image: NDArray[np.uint8], whole: Sequence[int]) -> Level:
    height, width = image.shape[:2]
    planes = np.zeros((1, 3, height + 2 * BORDER, width + 2 * BORDER), np.float32)
    planes[0, :, BORDER:-BORDER, BORDER:-BORDER] = image.transpose(2, 0, 1)
    return Level(planes, np.array([width / whole[1], height / whole[0]]))
