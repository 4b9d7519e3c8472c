"""From signs of an error to the error."""

import pytest
import torch
from torch import Tensor

from canthus.models.layers.ladders import KNOTS, Ladder, pooled


def drawn(count: int = 600) -> tuple[Tensor, Tensor]:
    """Two signs, of which the second alone tells something, and errors that step up once."""
    generator = torch.Generator().manual_seed(0)
    signs = torch.randn(count, 2, generator=generator)
    noise = 0.1 * torch.randn(count, generator=generator)
    return signs, torch.where(signs[:, 1] > 0, 0.08, 0.02) * noise.exp()


def fitted(signs: Tensor, true: Tensor) -> Ladder:
    ladder = Ladder(signs=2)
    ladder.fit(signs, true)
    return ladder


def test_values_that_fall_are_pooled() -> None:
    found = pooled(torch.tensor([1.0, 3.0, 2.0, 1.0, 5.0, 4.0]))

    torch.testing.assert_close(found, torch.tensor([1.0, 2.0, 2.0, 2.0, 4.5, 4.5]))


def test_before_a_fit_the_first_sign_is_believed() -> None:
    signs = torch.tensor([[-3.0, 5.0], [-1.0, 0.0], [-9.0, 1.0], [4.0, 0.0]])

    torch.testing.assert_close(Ladder(signs=2)(signs), signs[:, 0].exp())


def test_what_is_expected_is_what_there_is() -> None:
    signs, true = drawn()

    found = fitted(signs, true)(signs)

    assert found.mean().item() == pytest.approx(true.mean().item(), rel=1e-3)
    for upper in (True, False):
        sure = (signs[:, 1] > 0.5) if upper else (signs[:, 1] < -0.5)
        assert found[sure].mean().item() == pytest.approx(true[sure].mean().item(), rel=0.08)


def test_more_of_a_sign_is_never_less_of_an_error_and_no_two_faces_become_equal() -> None:
    signs, true = drawn()
    ladder = fitted(signs, true)

    more = torch.linspace(-6, 6, 500)

    assert (ladder(torch.stack([torch.zeros(500), more], dim=1)).diff() > 0).all()
    assert ladder.values.shape == (KNOTS,)


def test_a_sign_that_misleads_is_not_heard() -> None:
    signs, true = drawn()
    signs[:, 0] = -true.log()
    signs[:, 1] = torch.randn(len(signs), generator=torch.Generator().manual_seed(1))

    ladder = fitted(signs, true)

    assert ladder.weights[0] == 0
    assert (ladder.weights >= 0).all()


def test_unknown_errors_are_left_out_and_few_faces_fit_nothing() -> None:
    signs, true = drawn()
    torch.testing.assert_close(
        fitted(
            torch.cat([signs, signs]), torch.cat([true, torch.full_like(true, torch.nan)])
        ).values,
        fitted(signs, true).values,
    )

    assert fitted(signs[:19], true[:19]).values.equal(Ladder(signs=2).values)


def test_faces_that_are_all_alike_are_fitted_too() -> None:
    found = fitted(torch.zeros(30, 2), torch.full((30,), 0.05))(torch.zeros(3, 2))

    torch.testing.assert_close(found, torch.full((3,), 0.05), rtol=1e-3, atol=0)
