"""Directions of identity and expression: heads of which both are known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.training.test_lifted import HEIGHT, head, mirror

from canthus.training import face_modes
from canthus.training.face_modes import Modes

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


def known() -> tuple[Floats, Floats]:
    """Two directions of identity, a wide and a long face, and one of expression, a low jaw."""
    wide, long = head() * [0.1, 0, 0], head() * [0, 0.1, 0]
    jaw = np.column_stack([0 * HEIGHT, np.where(HEIGHT < -0.5, -8.0, 0.0), 0 * HEIGHT])
    return np.stack([wide, long]), jaw[None]


def drawn() -> tuple[Floats, Longs]:
    """Heads, and whose they are: of 30 people six each, and of 200 one."""
    rng = np.random.default_rng(0)
    people = np.concatenate([np.repeat(np.arange(30), 6), np.arange(30, 230)])
    identity, expression = known()
    who = rng.normal(0, 1, (230, 2))[people]
    does = rng.normal(0, 1, (len(people), 1))
    moved = np.tensordot(who, identity, 1) + np.tensordot(does, expression, 1)
    return head() + moved + rng.normal(0, 0.05, moved.shape), people


@pytest.fixture(scope="module")
def modes() -> Modes:
    return face_modes.learn(*drawn(), head(), mirror(), counts=(2, 1))


def left(direction: Floats, directions: Floats) -> float:
    """Which share of a direction's length lies outside of others."""
    flat = directions.reshape(len(directions), -1).T
    inside = flat @ np.linalg.lstsq(flat, direction.ravel(), rcond=None)[0]
    return float(np.linalg.norm(direction.ravel() - inside) / np.linalg.norm(direction))


def test_a_jaw_that_moves_is_expression(modes: Modes) -> None:
    # An affine map can follow a part of the jaw, and no more is known of it.
    lower = HEIGHT < -0.5
    movement = np.linalg.norm(modes.expression[0], axis=1)
    assert movement[lower].mean() > 3 * movement[~lower].mean()


@pytest.mark.parametrize("number", [0, 1], ids=["wide", "long"])
def test_how_faces_of_people_differ_is_identity(modes: Modes, number: int) -> None:
    assert left(known()[0][number], modes.identity) < 0.2


def test_all_is_said_by_both(modes: Modes) -> None:
    shapes, _ = drawn()
    offsets = (shapes - head()).reshape(len(shapes), -1)
    basis = np.concatenate([modes.identity, modes.expression]).reshape(3, -1)

    found = np.linalg.lstsq(basis.T, offsets.T, rcond=None)[0].T @ basis

    assert np.square(offsets - found).sum() < 0.05 * np.square(offsets).sum()


def test_a_direction_is_its_own_mirror_image_or_the_opposite(modes: Modes) -> None:
    for direction in (*modes.identity, *modes.expression):
        image = direction[mirror()] * [-1, 1, 1]
        same, opposite = np.abs(image - direction).max(), np.abs(image + direction).max()
        assert min(same, opposite) < 1e-9


def test_a_coefficient_of_one_moves_vertices_by_one(modes: Modes) -> None:
    moved = np.concatenate([modes.identity, modes.expression])

    np.testing.assert_allclose((moved**2).sum(axis=2).mean(axis=1), 1)


def test_shares_of_the_variance_grow_to_nearly_all(modes: Modes) -> None:
    assert (np.diff(modes.identity_shares) > 0).all()
    assert 0.95 < modes.identity_shares[-1] <= 1
    assert 0.9 < modes.expression_shares[-1] <= 1


def test_too_few_people_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"expected 31 people with several shapes .* found 30"):
        face_modes.learn(*drawn(), head(), mirror(), counts=(31, 1))


def test_people_of_one_picture_are_needed_as_well() -> None:
    shapes, people = drawn()

    with pytest.raises(ValueError, match="expected people with one shape"):
        face_modes.learn(shapes[:180], people[:180], head(), mirror(), counts=(2, 1))


def test_an_affine_map_brings_a_stretched_head_back() -> None:
    stretched = head() @ [[1.2, 0.1, 0], [0, 0.9, 0], [0.1, 0, 1.1]] + [5, 6, 7]

    found = face_modes.onto(stretched[None], head(), np.ones(len(head())))

    np.testing.assert_allclose(found[0], head(), atol=1e-9)
