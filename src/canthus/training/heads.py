"""Heads around faces: a face model's surface goes on backward, over ears, hair, neck and skull.

No photo of a face says how its head goes on, so this is what heads have in common, in half widths
of the face. There are two parts. Seen from ahead, each ring of the *rim* is larger than the one
before, so that its points see places of their own in a photo: ears, hair and neck become its
colors. Behind the rim the skull closes. It is hidden in most photos, and so is what would be
painted on it: its colors are taken from the rim further up, where heads have hair.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces.face_model import FaceModel

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

# By how high a place of the outline is, from the chin (-1) to the forehead (1):
HEIGHTS = (-1.0, -0.7, -0.3, 0.2, 0.6, 1.0)
SIZES = np.array(  # of each ring, in sizes of the outline,
    [
        [1.08, 1.02, 1.01, 1.04, 1.04, 1.15],
        [1.18, 1.04, 1.02, 1.09, 1.08, 1.32],
        [1.26, 1.06, 1.03, 1.13, 1.11, 1.46],
        [1.24, 1.05, 1.03, 1.11, 1.13, 1.48],
        [1.15, 0.98, 1.00, 1.03, 1.10, 1.32],
        [0.92, 0.76, 0.80, 0.78, 0.84, 0.95],
        [0.50, 0.35, 0.35, 0.25, 0.25, 0.30],
    ]
)
DEPTHS = np.array(  # and how far it is ahead of the axis
    [
        [0.45, 0.20, -0.02, -0.08, 0.40, 0.65],
        [0.20, 0.05, -0.15, -0.22, 0.15, 0.35],
        [0.05, -0.10, -0.30, -0.38, -0.10, -0.10],
        [-0.20, -0.35, -0.60, -0.75, -0.60, -0.60],
        [-0.45, -0.60, -0.95, -1.10, -1.05, -1.00],
        [-0.70, -0.85, -1.20, -1.38, -1.35, -1.30],
        [-0.90, -1.00, -1.30, -1.52, -1.52, -1.50],
    ]
)
RIM = 3  # rings; the others are the skull
NAPE = 2.0  # radians from the forehead: hair is above, the neck below, and between both
BOTH = 0.4  # a change as wide
LIFTS = (0.55, 0.68, 0.78, 0.86)  # of the way to forehead or chin: a skull ring's colors are there
# From the forehead to the chin: where such colors are in the second ring, not in the first one.
DEEP = ((0.8, 1.6, 2.4, 2.8), (1.0, 0.0, 0.0, 1.0))
# Outlines are marked a little outside of faces, where the background begins. So colors are taken
# from further inside, by this share of the way to the middle: from FROM outlines' radii on more and
# more, most at the outline, and less again at each of the rim's rings.
INWARD, FROM = (0.08, 0.06, 0.03, 0.0), 0.7
SEEN = 0.1  # half widths by which a place of the skull stands out that may be seen; twice: it is


@dataclass(frozen=True, eq=False)
class Head:
    """How a face model's mesh goes on as a head.

    Attributes:
        outline: (B,), the vertices around the face, in order.
        triangles: (T, 3), of the mesh, then of the rings; vertices of ring r, counted from 0,
            are those from V + r * B on.
    """

    outline: Longs
    triangles: Longs

    @classmethod
    def of(cls, model: FaceModel) -> Self:
        """The head of a face model.

        Raises:
            ValueError: if the model has no triangles, or they have no edge.
        """
        outline = outline_of(model.triangles)
        count, first, rings = len(outline), len(model.neutral), len(SIZES)
        rows = np.concatenate([outline, first + np.arange(rings * count)]).reshape(-1, count)
        after = np.roll(rows, -1, axis=1)
        quads = [(rows[:-1], after[:-1], after[1:]), (rows[:-1], after[1:], rows[1:])]
        bands = [np.stack(corners, axis=-1).reshape(-1, 3) for corners in quads]
        return cls(outline, np.concatenate([model.triangles, *bands]).astype(np.int64))

    def around(self, vertices: ArrayLike) -> Floats:
        """A face's vertices (V, 3) and after them those of the rings, (V + rings * B, 3)."""
        face = np.asarray(vertices, np.float64)
        edge = face[self.outline]
        axis, half = axis_of(edge), _half(edge)
        away = edge[:, :2] - axis[:2]
        height = away[:, 1] / np.linalg.norm(away, axis=1)
        size, depth = (
            np.array([np.interp(height, HEIGHTS, row) for row in rows]) for rows in (SIZES, DEPTHS)
        )
        flat = axis[:2] + size[..., None] * away
        z = axis[2] + half * depth
        z[:RIM] = np.minimum(z[:RIM], edge[:, 2])  # never ahead of the outline
        rings = np.concatenate([flat, z[..., None]], axis=-1)
        return np.concatenate([face, rings.reshape(-1, 3)])

    def colored(self, around: Floats, places: ArrayLike, share: float) -> NDArray[np.float32]:
        """Where in a photo the colors of a head's vertices are, (V + rings * B, 2).

        Args:
            around: of `around`.
            places: the same vertices in the photo, (V + rings * B, 2 or more), pixels.
            share: how far hidden places take colors from elsewhere, in [0, 1].
        """
        count = len(self.outline)
        own = np.array(places, np.float32)[:, :2]
        first = len(own) - len(SIZES) * count
        rings = own[first:].reshape(-1, count, 2)  # a view
        edge = around[self.outline]
        away = edge[:, :2] - axis_of(edge)[:2]
        angle = np.arctan2(away[:, 0], away[:, 1])  # from the forehead, to both sides
        order, side = np.argsort(angle), np.sign(angle)
        hair, neck = np.clip((NAPE - np.abs(angle)) / BOTH * [[1], [-1]], 0, 1)
        middle = own[self.outline].mean(axis=0)
        inward = share * self.inward(around)
        own += inward[:, None] * (middle - own)
        reach = np.linalg.norm(rings[RIM - 1] - middle, axis=1)
        scale = np.ptp(own[self.outline], axis=0).max() / np.ptp(edge[:, :2], axis=0).max()
        for ring, lift in zip(rings[RIM:], LIFTS, strict=True):
            out = np.linalg.norm(ring - middle, axis=1) - reach
            hidden = share * (1 - np.clip(out / (SEEN * _half(edge) * scale) - 1, 0, 1))
            moved = angle + lift * (neck * (side * np.pi - angle) - hair * angle)
            low, high = (_at(moved, angle[order], each[order]) for each in rings[:2])
            deep = np.interp(np.abs(moved), *DEEP)[:, None]
            ring += hidden[:, None] * (low + deep * (high - low) - ring)
        return own

    def inward(self, around: Floats) -> Floats:
        """How far inside the colors of a head's vertices (N, 3) are, see `INWARD`: shares, (N,)."""
        count = len(self.outline)
        edge = around[self.outline]
        away = around[:, :2] - axis_of(edge)[:2]
        angle, radius = np.arctan2(away[:, 0], away[:, 1]), np.linalg.norm(away, axis=1)
        order = np.argsort(angle[self.outline])
        known = angle[self.outline][order], radius[self.outline][order]
        out = radius / np.interp(angle, *known, period=2 * np.pi)
        inward = INWARD[0] * np.clip((out - FROM) / (1 - FROM), 0, 1)
        rings = np.zeros(len(SIZES))
        rings[:RIM] = INWARD[1:]
        inward[len(around) - len(SIZES) * count :] = np.repeat(rings, count)
        return inward

    def axis(self, vertices: ArrayLike) -> Floats:
        """A point of the vertical axis about which a head turns, (3,), as high as the face."""
        return axis_of(np.asarray(vertices, np.float64)[self.outline])


