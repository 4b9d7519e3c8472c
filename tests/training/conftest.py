"""A small training on drawn faces."""

from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample, ibug, synthetic
from canthus.models import HourglassConfig
from canthus.training.recipe import CropConfig, DataConfig, Recipe, ScheduleConfig

SCHEDULE = ScheduleConfig(
    steps=12, batch_size=4, warmup=2, log_every=3, save_every=1, test_every=6, hold_out=0.25
)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a dozen drawn faces, in the layout of 300-W."""
    folder = tmp_path_factory.mktemp("drawn") / "faces"
    synthetic.write(folder, 12, np.random.default_rng(0), size=96)
    return folder


@pytest.fixture
def samples(drawn: Path) -> list[Sample]:
    return ibug.read(drawn)


@pytest.fixture
def recipe(drawn: Path) -> Recipe:
    return Recipe(
        name="small",
        model=HourglassConfig(stem=8, widths=(16, 16)),
        data=(DataConfig(layout="ibug", root=drawn.name),),
        schedule=SCHEDULE,
        crop=CropConfig(size=32),
    )
