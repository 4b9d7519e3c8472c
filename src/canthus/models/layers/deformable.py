"""Deformable convolution (Dai et al., ICCV 2017): each tap of a kernel looks where it wants to."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAPS = 9  # of a 3 x 3 kernel


class DeformableConv(nn.Module):
    """A 3 x 3 convolution whose taps are shifted, each by two numbers per place.

    A plain 3 x 3 convolution of the same input predicts the shifts: channel 2t is how far down, and
    2t + 1 how far right tap t looks, in cells. Both begin at zero, as a plain convolution.
    A place outside the map counts as zero; one between the last row or column and the end of
    the map takes the last one's values, as MXNet has it.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__()
        self.offset = nn.Conv2d(inputs, 2 * TAPS, 3, padding=1)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.weight, std=math.sqrt(2 / (inputs * TAPS)))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        offset: Tensor = self.offset(x)
        offset = offset.view(-1, TAPS, 2, height, width)
        taps = torch.arange(TAPS, dtype=x.dtype, device=x.device)[:, None, None]
        rows = torch.arange(height, dtype=x.dtype, device=x.device)[:, None]
        columns = torch.arange(width, dtype=x.dtype, device=x.device)
        down = offset[:, :, 0] + rows + torch.floor(taps / 3) - 1
        right = offset[:, :, 1] + columns + torch.remainder(taps, 3) - 1
        # all taps in one go, below each other, as if they were rows of one map
        found = _sample(x, down.flatten(1, 2), right.flatten(1, 2))
        found = found.view(x.shape[0], -1, height, width)
        return F.conv2d(found, self.weight.flatten(1)[..., None, None], self.bias)


def _sample(x: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Values (B, C, R, W) at fractional rows and columns (B, R, W), bilinear."""
    height, width = x.shape[-2:]
    inside = (down >= 0) & (down < height) & (right >= 0) & (right < width)
    place = torch.stack([2 * right / max(1, width - 1) - 1, 2 * down / max(1, height - 1) - 1], -1)
    found = F.grid_sample(x, place, padding_mode="border", align_corners=True)
    return found * inside[:, None]
