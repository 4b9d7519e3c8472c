"""Graph convolutions, heads and their edges, against the published layers."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.lgrn_recipes import Arrays, arrays, fill, off, on_meta
from torch import Tensor

from canthus.importing.lgrn_names import original_names
from canthus.models import LgrnConfig
from canthus.models.layers.graph_layers import (
    Adjacency,
    EdgeKind,
    EdgeLogits,
    GraphBlock,
    GraphConv,
    GraphHead,
    heard_by_layers,
)
from canthus.models.layers.graph_losses import coordinate_loss, relative_loss
from canthus.models.layers.graphs import Graph, graph_of
from canthus.models.layers.nodes import BaseNodes, flattened

GRAPH = graph_of("98", "published")


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "lgrn"


@pytest.fixture
def wide() -> Iterator[None]:
    """Fresh modules in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def conv_of(case: Arrays, prefix: str) -> GraphConv:
    weight = torch.tensor(case[f"{prefix}W"])
    conv = GraphConv(*weight.shape[1:], kind="static", graph=GRAPH).double()
    conv.load_state_dict(
        {
            "weight": weight,
            "bias": torch.tensor(case[f"{prefix}bias"]),
            "edges": torch.tensor(case[f"{prefix}e"]),
        }
    )
    return conv


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("prefix", ["", "init_"])
def test_a_convolution_and_its_gradients_are_the_published_ones(
    fixtures: Path, prefix: str
) -> None:
    case = arrays(fixtures / "graph_layer.npz")
    conv, x = conv_of(case, prefix), torch.tensor(case[f"{prefix}x"], requires_grad=True)

    y = conv(x)
    (y * torch.tensor(case[f"{prefix}g"])).sum().backward()

    assert off(conv.heard(x), case[f"{prefix}A"]) < 1e-6
    assert off(y, case[f"{prefix}y"]) < 1e-6
    pairs = {"x": x, "W": conv.weight, "e": conv.edges, "bias": conv.bias}
    for name, tensor in pairs.items():
        assert tensor.grad is not None
        wanted = case[f"{prefix}grad_{name}"]
        assert np.abs(tensor.grad.numpy() - wanted).max() < 1e-6 * max(np.abs(wanted).max(), 1)


@pytest.mark.usefixtures("wide")
def test_a_dynamic_convolution_is_the_published_one(fixtures: Path) -> None:
    case = arrays(fixtures / "dynamic_layer.npz")
    weight = torch.tensor(case["W"])
    conv = GraphConv(*weight.shape[1:], kind="dynamic", graph=GRAPH)
    conv.load_state_dict({"weight": weight, "bias": torch.tensor(case["bias"])})
    x, logits = torch.tensor(case["x"]), torch.tensor(case["edge_logits"])

    transposed, plain = (Adjacency(GRAPH, transposed=each)(logits) for each in (True, False))

    assert off(conv(x, transposed), case["y"]) < 1e-6
    torch.testing.assert_close(plain.sum(dim=-1), torch.ones(2, 98))
    assert off(conv(x, plain), case["y"]) > 1e-3


@pytest.mark.usefixtures("wide")
@torch.no_grad()
def test_the_predictor_of_edges_is_the_published_one(fixtures: Path) -> None:
    case = arrays(fixtures / "relation_learner.npz")
    learner = EdgeLogits(12, len(GRAPH.edges)).eval()
    layers = {"hidden": "fc.0", "norm": "fc.2", "output": "fc.3"}
    state = {
        name: torch.tensor(case[f"param:{layers[layer]}.{tensor}"])
        for name in learner.state_dict()
        for layer, _, tensor in [name.partition(".")]
        if tensor != "num_batches_tracked"
    }
    learner.load_state_dict(state, strict=False)

    assert off(learner(torch.tensor(case["x"])), case["y"]) < 1e-6


