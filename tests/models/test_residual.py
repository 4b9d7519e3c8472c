"""What a crop goes through before the first convolution."""

import torch

from canthus.models.layers.residual import signed


def test_crops_are_brought_to_both_sides_of_zero_exactly() -> None:
    crops = torch.rand(2, 3, 8, 8)

    torch.testing.assert_close(signed(crops), 2 * crops - 1, rtol=0, atol=0)


def test_it_does_not_depend_on_the_batch_nor_keep_anything_of_it() -> None:
    crops = torch.rand(4, 3, 8, 8, requires_grad=True)

    found = signed(crops)
    found.sum().backward()  # type: ignore[no-untyped-call]

    torch.testing.assert_close(found[1:2], signed(crops[1:2]), rtol=0, atol=0)
    assert crops.grad is not None
    torch.testing.assert_close(crops.grad, torch.full_like(crops, 2.0))
