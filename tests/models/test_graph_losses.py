"""The losses of L-GRN and their gradients, against the published ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.lgrn_recipes import Arrays, arrays
from torch import Tensor

from canthus.models.layers.graph_losses import (
    EACH,
    CoordinateLoss,
    coordinate_loss,
    relative_loss,
    soft_wing,
)
from canthus.models.layers.graphs import graph_of

EYES = {98: (60, 72), 68: (36, 45)}
KINDS: dict[str, tuple[CoordinateLoss, float]] = {
    "softwing_2_20_0.5": ("soft-wing", 0.5),
    "softwing_2_20_2": ("soft-wing", 2.0),
    "wing_5_0.5": ("wing", 0.5),
    "smoothwing_2_20_2": ("smooth-wing", 2.0),
    "norm_softwing_2_20_0.5": ("inter-ocular-soft-wing", 0.5),
    "rms_l2": ("root", 1.0),
    "point_euclid": ("distance", 1.0),
    "nme_loss": ("inter-ocular", 1.0),
    "l1": ("l1", 1.0),
    "mse": ("l2", 1.0),
    "smooth_l1": ("smooth-l1", 1.0),
}
NAMES = [*KINDS, "relative_softwing", "total"]


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "lgrn"


def faces(case: Arrays, count: int) -> tuple[Tensor, Tensor]:
    found, truth = (torch.tensor(case[name]).reshape(-1, count, 2) for name in ("pred", "target"))
    return found.requires_grad_(), truth


def term(name: str, apart: Tensor, truth: Tensor) -> Tensor:
    count = truth.shape[1]
    known = torch.ones(truth.shape[:2], dtype=truth.dtype)
    matrix = torch.tensor(graph_of(str(count), "published").relative(both=False))
    if name == "relative_softwing":
        return relative_loss(apart, known, matrix, 0.5)
    if name == "total":
        return term("softwing_2_20_0.5", apart, truth) + term("relative_softwing", apart, truth)
    first, second = EYES[count]
    between = (truth[:, first] - truth[:, second]).norm(dim=-1)
    kind, epsilon = KINDS[name]
    return coordinate_loss(kind, apart, known, epsilon=epsilon, between_eyes=between)


@pytest.mark.parametrize("count", [98, 68])
@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_are_the_published_ones(fixtures: Path, count: int, name: str) -> None:
    case = arrays(fixtures / f"losses_{count}.npz")
    found, truth = faces(case, count)

    loss = term(name, found - truth, truth)
    loss.backward()  # type: ignore[no-untyped-call]

    assert loss.item() == pytest.approx(float(case[name]), rel=1e-6)
    assert found.grad is not None
    wanted = case[f"{name}_grad"]
    apart = np.abs(found.grad.numpy().reshape(wanted.shape) - wanted).max()
    assert apart < 1e-6 * np.abs(wanted).max()


@pytest.mark.parametrize("count", [98, 68])
def test_soft_wing_is_the_published_one_number_by_number(fixtures: Path, count: int) -> None:
    case = arrays(fixtures / f"losses_{count}.npz")
    found, truth = faces(case, count)

    each = soft_wing(found - truth, 0.5).detach().flatten(1).numpy()

    np.testing.assert_allclose(each, case["softwing_2_20_0.5_none"], rtol=1e-6)
    assert each.sum() == pytest.approx(float(case["softwing_2_20_0.5_sum"]), rel=1e-9)


def test_the_curve_of_soft_wing_is_the_published_one(fixtures: Path) -> None:
    case = arrays(fixtures / "softwing_curve.npz")

    for epsilon, name in ((0.5, "y_2_20_0p5"), (2.0, "y_2_20_2")):
        found = soft_wing(torch.tensor(case["x"]), epsilon)
        np.testing.assert_allclose(found, case[name], rtol=1e-6, atol=1e-9)


def test_wings_are_continuous_where_they_bend() -> None:
    for kind, place in (
        ("soft-wing", 2.0),
        ("wing", 5.0),
        ("smooth-wing", 20.0),
        ("smooth-wing", 2.0),
    ):
        around = torch.tensor([place - 1e-9, place + 1e-9], dtype=torch.float64)
        below, above = EACH[kind](around, 0.5).tolist()
        assert below == pytest.approx(above, abs=1e-6)


def test_what_is_not_known_counts_nowhere() -> None:
    generator = torch.Generator().manual_seed(0)
    apart = torch.randn(2, 98, 2, generator=generator)
    known = torch.ones(2, 98)
    known[:, 5] = 0
    apart[:, 5] = 0
    matrix = torch.tensor(graph_of("98", "published").relative(both=False)).float()
    whole = (matrix[:, 5] == 0).nonzero()[:, 0]

    for kind, epsilon in KINDS.values():
        eyes = torch.tensor([80.0, 90.0])
        kept = torch.cat([apart[:, :5], apart[:, 6:]], dim=1)
        first = coordinate_loss(kind, apart, known, epsilon=epsilon, between_eyes=eyes)
        ones = torch.ones(2, 97)
        second = coordinate_loss(kind, kept, ones, epsilon=epsilon, between_eyes=eyes)
        torch.testing.assert_close(first, second)
    wanted = soft_wing((matrix @ apart)[:, whole], 0.5).mean()
    torch.testing.assert_close(relative_loss(apart, known, matrix, 0.5), wanted)


def test_losses_over_the_eyes_need_their_distance() -> None:
    with pytest.raises(ValueError, match="expected the distance between the eyes"):
        coordinate_loss("inter-ocular", torch.zeros(1, 2, 2), torch.ones(1, 2), epsilon=1.0)


def test_a_whole_shift_of_a_face_is_no_relative_error() -> None:
    matrix = torch.tensor(graph_of("68", "published").relative(both=True)).float()
    shift = torch.tensor([3.0, -2.0]).expand(1, 68, 2)

    found = relative_loss(shift, torch.ones(1, 68), matrix, 0.5)

    torch.testing.assert_close(found, torch.zeros(()), atol=1e-5, rtol=0)
