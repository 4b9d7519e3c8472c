"""Faces that were lifted from photos to 3-D, and all of them laid upon each other."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.faces.face import angles_of
from canthus.training.face_surface import mirror_map

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Strings = NDArray[np.str_]

UP = np.array([1.0, -1.0, -1.0])  # from a picture's frame to a face model's
ROUNDS = 12  # of laying faces on their mean, of which
ROBUST = 4  # take the median, and do not weigh the vertices yet
# By the measure of scanned heads, people in photos look down: to the points of ICT-FaceKit, the
# mean of all photos is turned by 6 degrees.
NOD_DEG = 5.0
STIFF = 0.2  # of the mean variance: what a vertex that never moves is taken to have
FIELDS = ("points", "group", "data_set", "picture")


@dataclass(frozen=True, eq=False)
class Lifted:
    """Faces in 3-D, each in the frame of its picture.

    Attributes:
        points: (N, V, 3); pixels, x right, y down, z away from the camera.
        group: (N,) whose face it is; the picture's path where nobody says.
        data_set: (N,) the folder that the picture is from.
        picture: (N,) the picture's path below the folder of all data.
    """

    points: Floats
    group: Strings
    data_set: Strings
    picture: Strings


@dataclass(frozen=True, eq=False)
class Laid:
    """Faces laid upon their mean by moving, turning and scaling.

    The frame is a face model's: y up, z to where the face looks, its plane of symmetry x = 0.

    Attributes:
        shapes: (N, V, 3).
        rotations: (N, 3, 3), how each head is turned: from the common frame to that of who looks
            at the picture, y up and z toward them.
        mean: (V, 3), the same when mirrored; its center is the origin.
        mirror: (V,), which vertex mirrors which.
        weights: (V,), of the vertices when faces are laid; together 1.
    """

    shapes: Floats
    rotations: Floats
    mean: Floats
    mirror: Longs
    weights: Floats


def read(path: Path) -> Lifted:
    """Read what `scripts/lift_faces.py` has written.

    Raises:
        DatasetError: if the file cannot be read, or its arrays do not fit each other.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            points, *said = (file[name] for name in FIELDS)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DatasetError(f"{path}: cannot be read as lifted faces: {error}") from None
    shapes = [each.shape for each in said]
    if points.ndim != 3 or points.shape[2] != 3 or shapes != 3 * [points.shape[:1]]:
        raise DatasetError(
            f"{path}: expected points (N, V, 3) and N of {', '.join(FIELDS[1:])}, "
            f"found {points.shape} and {shapes}"
        )
    return Lifted(points.astype(np.float64), *said)


def lay(points: Floats) -> Laid:
    """Lay faces (N, V, 3), in the frames of their pictures, upon each other.

    Vertices count by how little they move within the face, so that a jaw that opens does not
    turn the head. The mean face looks ahead where heads are turned as on average, and nod by
    `NOD_DEG`.

    Raises:
        ValueError: if vertices do not pair up in the mirror.
    """
    faces = points * UP
    weights = np.full(faces.shape[1], 1 / faces.shape[1])
    mean = _unit_size(faces[0])
    for number in range(ROUNDS):
        shapes, rotations = onto(faces, mean, weights)
        middle = np.median(shapes, axis=0) if number < ROBUST else shapes.mean(axis=0)
        mean = _unit_size(middle @ _average(rotations).T)
        if number >= ROBUST:
            variances = ((shapes - middle) ** 2).sum(axis=2).mean(axis=0)
            weights = 1 / (variances + STIFF * variances.mean())
            weights /= weights.sum()
    mirror = mirror_map(mean)
    mean = _symmetric(mean, mirror) @ _nodded(NOD_DEG)
    shapes, rotations = onto(faces, mean, weights)
    return Laid(shapes, rotations, mean, mirror, weights)


def onto(faces: Floats, mean: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Faces (N, V, 3) laid upon a mean face, and how they were turned (N, 3, 3).

    Args:
        faces: y up, z toward the viewer.
        mean: (V, 3).
        weights: (V,), together 1.
    """
    middle = weights @ mean
    centered = faces - np.einsum("v,nvd->nd", weights, faces)[:, None]
    cross = np.einsum("nvi,vj->nij", centered, weights[:, None] * (mean - middle))
    left, stretch, right = np.linalg.svd(cross)
    proper = np.ones_like(stretch)
    proper[:, 2] = np.sign(np.linalg.det(left @ right))
    back = (left * proper[:, None]) @ right
    size = np.einsum("nvd,nvd,v->n", centered, centered, weights)
    scale = (stretch * proper).sum(axis=1) / size
    return scale[:, None, None] * (centered @ back) + middle, back


def mirrored(shapes: Floats, mirror: Longs) -> Floats:
    """Faces (..., V, 3) with left and right exchanged."""
    return shapes[..., mirror, :] * [-1, 1, 1]


def _nodded(angle_deg: float) -> Floats:
    """What brings rows to a frame whose z points further down than theirs, as `rows @ it`."""
    sine, cosine = np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def unposed(laid: Laid) -> Floats:
    """Shapes without what goes with the pose, (N, V, 3).

    A head is the same however it is turned; by how much lifted shapes differ with the turning,
    in a polynomial of second degree of yaw and pitch, is taken for the lifting's error.
    """
    both = np.concatenate([laid.shapes, mirrored(laid.shapes, laid.mirror)]) - laid.mean
    turned = np.radians(angles_of(laid.rotations)[:, :2])
    known = np.concatenate([_powers(turned), _powers(turned * [-1, 1])])
    known -= known.mean(axis=0)
    slopes = np.linalg.lstsq(known, both.reshape(len(both), -1), rcond=None)[0]
    own = known[: len(turned)] @ slopes
    return laid.shapes - own.reshape(laid.shapes.shape) - both.mean(axis=0)


def _powers(angles: Floats) -> Floats:
    yaw, pitch = angles.T
    return np.column_stack([yaw, pitch, yaw**2, yaw * pitch, pitch**2])


def _unit_size(face: Floats) -> Floats:
    centered = face - face.mean(axis=0)
    return centered / np.sqrt((centered**2).sum(axis=1).mean())


def _average(rotations: Floats) -> Floats:
    """The rotation that is nearest to all of them."""
    left, _, right = np.linalg.svd(np.median(rotations, axis=0))
    proper = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    return (left * proper) @ right


def _symmetric(mean: Floats, mirror: Longs) -> Floats:
    """A face turned until its plane of symmetry is x = 0, and made the same as its mirror image."""
    own = mean - (mean + mirrored(mean, mirror)).mean(axis=0) / 2
    apart = (own[mirror] - own)[np.arange(len(own)) < mirror]
    _, _, directions = np.linalg.svd(apart, full_matrices=False)
    across = directions[0] * np.sign(directions[0, 0])
    ahead = np.array([0.0, 0.0, 1.0]) - across[2] * across
    ahead /= np.linalg.norm(ahead)
    turned = own @ np.stack([across, np.cross(ahead, across), ahead], axis=1)
    turned[:, 0] -= turned[mirror == np.arange(len(own)), 0].mean()
    return _unit_size((turned + mirrored(turned, mirror)) / 2)
