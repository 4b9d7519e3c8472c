"""Every family, small: a test here runs over all of them."""

from dataclasses import replace
from typing import Any, cast

import pytest
import torch

from canthus.models import (
    DprConfig,
    HeatmapConfig,
    HourglassConfig,
    LgrnConfig,
    ModelConfig,
    MusicaConfig,
    Network,
    Target,
    Tddfa,
    TddfaConfig,
    build,
)

TINY = HeatmapConfig(width=0.125, depth=1, num_stacks=1)
LGRN: dict[str, Any] = {
    "scheme": "68",
    "backbone": "mobilenet_c",
    "node_width": 32,
    "width": 32,
    "blocks": 1,
    "size": 32,
}
POOLED = LGRN | {"backbone": "slim", "nodes": "pooled", "stem": 8, "widths": (16, 16, 24)}
SMALL: dict[str, ModelConfig] = {
    "hourglass": HourglassConfig(stem=8, widths=(16, 16)),
    "hourglass-stacked": HourglassConfig(
        fine=(8,), stem=8, widths=(16, 24, 32), num_stacks=2, blocks=2
    ),
    "heatmap-inception": replace(TINY, block="inception", coherence=1.0),
    "heatmap-sat": replace(TINY, topology="sat", depth=2, gated=True, loss="kl", decoder="fit"),
    "heatmap-deformable": replace(TINY, num_stacks=2, deformable=3),
    "dpr-global": DprConfig(scheme="68"),
    "dpr-local": DprConfig(scheme="68", local=True, contour=True, end_to_end=True, loss="wing"),
    "dpr-published": DprConfig(scheme="68", networks="published", coarse=128, size=128),
    "lgrn": LgrnConfig(**LGRN, graph="symmetric", relative="symmetric"),
    "lgrn-dynamic": LgrnConfig(**LGRN, edges="dynamic", nodes="multilevel", transposed=False),
    "lgrn-fc": LgrnConfig(**LGRN, head="fc", loss="l1"),
    "lgrn-self": LgrnConfig(
        **LGRN | {"backbone": "slim"},
        stem=8,
        widths=(8, 16, 24, 24),
        nodes="multilevel",
        edges="self",
        relative_weight=0.0,
        loss="smooth-wing",
    ),
    "lgrn-pooled": LgrnConfig(**POOLED, edges="attention", graph="symmetric", guess=True),
    "lgrn-pooled-dynamic": LgrnConfig(**POOLED, edges="dynamic", relative_weight=0.0),
    "lgrn-pooled-fc": LgrnConfig(**POOLED, head="fc", loss="distance", guess=True),
    "lgrn-published": LgrnConfig(
        **LGRN | {"expansion": 16, "width": 64},
        output="published",
        conventions="published",
        loss="distance",
        relative_weight=0.0,
    ),
    "musica": MusicaConfig(stem=8, widths=(16, 16, 24, 24), hidden=32),
    "musica-few": MusicaConfig(
        stem=8,
        widths=(16, 16, 24),
        hidden=32,
        steps=2,
        patches=(*range(0, 68, 2),),
        attention=False,
    ),
    "musica-quitting": MusicaConfig(
        stem=8, widths=(16, 16, 24, 24), hidden=32, steps=4, quit_below=(0.02, 0.02, 0.02)
    ),
    "musica-published": MusicaConfig(
        networks="published", sampling="integer", loss="published", hidden=64, patches=(30, 36, 48)
    ),
    "tddfa": TddfaConfig(width=0.25, size=32, identities=3, expressions=1, prior=1e-6),
}
SIZE = 32


@pytest.fixture(params=SMALL)
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return SMALL[request.param]


@pytest.fixture
def network(config: ModelConfig, target: Target) -> Network:
    torch.manual_seed(0)
    network = build(config)
    if isinstance(config, TddfaConfig):
        give_faces(cast(Tddfa, network), target)
    network.prepare(target.points.mean(dim=0))
    return network


def give_faces(network: Tddfa, target: Target) -> None:
    """A face model that can be each of the four faces, flat."""
    flat = torch.nn.functional.pad(target.points - SIZE / 2, (0, 1)) * torch.tensor(
        [1.0, -1.0, 1.0]
    )
    mean = flat.mean(dim=0)
    network.model.neutral.copy_(mean)
    network.model.basis.copy_(flat - mean)
    pose = torch.tensor([[1.0, 0, 0, SIZE / 2], [0, 1, 0, SIZE / 2 - 1], [0, 0, 1, 0]])
    network.model.mean[:12] = pose.flatten()
    network.model.spread[:12] = torch.tensor([[0.1, 0.1, 0.1, 2.0]] * 3).flatten()


@pytest.fixture
def crops() -> torch.Tensor:
    return torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def target() -> Target:
    """Four faces that are somewhat alike; one blend is known too, the mean of the right eye."""
    generator = torch.Generator().manual_seed(2)
    face = 8 + 16 * torch.rand(68, 2, generator=generator)
    points = face + torch.randn(4, 68, 2, generator=generator)
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
