"""The slim networks of MuSiCa, and the choices that both kinds share."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from canthus.models import Musica, MusicaConfig, Target
from canthus.models.layers.cascade import Window
from canthus.models.layers.cascade_losses import (
    expected_terms,
    face_errors,
    followed,
    patch_divergence,
)
from canthus.models.layers.heatmaps import covariances, draw, locate
from canthus.models.layers.ladders import SMALLEST
from canthus.models.layers.patches import own_patches
from canthus.models.musica import LEVELS

SMALL = MusicaConfig(stem=8, widths=(16, 16, 24, 24), hidden=32)
SIDE = 64


def face() -> Tensor:
    """68 points of a face of no great beauty."""
    return torch.rand(68, 2, generator=torch.Generator().manual_seed(0))


def crops(count: int = 2) -> Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def built(config: MusicaConfig = SMALL) -> Musica:
    torch.manual_seed(0)
    network = Musica(config).eval()
    network.prepare(face())
    return network


def target(points: Tensor) -> Target:
    count = len(points)
    return Target(
        points=points,
        known=torch.ones(count, 68),
        size=torch.full((count,), 40.0),
        blends=torch.zeros(count, 0, 2),
        blends_known=torch.zeros(count, 0),
        readout=torch.zeros(0, 68),
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patches": (0, 68)}, r"from 0 to 67, found \[0, 68\]"),
        ({"patches": (3, 3)}, "expected different landmarks"),
        ({"fills": 1.5}, "fills: expected more than 0 and at most 1"),
        (
            {"quit_below": (0.1, -0.1)},
            "quit_below: expected none, or for slim networks .* 0 or more",
        ),
        ({"quit_below": (0.1,)}, "for each of 3 steps but the last"),
        ({"quit_below": (0.1, 0.1), "networks": "published"}, "quit_below: expected none, or for"),
        ({"step_weights": (1.0, 2.0)}, "step_weights: expected 3 or none"),
        ({"patch": 1}, "patch: expected 2 cells or more"),
        ({"widths": (16, 16)}, "widths: expected 3 or more for 3 steps"),
        ({"widths": (16, 16, 24), "finest": 4}, "widths: expected 4 or more for 3 steps"),
    ],
)
def test_what_cannot_be_built_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)


def test_all_begins_at_the_mean_face_in_the_middle_of_the_crop() -> None:
    start = built().start(crops())[0]

    low, high = start.amin(dim=0), start.amax(dim=0)
    torch.testing.assert_close((low + high) / 2, torch.full((2,), (SIDE - 1) / 2))
    assert (high - low).max().item() == pytest.approx(0.77 * SIDE)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
@pytest.mark.parametrize(("networks", "finest"), [("slim", 2), ("slim", 4), ("published", 1)])
def test_steps_go_from_coarse_to_fine(steps: Any, networks: Any, finest: Any) -> None:
    cells = {} if networks == "published" else {"finest": finest}
    found = built(replace(SMALL, steps=steps, networks=networks, **cells))(crops())

    assert [each.stride for each in found.each] == [finest * 2**level for level in LEVELS[steps]]
    assert {each.points.shape for each in found.each} == {(2, 68, 2)}
    assert {each.error.shape for each in found.each} == {(2,)}


@pytest.mark.parametrize("count", [34, 25, 17])
def test_landmarks_without_a_patch_move_as_their_neighbors(count: int) -> None:
    chosen = tuple(torch.linspace(0, 67, count).round().int().tolist())

    network = built(replace(SMALL, patches=chosen))

    assert torch.equal(network.nearest[list(chosen)], torch.eye(count))
    torch.testing.assert_close(network.nearest.sum(dim=1), torch.ones(68))
    assert network(crops()).last.points.shape == (2, 68, 2)


def test_without_attention_there_is_less_to_learn() -> None:
    def size(config: MusicaConfig) -> int:
        return sum(each.numel() for each in built(config).parameters())

    assert size(SMALL) - size(replace(SMALL, attention=False)) == 3 * (32 * 32 + 32)


@pytest.mark.parametrize(("below", "most"), [(0.0, 34e6), (1e9, 16e6)])
def test_the_default_is_small_and_smaller_for_faces_that_quit(below: float, most: float) -> None:
    network = built(MusicaConfig(quit_below=(below, below)))

    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        network.predict(torch.zeros(1, 3, 96, 96))

    assert 0.95 * most < counted.get_total_flops() / 2 < most
    assert sum(each.numel() for each in network.parameters()) < 0.76e6


def test_a_patch_finds_what_the_whole_map_shows() -> None:
    places = torch.tensor([[[25.3, 30.8], [40.0, 37.2]]])
    maps = draw(places, 16, stride=4, sigma=0.8).log()
    near = (places + torch.tensor([[[3.0, -2.0], [-4.0, 1.0]]]) + 0.5) / 4 - 0.5

    window = Window.of(own_patches(maps, near, 8))

    torch.testing.assert_close(4 * (window.mean + near) + 1.5, places, atol=0.02, rtol=0)
    in_pixels = Window.of(own_patches(maps, 4 * near + 1.5, 8, stride=4))
    torch.testing.assert_close(in_pixels.mean, window.mean)
    _, whole = locate(maps, 4)
    # between cells a patch of logarithms is a little narrower or wider
    torch.testing.assert_close(16 * covariances(window.moments), whole, atol=2.5, rtol=0)


def test_beyond_an_edge_nothing_breaks() -> None:
    network = built()
    network.mean.sub_(3.0)

    answer = network.predict(crops())

    assert answer.points.isfinite().all()
    assert answer.covariance.isfinite().all()


def test_the_expected_errors_loss_moves_no_landmark() -> None:
    network = built()
    output = network(crops())
    truth = target(torch.rand(2, 68, 2) * SIDE)

    terms = network.loss(output, truth)
    torch.stack([terms[f"error{i}"] for i in range(3)]).sum().backward()  # type: ignore[no-untyped-call]

    for step in network.steps:
        assert step.output.weight.grad is None  # type: ignore[union-attr]
        assert step.doubt[-1].weight.grad.any()  # type: ignore[union-attr,index]


def test_earlier_steps_follow_the_last_which_does_not_change_for_them() -> None:
    network = built(replace(SMALL, follow=1.0))
    truth = target(torch.rand(2, 68, 2) * SIDE)

    terms = network.loss(network(crops()), truth)
    (terms["follow0"] + terms["follow1"]).backward()  # type: ignore[no-untyped-call]

    assert "follow2" not in terms
    assert network.steps[1].output.weight.grad.any()  # type: ignore[operator,union-attr]
    assert network.steps[2].output.weight.grad is None  # type: ignore[union-attr]
    points = truth.points + torch.tensor([3.0, 4.0])
    torch.testing.assert_close(followed(points, truth.points, truth), torch.tensor(5 / 40))


def test_steps_weigh_as_told() -> None:
    truth = target(torch.rand(2, 68, 2) * SIDE)
    same, other = (
        network.loss(network(crops()), truth)
        for network in (built(), built(replace(SMALL, step_weights=(0.5, 2.0, 1.0))))
    )

    for number, weight in enumerate((0.5, 2.0, 1.0)):
        for name in ("points", "maps"):
            term = f"{name}{number}"
            torch.testing.assert_close(other[term], weight * same[term])


def test_the_error_that_is_right_costs_nothing() -> None:
    truth = target(torch.full((2, 68, 2), 20.0))
    found = truth.points + torch.tensor([3.0, 4.0])

    right = torch.full((2,), 5 / 40 + SMALLEST).log()

    exact, more = (expected_terms(found, right + apart, truth) for apart in (0.0, 0.7))

    assert exact.item() == pytest.approx(0, abs=1e-6)
    assert more.item() == pytest.approx(0.7 - 0.1, abs=1e-4)


def test_a_patch_is_not_asked_for_what_is_outside_of_it() -> None:
    logits = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    apart = torch.tensor([[[0.5, -1.0], [4.0, 0.0]]])

    both = patch_divergence(logits, apart, torch.ones(1, 2))
    first = patch_divergence(logits[:, :1], apart[:, :1], torch.ones(1, 1))

    torch.testing.assert_close(both, first)
    assert first > 0


@pytest.mark.parametrize(
    ("below", "step"), [((1e-9, 1e-9), 2), ((0.0, 1e9), 1), ((1e9, 0.0), 0), ((1e9, 1e9), 0)]
)
def test_each_step_has_a_threshold_of_its_own(below: tuple[float, ...], step: int) -> None:
    network = built(replace(SMALL, quit_below=below))

    answer = network.predict(crops())

    found = network(crops()).each[step]
    torch.testing.assert_close(answer.points, found.points)
    torch.testing.assert_close(answer.error, network.expected(step, found))
    torch.testing.assert_close(answer.attention, found.attention)
    torch.testing.assert_close(answer.patches, network.squares(found))


def test_attention_is_the_mean_of_a_patchs_gates() -> None:
    network = built()
    network.steps[2].attention.weight.data.zero_()  # type: ignore[union-attr,operator]
    network.steps[2].attention.bias.data.fill_(1.0)  # type: ignore[union-attr,operator]

    answer = network.predict(crops())

    torch.testing.assert_close(answer.attention, torch.full((2, 68), 1.0).sigmoid())


def test_patches_are_where_the_step_began_and_as_wide_as_its_cells() -> None:
    network = built()

    for step, stride in zip(network(crops()).each, (8, 4, 2), strict=True):
        found = network.squares(step)
        torch.testing.assert_close(found[..., :2], step.centers)
        assert (found[..., 2] == 6 * stride).all()


def test_only_chosen_landmarks_have_a_patch_to_show() -> None:
    answer = built(replace(SMALL, patches=(30, 36, 45))).predict(crops())

    assert answer.attention is not None
    assert answer.patches is not None
    assert (answer.attention.shape, answer.patches.shape) == ((2, 3), (2, 3, 3))


@pytest.mark.parametrize("below", [(), (1e9, 1e9)])
def test_patches_that_are_not_weighed_are_not_shown(below: tuple[float, ...]) -> None:
    answer = built(replace(SMALL, attention=False, quit_below=below)).predict(crops())

    assert answer.attention is None
    assert answer.patches is None


def test_expected_errors_are_right_on_average_once_calibrated() -> None:
    network = built()
    seen = [crops(16), crops(16).flip(-1)]
    truth = [target(20 + torch.rand(16, 68, 2) * 40) for _ in seen]

    network.calibrate(zip(seen, truth, strict=True))

    for number in range(3):
        steps = [network(each).each[number] for each in seen]
        said = torch.cat([network.expected(number, step) for step in steps])  # type: ignore[misc]
        pairs = zip(steps, truth, strict=True)
        true = torch.cat([face_errors(step.points, each) for step, each in pairs])
        assert said.mean().item() == pytest.approx(true.mean().item(), rel=0.02)


@pytest.mark.parametrize("through", [True, False])
def test_a_later_step_teaches_where_patches_are_put_if_told(through: bool) -> None:
    network = built(replace(SMALL, end_to_end=through))
    found = network(crops())

    found.each[1].points.sum().backward()

    gradient: Tensor = network.steps[0].output.weight.grad  # type: ignore[assignment,union-attr]
    assert bool(gradient is not None and gradient[:-1].any()) == through
