"""Upright rectangles, and how one way of drawing them relates to another."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels; edges, not pixel indices.

    A picture of w x h pixels is `Box(-0.5, -0.5, w - 0.5, h - 0.5)`.

    Raises:
        ValueError: if an edge is not finite, or the box has no width or height.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        edges = (self.x0, self.y0, self.x1, self.y1)
        if not all(map(math.isfinite, edges)):
            raise ValueError(f"a box has finite edges, found {edges}")
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise ValueError(
                f"a box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1, found {edges}; "
                "is it (x, y, width, height)? Then use Box.from_xywh"
            )

    @classmethod
    def from_xywh(cls, x: float, y: float, width: float, height: float) -> Self:
        """The box whose corner, width and height are given."""
        return cls(x, y, x + width, y + height)

    @classmethod
    def around(cls, points: ArrayLike) -> Self:
        """The tightest box around points (L, 2); rows with NaN are left out.

        Raises:
            ValueError: if fewer than two points are known, or they span no area.
        """
        known = np.asarray(points, np.float64)[:, :2]
        known = known[np.isfinite(known).all(axis=1)]
        if len(known) < 2:
            raise ValueError(f"a box needs two known points at least, found {len(known)}")
        (x0, y0), (x1, y1) = known.min(axis=0).tolist(), known.max(axis=0).tolist()
        return cls(x0, y0, x1, y1)

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def center(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def size(self) -> float:
        """The side of a square of the same area: sqrt(w * h), a normalizer of the field."""
        return math.sqrt(self.width * self.height)

    @property
    def side(self) -> float:
        """The longer side."""
        return max(self.width, self.height)

    def scaled(self, factor: float) -> Self:
        """The box about the same center, `factor` times as wide and as high."""
        return self.moved(0.0, 0.0, factor)

    def moved(self, right: float, down: float, scale: float = 1.0) -> Self:
        """The box shifted by parts of its longer side, then scaled about its center."""
        x, y = self.center
        x, y = x + right * self.side, y + down * self.side
        half_w, half_h = scale * self.width / 2, scale * self.height / 2
        return type(self)(x - half_w, y - half_h, x + half_w, y + half_h)

    def squared(self) -> Self:
        """The square about the same center whose side is the longer side."""
        x, y = self.center
        half = self.side / 2
        return type(self)(x - half, y - half, x + half, y + half)

    def iou(self, other: "Box") -> float:
        """Intersection over union with another box, in [0, 1]."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.width * self.height + other.width * other.height - shared)

    def as_tuple(self) -> tuple[float, float, float, float]:
        """The four edges (x0, y0, x1, y1)."""
        return self.x0, self.y0, self.x1, self.y1


@dataclass(frozen=True, slots=True)
class BoxRelation:
    """How a source of boxes draws them, against the tight box around the landmarks.

    The source's box, squared, has its center `right` and `down` of the tight box's center, in
    longer sides of the tight box, and its side is `scale` times that longer side.
    """

    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0

    def to_tight(self, box: Box) -> Box:
        """The square that stands for the tight box of a face whose box the source drew."""
        square = box.squared()
        return square.moved(-self.right / self.scale, -self.down / self.scale, 1 / self.scale)

    def from_tight(self, box: Box) -> Box:
        """The square that the source would draw around a face with this tight box."""
        return box.squared().moved(self.right, self.down, self.scale)
