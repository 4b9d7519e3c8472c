import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import Fit, Pose
from canthus.faces.face_model import open_face_model

Floats = NDArray[np.float64]


def looking(nose: tuple[float, float, float], up: tuple[float, float, float]) -> Floats:
    """The rotation of a head by where its nose points and where its top is; y up, z to us."""
    z = np.array(nose) / np.linalg.norm(nose)
    x = np.cross(up, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def test_a_head_that_faces_us_has_no_pose() -> None:
    assert Pose.of_rotation(np.eye(3)) == Pose(0, 0, 0)


@pytest.mark.parametrize(
    ("nose", "up", "name", "sign"),
    [
        ((-1, 0, 2), (0, 1, 0), "yaw_deg", 1),  # the nose points to the picture's left
        ((1, 0, 2), (0, 1, 0), "yaw_deg", -1),
        ((0, 1, 2), (0, 1, 0), "pitch_deg", 1),  # up
        ((0, -1, 2), (0, 1, 0), "pitch_deg", -1),
        ((0, 0, 1), (1, 2, 0), "roll_deg", 1),  # the top has moved to the right: clockwise
        ((0, 0, 1), (-1, 2, 0), "roll_deg", -1),
    ],
)
def test_signs(
    nose: tuple[float, float, float], up: tuple[float, float, float], name: str, sign: int
) -> None:
    pose = Pose.of_rotation(looking(nose, up))

    degrees = np.degrees(np.arctan(0.5))
    assert getattr(pose, name) == pytest.approx(sign * degrees)
    others = {"yaw_deg", "pitch_deg", "roll_deg"} - {name}
    assert [getattr(pose, other) for other in others] == pytest.approx([0, 0], abs=1e-9)


def test_what_is_no_rotation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rotation \(3, 3\), found \(2, 3\)"):
        Pose.of_rotation(np.zeros((2, 3)))


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, -20, 10), (-75, 40, -160), (60, -50, 120)])
def test_a_rotation_says_its_pose_and_a_pose_its_rotation(angles: tuple[float, ...]) -> None:
    rotation = Pose(*angles).rotation

    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    found = Pose.of_rotation(rotation)
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == pytest.approx(angles)


def fitted(nose: tuple[float, float, float], up: tuple[float, float, float]) -> Fit:
    """A mean face at 2 pixels a millimetre, its head turned so, in the middle of 400 pixels."""
    flipped = looking(nose, up) * np.array([[1], [-1], [-1]])
    camera = np.column_stack([2 * flipped, (200, 200, 0)])
    return Fit(camera.astype(np.float32), np.zeros(50, np.float32))


@pytest.mark.parametrize(
    ("nose", "up", "name", "toward"),
    [
        ((-1, 0, 2), (0, 1, 0), "yaw_deg", (-1, 0)),  # the nose's tip is left of the face's middle
        ((1, 0, 2), (0, 1, 0), "yaw_deg", (1, 0)),
        ((0, 1, 2), (0, 1, 0), "pitch_deg", (0, -1)),  # above it
        ((0, -1, 2), (0, 1, 0), "pitch_deg", (0, 1)),
    ],
)
def test_a_mesh_in_a_picture_points_where_its_pose_says(
    nose: tuple[float, float, float],
    up: tuple[float, float, float],
    name: str,
    toward: tuple[float, float],
) -> None:
    model, fit = open_face_model(), fitted(nose, up)
    ahead = fitted((0, 0, 1), (0, 1, 0))

    tip, tip_ahead = (
        (points[30] - points[:27].mean(axis=0))[:2]
        for points in (
            model.keypoints_of(each.in_picture(model.vertices(each.shape[:40], each.shape[40:])))
            for each in (fit, ahead)
        )
    )

    moved = (tip - tip_ahead) @ np.array(toward)
    assert moved > 20  # pixels
    sign = 1 if nose[0] < 0 or nose[1] > 0 else -1
    assert getattr(fit.pose, name) == pytest.approx(sign * np.degrees(np.arctan(0.5)), abs=1e-4)


@pytest.mark.parametrize(("up", "sign"), [((1, 2, 0), 1), ((-1, 2, 0), -1)])
def test_a_mesh_that_leans_to_the_right_has_rolled_clockwise(
    up: tuple[float, float, float], sign: int
) -> None:
    model, fit = open_face_model(), fitted((0, 0, 1), up)

    points = model.keypoints_of(fit.in_picture(model.neutral))

    brows, chin = points[17:27].mean(axis=0), points[8]
    assert sign * (brows - chin)[0] > 50  # pixels
    assert fit.pose.roll_deg == pytest.approx(sign * np.degrees(np.arctan(0.5)), abs=1e-4)


def test_the_mesh_stands_upright_and_its_nose_is_nearest() -> None:
    model, fit = open_face_model(), fitted((0, 0, 1), (0, 1, 0))

    points = model.keypoints_of(fit.in_picture(model.neutral))

    assert points[8, 1] > points[30, 1] > points[27, 1]  # chin, nose, bridge: downwards
    assert points[36, 0] < points[45, 0]  # the right eye is on the picture's left
    assert points[:, 2].argmin() in (30, 33)
