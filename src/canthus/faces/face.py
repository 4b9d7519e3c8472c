"""What an aligner answers about one face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces.landmarks import Landmarks
from canthus.geometry import Box, Similarity


@dataclass(frozen=True, slots=True)
class Pose:
    """Which way a head looks, in degrees, with the signs of AFLW; all 0 when it faces the camera.

    Attributes:
        yaw_deg: positive when the nose points to the picture's left, the subject's right.
        pitch_deg: positive when the nose points up.
        roll_deg: positive when the head is turned clockwise as seen in the picture.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float

    @classmethod
    def of_rotation(cls, rotation: ArrayLike) -> "Pose":
        """The pose of a head that is turned so.

        Args:
            rotation: (3, 3), from the head's own axes (x to its left, y up, z to where it looks)
                to those of who looks at it: x right, y up, z toward them.

        Raises:
            ValueError: if the shape is another.
        """
        if np.shape(rotation) != (3, 3):
            raise ValueError(f"expected a rotation (3, 3), found {np.shape(rotation)}")
        return cls(*angles_of(rotation).tolist())

    @property
    def rotation(self) -> NDArray[np.float64]:
        """The rotation (3, 3) of a head that looks so, as `of_rotation` takes it."""
        return rotations_of([self.yaw_deg, self.pitch_deg, self.roll_deg])


def angles_of(rotations: ArrayLike) -> NDArray[np.float64]:
    """Yaw, pitch and roll (..., 3) of heads turned by (..., 3, 3), in degrees; see `Pose`."""
    rows = np.asarray(rotations, np.float64)
    yaw = np.arcsin(np.clip(-rows[..., 0, 2], -1, 1))
    pitch = np.arctan2(rows[..., 1, 2], rows[..., 2, 2])
    roll = np.arctan2(rows[..., 0, 1], rows[..., 0, 0])
    return np.degrees(np.stack([yaw, pitch, roll], axis=-1))


def rotations_of(angles_deg: ArrayLike) -> NDArray[np.float64]:
    """The rotations (..., 3, 3) of heads with yaw, pitch and roll (..., 3): `angles_of`, back."""
    angles = np.radians(np.asarray(angles_deg, np.float64))
    (cy, cp, cr), (sy, sp, sr) = (np.moveaxis(each(angles), -1, 0) for each in (np.cos, np.sin))
    none, one = np.zeros_like(cy), np.ones_like(cy)
    yaw, pitch, roll = (
        np.stack(rows, axis=-1).reshape(*cy.shape, 3, 3)
        for rows in (
            [cy, none, -sy, none, one, none, sy, none, cy],
            [one, none, none, none, cp, sp, none, -sp, cp],
            [cr, sr, none, -sr, cr, none, none, none, one],
        )
    )
    return np.asarray(pitch @ yaw @ roll)


