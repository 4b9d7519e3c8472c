"""The yaw that is read off landmarks: its sign, its size, and when there is none."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets.synthetic import Head, points_of, turn_of
from canthus.evaluation.turning import AT_ONCE, DEPTH, estimated_yaw, holds_yaw
from canthus.faces import SCHEMES, scheme_of

Array = NDArray[np.float64]
FACE = SCHEMES["68"]


def turned(yaw_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Array:
    """The 68 points of a head with the depths of real ones, seen without perspective."""
    points = (points_of(Head()) * (1, 1, DEPTH)) @ turn_of(yaw_deg, pitch_deg).T
    roll = np.radians(roll_deg)
    clockwise = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return np.asarray(120 * points @ clockwise.T + (300, 200))


@pytest.mark.parametrize("yaw_deg", [-80, -45, -10, 0, 10, 45, 80])
@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (15, 0), (-15, 0), (10, 30), (0, -90)])
def test_a_turned_head_is_seen_as_turned(yaw_deg: int, pitch_deg: int, roll_deg: int) -> None:
    found = estimated_yaw([turned(yaw_deg, pitch_deg, roll_deg)], FACE)
    assert found == pytest.approx([yaw_deg], abs=0.01)


def test_a_nose_to_the_left_of_the_picture_is_a_positive_yaw() -> None:
    face = turned(0)
    face[27:36, 0] -= 15
    assert estimated_yaw([face], FACE)[0] > 5


def test_a_mirrored_face_is_turned_as_far_to_the_other_side() -> None:
    face = turned(33, 8, 4) + np.random.default_rng(0).normal(0, 2, (68, 2))
    mirrored = face[list(FACE.mirror)] * (-1, 1)
    yaw, other = estimated_yaw([face, mirrored], FACE)
    assert yaw == pytest.approx(-other)


def test_unknown_landmarks_are_left_out() -> None:
    face = turned(30)
    face[40:60] = np.nan
    assert estimated_yaw([face], FACE) == pytest.approx([30], abs=0.01)


@pytest.mark.parametrize("known", [slice(0, 17), slice(17, 27), slice(27, 36), slice(0, 0)])
def test_too_few_landmarks_tell_nothing(known: slice) -> None:
    face = np.full((68, 2), np.nan)
    face[known] = turned(30)[known]
    assert np.isnan(estimated_yaw([face], FACE)).all()


def test_of_many_faces_some_are_looked_at_at_once() -> None:
    turns = np.linspace(-80, 80, 2 * AT_ONCE + 5)
    faces = np.array([turned(int(turn)) for turn in turns])
    tracemalloc.start()
    found = estimated_yaw(faces, FACE)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == pytest.approx(turns.astype(int), abs=0.01)
    assert most < 2.5 * faces.nbytes


def test_one_face_does_not_change_another() -> None:
    unknown = np.full((68, 2), np.nan)
    found = estimated_yaw([turned(20), unknown, turned(-20)], FACE)
    assert found == pytest.approx([20, np.nan, -20], abs=0.01, nan_ok=True)


@pytest.mark.parametrize("flat", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
def test_points_on_a_line_tell_nothing(flat: tuple[float, float]) -> None:
    face = turned(30) * flat + 0.1
    assert np.isnan(estimated_yaw([face], FACE)).all()


@pytest.mark.parametrize(
    ("name", "held"),
    [("68", True), ("98", True), ("106jd", True), ("106if", True), ("29", False), ("478", False)],
)
def test_some_schemes_hold_the_68_points(name: str, held: bool) -> None:
    assert holds_yaw(scheme_of(name)) is held


def test_a_scheme_without_them_has_no_yaw() -> None:
    assert np.isnan(estimated_yaw(np.ones((2, 29, 2)), scheme_of("29"))).tolist() == [True, True]


def test_no_face_has_no_yaw() -> None:
    assert estimated_yaw(np.zeros((0, 68, 2)), FACE).shape == (0,)


def test_points_of_another_scheme_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, 68, 2\), found \(1, 29, 2\)"):
        estimated_yaw(np.ones((1, 29, 2)), FACE)


def test_the_estimates_follow_the_yaw_of_real_faces(shared: Path) -> None:
    matlab = pytest.importorskip("scipy.io")
    files = sorted((shared / "data" / "aflw2000-sample").glob("*.mat"))
    faces = [matlab.loadmat(file) for file in files]
    truth = np.degrees([face["Pose_Para"][0, 1] for face in faces])
    found = estimated_yaw([face["pt3d_68"][:2].T for face in faces], FACE)
    assert np.corrcoef(truth, found)[0, 1] > 0.99
    assert np.abs(found - truth).mean() < 3
