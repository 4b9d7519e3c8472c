"""How far a head's pose is from the truth."""

import numpy as np
import pytest

from canthus.metrics import angle_errors, geodesic_deg, pose_errors, rotations


def test_rotations_are_rotations() -> None:
    turns = rotations(np.random.default_rng(0).uniform(-180, 180, (50, 3)))
    np.testing.assert_allclose(
        turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (50, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(turns), 1)


def test_the_angles_come_back_as_the_files_order_has_it() -> None:
    """gamma = asin(-R02), phi = atan2(R12, R22), theta = atan2(R01, R00)."""
    angles = np.random.default_rng(0).uniform(-80, 80, (50, 3))
    turns = rotations(angles)
    pitch = np.arctan2(turns[:, 1, 2], turns[:, 2, 2])
    yaw = np.arcsin(-turns[:, 0, 2])
    roll = np.arctan2(turns[:, 0, 1], turns[:, 0, 0])
    np.testing.assert_allclose(np.degrees(np.stack([pitch, yaw, roll], axis=1)), angles)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_about_one_axis_the_rotation_is_the_angle(axis: int) -> None:
    turned = np.zeros((1, 3))
    turned[0, axis] = 25
    assert geodesic_deg(turned, np.zeros((1, 3))) == pytest.approx([25])


def test_angles_are_apart_the_short_way_round() -> None:
    assert angle_errors([[179, -179, 0]], [[-179, 179, 360]]) == pytest.approx(
        np.array([[2, 2, 0]])
    )


def test_truths_beyond_99_degrees_are_left_out_and_counted() -> None:
    found = pose_errors([[1, 2, 3], [0, 0, 0]], [[0, 0, 0], [0, 120, 0]])
    assert (found.pitch, found.yaw, found.roll, found.mean) == (1, 2, 3, 2)
    assert (found.faces, found.left_out) == (1, 1)


@pytest.mark.parametrize("angles", [[1, 2, 3], [[1, 2]]])
def test_other_shapes_are_refused(angles: list[float]) -> None:
    with pytest.raises(ValueError, match=r"pitch, yaw and roll \(N, 3\)"):
        pose_errors(angles, angles)


def test_without_a_truth_below_99_degrees_there_is_no_error() -> None:
    with pytest.raises(ValueError, match="truths below 99 degrees, found none"):
        pose_errors([[0, 0, 0]], [[0, 100, 0]])


@pytest.mark.parametrize(
    ("angle_deg", "matrix"),
    [
        ((90, 0, 0), [[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
        ((0, 90, 0), [[0, 0, -1], [0, 1, 0], [1, 0, 0]]),
        ((0, 0, 90), [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
    ],
)
def test_a_quarter_turn_is_that_of_the_files(
    angle_deg: tuple[float, float, float], matrix: list[list[float]]
) -> None:
    np.testing.assert_allclose(rotations([angle_deg])[0], matrix, atol=1e-12)


def test_rotations_are_pitch_after_yaw_after_roll() -> None:
    both = rotations([[10, 20, 30]])[0]
    pitch, yaw, roll = rotations([[10, 0, 0], [0, 20, 0], [0, 0, 30]])
    np.testing.assert_allclose(both, pitch @ yaw @ roll)


def test_opposite_poses_are_half_a_turn_apart() -> None:
    assert geodesic_deg([[180, 0, 0]], [[0, 0, 0]]) == pytest.approx([180])


def test_the_same_turn_in_other_angles_is_no_distance() -> None:
    np.testing.assert_allclose(geodesic_deg([[180, 180, 180]], [[0, 0, 0]]), [0], atol=1e-5)


@pytest.mark.parametrize("bad", [0, 1])
def test_a_pose_that_is_not_known_is_named(bad: int) -> None:
    poses = np.zeros((2, 2, 3))
    poses[bad, 1, 0] = np.nan
    with pytest.raises(ValueError, match="found none of face 1"):
        pose_errors(*poses)


def test_one_pose_is_not_held_against_many() -> None:
    with pytest.raises(ValueError, match="as many poses twice, found 1 and 2"):
        pose_errors([[0, 0, 0]], [[0, 0, 0], [0, 0, 0]])


def test_an_angle_of_just_99_degrees_is_left_out() -> None:
    found = pose_errors(np.zeros((2, 3)), np.array([[98.9, 0, 0], [0, 0, -99]]))
    assert (found.faces, found.left_out) == (1, 1)