def _at(angle: Floats, known: Floats, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values (B, 2), known at rising angles, at others."""
    return np.stack([np.interp(angle, known, value) for value in values.T], axis=1)


def _half(edge: Floats) -> float:
    """Half the width of a face, by its outline (B, 3)."""
    return float(np.ptp(edge[:, 0])) / 2


def axis_of(edge: Floats) -> Floats:
    """The axis at a face's outline (B, 3): midway, and as deep as the face goes, at the ears."""
    low, high = edge.min(axis=0), edge.max(axis=0)
    return np.array([*((low + high) / 2)[:2], low[2]])


def outline_of(triangles: ArrayLike) -> Longs:
    """The vertices around a mesh (T, 3), in order: its longest chain of edges of one triangle.

    Raises:
        ValueError: if every edge has a triangle on both sides.
    """
    corners = np.asarray(triangles, np.int64).reshape(-1, 3)
    edges = corners[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).tolist()
    known = {tuple(edge) for edge in edges}
    after = {a: b for a, b in edges if (b, a) not in known}
    chains = []
    while after:
        chain = [next(iter(after))]
        while (following := after.pop(chain[-1], None)) not in (None, chain[0]):
            chain.append(following)
        chains.append(chain)
    if not chains:
        raise ValueError("triangles: expected a face's mesh with an outline, found none")
    return np.array(max(chains, key=len))
