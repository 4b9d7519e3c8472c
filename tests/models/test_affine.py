import numpy as np
import pytest
import torch
from torch import Tensor

from canthus.geometry import Similarity
from canthus.models.layers import affine
from canthus.models.layers.precision import product


@pytest.fixture
def maps() -> Tensor:
    noise = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return noise + 2 * torch.eye(2, 3)


@pytest.fixture
def points() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return 10 * torch.randn(5, 7, 2, generator=generator, dtype=torch.float64)


def test_a_composition_applies_the_second_argument_first(maps: Tensor, points: Tensor) -> None:
    other = maps.roll(1, dims=0)

    together = affine.apply(affine.compose(other, maps), points)

    torch.testing.assert_close(together, affine.apply(other, affine.apply(maps, points)))


def test_an_inverse_leads_back(maps: Tensor, points: Tensor) -> None:
    back = affine.apply(affine.inverse(maps), affine.apply(maps, points))

    torch.testing.assert_close(back, points)


def test_a_map_onto_a_line_has_an_inverse_of_numbers() -> None:
    flat = torch.tensor([[[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]]])

    assert affine.inverse(flat).isfinite().all()


def test_a_similarity_turns_x_towards_y() -> None:
    zero, one = torch.zeros(1), torch.ones(1)
    quarter = affine.similarity(zero, one, torch.tensor([[5.0, 6.0]]))

    turned = affine.apply(quarter, torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]))

    assert turned.tolist() == [[[5.0, 7.0], [4.0, 6.0]]]


def test_a_fit_is_that_of_geometry(points: Tensor) -> None:
    target = points.roll(1, dims=0)

    fitted = affine.fit(points, target, torch.ones(5, 7, dtype=torch.float64))

    wanted = [Similarity.fit(a, b).matrix for a, b in zip(points, target, strict=True)]
    np.testing.assert_allclose(fitted, wanted, atol=1e-12)


def test_what_has_no_weight_does_not_count(points: Tensor) -> None:
    weight = torch.ones(5, 7, dtype=torch.float64)
    weight[:, 3] = 0
    target, moved = points.roll(1, dims=0), points.clone()
    moved[:, 3] += 100

    torch.testing.assert_close(
        affine.fit(points, target, weight), affine.fit(moved, target, weight)
    )


def test_a_fit_is_linear_in_the_points_that_are_met(points: Tensor) -> None:
    source = points[0]

    found = product(points.flatten(1), affine.fitting(source)).reshape(-1, 2, 3)

    everywhere = torch.ones(5, 7, dtype=torch.float64)
    torch.testing.assert_close(found, affine.fit(source.expand(5, -1, -1), points, everywhere))


def test_places_are_not_rounded_at_half_precision(points: Tensor) -> None:
    maps, single = torch.eye(2, 3)[None] + 100, points.float()

    with torch.autocast("cpu", torch.bfloat16):
        half = affine.apply(maps, single)

    torch.testing.assert_close(half, affine.apply(maps, single))
