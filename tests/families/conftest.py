"""Every family, small: a test here runs over all of them."""

import pytest
import torch

from canthus.models import HourglassConfig, ModelConfig, Network, Target, build

SMALL = [
    HourglassConfig(num_landmarks=68, stem=8, widths=(16, 16)),
    HourglassConfig(num_landmarks=68, stem=8, widths=(16, 24, 32), num_stacks=2, blocks=2),
]
SIZE = 32


@pytest.fixture(params=SMALL, ids=["hourglass", "hourglass-stacked"])
def config(request: pytest.FixtureRequest) -> ModelConfig:
    chosen: ModelConfig = request.param
    return chosen


@pytest.fixture
def network(config: ModelConfig) -> Network:
    torch.manual_seed(0)
    return build(config)


@pytest.fixture
def crops() -> torch.Tensor:
    return torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def target() -> Target:
    """All landmarks known, and one blend: the mean of the right eye's six."""
    generator = torch.Generator().manual_seed(2)
    points = 6 + 20 * torch.rand(4, 68, 2, generator=generator)
    readout = torch.zeros(1, 68)
    readout[0, 36:42] = 1 / 6
    return Target(
        points=points,
        known=torch.ones(4, 68),
        size=torch.full((4,), 24.0),
        blends=readout @ points,
        blends_known=torch.ones(4, 1),
        readout=readout,
    )