def small_head(case: Arrays, prefix: str, blocks: int) -> tuple[GraphHead, dict[str, str]]:
    """A head with stored weights, and for each tensor of ours the stored name."""
    inputs, width = case[f"{prefix}gconv_input.0.gconv.W"].shape[1:]
    head = GraphHead(inputs, width=width, blocks=blocks, kind="static", graph=GRAPH).double()
    shapes = on_meta(LgrnConfig(backbone="mobilenet_c", blocks=blocks))
    names = {
        ours.removeprefix("head."): prefix + theirs.removeprefix("predictor.sem_gcn.")
        for ours, theirs in original_names(shapes).items()
        if ours.startswith("head.")
    }
    state = head.state_dict()
    for ours, theirs in names.items():
        state[ours].copy_(torch.tensor(case[theirs]).reshape(state[ours].shape))
    return head, names


@pytest.mark.usefixtures("wide")
def test_a_head_is_the_published_one(fixtures: Path) -> None:
    case = arrays(fixtures / "head_small.npz")
    head, names = small_head(case, "param:", 2)
    x = torch.tensor(case["x"])

    assert set(names.values()) == {name for name in case if name.startswith("param:")}
    head.eval()
    found = head.input(x)
    assert off(found, case["eval_after_input_layer"]) < 1e-6
    for number, block in enumerate(head.blocks):
        found = block(found)
        assert off(found, case[f"eval_after_res{number}"]) < 1e-6
    assert off(head(x), case["eval_y"]) < 1e-6
    assert off(head.train()(x), case["train_y"]) < 1e-6
    norm = head.input.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert off(norm.running_mean, case["train_running_mean_input"]) < 1e-6
    assert off(norm.running_var, case["train_running_var_input"]) < 1e-6


@pytest.mark.usefixtures("wide")
def test_steps_of_a_training_are_the_published_ones(fixtures: Path) -> None:
    case = arrays(fixtures / "train_steps.npz")
    head, names = small_head(case, "init:", 1)
    target = torch.tensor(case["target"]).reshape(4, 98, 2)
    matrix = torch.tensor(GRAPH.relative(both=False))
    known = torch.ones(target.shape[:2])
    optimizer = torch.optim.SGD(head.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    losses = []
    for _ in range(len(case["losses"])):
        apart = head.train()(torch.tensor(case["x"])) - target
        total = coordinate_loss("soft-wing", apart, known, epsilon=0.5)
        total = total + relative_loss(apart, known, matrix, 0.5)
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(total.item())

    np.testing.assert_allclose(losses, case["losses"], rtol=1e-6)
    state = head.state_dict()
    for ours, theirs in names.items():
        assert off(state[ours], case[theirs.replace("init:", "final:")]) < 1e-5, ours


@torch.no_grad()
def test_maps_become_nodes_as_published(fixtures: Path) -> None:
    case = arrays(fixtures / "map_to_node.npz")
    shapes = on_meta(LgrnConfig(backbone="mobilenet_c"))
    names = {
        ours.removeprefix("nodes."): theirs.removeprefix("predictor.map_to_node.")
        for ours, theirs in original_names(shapes).items()
        if ours.startswith("nodes.")
    }
    nodes = BaseNodes([16], 4 * 98, width=256).eval()
    fill(nodes, names, 41, 0.7)

    found = flattened(nodes([torch.tensor(case["x"]).float()]), 98)

    assert off(found, case["nodes"]) < 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_at_half_precision_are_those_at_full(dtype: torch.dtype) -> None:
    logits = torch.randn(2, len(GRAPH.edges), generator=torch.Generator().manual_seed(0)).to(dtype)

    half, full = Adjacency(GRAPH)(logits), Adjacency(GRAPH)(logits.float())

    torch.testing.assert_close(half, full)
    assert (half[:, ~torch.tensor(GRAPH.pattern)] == 0).all()
    torch.testing.assert_close(half.sum(dim=-1), torch.ones(2, 98))


def test_a_masked_softmax_by_hand() -> None:
    graph = Graph(3, ((0, 1), (1, 2)))
    logits = torch.tensor([0.0, math.log(3), 0.0, 0.0, 0.0, 5.0, 5.0])

    found = Adjacency(graph)(logits)

    wanted = [[0.25, 0.75, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.0, 0.5, 0.5]]
    torch.testing.assert_close(found, torch.tensor(wanted))


def moved(kind: EdgeKind, **options: Any) -> Tensor:
    """Which nodes' outputs change as the first node's input does."""
    torch.manual_seed(0)
    graph = Graph(4, ((0, 1), (1, 2), (2, 3)))
    conv = GraphConv(6, 8, kind=kind, graph=graph, **options)
    x = torch.randn(1, 4, 6)
    given = Adjacency(graph)(torch.randn(1, len(graph.edges))) if kind == "dynamic" else None
    changed = x.clone()
    changed[0, 0] += 1
    return ((conv(changed, given) - conv(x, given)).abs().amax(dim=-1) > 1e-6)[0]


@pytest.mark.parametrize(
    ("kind", "heard"), [("self", 1), ("static", 2), ("dynamic", 2), ("attention", 4)]
)
def test_who_hears_whom(kind: EdgeKind, heard: int) -> None:
    assert moved(kind).tolist() == [number < heard for number in range(4)]


@pytest.mark.parametrize("kind", ["static", "dynamic", "attention", "self"])
def test_convolutions_have_gradients(kind: EdgeKind) -> None:
    torch.manual_seed(0)
    graph = Graph(4, ((0, 1), (1, 2), (2, 3)))
    conv = GraphConv(3, 4, kind=kind, graph=graph, heads=2).double()
    x = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    given = None
    if kind == "dynamic":
        given = Adjacency(graph)(torch.randn(2, len(graph.edges), dtype=torch.float64))

    assert torch.autograd.gradcheck(lambda each: conv(each, given), x)
    conv(x, given).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in conv.parameters())


