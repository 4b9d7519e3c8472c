"""Scale, turn and shift of the plane: the one kind of map between a picture and a crop."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.geometry.box import Box


@dataclass(frozen=True, eq=False)
class Similarity:
    """A map of the plane by one scale, one turn and one shift, as a (2, 3) matrix.

    Raises:
        ValueError: if the matrix is not (2, 3), not finite, or not such a map.
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, np.float64)
        if matrix.shape != (2, 3):
            raise ValueError(f"a similarity is a (2, 3) matrix, found {matrix.shape}")
        (a, b, _), (c, d, _) = matrix
        size = math.hypot(a, c)
        if not np.isfinite(matrix).all() or size == 0 or abs(a - d) + abs(b + c) > 1e-6 * size:
            raise ValueError(
                f"expected [[a, -b, x], [b, a, y]] with a scale above 0, found {matrix}"
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def about(
        cls,
        source: tuple[float, float],
        target: tuple[float, float],
        *,
        scale: float = 1.0,
        roll_deg: float = 0.0,
    ) -> Self:
        """The map that takes `source` to `target`, scaling and turning about it.

        A positive roll turns the x axis towards the y axis: clockwise as seen in a picture.
        """
        turn = math.radians(roll_deg)
        a, b = scale * math.cos(turn), scale * math.sin(turn)
        x = target[0] - a * source[0] + b * source[1]
        y = target[1] - b * source[0] - a * source[1]
        return cls(np.array([[a, -b, x], [b, a, y]]))

    @classmethod
    def crop(cls, box: Box, size: int, *, roll_deg: float = 0.0) -> Self:
        """The map from a picture to the size x size crop of a box, made square first.

        The square's edges become the crop's edges, -0.5 and size - 0.5. A face that is turned
        by `roll_deg` stands upright in the crop.
        """
        middle = (size - 1) / 2
        return cls.about(box.center, (middle, middle), scale=size / box.side, roll_deg=-roll_deg)

    @classmethod
    def fit(cls, source: ArrayLike, target: ArrayLike) -> Self:
        """The map that brings points (L, 2) closest to others, in the least-squares sense.

        Raises:
            ValueError: if the shapes differ or the source points coincide.
        """
        a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
        if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 2:
            raise ValueError(f"expected two arrays (L, 2), found {a.shape} and {b.shape}")
        mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
        (ax, ay), (bx, by) = (a - mean_a).T, (b - mean_b).T
        spread = float((ax**2 + ay**2).sum())
        if spread == 0:
            raise ValueError("the source points coincide; no scale can be found")
        cos, sin = (ax * bx + ay * by).sum() / spread, (ax * by - ay * bx).sum() / spread
        linear = np.array([[cos, -sin], [sin, cos]])
        return cls(np.column_stack([linear, mean_b - linear @ mean_a]))

    @property
    def scale(self) -> float:
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    @property
    def roll_deg(self) -> float:
        """The turn in degrees, from the x axis towards the y axis."""
        return math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))

    def apply(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points (..., 2)."""
        return np.asarray(points, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def apply_covariances(self, covariances: ArrayLike) -> NDArray[np.float64]:
        """Map covariances (..., 2, 2) of points: they turn with the plane, and scale as areas."""
        linear = self.matrix[:, :2]
        mapped = linear @ np.asarray(covariances, np.float64) @ linear.T
        return np.asarray((mapped + mapped.swapaxes(-1, -2)) / 2)  # symmetric to the last bit

    def inverse(self) -> Self:
        """The map back."""
        linear = self.matrix[:, :2].T / self.scale**2
        return type(self)(np.column_stack([linear, -linear @ self.matrix[:, 2]]))

    def __matmul__(self, first: "Similarity") -> Self:
        """The map that applies `first`, then this one."""
        linear = self.matrix[:, :2] @ first.matrix[:, :2]
        return type(self)(np.column_stack([linear, self.apply(first.matrix[:, 2])]))
