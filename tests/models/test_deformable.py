"""Deformable convolution: a plain one while nothing is shifted, and by hand where it is."""

import torch
import torch.nn.functional as F

from canthus.models.layers.deformable import DeformableConv


def layer(shift: tuple[float, float]) -> DeformableConv:
    torch.manual_seed(0)
    made = DeformableConv(3, 4)
    with torch.no_grad():
        assert made.offset.bias is not None
        made.offset.bias.view(9, 2)[:] = torch.tensor(shift)
    return made


def test_it_begins_as_a_plain_convolution() -> None:
    made, x = layer((0.0, 0.0)), torch.rand(2, 3, 6, 7)

    torch.testing.assert_close(made(x), F.conv2d(x, made.weight, made.bias, padding=1))


def test_all_taps_shifted_alike_see_the_map_shifted() -> None:
    made, x = layer((1.0, -2.0)), torch.rand(1, 3, 8, 8)

    found = made(x)

    # a row down, two columns left
    plain = F.conv2d(x, made.weight, made.bias, padding=1)
    torch.testing.assert_close(found[:, :, 1:-2, 3:-1], plain[:, :, 2:-1, 1:-3])


def test_between_the_last_row_and_the_end_of_the_map_stands_the_last_row() -> None:
    made = DeformableConv(1, 1, bias=False)
    with torch.no_grad():
        made.weight.zero_()
        made.weight[0, 0, 1, 1] = 1.0  # the middle tap alone
        assert made.offset.bias is not None
        made.offset.bias.view(9, 2)[4, 0] = 0.75
    x = torch.tensor([[[[1.0, 1.0], [3.0, 3.0]]]])

    # three quarters of the way down; below the last row its values; a whole row further, nothing
    torch.testing.assert_close(made(x)[0, 0, :, 0], torch.tensor([2.5, 3.0]))
    with torch.no_grad():
        made.offset.bias.view(9, 2)[4, 0] = 1.0
    torch.testing.assert_close(made(x)[0, 0, :, 0], torch.tensor([3.0, 0.0]))
