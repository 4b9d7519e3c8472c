import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import Pose

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
