"""A small network that has learned drawn faces, in float32 and on 8-bit integers."""

from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import ibug, synthetic
from canthus.export import export_onnx
from canthus.export.int8 import export_int8
from canthus.models import HourglassConfig
from canthus.runtime import Figure
from canthus.training import finish, fit
from canthus.training.recipe import AugmentConfig, CropConfig, DataConfig, Recipe, ScheduleConfig

FACES, KEPT = 60, 12  # drawn, and of them for validation

RECIPE = Recipe(
    name="drawn",
    model=HourglassConfig(stem=8, widths=(16, 24)),
    data=(DataConfig(layout="ibug", root="faces"),),
    crop=CropConfig(size=64),
    augment=AugmentConfig(roll_deg=5, wild=0, occlude=0, cut=0, degrade=0),
    schedule=ScheduleConfig(
        steps=200, batch_size=16, learning_rate=5e-3, warmup=20, ema=0.97, precision="fp32"
    ),
)


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn faces in the layout of 300-W, with a list of those for validation."""
    folder = tmp_path_factory.mktemp("export") / "faces"
    synthetic.write(folder / "part", FACES, np.random.default_rng(0), size=96)
    names = sorted(path.name for path in (folder / "part").glob("*.png"))
    (folder / "val.txt").write_text("\n".join(f"part/{name}" for name in names[-KEPT:]))
    return folder


@pytest.fixture(scope="session")
def trained(faces: Path) -> Path:
    """The safetensors file of the network."""
    samples = ibug.read(faces, "train")
    return finish(fit([samples], RECIPE, faces.parent / "run"), RECIPE)


@pytest.fixture(scope="session")
def exported(trained: Path) -> Path:
    """Its ONNX file, with a figure."""
    path = trained.with_name("float.onnx")
    export_onnx(trained, path, figures=(Figure("nme", "drawn", 0.05, "canthus evaluate"),))
    return path


@pytest.fixture(scope="session")
def quantized(exported: Path, faces: Path) -> Path:
    """The same on integers."""
    path = exported.with_name("int8.onnx")
    export_int8(exported, path, faces)
    return path
