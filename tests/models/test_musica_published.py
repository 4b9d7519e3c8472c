"""The published networks of MuSiCa, against a restatement of the original's arithmetic."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from canthus.importing.musica import PUBLISHED_49, fill
from canthus.models import Musica, MusicaConfig, Target
from canthus.models.layers.cascade_losses import published_errors, published_terms
from canthus.models.layers.patches import corners, middles, own_patches, patches
from canthus.models.layers.pyramid import pyramid, standardized
from canthus.models.layers.steps import Steps

Arrays = dict[str, NDArray[Any]]
ROLES = ("conv1", "conv2", "att", "hid", "out")
SCOPES = {"conv1": ("Conv", 2, 0), "conv2": ("Conv", 2, 1), "att": ("FC", 3, 0)}
SCOPES |= {"hid": ("FC", 3, 1), "out": ("FC", 3, 2)}


@pytest.fixture
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "musica"


def arrays(path: Path) -> Arrays:
    return dict(np.load(path))


def picture(stored: NDArray[np.uint8]) -> Tensor:
    return torch.tensor(stored).permute(2, 0, 1)[None].float() / 255


def points(stored: NDArray[Any]) -> Tensor:
    """Stored (..., 2) as y, x."""
    return torch.tensor(stored).flip(-1)


def levels(fixtures: Path) -> list[Tensor]:
    return pyramid(standardized(picture(arrays(fixtures / "pyramid.npz")["image_u8"])), 3)


def variable(number: int, name: str) -> str:
    """A fixture's tensor, such as att_w, as the checkpoints name it."""
    role, _, kind = name.rpartition("_")
    scope, count, place = SCOPES[role]
    index = count * number + place
    scope = f"{scope}_{index}" if index else scope
    return f"{scope}/{'weights' if kind == 'w' else 'biases'}"


def tiny(fixtures: Path) -> tuple[Musica, Arrays]:
    case = arrays(fixtures / "forward_tiny.npz")
    network = Musica(MusicaConfig(networks="published", sampling="integer", hidden=16))
    network.steps = torch.nn.ModuleList(
        type(network.steps[0])(3, 5, 16, attention=True) for _ in range(3)
    )
    network.config = Few()  # type: ignore[assignment]
    scales = dict(zip(case["tensor_order"], case["denominators"], strict=True))
    stored = {
        variable(number, name): case[f"s{number}_{name}_i8"] / scale
        for number in range(3)
        for name, scale in scales.items()
    }
    fill(network, stored)
    return network.eval(), case


class Few:
    """The tiny fixture's five landmarks, which are no scheme."""

    networks, sampling, steps, hidden, attention = "published", "integer", 3, 16, True
    num_levels, looked_at = 3, (0, 2, 4)


def full(fixtures: Path) -> tuple[Musica, Arrays]:
    case = arrays(fixtures / "forward_full.npz")
    network = Musica(PUBLISHED_49)
    shapes = [(3, 3, 3, 32), (32,), (3, 3, 32, 32), (32,), (256, 256), (256,), (13056, 512), (512,)]
    shapes += [(512, 197), (197,)]
    drawn = {}
    for number in range(3):
        order = zip(case["tensor_order"], shapes, case["weight_scales"], strict=True)
        for place, (name, shape, scale) in enumerate(order):
            source = np.random.RandomState(1000 + 100 * number + place)
            drawn[variable(number, name)] = source.standard_normal(shape) * scale
    fill(network, drawn)
    return network.eval(), case


@torch.no_grad()
def walked(network: Musica, image: NDArray[np.uint8], start: NDArray[Any]) -> Steps:
    return network.cascade(picture(image), points(start)[None])


