"""Light on a triangle mesh: the normals of its vertices, and the colors that they take."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.images.raster import Floats, Longs, checked_mesh

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Lighting:
    """One light, what the surface does with it, and who looks.

    Places are in the frame of the mesh, scaled and centered as by `centered`, so that the mesh
    lies within [-1, 1]; the default ones are straight ahead of a face whose z grows away from the
    camera. Strengths multiply colors of which white is (1, 1, 1).

    Attributes:
        ambient: how much light comes from everywhere.
        diffuse: how much of the light's is scattered, by the angle at which it falls.
        specular: how much of the light's is mirrored towards the eye.
        shininess: the exponent of what is mirrored; larger, and highlights are smaller.
        light: where the light is.
        eye: where the eye is.
        ambient_color: of the light from everywhere.
        light_color: of the light.
    """

    ambient: float = 0.3
    diffuse: float = 0.6
    specular: float = 0.1
    shininess: float = 5.0
    light: Triple = (0.0, 0.0, -5.0)
    eye: Triple = (0.0, 0.0, -5.0)
    ambient_color: Triple = (1.0, 1.0, 1.0)
    light_color: Triple = (1.0, 1.0, 1.0)

    def colors(self, facing: Floats, mirrored: Floats) -> Floats:
        """What leaves the surface, (V, 3), in [0, 1].

        Args:
            facing: (V,), cosine between normal and light; what is below 0 is dark.
            mirrored: (V,), the part of the light that is mirrored to the eye, clipped to [0, 1].
        """
        lit = self.diffuse * np.clip(facing, 0, 1) + self.specular * np.clip(mirrored, 0, 1)
        everywhere = self.ambient * np.array(self.ambient_color)
        return np.clip(everywhere + lit[:, None] * np.array(self.light_color), 0, 1)


@dataclass(frozen=True, eq=False)
class Beams:
    """How light meets a surface at its vertices.

    Attributes:
        facing: (V,), cosine between the normal and the direction to the light.
        mirrored: (V, 3), unit directions in which the light is mirrored.
        view: (V, 3), unit directions to the eye.
    """

    facing: Floats
    mirrored: Floats
    view: Floats


def vertex_normals(vertices: ArrayLike, triangles: ArrayLike) -> Floats:
    """Unit normals of the vertices (V, 3): the mean of their triangles', weighted by area.

    A triangle's is (b - a) x (c - a). In a frame with x right, y down and z away it points out of
    the body whose triangles run against the clock, seen from outside. Where triangles run with
    the clock, as those of the Basel face model do, give `triangles[:, ::-1]`.

    Args:
        vertices: (V, 3).
        triangles: (T, 3), vertex numbers from 0.

    Returns:
        (V, 3); zero where a vertex is in no triangle that has an area.

    Raises:
        ValueError: if shapes are others, a coordinate is not finite, or a vertex does not exist.
    """
    return _unit(normal_sums(*checked_mesh(vertices, triangles)))


def normal_sums(points: Floats, corners: Longs) -> Floats:
    """At each vertex (V, 3), the sum of its triangles' normals, as long as twice their areas.

    Args:
        points: (V, 3).
        corners: (T, 3).
    """
    a, b, c = points[corners].transpose(1, 0, 2)
    turned = np.cross(b - a, c - a)
    numbers = corners.T.reshape(-1)
    sums = [np.bincount(numbers, np.tile(axis, 3), len(points)) for axis in turned.T]
    return np.stack(sums, axis=1)


def phong(
    vertices: ArrayLike, normals: ArrayLike, lighting: Lighting | None = None
) -> NDArray[np.float32]:
    """The colors of a mesh's vertices in the light of one lamp (V, 3), in [0, 1].

    No vertex shades another, and nothing is mirrored where the light does not fall.

    Args:
        vertices: (V, 3), x right, y down and z away; moved and scaled as `centered` does.
        normals: (V, 3), of length 1, out of the body.
        lighting: the default is straight ahead.

    Raises:
        ValueError: if the shapes are others.
    """
    lighting = lighting or Lighting()
    beams = trace(vertices, normals, lighting)
    toward_eye = np.sum(beams.view * beams.mirrored, axis=1).clip(0, 1)
    mirrored = np.where(beams.facing > 0, toward_eye**lighting.shininess, 0.0)
    return lighting.colors(beams.facing, mirrored).astype(np.float32)


def trace(vertices: ArrayLike, normals: ArrayLike, lighting: Lighting) -> Beams:
    """How one lamp's light meets a mesh at its vertices, which are centered before.

    Args:
        vertices: (V, 3).
        normals: (V, 3), of length 1.
        lighting: where light and eye are.

    Raises:
        ValueError: if the shapes are others.
    """
    places, up = np.asarray(vertices, np.float64), np.asarray(normals, np.float64)
    if places.ndim != 2 or places.shape[1] != 3 or up.shape != places.shape:
        raise ValueError(
            f"vertices and normals: expected shapes (V, 3), found {places.shape} and {up.shape}"
        )
    places = centered(places)
    light = _unit(np.array(lighting.light) - places)
    facing = np.sum(up * light, axis=1)
    mirrored = 2 * facing[:, None] * up - light
    return Beams(facing, mirrored, _unit(np.array(lighting.eye) - places))


def centered(vertices: Floats) -> Floats:
    """A mesh moved so that its box's center is the origin, its longest side from -1 to 1."""
    if len(vertices) == 0:
        return vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    longest = (high - low).max()
    return (2 * vertices - low - high) / (longest if longest > 0 else 1.0)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