@dataclass(frozen=True, eq=False, init=False)
class Fit:
    """A face model's place and shape in a picture, by weak perspective.

    `FaceModel.vertices` makes a mesh of the shape, and `in_picture` says where that is.

    Attributes:
        camera: (3, 4) float32, from the face model's coordinates, y up and z toward the viewer,
            to pixels: x right, y down, and depth, more being further away.
        shape: (K,) float32, coefficients: those of identity, then those of expression.

    Raises:
        ValueError: if the shapes are others, or a number is not finite.
    """

    camera: NDArray[np.float32]
    shape: NDArray[np.float32]

    def __init__(self, camera: ArrayLike, shape: ArrayLike) -> None:
        for name, given, rank in (("camera", camera, 2), ("shape", shape, 1)):
            values = np.array(given, np.float32)
            if values.ndim != rank or (rank == 2 and values.shape != (3, 4)):
                wanted = "(3, 4)" if rank == 2 else "(K,)"
                raise ValueError(f"{name}: expected the shape {wanted}, found {values.shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name}: expected finite numbers")
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    @property
    def pose(self) -> Pose:
        """Which way the head looks.

        The first two rows of the camera say so; they need not be quite square to each other.
        """
        rows = self.camera[:2, :3].astype(np.float64)
        right, down = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return Pose.of_rotation(np.stack([right, -down, np.cross(right, -down)]))

    def in_picture(self, vertices: ArrayLike) -> NDArray[np.float32]:
        """Vertices (..., 3) of the face model in pixels of the picture, with their depths."""
        places = np.asarray(vertices, np.float32) @ self.camera[:, :3].T + self.camera[:, 3]
        return places.astype(np.float32)

    def through(self, similarity: Similarity) -> "Fit":
        """The same face where a map of the plane takes it, as from a picture to a crop."""
        return Fit(camera_through(self.camera, similarity), self.shape)

    def mirrored(self, width: int, signs: ArrayLike) -> "Fit":
        """The face in the mirrored picture; again a right-handed model, turned the other way.

        Args:
            width: of the picture, in pixels.
            signs: (K,), 1 of a coefficient that moves both halves of a face alike, -1 of one
                that moves them oppositely.
        """
        camera = self.camera * np.array([[-1], [1], [1]]) * np.array([-1, 1, 1, 1])
        camera[0, 3] += width - 1
        return Fit(camera, self.shape * np.asarray(signs, np.float32))


def camera_through(camera: ArrayLike, similarity: Similarity) -> NDArray[np.float32]:
    """A map (3, 4) from a face model to a picture, continued by one of the plane."""
    rows = np.asarray(camera, np.float64)
    flat = similarity.matrix[:, :2] @ rows[:2]
    flat[:, 3] += similarity.matrix[:, 2]
    return np.concatenate([flat, similarity.scale * rows[2:]]).astype(np.float32)


def corners_of(squares: ArrayLike) -> NDArray[np.float64]:
    """The corners (P, 4, 2) of upright squares, clockwise from the top left.

    Args:
        squares: (P, 3), x and y of the middle, and the side.
    """
    rows = np.asarray(squares, np.float64)
    around = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    return np.asarray(rows[:, None, :2] + rows[:, None, 2:] * around)


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a picture.

    Attributes:
        box: the tight box around its landmarks, in pixels.
        score: how surely it is a face, in [0, 1].
        landmarks: its points, in the picture's pixels.
        pose: which way it looks, if the model knows.
        expected_error: the mean distance of its landmarks from the truth that the model expects,
            as a fraction of the longer side of the true tight box, if it knows.
        fit: of a face model, if the model has one.
        visible: (L,) flags: which landmarks are seen, and not hidden by the face itself, if its
            mesh is known. What else is before a face, such as hair or a hand, is not.
        attention: (P,) float32 in [0, 1], how much each patch counted that the model looked at
            last, if it weighs them; `models.base.Prediction` says what that is.
        patches: (P, 4, 2) float32, these patches' corners in the picture's pixels, clockwise from
            the one that is top left in the crop.
        steps: how many the model took with it, in the last look at it, if it is one that takes
            steps.
        failed: whether more error is expected than was allowed; None where nobody asked.
    """

    box: Box
    score: float
    landmarks: Landmarks
    pose: Pose | None = None
    expected_error: float | None = None
    fit: Fit | None = None
    visible: NDArray[np.bool_] | None = None
    attention: NDArray[np.float32] | None = None
    patches: NDArray[np.float32] | None = None
    steps: int | None = None
    failed: bool | None = None

    @property
    def expected_nme(self) -> float | None:
        """The expected error as a fraction of the distance between the outer corners of the eyes.

        As they were found, so that of a profile it is a large one; None where either is not known.
        """
        corners = self.landmarks.scheme.normalizers.get("inter_ocular")
        if self.expected_error is None or corners is None:
            return None
        first, second = (self.landmarks.points[list(each), :2].mean(axis=0) for each in corners)
        apart = float(np.hypot(*(second - first)))
        return self.expected_error * self.box.side / apart if apart > 0 else None
