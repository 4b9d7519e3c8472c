import numpy as np
import torch

from canthus.geometry import Similarity
from canthus.images.warp import crop
from canthus.models.layers import affine
from canthus.models.layers.sampling import warp, warp_parts

MAP = Similarity.about((20, 14), (11, 12), scale=1.3, roll_deg=25)


def as_map(similarity: Similarity) -> torch.Tensor:
    return torch.tensor(similarity.matrix, dtype=torch.float32)[None]


def test_it_cuts_what_the_aligner_would_cut() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    pixels = torch.tensor(noise).permute(2, 0, 1)[None].float()

    ours = warp(pixels, affine.inverse(as_map(MAP)), 24)[0].permute(1, 2, 0).numpy()

    # the aligner rounds to whole gray levels
    assert np.abs(ours - crop(noise, MAP, 24)).max() <= 0.6


def test_parts_are_cut_as_if_each_were_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(2, 3, 20, 30, generator=generator)
    back = torch.eye(2, 3) + 0.3 * torch.randn(2, 4, 2, 3, generator=generator)
    back[..., 2] += 8

    together = warp_parts(pictures, back, 7)

    for part in range(4):
        torch.testing.assert_close(together[:, part], warp(pictures, back[:, part], 7))
    assert (together > 0).float().mean() > 0.5  # not all of it lies outside


def test_the_crop_as_it_is_stays_as_it_is() -> None:
    picture = torch.rand(2, 3, 9, 9)
    same = torch.eye(2, 3).expand(2, -1, -1)

    torch.testing.assert_close(warp(picture, same, 9), picture, atol=1e-5, rtol=0)


def test_outside_is_black_up_to_the_last_pixels_center() -> None:
    white = torch.ones(1, 1, 4, 4)
    shift = torch.tensor([[[1.0, 0.0, -1.5], [0.0, 1.0, 0.0]]])

    row = warp(white, shift, 6)[0, 0, 1]

    torch.testing.assert_close(row, torch.tensor([0, 0.5, 1, 1, 1, 0.5]), atol=1e-5, rtol=0)


def test_gradients_say_where_to_cut() -> None:
    picture = torch.arange(20.0).expand(1, 1, 20, 20)
    shift = as_map(Similarity.about((5, 5), (10, 10))).requires_grad_()

    warp(picture, shift, 8).mean().backward()  # type: ignore[no-untyped-call]

    assert shift.grad is not None
    # a crop cut one pixel further to the right shows values that are greater by one
    torch.testing.assert_close(shift.grad[0, 0, 2], torch.tensor(1.0))
