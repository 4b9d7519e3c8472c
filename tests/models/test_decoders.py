"""Perfect heatmaps decode to their points, inside and at the border; the original's as it did."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.published import read
from torch import Tensor

from canthus.models.base import Prediction
from canthus.models.heatmap import Heatmap, HeatmapConfig, Heatmaps
from canthus.models.hourglass import Hourglass, HourglassConfig
from canthus.models.layers import decoders
from canthus.models.layers.heatmap_losses import MapLoss, gaussians, published, wanted_maps
from canthus.models.layers.heatmaps import draw

CELLS = 64


def fixed() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def spread_out(stride: int, count: int = 500) -> Tensor:
    """Points (1, count, 2) anywhere in a crop, its corners and edges among them."""
    size = CELLS * stride
    anywhere = torch.rand(count, 2, generator=fixed()) * size - 0.5
    ends = torch.tensor([-0.5, 0.0, 0.3, size - 1.0, size - 0.5])
    return torch.cat([anywhere, torch.cartesian_prod(ends, ends)])[None]


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("sigma", [0.8, 1.0, 2.0])
def test_a_fitted_peak_is_where_it_was_drawn_anywhere_in_the_crop(
    stride: int, sigma: float
) -> None:
    points = spread_out(stride)
    heights = gaussians(points, CELLS, stride=stride, sigma=sigma).clamp(min=1e-30)
    chances = draw(points, CELLS, stride=stride, sigma=sigma).clamp(min=1e-30)

    for maps in (heights, chances):
        found = decoders.fit(maps.log(), stride).points
        assert float((found - points).abs().max()) < 0.02


@pytest.mark.parametrize("stride", [2, 4, 8])
@pytest.mark.parametrize("sigma", [0.8, 1.0, 2.0])
def test_a_mean_is_where_it_was_drawn_from_the_first_cell_to_the_last(
    stride: int, sigma: float
) -> None:
    first = (stride - 1) / 2
    points = spread_out(stride).clamp(first + 0.01, CELLS * stride - 1 - first - 0.01)
    maps = draw(points, CELLS, stride=stride, sigma=sigma, by_mean=True)

    found = decoders.mean(maps.clamp(min=1e-30).log(), stride).points

    assert float((found - points).abs().max()) < 0.02


@pytest.mark.parametrize(
    ("name", "bias"), [("fit", 0.001), ("mean", 0.001), ("local", 0.09), ("quarter", 0.6)]
)
def test_inside_a_decoder_is_as_near_as_it_says(name: decoders.Decoder, bias: float) -> None:
    points = spread_out(2)
    points = points[((points > 10) & (points < 117)).all(dim=-1)][None]
    maps = gaussians(points, CELLS, stride=2, sigma=1.0).clamp(min=1e-30).log()

    found = decoders.DECODERS[name](maps, 2).points

    assert float((found - points).abs().max()) < bias
    # and leans to no side
    assert float((found - points).mean(dim=1).abs().max()) < 0.02


def test_a_peak_tells_how_wide_and_how_aslant_it_is() -> None:
    covariance = torch.tensor([[6.0, 2.0], [2.0, 3.0]])
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    apart = torch.stack([columns - 20.3, rows - 33.7], dim=-1)
    logs = -0.5 * (apart @ torch.linalg.inv(covariance) * apart).sum(dim=-1)

    found = decoders.fit(logs[None, None], 2)

    torch.testing.assert_close(found.covariance[0, 0], 4 * covariance, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        found.points[0, 0], 2 * (torch.tensor([20.3, 33.7]) + 0.5) - 0.5, rtol=0, atol=1e-3
    )


@pytest.mark.parametrize("name", decoders.DECODERS)
def test_noise_gives_points_near_the_crop_and_real_covariances(name: decoders.Decoder) -> None:
    maps = 10 * torch.randn(2, 50, 16, 16, generator=torch.Generator().manual_seed(1))

    found = decoders.DECODERS[name](maps, 4)

    assert bool(((found.points > -9) & (found.points < 73)).all())
    assert bool((torch.linalg.eigvalsh(found.covariance) > 0).all())


def test_the_originals_decoding(shared: Path) -> None:
    cases = read(shared / "parity" / "heatmap" / "fixtures.json")["decode_reference"]
    for case in cases:
        center = 2 * (torch.tensor([[case["gauss_centre_xy"]]], dtype=torch.float64) + 0.5) - 0.5
        maps = case["peak"] * gaussians(center, CELLS, stride=2, sigma=case["sigma"])
        found = decoders.published(maps, 2).flatten().tolist()
        assert found == case["decoded_xy_128"], case


def test_the_originals_labels_and_back(shared: Path) -> None:
    cases = read(shared / "parity" / "heatmap" / "fixtures.json")["label_decode_roundtrip"]
    for case in cases:
        label = published(torch.tensor([[case["xy_128"]]]), CELLS, stride=2, sigma=1)
        assert divmod(int(label.argmax()), CELLS) == tuple(case["cell"][::-1])
        assert decoders.published(label, 2).flatten().tolist() == case["decoded_xy_128"]


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_what_published_labels_cut_off_is_given_back(loss: MapLoss) -> None:
    told: dict[str, Any] = {"num_landmarks": 1, "loss": loss, "labels": "published"}
    slim = Hourglass(HourglassConfig(**told, decoder="fit"))
    full = Heatmap(HeatmapConfig(**told, decoder="fit", width=0.125))
    networks: list[tuple[int, Callable[[Tensor], Prediction]]] = [
        (slim.config.stride, lambda maps: slim.decode([maps])),
        (full.config.stride, lambda maps: full.decode(Heatmaps([maps]))),
    ]
    for stride, decoded in networks:
        points = 32 * stride * (0.2 + 0.6 * torch.rand(4000, 1, 2, generator=fixed()))
        maps = wanted_maps(loss, "published", points, 32, stride=stride, sigma=1.0)
        if loss == "cross_entropy":
            maps = maps.clamp(min=1e-6).log()

        off = (decoded(maps).points - points).mean(dim=0)

        assert torch.allclose(off, torch.zeros(1, 2), atol=0.02 * stride)
