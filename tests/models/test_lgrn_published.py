"""The published networks of L-GRN: what they say, and how large they are."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.lgrn_recipes import FULL, arrays, config_of, filled, off, on_meta, pictures
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from canthus.importing.lgrn import PUBLISHED
from canthus.importing.lgrn_names import original_names
from canthus.models import Lgrn, LgrnConfig
from canthus.models.layers.graph_layers import GraphHead

CLASSIFIER = 513_000  # parameters that the original's ResNets have and never use
# Of the original, by what differs from the released network: all parameters of ours.
COUNTS: tuple[tuple[dict[str, Any], int], ...] = (
    ({}, 24_218_782 - CLASSIFIER),
    ({"head": "fc"}, 30_236_908 - CLASSIFIER),
    ({"nodes": "multilevel"}, 25_191_260 - CLASSIFIER),
    ({"nodes": "multilevel-biased"}, 25_192_996 - CLASSIFIER),
    ({"edges": "dynamic", "edges_from": "map"}, 24_466_712 - CLASSIFIER),
    ({"edges": "dynamic", "nodes": "multilevel"}, 25_356_570 - CLASSIFIER),
    ({"backbone": "resnet18"}, 14_110_622 - CLASSIFIER),
    ({"backbone": "mobilenet_a"}, 3_790_454),
    ({"backbone": "mobilenet_b"}, 6_248_150),
    ({"backbone": "mobilenet_c"}, 2_826_454),
    ({"backbone": "hrnet_w18"}, 11_425_802),
    ({"backbone": "hrnet_w32"}, 31_652_918),
    ({"scheme": "68"}, 23_426_902),
    ({"scheme": "29"}, 23_065_680),
)
MULTIPLY_ADDS: tuple[tuple[dict[str, Any], float], ...] = (
    ({}, 4.9723),
    ({"head": "fc"}, 4.7931),
    ({"backbone": "resnet18"}, 2.556),
    ({"backbone": "mobilenet_a"}, 0.524),
    ({"backbone": "mobilenet_b"}, 2.407),
    ({"backbone": "mobilenet_c"}, 0.823),
    ({"backbone": "hrnet_w18"}, 4.439),
    ({"backbone": "hrnet_w32"}, 10.490),
)
FILES: dict[str, dict[str, Any]] = {
    "params_resnet34_lgrn": {},
    "params_resnet34_fc": {"head": "fc"},
    "params_head_multilevel": {"nodes": "multilevel"},
    "params_head_dynamic_v1": {"edges": "dynamic", "edges_from": "map"},
    "params_head_dynamic_v2": {"edges": "dynamic", "nodes": "multilevel"},
    "params_mobilenet_a_lgrn": {"backbone": "mobilenet_a"},
    "params_hrnet_w18_lgrn": {"backbone": "hrnet_w18"},
}


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "lgrn"


def ident(case: tuple[dict[str, Any], Any]) -> str:
    return "-".join(map(str, case[0].values())) or "released"


@torch.no_grad()
@pytest.mark.parametrize("name", FULL)
def test_a_whole_network_says_what_the_original_said(fixtures: Path, name: str) -> None:
    case, (_, seed, norm) = arrays(fixtures / f"{name}.npz"), FULL[name]
    network, _ = filled(config_of(name), seed, norm)

    maps = network.backbone(pictures())

    found = {}
    for level, each in enumerate(maps, 5 - len(maps)):
        found[f"out{level}_mean"] = each.mean(dim=(2, 3))
        found[f"out{level}_std"] = each.std(dim=(2, 3), correction=0)
        found[f"out{level}_corner"] = each[:, :8, :4, :4]
    if isinstance(network.head, GraphHead):
        drawn = network.nodes(maps)
        found["nodes"] = drawn
        if network.head.relation is not None:
            by_map = network.config.edges_from == "map"
            found["edge_logits"] = network.head.relation(maps[-1] if by_map else drawn)
    found["coords"] = network.said(pictures())
    assert set(case) <= set(found)
    for key, wanted in case.items():
        assert off(found[key], wanted) < 1e-4, key


@pytest.mark.parametrize("name", FILES)
def test_names_and_shapes_are_the_originals(fixtures: Path, name: str) -> None:
    stored = json.loads((fixtures / "model" / f"{name}.json").read_text())
    network = on_meta(replace(PUBLISHED, **FILES[name]))
    names, state = original_names(network), network.state_dict()
    trained = {key for key, _ in network.named_parameters()}
    total = sum(each.numel() for each in network.parameters())

    tables = {"parameters": True, "buffers": False, "backbone_parameters": True}
    for table, learned in tables.items():
        for theirs, shape, *count in stored.get(table, []):
            if theirs.startswith("backbone.fc."):
                total += count[0]
                continue
            ours = {their: our for our, their in names.items()}[theirs]
            size = (1, *state[ours].shape) if theirs.endswith(".e") else state[ours].shape
            assert list(size) == shape, theirs
            assert (ours in trained) == learned
    listed = {row[0] for table in tables for row in stored.get(table, [])}
    whole = "backbone_parameters" in stored or "total_parameters" in stored
    ours_only = {name for name in set(names.values()) - listed if not name.endswith("running_mean")}
    ours_only = {name for name in ours_only if not name.endswith("running_var")}
    assert not {name for name in ours_only if whole or name.startswith("predictor.")}
    norms = {n.rpartition(".")[0] for n in names.values() if n.endswith("running_mean")}
    if "backbone_batch_norms" in stored:
        assert {n for n in norms if n.startswith("backbone")} == set(stored["backbone_batch_norms"])
    wanted = stored.get("total_parameters", stored.get("total_trainable"))
    assert total in (wanted, wanted - CLASSIFIER)


def test_parts_are_as_large_as_the_originals(fixtures: Path) -> None:
    for name in ("params_resnet34_lgrn", "params_resnet34_fc"):
        stored = json.loads((fixtures / "model" / f"{name}.json").read_text())
        network = on_meta(replace(PUBLISHED, **FILES[name]))
        names = original_names(network)
        sums = dict.fromkeys(stored["group_totals"], 0)
        for ours, value in network.named_parameters():
            group = next(each for each in sums if names[ours].startswith(each))
            sums[group] += value.numel()
        assert sums == stored["group_totals"] | {"backbone.fc": 0}
        assert stored["group_totals"]["backbone.fc"] == CLASSIFIER
        assert stored["unused_classifier_parameters"] == CLASSIFIER
        assert stored["total_without_unused"] == sum(sums.values())


@pytest.mark.parametrize("case", COUNTS, ids=ident)
def test_networks_are_as_large_as_the_originals(case: tuple[dict[str, Any], int]) -> None:
    changes, count = case

    network = on_meta(replace(PUBLISHED, **changes))

    assert sum(each.numel() for each in network.parameters()) == count


def counted(config: LgrnConfig) -> dict[str, int]:
    """Multiply-adds of one crop, of all and by the module that torch counts them in."""
    with FakeTensorMode(), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = Lgrn(config).eval()
        network(torch.zeros(1, 3, config.size, config.size))
    found = {
        name.removeprefix("Lgrn."): sum(ops.values()) // 2
        for name, ops in counter.get_flop_counts().items()
    }
    return found | {"": counter.get_total_flops() // 2}


def on_the_diagonal(config: LgrnConfig) -> int:
    """What the original multiplies to scale nodes by a matrix that is 0 off its diagonal."""
    if config.head == "fc":
        return 0
    return config.num_landmarks**2 * ((1 + 2 * config.blocks) * config.width + 2)


@pytest.mark.parametrize("case", MULTIPLY_ADDS, ids=ident)
def test_networks_multiply_as_often_as_the_originals(case: tuple[dict[str, Any], float]) -> None:
    changes, billions = case
    config = replace(PUBLISHED, **changes)

    total = counted(config)[""] + on_the_diagonal(config)

    assert total / 1e9 == pytest.approx(billions, abs=0.0005)


@pytest.mark.parametrize("name", ["params_resnet34_lgrn", "params_resnet34_fc"])
def test_modules_multiply_as_often_as_the_originals(fixtures: Path, name: str) -> None:
    stored = json.loads((fixtures / "model" / f"{name}.json").read_text())
    config = replace(PUBLISHED, **FILES[name])
    found, each = counted(config), stored["multiply_adds_per_module"]
    totals = stored["multiply_adds_256x256"]
    network = on_meta(config)
    names = {theirs: ours for ours, theirs in original_names(network).items()}
    edges = len(network.graph.edges)

    assert found[""] + on_the_diagonal(config) == totals["total_dense_aggregation"]
    assert found["backbone"] == totals["backbone"]
    assert found[""] - found["backbone"] + on_the_diagonal(config) == totals["head_dense"]
    saved = 0
    for theirs, count in each.items():
        module, _, part = theirs.partition("|")
        weight = "W" if f"{module}.W" in names else "weight"
        ours = names[f"{module}.{weight}"].rpartition(".")[0]
        width = network.get_parameter(f"{ours}.weight").shape[-1]
        if part == "aggregate_dense":
            assert count == 2 * 98**2 * width
            saved += count
        elif part == "aggregate_sparse":
            assert count == edges * width
            saved -= count
        elif weight == "W":
            assert found[ours] == count + 98**2 * width
        elif not (config.head == "fc" and ours == "head.output"):  # counted in its head
            assert found[ours] == count
    assert totals["total_dense_aggregation"] - saved == totals["total_sparse_aggregation"]
    assert totals["head_dense"] - saved == totals["head_sparse"]