def test_dynamic_edges_need_what_they_depend_on() -> None:
    conv = GraphConv(3, 4, kind="dynamic", graph=GRAPH)
    head = GraphHead(3, width=4, blocks=1, kind="dynamic", graph=GRAPH, told_by=8)

    with pytest.raises(ValueError, match="expected weights of edges"):
        conv(torch.zeros(1, 98, 3))
    with pytest.raises(ValueError, match="expected a map that dynamic edges depend on"):
        head(torch.zeros(1, 98, 3))


def test_edges_begin_alike() -> None:
    conv = GraphConv(3, 4, kind="static", graph=GRAPH)
    degrees = torch.tensor(GRAPH.pattern.sum(axis=1))

    torch.testing.assert_close(conv.heard(torch.zeros(1, 98, 3)).diagonal(), 1 / degrees.float())
    bound = 1.414 * math.sqrt(6 / (3 * 4 + 2 * 4))
    assert 0.7 * bound < conv.weight.abs().max().item() <= bound
    assert conv.bias.abs().max().item() <= 0.5


@torch.no_grad()
@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        ("self", []),
        ("static", 4 * [(98, 98)]),
        ("dynamic", 4 * [(3, 98, 98)]),
        ("attention", 4 * [(3, 2, 98, 98)]),
    ],
)
def test_every_layer_says_who_is_heard(kind: EdgeKind, shapes: list[tuple[int, ...]]) -> None:
    torch.manual_seed(0)
    head = GraphHead(
        6, width=8, blocks=1, kind=kind, graph=GRAPH, heads=2, told_by=4, transposed=False
    ).eval()
    nodes, told_by = torch.randn(3, 98, 6), torch.randn(3, 4, 2, 2)
    answer = head(nodes, told_by)

    said = heard_by_layers(head, nodes, told_by)

    assert [tuple(weights.shape) for weights in said] == shapes
    for weights in said:
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]))
    if kind == "attention":
        first, block = head.input(nodes), head.blocks[0]
        assert isinstance(block, GraphBlock)
        torch.testing.assert_close(said[0], head.input.conv.heard(nodes))
        torch.testing.assert_close(said[1], block.first.conv.heard(first))
        assert not torch.equal(said[2], said[1])
    torch.testing.assert_close(head(nodes, told_by), answer)
    assert len(heard_by_layers(head, nodes, told_by)) == len(shapes)  # nobody listens twice
