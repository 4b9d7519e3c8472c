"""L-GRN's slim networks, ours: nodes that look where their landmarks' maps say."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.models.lgrn_recipes import faces
from torch import Tensor

from canthus.models import Hourglass, HourglassConfig, Lgrn, LgrnConfig, build
from canthus.models.layers.graph_layers import GraphHead
from canthus.models.layers.nodes import FAR, PooledNodes
from canthus.models.layers.trunk import Descent, Trunk

WIDTHS = (16, 16, 24)
SMALL = LgrnConfig(
    scheme="68",
    backbone="slim",
    stem=8,
    widths=WIDTHS,
    nodes="pooled",
    node_width=16,
    width=16,
    blocks=1,
    size=64,
    graph="symmetric",
)


def made(**changes: Any) -> Lgrn:
    torch.manual_seed(0)
    network = build(replace(SMALL, **changes)).eval()
    assert isinstance(network, Lgrn)
    network.prepare(torch.rand(68, 2))
    return network


@pytest.mark.parametrize("fine", [(), (4,)])
def test_a_trunk_can_begin_as_an_hourglass(fine: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    hourglass = build(HourglassConfig(fine=fine, stem=8, widths=WIDTHS)).eval()
    assert isinstance(hourglass, Hourglass)
    network, crops = made(fine=fine), torch.rand(2, 3, 64, 64)
    trunk = network.backbone
    assert isinstance(trunk, Trunk)
    state = hourglass.state_dict()
    trunk.load_state_dict({name: state[name] for name in trunk.state_dict()})

    (wanted,) = hourglass(crops)

    torch.testing.assert_close(network(crops).maps, wanted)


@pytest.mark.parametrize("fine", [(), (4,)])
def test_the_way_down_is_that_of_a_trunk(fine: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    trunk, descent = Trunk(8, WIDTHS, 68, 1, 4, fine).eval(), Descent(8, WIDTHS, fine).eval()
    state = trunk.state_dict()
    descent.load_state_dict({name: state[name] for name in descent.state_dict()})
    crops = torch.rand(2, 3, 64, 64)

    for found, wanted in zip(descent(crops), trunk.down(crops), strict=True):
        torch.testing.assert_close(found, wanted)


def test_fresh_weights_say_what_the_maps_say() -> None:
    network = made()
    found = network(torch.rand(2, 3, 64, 64))

    assert found.places is not None
    torch.testing.assert_close(found.points, found.places, atol=0.5, rtol=0)


def test_an_open_gate_puts_a_landmark_where_the_others_guess_it() -> None:
    network = made(guess=True)
    crops = torch.rand(2, 3, 64, 64)
    found, head = network(crops), network.head
    assert isinstance(head, GraphHead)
    assert found.places is not None
    torch.testing.assert_close(
        found.points, 0.95 * found.places + 0.05 * guess(network), atol=0.5, rtol=0
    )

    with torch.no_grad():
        head.output.bias[4] = 60.0
    torch.testing.assert_close(network(crops).points, guess(network), atol=0.5, rtol=0)


def guess(network: Lgrn) -> Tensor:
    """Of a fresh network, in pixels of crops of 64: the mean face."""
    return (64 * network.mean - 0.5).expand(2, -1, -1)


def test_a_node_sees_the_cell_where_its_map_is_and_how_far_that_is() -> None:
    nodes = PooledNodes(4, 2, width=8)
    with torch.no_grad():
        nodes.own.zero_()
        nodes.look.weight.copy_(torch.eye(8))
        nodes.look.bias.zero_()
    features = torch.rand(1, 4, 6, 6)
    maps = torch.zeros(1, 2, 6, 6)
    maps[0, 0, 1, 4] = maps[0, 1, 5, 0] = 60.0
    off = FAR * torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    covariance = torch.tensor([[2.0, 1.0], [1.0, 3.0]]).expand(1, 2, 2, 2)

    found = nodes(features, maps, off, covariance)

    variances = torch.tensor([2.0, 3.0]).log()
    first = torch.cat([features[0, :, 1, 4], torch.tensor([1.0, 2.0]), variances])
    second = torch.cat([features[0, :, 5, 0], torch.tensor([3.0, 4.0]), variances])
    torch.testing.assert_close(found, torch.stack([first, second])[None])


def told_apart(network: Lgrn) -> Tensor:
    """Which landmarks say something else, (68,), when the node of the first one is another."""
    nodes = torch.rand(1, 68, 16)
    other = nodes.clone()
    other[0, 0] += 1.0
    before, after = (network.head(each, each.mT[..., None]) for each in (nodes, other))
    return (before - after).abs().amax(dim=-1)[0] > 1e-7


def test_only_a_graph_lets_landmarks_hear_each_other() -> None:
    alone, everybody = made(edges="self"), made(edges="attention")
    static = made(edges="static", blocks=0)

    assert told_apart(alone).nonzero().flatten().tolist() == [0]
    assert told_apart(everybody).all()
    near = torch.from_numpy(static.graph.pattern[0])  # two convolutions reach two edges far
    reached = torch.from_numpy(static.graph.pattern.astype(int) @ static.graph.pattern[:, 0]) > 0
    heard = told_apart(static)
    assert heard[near].all()
    assert not heard[~reached].any()


def test_the_maps_are_taught_too() -> None:
    crops, target = faces(64, "68")
    found = made()(crops)

    once, twice = (made(place_weight=weight).loss(found, target) for weight in (1.0, 2.0))

    assert set(once) == {"points", "relative", "maps", "places"}
    torch.testing.assert_close(twice["places"], 2 * once["places"])


def test_crops_of_another_size_are_brought_to_the_networks_own() -> None:
    network = made()
    crops = torch.rand(2, 3, 128, 128)
    small = torch.nn.functional.interpolate(crops, (64, 64), mode="bilinear", antialias=True)

    large, own = network(crops).points, network(small).points

    torch.testing.assert_close((large + 0.5) / 2 - 0.5, own, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backbone": "resnet18"}, "nodes pooled: expected backbone slim"),
        ({"output": "published"}, "nodes pooled: expected backbone slim and output clean"),
        ({"widths": (16,)}, "expected 2 channels or more and 2 widths or more"),
        ({"nodes": "multilevel", "widths": (16, 16)}, "or slim with three widths"),
        ({"size": 72}, "size: expected a multiple of 16, found 72"),
        ({"nodes": "base", "guess": True}, "guess: expected nodes pooled"),
        ({"map_weight": -1.0}, "map_weight 0 or more"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(SMALL, **changes)
