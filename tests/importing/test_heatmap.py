"""Published heatmap networks: their names, shapes, counts and answers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models import published
from tests.models.published import CONFIGS, PUBLISHED, label_cells
from torch.utils.flop_counter import FlopCounterMode

from canthus.errors import WeightsError
from canthus.importing import heatmap
from canthus.models import build
from canthus.models.layers import heatmap_losses


@pytest.fixture
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "heatmap"


def shapes_of(said: Any) -> dict[str, list[int]]:
    named = {f"arg:{name}": shape for name, shape in said["parameters"].items()}
    return named | {f"aux:{name}": shape for name, shape in said["aux_states"].items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_names_shapes_and_counts_are_the_originals(name: str, fixtures: Path) -> None:
    said = published.read(fixtures / f"{name}.json")
    config = replace(PUBLISHED, **CONFIGS[name])
    state = build(config).state_dict()

    ours = {other: list(state[key].shape) for key, other in heatmap.original_names(config).items()}

    assert ours == shapes_of(said)
    assert sum(value.numel() for value in build(config).parameters()) == said["params"]


@pytest.mark.parametrize("name", [name for name in CONFIGS if not name.endswith("_3d")])
def test_generated_weights_give_the_originals_maps_at_the_originals_cost(
    name: str, fixtures: Path
) -> None:
    said = published.read(fixtures / f"{name}.json")
    wanted = published.read(fixtures / "forward" / f"{name}.json")
    made = published.arrays(shapes_of(said), wanted["weight_gain"])
    config = heatmap.described(made, name)
    assert config == replace(PUBLISHED, **CONFIGS[name])
    network = heatmap.fill(made, config, name)
    crop = published.picture(said["input"][-1]) / 255

    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        output = network(torch.tensor(crop[None], dtype=torch.float32))

    assert counted.get_total_flops() == 2 * said["macs"]  # a multiply-add is two
    places = (104729 * np.arange(256)) % (68 * 64 * 64)
    ends = {"heatmap_stack0": output.maps[0], "heatmap_final": output.maps[-1]}
    for end, maps in ends.items():
        values = maps.flatten().numpy()[places]
        # the stored ones have six digits
        scale = 1e-5 * wanted[end]["std"]
        np.testing.assert_allclose(values, wanted[end]["samples"], rtol=1e-5, atol=scale)
    cells = torch.tensor(label_cells(), dtype=torch.float32)[None] * 2
    label = 20 * heatmap_losses.published(cells, 64, stride=2, sigma=1)
    for stack, maps in enumerate(output.maps):
        if f"loss_stack{stack}" in wanted and config.deformable_sum == "next":
            loss = float(heatmap_losses.l2(maps, label).mean())
            assert loss == pytest.approx(wanted[f"loss_stack{stack}"], rel=1e-5)


def test_other_depths_and_stacks_are_told_by_their_names() -> None:
    config = replace(PUBLISHED, num_stacks=3, depth=1, width=0.25, topology="sat", num_landmarks=5)
    state = build(config).state_dict()
    made = {name: state[key].numpy() for key, name in heatmap.original_names(config).items()}

    assert heatmap.described(made, "a.params") == config
    filled = heatmap.fill(made, config, "a.params").state_dict()
    assert all(torch.equal(filled[key], value) for key, value in state.items())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arg:bn0_gamma": None}, "expected arg:bn0_gamma, found none of that name"),
        ({"arg:more": np.zeros(1, np.float32)}, "found arg:more"),
        ({"arg:bn0_gamma": np.zeros(3, np.float32)}, r"arg:bn0_gamma: expected the shape \(32,\)"),
        (
            {"arg:heatmap_weight": None},
            "expected tensors heatmap_weight .*, found bn0_beta, bn0_gamma",
        ),
    ],
)
def test_tensors_of_another_network_are_named(change: dict[str, Any], said: str) -> None:
    config = replace(PUBLISHED, depth=1, width=0.125, num_stacks=1)
    state = build(config).state_dict()
    made = {name: state[key].numpy() for key, name in heatmap.original_names(config).items()}
    changed = {name: value for name, value in (made | change).items() if value is not None}

    with pytest.raises(WeightsError, match=said):
        heatmap.fill(changed, heatmap.described(changed, "a.params"), "a.params")
