"""How far a head's pose is from the truth: errors per angle, and of the rotation as a whole.

Angles are pitch, yaw and roll in degrees, in the order of 300W-LP's and AFLW2000-3D's files
(Zhu et al., CVPR 2016), whose rotation is R = Rx(pitch) Ry(yaw) Rz(roll).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LARGEST_DEG = 99.0  # the field leaves out truths beyond


@dataclass(frozen=True)
class PoseErrors:
    """Mean absolute errors of head poses, in degrees.

    Attributes:
        pitch: of this angle.
        yaw: of this angle.
        roll: of this angle.
        mean: of the three.
        geodesic: the mean angle between the rotations.
        faces: how many were scored.
        left_out: how many were not, since an angle of their truth is 99 degrees or more.
    """

    pitch: float
    yaw: float
    roll: float
    mean: float
    geodesic: float
    faces: int
    left_out: int


def rotations(angles_deg: ArrayLike) -> Array:
    """The rotations (N, 3, 3) of pitch, yaw and roll (N, 3) in degrees: Rx Ry Rz.

    Example:
        >>> rotations([[0, 90, 0]]).round(6)[0, :, 2].tolist()
        [-1.0, 0.0, 0.0]
    """
    x, y, z = np.radians(_angles(angles_deg)).T
    zero, one = np.zeros_like(x), np.ones_like(x)
    # As the files' authors have it: each turns the axes, hence the signs of the sines.
    about_x = [one, zero, zero, zero, np.cos(x), np.sin(x), zero, -np.sin(x), np.cos(x)]
    about_y = [np.cos(y), zero, -np.sin(y), zero, one, zero, np.sin(y), zero, np.cos(y)]
    about_z = [np.cos(z), np.sin(z), zero, -np.sin(z), np.cos(z), zero, zero, zero, one]
    a, b, c = (np.stack(turn, axis=1).reshape(-1, 3, 3) for turn in (about_x, about_y, about_z))
    return a @ b @ c


def angle_errors(prediction_deg: ArrayLike, truth_deg: ArrayLike) -> Array:
    """The absolute differences of angles (N, 3), (N, 3) in 0 to 180 degrees.

    Raises:
        ValueError: if the shapes are not (N, 3) twice.

    Example:
        >>> angle_errors([[0, 170, 10]], [[5, -170, 10]])
        array([[ 5., 20.,  0.]])
    """
    found, known = _angles(prediction_deg), _angles(truth_deg)
    if found.shape != known.shape:
        raise ValueError(f"expected as many poses twice, found {len(found)} and {len(known)}")
    apart = found - known
    return np.abs((apart + 180) % 360 - 180)


def geodesic_deg(prediction_deg: ArrayLike, truth_deg: ArrayLike) -> Array:
    """The angle of the rotation from one pose to the other, (N,) degrees.

    Of matrices that are not quite orthogonal, such as 3DDFA's, this is not `rotation_distances`:
    angles taken from them are those of another rotation, by 0.1 degrees mostly, near a quarter
    turn by many.

    Example:
        >>> geodesic_deg([[0, 30, 0]], [[0, 0, 0]]).round(6)
        array([30.])
    """
    return rotation_distances(rotations(prediction_deg), rotations(truth_deg))


def rotation_distances(prediction: ArrayLike, truth: ArrayLike) -> Array:
    """The angle of the rotation from one to the other, (N, 3, 3) twice, in degrees (N,).

    For models that answer in matrices; those need not be perfectly orthogonal.

    Raises:
        ValueError: if the shapes are not (N, 3, 3) twice.

    Example:
        >>> rotation_distances([np.eye(3)], [np.diag([-1, -1, 1])])
        array([180.])
    """
    one, two = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if one.shape != two.shape or one.shape[1:] != (3, 3):
        raise ValueError(f"expected rotations (N, 3, 3) twice, found {one.shape} and {two.shape}")
    cosine = (np.einsum("nij,nij->n", one, two) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def pose_errors(prediction_deg: ArrayLike, truth_deg: ArrayLike) -> PoseErrors:
    """The mean errors of poses (N, 3), truths of 99 degrees and more left out and counted.

    Faces that were not found have no pose: leave them out, and say how many.

    Raises:
        ValueError: if the shapes are not (N, 3) twice, a value is not known, or no truth is below
            99 degrees.

    Example:
        >>> found = pose_errors([[1, 2, 3], [0, 0, 0]], [[0, 0, 0], [0, 120, 0]])
        >>> found.mean, found.faces, found.left_out
        (2.0, 1, 1)
    """
    truth, prediction = _angles(truth_deg), _angles(prediction_deg)
    apart = angle_errors(prediction, truth)
    if len(bad := np.flatnonzero(~np.isfinite(apart).all(axis=1))):
        raise ValueError(f"expected poses of all faces, found none of face {bad[0]}")
    valid = (np.abs(truth) < LARGEST_DEG).all(axis=1)
    if not valid.any():
        raise ValueError(f"expected truths below {LARGEST_DEG:g} degrees, found none")
    each = apart[valid].mean(axis=0)
    pitch, yaw, roll = each.tolist()
    return PoseErrors(
        pitch=pitch,
        yaw=yaw,
        roll=roll,
        mean=float(each.mean()),
        geodesic=float(geodesic_deg(prediction[valid], truth[valid]).mean()),
        faces=int(valid.sum()),
        left_out=int((~valid).sum()),
    )


def _angles(values: ArrayLike) -> Array:
    angles = np.asarray(values, np.float64)
    if angles.ndim != 2 or angles.shape[1] != 3:
        raise ValueError(f"expected pitch, yaw and roll (N, 3), found {angles.shape}")
    return angles
