"""Faces lifted from photos, laid upon each other: heads whose shape and turning are known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.faces.face import angles_of
from canthus.training import lifted
from canthus.training.lifted import FIELDS, NOD_DEG, Lifted

Floats = NDArray[np.float64]

ROWS, COLUMNS = 11, 9
HEIGHT = np.repeat(np.linspace(-1, 1, ROWS), COLUMNS)  # of a head's vertices, from the chin up


def head() -> Floats:
    """A symmetric head of 99 vertices: half a barrel with a nose and a chin."""
    angle = np.tile(np.radians(np.linspace(-80, 80, COLUMNS)), ROWS)
    width = 60 * (1 - 0.3 * HEIGHT**2 + 0.1 * HEIGHT)
    nose = 25 * np.exp(-((HEIGHT / 0.3) ** 2) - (angle / 0.3) ** 2)
    depth = width * np.cos(angle) + nose - 8 * HEIGHT
    return np.column_stack([width * np.sin(angle), 80 * HEIGHT, depth])


def mirror() -> NDArray[np.int64]:
    """Which of a head's vertices mirrors which."""
    return np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)[:, ::-1].ravel()


def turned(yaw_deg: float, pitch_deg: float) -> Floats:
    """The turning (3, 3) of a head that looks to the picture's left, and up."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    about_y = [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
    about_x = [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    return np.array(about_x) @ about_y


def photos(shapes: Floats, rng: np.random.Generator) -> Floats:
    """Heads (N, V, 3) as they lie in pictures: turned, of any size, anywhere, y down, z away."""
    found = []
    for shape in shapes:
        turning = turned(*rng.uniform(-25, 25, 2))
        found.append((shape @ turning.T * rng.uniform(0.5, 2) + rng.normal(0, 50, 3)) * [1, -1, -1])
    return np.array(found)


def faces(shapes: Floats, groups: NDArray[np.int64]) -> Lifted:
    """Lifted faces of heads whose people are numbered."""
    names = np.array([f"300w/{number}.png" for number in range(len(shapes))])
    points = photos(shapes, np.random.default_rng(3))
    return Lifted(points, groups.astype(str), np.full(len(shapes), "300w"), names)


def write(found: Lifted, path: Path) -> None:
    np.savez(path, **{name: getattr(found, name) for name in FIELDS})


def test_a_file_holds_what_was_lifted(tmp_path: Path) -> None:
    known = faces(np.stack([head()] * 3), np.arange(3))
    write(known, tmp_path / "a.npz")

    found = lifted.read(tmp_path / "a.npz")

    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(known, name))


def cut_off(found: Lifted, path: Path) -> None:
    write(found, path)
    path.write_bytes(path.read_bytes()[:-200])


def of_other_counts(found: Lifted, path: Path) -> None:
    write(replace(found, group=found.group[:-1]), path)


def without_names(found: Lifted, path: Path) -> None:
    np.savez(path, points=found.points)


@pytest.mark.parametrize("damaged", [cut_off, of_other_counts, without_names])
def test_another_file_is_refused(damaged: Callable[[Lifted, Path], None], tmp_path: Path) -> None:
    damaged(faces(np.stack([head()] * 3), np.arange(3)), tmp_path / "a.npz")

    with pytest.raises(DatasetError, match=r"a\.npz"):
        lifted.read(tmp_path / "a.npz")


def test_turned_heads_of_one_shape_become_one() -> None:
    laid = lifted.lay(photos(np.stack([head()] * 40), np.random.default_rng(0)))

    np.testing.assert_allclose(
        laid.shapes, np.broadcast_to(laid.mean, laid.shapes.shape), atol=1e-9
    )
    np.testing.assert_array_equal(laid.mirror, mirror())


def test_the_mean_face_is_its_own_mirror_image() -> None:
    rng = np.random.default_rng(0)
    shapes = head() + rng.normal(0, 1, (40, ROWS * COLUMNS, 3))

    laid = lifted.lay(photos(shapes, rng))

    np.testing.assert_allclose(lifted.mirrored(laid.mean, laid.mirror), laid.mean, atol=1e-12)


def test_turnings_are_found_again() -> None:
    wanted = np.array([[20, 0], [-20, 0], [0, 10], [0, -10], [15, 5], [-15, -5]])
    points = np.array([head() @ turned(*angle).T for angle in wanted]) * lifted.UP

    found = angles_of(lifted.lay(points).rotations)[:, :2]

    np.testing.assert_allclose(found[:2, 0], [20, -20], atol=1)
    np.testing.assert_allclose(found[2:4, 1] + NOD_DEG, [10, -10], atol=1.5)


def test_what_goes_with_the_pose_is_taken_off() -> None:
    rng = np.random.default_rng(1)
    yaw = rng.uniform(-30, 30, 60)
    longer = np.einsum("n,vd->nvd", np.abs(yaw) ** 2 / 5000, head() * [0, 1, 0])
    turnings = np.array([turned(angle, rng.uniform(-10, 10)) for angle in yaw])
    points = np.einsum("nij,nvj->nvi", turnings, head() + longer) * lifted.UP

    laid = lifted.lay(points)

    before, after = laid.shapes.std(axis=0).mean(), lifted.unposed(laid).std(axis=0).mean()
    assert after < before / 5
