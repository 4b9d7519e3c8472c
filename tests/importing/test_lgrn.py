"""Checkpoints of L-GRN as files of ours."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.lgrn_recipes import filled
from torch import Tensor

from canthus.errors import WeightsError
from canthus.importing import lgrn
from canthus.importing.lgrn import PUBLISHED
from canthus.importing.lgrn_pipeline import align, square_of_points
from canthus.importing.published import load_published
from canthus.models import LgrnConfig
from canthus.runtime.backend import open_weights

SMALL = replace(PUBLISHED, backbone="mobilenet_c", size=64, width=8, blocks=1, node_width=16)
KINDS: dict[str, LgrnConfig] = {
    "static": SMALL,
    "fc": replace(PUBLISHED, backbone="mobilenet_c", size=64, head="fc"),
    "drawn by hand": replace(SMALL, graph="handmade"),
    "68 points": replace(SMALL, scheme="68"),
    "29 points, dynamic V1": replace(SMALL, scheme="29", edges="dynamic", edges_from="map"),
    "dynamic V2": replace(SMALL, edges="dynamic", nodes="multilevel"),
    "biased": replace(SMALL, nodes="multilevel-biased", blocks=0),
}
WHOLE: tuple[Any, ...] = ("resnet18", "resnet34", "mobilenet_a", "mobilenet_b", "hrnet_w18")


def saved(path: Path, state: dict[str, Tensor], prefix: str = "module.") -> Path:
    counters = {
        name.replace("running_mean", "num_batches_tracked"): torch.tensor(3)
        for name in state
        if name.endswith("running_mean")
    }
    named = {f"{prefix}{name}": value for name, value in (state | counters).items()}
    torch.save({"epoch": 3, "state_dict": named, "best": 0.05}, path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_is_told_and_read(tmp_path: Path, kind: str) -> None:
    config = KINDS[kind]
    network, state = filled(config, 3, 0.7)

    found, tensors, ignored = lgrn.read(saved(tmp_path / "best.pth.tar", state))

    assert found == config
    assert ignored == []
    ours = network.state_dict()
    assert all(torch.equal(tensors[name], ours[name]) for name in tensors)
    assert len(tensors) == len(state)


@pytest.mark.parametrize("backbone", WHOLE)
def test_backbones_are_told(tmp_path: Path, backbone: Any) -> None:
    config = replace(SMALL, backbone=backbone)
    _, state = filled(config, 3, 0.7)

    found, _, _ = lgrn.read(saved(tmp_path / "best.pth.tar", state, prefix=""))

    assert found == config


def test_an_idle_classifier_is_named_and_left_out(tmp_path: Path) -> None:
    config = replace(SMALL, backbone="resnet18")
    network, state = filled(config, 3, 0.7)
    idle = {"backbone.fc.weight": torch.ones(1000, 512), "backbone.fc.bias": torch.ones(1000)}
    source, target = saved(tmp_path / "best.pth.tar", state | idle), tmp_path / "lgrn.safetensors"

    said = lgrn.convert(source, target, license="unknown")

    assert "ignored backbone.fc.bias, backbone.fc.weight" in said
    assert "lgrn, resnet18, 98 landmarks, base nodes, static edges" in said
    manifest, backend = open_weights(target)
    assert (manifest.scheme, manifest.crop_size, manifest.license) == ("98", 64, "unknown")
    crops = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    with torch.no_grad():
        wanted = network(torch.tensor(crops).permute(0, 3, 1, 2).float() / 255).points
    np.testing.assert_allclose(backend.run(crops)["points"], wanted, atol=1e-3)


def test_an_imported_file_runs_as_published(tmp_path: Path) -> None:
    network, state = filled(SMALL, 3, 0.7)
    target = tmp_path / "lgrn.safetensors"
    lgrn.convert(saved(tmp_path / "best.pth.tar", state), target, license="unknown")
    picture = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)

    (face,) = load_published(target)(picture, [(20.0, 10.0, 80.0, 70.0)])

    square = square_of_points([(20, 10), (80, 70)])
    np.testing.assert_allclose(face.landmarks.points, align(network, picture, square), atol=1e-3)


HEAD = "predictor.sem_gcn."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({f"{HEAD}gconv_output.bias": None}, f"expected a tensor {HEAD}gconv_output.bias, found"),
        ({f"{HEAD}gconv_output.bias": torch.ones(3)}, r"bias: expected the shape \(2,\), found"),
        ({f"{HEAD}more": torch.ones(1)}, f"no tensor beyond the network's, found {HEAD}more"),
        ({f"{HEAD}gconv_output.e": torch.ones(1, 9)}, "388 or 470 edges for 98 landmarks, found 9"),
        ({f"{HEAD}gconv_input.0.gconv.W": torch.ones(2, 20, 8)}, "square map, found 5 cells"),
        ({f"{HEAD}gconv_input.0.gconv.W": None}, "expected a tensor predictor.sem_gcn.gconv_input"),
        (
            {"predictor.map_to_node.conv_to_node.0.weight": torch.ones(424, 16, 3, 3)},
            "expected 29, 68 or 98 landmarks, found 106",
        ),
        ({"backbone.layer4.0.conv.2.weight": None}, "expected a backbone of L-GRN"),
    ],
)
def test_another_checkpoint_is_refused_by_name(
    tmp_path: Path, changes: dict[str, Tensor | None], said: str
) -> None:
    _, state = filled(SMALL, 3, 0.7)
    mixed = {name: value for name, value in (state | changes).items() if value is not None}
    path = saved(tmp_path / "other.pth.tar", mixed)

    with pytest.raises(WeightsError, match=said) as error:
        lgrn.read(path)

    assert "other.pth.tar" in str(error.value)


def test_no_code_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "touched",))

    torch.save({"state_dict": {}, "trap": Trap()}, tmp_path / "trap.pth.tar")

    with pytest.raises(WeightsError, match=r"trap\.pth\.tar"):
        lgrn.read(tmp_path / "trap.pth.tar")

    assert not (tmp_path / "touched").exists()
