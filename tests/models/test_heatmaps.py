import pytest
import torch

from canthus.models.layers.ellipses import spread
from canthus.models.layers.heatmaps import draw, locate

STRIDE, CELLS, SIGMA = 4.0, 32, 1.0


@pytest.mark.parametrize("place", [(40.0, 60.0), (41.3, 58.77), (63.5, 63.5), (30.01, 95.99)])
def test_a_drawn_point_is_located_where_it_was_drawn(place: tuple[float, float]) -> None:
    point = torch.tensor([[place]])

    found, _ = locate(draw(point, CELLS, stride=STRIDE, sigma=SIGMA).log(), STRIDE)

    torch.testing.assert_close(found, point, atol=1e-3, rtol=0)


def test_the_center_of_the_first_cell_is_one_and_a_half_pixels_in() -> None:
    maps = torch.full((1, 1, CELLS, CELLS), -1e4)
    maps[..., 0, 0] = 0

    found, _ = locate(maps, STRIDE)

    assert found.flatten().tolist() == [1.5, 1.5]


def test_x_runs_along_a_row_and_y_along_a_column() -> None:
    maps = torch.full((1, 1, CELLS, CELLS), -1e4)
    maps[..., 2, 5] = 0  # row 2, column 5

    found, _ = locate(maps, STRIDE)

    assert found.flatten().tolist() == [21.5, 9.5]


def test_the_covariance_of_a_drawn_point_is_that_of_its_gaussian() -> None:
    maps = draw(torch.tensor([[[60.2, 70.7]]]), CELLS, stride=STRIDE, sigma=1.5)

    _, covariance = locate(maps.log(), STRIDE)

    # 1.5 cells of 4 pixels each way
    torch.testing.assert_close(covariance[0, 0], 36.0 * torch.eye(2), rtol=1e-3, atol=1e-3)


def test_a_map_drawn_with_a_covariance_gives_it_back() -> None:
    drawn = torch.tensor([[40.0, 15.0], [15.0, 25.0]])
    centers = STRIDE * (torch.arange(CELLS) + 0.5) - 0.5
    y, x = torch.meshgrid(centers, centers, indexing="ij")
    apart = torch.stack([x - 61.3, y - 66.8], dim=-1)
    maps = -0.5 * ((apart @ torch.linalg.inv(drawn)) * apart).sum(dim=-1)

    points, covariance = locate(maps[None, None], STRIDE)

    torch.testing.assert_close(points.flatten(), torch.tensor([61.3, 66.8]), rtol=0, atol=1e-3)
    torch.testing.assert_close(covariance[0, 0], drawn, rtol=1e-3, atol=0)


@pytest.mark.parametrize("gap", [18.0, 22.0, 30.0, 1e4])  # of the logits
def test_rounding_makes_little_of_a_variance_that_is_nearly_none(gap: float) -> None:
    maps = torch.randn(1, 500, 64, 64, generator=torch.Generator().manual_seed(0)) / 100
    place = torch.randint(0, 64 * 64, (500,), generator=torch.Generator().manual_seed(1))
    maps.view(500, -1)[torch.arange(500), place] = gap

    _, covariance = locate(maps, STRIDE)

    chance = maps.double().view(500, -1).softmax(dim=-1)
    centers = STRIDE * (torch.arange(64, dtype=torch.float64) - 31.5)
    places = torch.cartesian_prod(centers, centers).flip(-1)
    apart = places - (chance @ places)[:, None]
    exact = torch.einsum("lc,lci,lcj->lij", chance, apart, apart)
    # squares of 126 pixels are added up; a Gaussian of a cell, as maps are taught, has 16 of these
    torch.testing.assert_close(covariance[0].double(), exact, atol=0.1, rtol=1e-3)
    assert torch.isfinite(spread(covariance)).all()


@pytest.mark.parametrize("place", [(60.0, 60.0), (0.0, 127.0), (-20.0, 400.0)])
def test_a_map_adds_up_to_one_wherever_its_point_lies(place: tuple[float, float]) -> None:
    maps = draw(torch.tensor([[place]]), CELLS, stride=STRIDE, sigma=SIGMA)

    assert maps.sum().item() == pytest.approx(1, abs=1e-5)


def test_places_are_not_rounded_at_half_precision() -> None:
    logits = torch.randn(2, 5, 24, 24, generator=torch.Generator().manual_seed(0))

    with torch.autocast("cpu", torch.bfloat16):
        half, spread = locate(logits, stride=4)

    points, covariance = locate(logits, stride=4)
    torch.testing.assert_close(half, points, atol=1e-4, rtol=0)
    torch.testing.assert_close(spread, covariance)
