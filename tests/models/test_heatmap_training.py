"""A handful of faces is learned to a fraction of a pixel, by every loss on maps."""

import pytest
import torch

from canthus.models import HeatmapConfig, Target, build
from canthus.models.layers.decoders import Decoder
from canthus.models.layers.heatmap_losses import MapLoss


@pytest.mark.parametrize(
    ("loss", "decoder"), [("l2", "fit"), ("awing", "fit"), ("kl", "fit"), ("integral", "mean")]
)
def test_a_few_faces_are_learned_by_heart(loss: MapLoss, decoder: Decoder) -> None:
    torch.manual_seed(0)
    config = HeatmapConfig(
        num_landmarks=4, width=0.125, depth=2, num_stacks=1, loss=loss, decoder=decoder
    )
    network = build(config)
    crops, points = torch.rand(2, 3, 32, 32), 6 + 20 * torch.rand(2, 4, 2)
    points[0, 3] = torch.tensor([40.0, 5.0])  # outside of its crop
    nothing = torch.zeros(2, 0)
    target = Target(
        points, torch.ones(2, 4), torch.full((2,), 24.0), nothing[..., None], nothing,
        torch.zeros(0, 4),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        total = torch.stack(list(network.loss(network(crops), target).values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    apart = (network.predict(crops).points - points).norm(dim=-1).flatten()
    apart = torch.cat([apart[:3], apart[4:]])

    assert apart.mean().item() < 0.5
