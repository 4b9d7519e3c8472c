"""The published networks at their full size: they learn, export, and keep to their memory."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.models.learning import learn, settle

from canthus import config as configs
from canthus.export import export_onnx
from canthus.models import HeatmapConfig, Target, build
from canthus.recipes import HERE, find_recipe
from canthus.runtime.manifest import Manifest
from canthus.training import read_recipe
from canthus.training.finish import to_bytes

NAMES = sorted(  # but for those whose networks are another one's
    path.stem for path in HERE.glob("*2-d*.yaml") if not path.stem.endswith(("3d", "teacher"))
)
SIZE = 64  # of a crop, half of theirs: as many channels, a quarter of the time

ALIGN = """
import resource, sys
import numpy as np
import canthus
count = int(sys.argv[2])
boxes = [(9.0 * i, 10.0, 9.0 * i + 60, 70.0) for i in range(count)]
faces = canthus.load(sys.argv[1])(np.zeros((120, 400, 3), np.uint8), boxes)
assert len(faces) == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def config_of(name: str) -> HeatmapConfig:
    model = read_recipe(find_recipe(name)).model
    assert isinstance(model, HeatmapConfig)
    return model


def faces() -> tuple[torch.Tensor, Target]:
    generator = torch.Generator().manual_seed(0)
    points = 8 + 48 * torch.rand(2, 68, 2, generator=generator)
    blends, known = torch.zeros(2, 0, 2), torch.zeros(2, 0)
    crops = torch.rand(2, 3, SIZE, SIZE, generator=generator)
    size = torch.full((2,), 48.0)
    return crops, Target(points, torch.ones(2, 68), size, blends, known, torch.zeros(0, 68))


def manifest_of(config: HeatmapConfig, size: int) -> Manifest:
    recipe = {"model": configs.dump(config)}
    return Manifest(
        name="full", family="heatmap", scheme="68", crop_size=size, crop_scale=1.3, recipe=recipe
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_and_its_onnx_file_equals_torch(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = config_of(name)
    network, (crops, target) = build(config), faces()

    losses = learn(network, crops, target, rate=5e-4, steps=8)

    assert losses[-1] < 0.98 * losses[0]
    settle(network, crops)
    source = tmp_path / "full.safetensors"
    source.write_bytes(to_bytes(network, manifest_of(config, SIZE)))
    proof = export_onnx(source, tmp_path / "full.onnx")
    assert proof.points < 1e-4


def test_many_faces_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    config = replace(config_of("hourglass2-d3-cab"), num_stacks=1)
    source, file = tmp_path / "full.safetensors", tmp_path / "full.onnx"
    source.write_bytes(to_bytes(build(config), manifest_of(config, 128)))
    export_onnx(source, file)

    few, many = (
        int(subprocess.check_output([sys.executable, "-c", ALIGN, str(file), str(count)]))
        for count in (8, 30)
    )

    assert many < 1.15 * few
