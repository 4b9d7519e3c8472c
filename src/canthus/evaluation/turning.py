"""How far a head is turned, estimated from its landmarks alone, where nobody has measured it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.datasets.synthetic import Head, points_of
from canthus.faces import CONVERSIONS, LandmarkScheme, find_conversion

Array = NDArray[np.float64]

MODEL = "68"
# The outline is left out: on photos it is drawn where the cheek ends, which moves as a head turns.
OUTLINE = 17
# A drawn head is flatter than a real one: at 1.5 times its depths, estimates rise as yaw does.
DEPTH = 1.5
AT_ONCE = 1024  # faces; what is made on the way takes some times their memory
FEWEST = 12  # landmarks to fit a camera to
FLATTEST = 2e-3  # of a head's depth among them: the variance that no plane explains


def estimated_yaw(points: ArrayLike, scheme: LandmarkScheme) -> Array:
    """The yaw of heads in degrees, (N,), with the sign of `canthus.faces.Pose`.

    A camera without perspective is fitted to one head for all, inside the outline; its nearest
    rotation tells the yaw. NaN where too few landmarks are known, and in schemes that do not
    hold the 68 points, exactly or by a fixed mix of neighbors.

    Args:
        points: (N, L, 2) or (N, L, 3) in pixels; NaN where they are not known.
        scheme: of the points.

    Raises:
        ValueError: if the points are not of that scheme.
    """
    faces = np.asarray(points, np.float64)
    if faces.ndim != 3 or faces.shape[1] != scheme.num_landmarks or faces.shape[2] < 2:
        raise ValueError(
            f"scheme {scheme.name} has points of shape (N, {scheme.num_landmarks}, 2), "
            f"found {faces.shape}"
        )
    if not holds_yaw(scheme):
        return np.full(len(faces), np.nan)
    blocks = np.split(faces[:, :, :2], range(AT_ONCE, len(faces), AT_ONCE))
    return np.concatenate([_yaw_of(_cameras(_as_68(b, scheme)[:, OUTLINE:])) for b in blocks])


def holds_yaw(scheme: LandmarkScheme) -> bool:
    """Whether faces of a scheme hold the points that the yaw is estimated from."""
    if scheme.name == MODEL:
        return True
    way = (scheme.name, MODEL)
    return way in CONVERSIONS and CONVERSIONS[way].kind in ("exact", "blend")


def _as_68(faces: Array, scheme: LandmarkScheme) -> Array:
    if scheme.name == MODEL:
        return faces
    way = find_conversion(scheme.name, MODEL)
    return np.array([way.convert(face) for face in faces]).reshape(len(faces), -1, 2)


def _cameras(faces: Array) -> Array:
    """The linear parts (N, 2, 3) of the affine cameras that explain faces (N, K, 2) best."""
    head = points_of(Head())[OUTLINE:] * (1, 1, DEPTH)
    known = np.asarray(np.isfinite(faces).all(axis=2), np.float64)
    count = np.maximum(known.sum(axis=1), 1)
    middle = known @ head / count[:, None]
    centered = (head - middle[:, None]) * known[..., None]
    square = np.einsum("nki,nkj->nij", centered, centered)
    seen = np.einsum("nki,nkj->nij", _centered(faces, known), centered)
    enough = (count >= FEWEST) & (np.linalg.eigvalsh(square)[:, 0] > FLATTEST * count)
    square[~enough] = np.eye(3)
    cameras = seen @ np.linalg.inv(square)
    cameras[~enough] = np.nan
    return cameras


def _centered(faces: Array, known: Array) -> Array:
    """Faces (N, K, 2) about the middle of their known points; 0 where a point is not known."""
    points = np.nan_to_num(faces)
    middle = (points * known[..., None]).sum(axis=1) / np.maximum(known.sum(axis=1), 1)[:, None]
    return np.asarray((points - middle[:, None]) * known[..., None])


def _yaw_of(cameras: Array) -> Array:
    """The turn about the neck in the rotation nearest to each camera (N, 2, 3), in degrees."""
    left, sizes, right = np.linalg.svd(np.nan_to_num(cameras), full_matrices=False)
    across, down = np.moveaxis(left @ right, 1, 0)
    away = np.cross(across, down)
    yaw = np.degrees(np.arctan2(-away[:, 0], away[:, 2]))
    plane = sizes[:, 1] > 1e-6 * np.maximum(sizes[:, 0], 1e-6)  # else the points are on a line
    return np.where(plane & np.isfinite(cameras).all(axis=(1, 2)), yaw, np.nan)
