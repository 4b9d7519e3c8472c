"""Conventions apart: a planted offset is found, and no face tells where its own landmarks are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.evaluation.offsets import Offsets, without_offsets
from canthus.geometry import Similarity

Array = NDArray[np.float64]
PLANTED = np.random.default_rng(1).normal(0, 0.05, (68, 2))  # sides of the drawn face
PEOPLE = [f"person {i // 3}" for i in range(30)]


def drawn(noise: float = 0.0) -> tuple[Array, Array]:
    """Answers and truth of 30 faces of all sizes and turns, apart by the same in a face's frame."""
    rng = np.random.default_rng(0)
    shape = rng.uniform(-0.5, 0.5, (68, 2))
    found, truth = [], []
    for _ in range(30):
        size, roll = rng.uniform(50, 200), rng.uniform(-40, 40)
        middle = (float(rng.uniform(0, 300)), float(rng.uniform(0, 300)))
        there = Similarity.about((0, 0), middle, scale=size, roll_deg=roll)
        face = shape + rng.normal(0, noise, shape.shape)
        found.append(there.apply(face))
        truth.append(there.apply(face + PLANTED))
    return np.array(found), np.array(truth)


def test_a_planted_offset_is_removed() -> None:
    found, truth = drawn()
    np.testing.assert_allclose(without_offsets(found, truth, PEOPLE), truth, atol=1e-6)


def test_what_differs_from_face_to_face_stays() -> None:
    found, truth = drawn(noise=0.02)
    left = np.linalg.norm(without_offsets(found, truth) - truth, axis=2).mean()
    assert left < np.linalg.norm(found - truth, axis=2).mean() / 10


def test_an_answer_that_is_right_on_average_stays() -> None:
    found, _ = drawn(noise=0.02)
    np.testing.assert_allclose(without_offsets(found, found), found, atol=1e-9)


@pytest.mark.parametrize("groups", [PEOPLE, None])
def test_the_truth_of_a_face_does_not_move_its_own_answer(groups: list[str] | None) -> None:
    found, truth = drawn(noise=0.02)
    nonsense = truth.copy()
    same = slice(6, 9) if groups else slice(6, 7)  # the faces of a person
    nonsense[same] = np.random.default_rng(2).uniform(0, 1000, nonsense[same].shape)
    before = without_offsets(found, truth, groups)
    after = without_offsets(found, nonsense, groups)
    np.testing.assert_array_equal(after[same], before[same])
    assert not np.array_equal(after, before)  # others learn from it


def test_a_face_gone_astray_moves_no_other() -> None:
    found, truth = drawn()
    found[4] += 500 * np.random.default_rng(3).normal(size=(68, 2))
    moved = np.delete(without_offsets(found, truth) - truth, 4, axis=0)
    np.testing.assert_allclose(moved, 0, atol=3)  # the mean face is a little off


def test_a_missed_face_stays_missed_and_an_unmarked_landmark_where_it_is() -> None:
    found, truth = drawn()
    found[3] = np.nan
    truth[:, 7] = np.nan
    moved = without_offsets(found, truth)
    assert np.isnan(moved[3]).all()
    np.testing.assert_allclose(moved[:3, 7], found[:3, 7], atol=1e-9)


def test_the_offsets_are_those_of_the_mean_face() -> None:
    found, truth = drawn()
    offsets = Offsets.fit(found, truth)
    frame = Similarity.fit(found[0], offsets.mean)
    np.testing.assert_allclose(frame.apply(found[0]), offsets.mean, atol=1e-9)
    np.testing.assert_allclose(frame.apply(truth[0]), offsets.mean + offsets.offsets, atol=1e-9)


def test_one_person_cannot_be_corrected_by_others() -> None:
    found, truth = drawn()
    with pytest.raises(DatasetError, match="two people at least, found 1"):
        without_offsets(found, truth, ["a"] * 30)


def test_one_fold_would_be_the_face_itself() -> None:
    with pytest.raises(ValueError, match="two folds at least, found 1"):
        without_offsets(*drawn(), folds=1)


def test_other_shapes_are_refused() -> None:
    found, truth = drawn()
    with pytest.raises(ValueError, match=r"one shape \(N, L, 2\)"):
        Offsets.fit(found, truth[:, :5])
