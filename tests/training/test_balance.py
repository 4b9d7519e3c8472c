"""Rare poses are shown more often."""

from pathlib import Path

import numpy as np
import pytest

from canthus.geometry import Similarity
from canthus.training.balance import aligned, balanced, repeats


def test_rare_poses_are_repeated_as_published(shared: Path) -> None:
    case = dict(np.load(shared / "parity" / "lgrn" / "balance.npz"))

    found = repeats(case["landmarks"], int(case["bins"]))

    assert (found == case["repeats"]).all()
    assert found.min() == 1


def test_one_face_is_not_balanced() -> None:
    with pytest.raises(ValueError, match="expected two faces or more to balance, found 1"):
        repeats(np.zeros((1, 98, 2)))


def heads() -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """Ninety faces from the front and ten from the side; turned and shifted in their pictures."""
    rng = np.random.default_rng(0)
    front = rng.uniform(-1, 1, (20, 2))
    faces = []
    for number in range(100):
        face = front * (1 if number < 90 else 0.4, 1) + 0.01 * rng.normal(size=(20, 2))
        place = tuple(rng.uniform(0, 500, 2).tolist())
        turn, scale = rng.uniform(-90, 90), rng.uniform(20, 90)
        faces.append(Similarity.about((0, 0), place, scale=scale, roll_deg=turn).apply(face))
    return np.stack(faces)


def test_shapes_alone_are_balanced_and_with_a_limit() -> None:
    found = balanced(heads(), 5)

    assert (found[:90] == 1).mean() > 0.9
    assert (found[90:] > 3).all()
    assert found.max() == 5


def test_aligned_faces_lie_upon_each_other() -> None:
    moved = aligned(heads()[:90])

    spread = moved.std(axis=0).max() / moved.mean(axis=0).std()
    assert spread < 0.05


def test_faces_with_unknown_points_are_shown_once() -> None:
    faces = heads()
    faces[95, 3] = np.nan

    found = balanced(faces, 5)

    assert found[95] == 1
    assert (found[96:] > 3).all()
    assert (balanced(faces, 1) == 1).all()
