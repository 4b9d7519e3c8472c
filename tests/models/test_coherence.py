"""Views turn crops, maps and points alike."""

import torch

from canthus.models.layers import coherence
from canthus.models.layers.heatmap_losses import gaussians

SIZE, STRIDE = 64, 2


def turned_points() -> tuple[torch.Tensor, torch.Tensor]:
    views = coherence.views(torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(3)))
    generator = torch.Generator().manual_seed(4)
    return views, 20 + 24 * torch.rand(6, 5, 2, generator=generator)


def test_a_point_goes_where_its_pixels_go() -> None:
    views, points = turned_points()
    images = gaussians(points, SIZE, stride=1, sigma=3.0)

    seen = coherence.turned(images, views)

    places = torch.arange(SIZE, dtype=torch.float32)
    weight = seen / seen.sum(dim=(2, 3), keepdim=True)
    center = torch.stack([weight.sum(2) @ places, weight.sum(3) @ places], dim=-1)
    wanted = coherence.moved(points, views, SIZE)
    torch.testing.assert_close(center, wanted, atol=0.05, rtol=0)
    assert float((wanted - points).norm(dim=-1).mean()) > 3  # it did turn


def test_maps_that_turn_along_are_coherent_and_others_are_not() -> None:
    views, points = turned_points()
    moved = coherence.moved(points, views, SIZE)
    maps, theirs = (
        gaussians(each, SIZE // STRIDE, stride=STRIDE, sigma=2.0) for each in (points, moved)
    )

    coherent = coherence.apart(maps, theirs, views)
    still = coherence.apart(maps, maps, views)

    # turned round spots keep their size only if the view has the picture's scale
    assert float(coherent) < 0.1 * float(still)


def test_the_same_crops_are_seen_alike() -> None:
    crops = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(5))

    torch.testing.assert_close(coherence.views(crops), coherence.views(crops.clone()))
    assert not torch.equal(coherence.views(crops), coherence.views(crops + 0.1))
