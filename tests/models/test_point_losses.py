import math

import torch

from canthus.models import Target
from canthus.models.layers.point_losses import CURVATURE, WING, distance, errors, wing


def target() -> Target:
    """Two faces of three landmarks, the last of the second not known; a blend of the first two."""
    points = torch.tensor([[[0.0, 0.0], [4.0, 0.0], [2.0, 5.0]]]).repeat(2, 1, 1)
    return Target(
        points=points,
        known=torch.tensor([[1.0, 1, 1], [1, 1, 0]]),
        size=torch.tensor([10.0, 20.0]),
        blends=torch.tensor([[[2.0, 0.0]], [[0.0, 0.0]]]),
        blends_known=torch.tensor([[1.0], [0.0]]),
        readout=torch.tensor([[0.5, 0.5, 0.0]]),
    )


def test_errors_are_in_sides_of_the_box_and_zero_where_nothing_is_known() -> None:
    moved = target().points + torch.tensor([3.0, 4.0])

    each, known = errors(moved, target())

    wanted = torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.25, 0.25, 0, 0]])
    torch.testing.assert_close(each, wanted, atol=1e-6, rtol=0)
    assert known.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_the_distance_is_the_mean_over_what_is_known() -> None:
    moved = target().points + torch.tensor([3.0, 4.0])

    assert math.isclose(float(distance(moved, target())), 2.5 / 6, rel_tol=1e-5)


def test_wing_is_steep_near_zero_and_straight_far_away() -> None:
    error = torch.tensor([0.0, 0.01, WING - 1e-6, WING + 1e-6, 0.5]).requires_grad_()
    loss = wing(error)
    loss.sum().backward()  # type: ignore[no-untyped-call]

    assert loss[0] == 0
    torch.testing.assert_close(loss[2], loss[3], atol=1e-4, rtol=0)
    assert error.grad is not None
    torch.testing.assert_close(error.grad[0], torch.tensor(WING / CURVATURE))
    assert error.grad[3:].tolist() == [1, 1]