def test_the_pyramid_is_the_published_one(fixtures: Path) -> None:
    case = arrays(fixtures / "pyramid.npz")

    for number, level in enumerate(levels(fixtures)):
        wanted = torch.tensor(case[f"level{number}"]).permute(2, 0, 1)
        torch.testing.assert_close(level[0], wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_patches_are_the_published_ones(fixtures: Path, level: int) -> None:
    case = arrays(fixtures / "patches.npz")
    centers = points(case["points_level0"])[None] / 2**level

    found = patches(levels(fixtures)[level], centers, 14, "integer")[0]

    assert (corners(centers, 14)[0].flip(-1).numpy() == case[f"topleft_l{level}"]).all()
    wanted = torch.tensor(case[f"patches_l{level}"]).permute(0, 3, 1, 2)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    defined = torch.tensor(case[f"defined_l{level}"])
    assert (found.abs().sum(dim=1)[~defined] == 0).all()


def test_bilinear_patches_are_the_same_at_whole_numbers(fixtures: Path) -> None:
    case = arrays(fixtures / "patches.npz")

    found = patches(levels(fixtures)[0], points(case["points_level0"])[None, :1], 14, "bilinear")

    wanted = torch.tensor(case["patches_l0"][0]).permute(2, 0, 1)
    torch.testing.assert_close(found[0, 0], wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("sampling", ["bilinear", "integer"])
def test_the_middle_of_a_patch_is_where_its_pixels_are(sampling: Any) -> None:
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(50.0), indexing="ij")
    centers = torch.tensor([[[20.3, 18.7], [30.0, 21.0]]])

    seen = patches(torch.stack([columns, rows])[None], centers, 14, sampling)

    torch.testing.assert_close(middles(centers, 14, sampling), seen.mean(dim=(3, 4)))


def test_squares_are_in_pixels_of_the_crop() -> None:
    network = Musica(MusicaConfig(networks="published", hidden=8)).eval()
    network.prepare(torch.rand(68, 2))

    first, _, last = network(torch.rand(1, 3, 64, 64)).each

    coarse, fine = network.squares(first), network.squares(last)
    torch.testing.assert_close(coarse[..., :2], first.centers - 2.0)
    torch.testing.assert_close(fine[..., :2], last.centers - 0.5)
    assert (coarse[..., 2] == 14 * 4).all()
    assert (fine[..., 2] == 14).all()


def test_a_steps_parts_are_the_published_ones(fixtures: Path) -> None:
    network, case = tiny(fixtures)
    seen = torch.tensor(case["s0_patches"]).permute(0, 3, 1, 2)[None]
    step: Any = network.steps[0]

    with torch.no_grad():
        features = step.features(seen)[0]
        gates = step.gates(features)

    for found, name in [(features, "feat"), (gates, "att"), (gates * features, "gated")]:
        np.testing.assert_allclose(found, case[f"s0_{name}"], atol=1e-5)


def test_all_steps_are_the_published_ones(fixtures: Path) -> None:
    network, case = tiny(fixtures)

    found = walked(network, arrays(fixtures / "pyramid.npz")["image_u8"], case["init_shape_level0"])

    for number, step in enumerate(found.each):
        np.testing.assert_allclose(step.hidden[0], case[f"s{number}_hidden"], atol=1e-5)
        np.testing.assert_allclose(step.offsets[0].flip(-1), case[f"s{number}_delta"], atol=1e-5)
        np.testing.assert_allclose(step.points[0].flip(-1), case[f"s{number}_shape0"], atol=1e-4)
        np.testing.assert_allclose(step.error[0], case[f"s{number}_err"], atol=1e-5)


def test_the_released_size_is_the_published_one(fixtures: Path) -> None:
    network, case = full(fixtures)

    found = walked(network, case["image_u8"], case["init_shape_level0"])

    for number, step in enumerate(found.each):
        first = corners(step.centers / step.stride, 14)[0].flip(-1)
        assert (first.numpy() == case[f"s{number}_topleft"]).all()
        np.testing.assert_allclose(step.hidden[0], case[f"s{number}_hidden"], atol=1e-5)
        np.testing.assert_allclose(step.offsets[0].flip(-1), case[f"s{number}_delta"], atol=1e-5)
        np.testing.assert_allclose(step.points[0].flip(-1), case[f"s{number}_shape0"], atol=1e-4)
        np.testing.assert_allclose(step.error[0], case[f"s{number}_err"], atol=1e-5)


def test_the_released_sizes_gates_are_the_published_ones(fixtures: Path) -> None:
    network, case = full(fixtures)
    found = walked(network, case["image_u8"], case["init_shape_level0"])
    seen = pyramid(standardized(picture(case["image_u8"])), 3)

    for number, step in enumerate(found.each):
        layers: Any = network.steps[number]
        cut = patches(seen[2 - number], step.centers / step.stride, 14, "integer")
        with torch.no_grad():
            features = layers.features(cut)[0]
            gates = layers.gates(features).mean(dim=1)
        wanted = case[f"s{number}_mean_attention_per_patch"]
        np.testing.assert_allclose(gates, wanted, atol=1e-5)
        np.testing.assert_allclose(step.attention[0].detach(), wanted, atol=1e-5)
        wanted = case[f"s{number}_feat_sum_per_patch"]
        np.testing.assert_allclose(features.sum(dim=1), wanted, rtol=1e-5, atol=1e-4)


def known(truth: NDArray[Any], scheme: str) -> Target:
    count = int(scheme)
    return Target(
        points=torch.tensor(truth),
        known=torch.ones(len(truth), count, dtype=torch.float64),
        size=torch.ones(len(truth), dtype=torch.float64),
        blends=torch.zeros(len(truth), 0, 2),
        blends_known=torch.zeros(len(truth), 0),
        readout=torch.zeros(0, count),
    )


@pytest.mark.parametrize(("scheme", "eyes"), [("68", (36, 45)), ("98", (60, 72))])
def test_the_loss_is_the_published_one(fixtures: Path, scheme: str, eyes: tuple[int, int]) -> None:
    case = arrays(fixtures / "loss.npz")
    target = known(case[f"gt_{scheme}"], scheme)
    total = 0.0
    for number in range(3):
        found = torch.tensor(case[f"pred_{scheme}"][number])
        expected = torch.tensor(case[f"pred_err_{scheme}"][number])
        errors = published_errors(found, target, eyes)
        np.testing.assert_allclose(errors, case[f"l1norm_{scheme}"][number], atol=1e-12)
        off, gap = published_terms(found, expected, target, eyes)
        assert off.item() == pytest.approx(case[f"loss_landmark_{scheme}"][number], abs=1e-12)
        assert gap.item() == pytest.approx(case[f"loss_error_{scheme}"][number], abs=1e-12)
        total += 0.95 * off.item() + 0.05 * gap.item()
    assert total == pytest.approx(float(case[f"loss_total_{scheme}"]), abs=1e-12)


def test_counts_are_the_published_ones(fixtures: Path) -> None:
    cases = json.loads((fixtures / "macs.json").read_text())
    for case in cases:
        step: Any = type(Musica(MusicaConfig(networks="published", steps=1)).steps[0])
        made = step(case["patches"], case["landmarks"], 512, attention=True)
        with torch.no_grad(), FlopCounterMode(display=False) as counted:
            made(torch.zeros(1, case["patches"], 3, 14, 14), torch.zeros(1, 512))
        assert counted.get_total_flops() / 2 == case["per_iteration"]
        assert sum(each.numel() for each in made.parameters()) == case["params_per_iteration"]


@pytest.mark.parametrize(
    ("scheme", "chosen", "parameters"),
    [("68", (), 27_965_307), ("98", tuple(range(0, 98, 2)), 20_586_543)],
)
def test_three_steps_have_three_steps_parameters(
    scheme: Any, chosen: tuple[int, ...], parameters: int
) -> None:
    network = Musica(replace(PUBLISHED_49, scheme=scheme, patches=chosen))

    assert sum(each.numel() for each in network.parameters()) == parameters


def test_more_black_beyond_an_edge_changes_no_patch_inside() -> None:
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    wider = torch.nn.functional.pad(image, (0, 9, 0, 5))
    centers = torch.tensor([[[12.3, 20.8], [25.0, 17.5]]])

    for sampling in ("integer", "bilinear"):
        first, second = (patches(each, centers, 14, sampling) for each in (image, wider))
        torch.testing.assert_close(first, second, atol=1e-5, rtol=0)


def test_patches_move_with_the_picture() -> None:
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    moved = torch.roll(image, (3, 5), dims=(2, 3))
    centers = torch.tensor([[[14.3, 16.8]]])

    for sampling in ("integer", "bilinear"):
        first = patches(image, centers, 14, sampling)
        second = patches(moved, centers + torch.tensor([5.0, 3.0]), 14, sampling)
        torch.testing.assert_close(first, second, atol=1e-5, rtol=0)


def test_bilinear_patches_have_gradients() -> None:
    image = torch.rand(1, 2, 12, 12, generator=torch.Generator().manual_seed(0)).double()
    centers = torch.tensor([[[5.3, 6.4], [7.7, 4.2]]]).double()

    assert torch.autograd.gradcheck(
        lambda c: patches(image, c, 4, "bilinear"), centers.requires_grad_()
    )
    assert torch.autograd.gradcheck(
        lambda c: own_patches(image, c, 4), centers.detach().requires_grad_()
    )
