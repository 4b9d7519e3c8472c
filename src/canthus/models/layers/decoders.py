"""From heatmaps to points, in pixels of the crop.

They take maps as logarithms of heights, but for `published`, which takes the heights: it is what
the original did, and off by up to half a pixel. The others have no bias beyond what they say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers import heatmaps

Decoder = Literal["fit", "mean", "local", "quarter"]

FARTHEST = 2.0  # cells from the middle of its window that a fitted peak may lie
FLATTEST, SHARPEST = (
    0.02,
    4.0,
)  # curvature of a logarithm, per cell squared: sigma of 7 to 0.5 cells
LOCAL = 5  # cells across the window of `local`


@dataclass(frozen=True, eq=False)
class Found:
    """Points (B, L, 2) in pixels, and how far they may be off: covariances (B, L, 2, 2)."""

    points: Tensor
    covariance: Tensor


def fit(maps: Tensor, stride: float) -> Found:
    """The peak of the quadratic through 3 x 3 logarithms (Zhang et al., CVPR 2020).

    A Gaussian's logarithm is a quadratic, so its peak is exact wherever it lies, at the border
    and up to `FARTHEST` beyond the window's middle too.
    """
    column, row = _highest(maps, margin=1)
    window = _windows(maps, column, row, 3)
    a, b, c, d, e, f, g, h, i = window.unbind(dim=-1)  # row by row
    slope_x = ((c - a) + (f - d) + (i - g)) / 6
    slope_y = ((g - a) + (h - b) + (i - c)) / 6
    bend_x = ((a - 2 * b + c) + (d - 2 * e + f) + (g - 2 * h + i)) / 3
    bend_y = ((a - 2 * d + g) + (b - 2 * e + h) + (c - 2 * f + i)) / 3
    twist = (i - g - c + a) / 4
    bend_x = bend_x.clamp(-SHARPEST, -FLATTEST)
    bend_y = bend_y.clamp(-SHARPEST, -FLATTEST)
    most = 0.95 * (bend_x * bend_y).sqrt()  # keeps the quadratic a hill
    twist = torch.minimum(torch.maximum(twist, -most), most)
    scale = bend_x * bend_y - twist.square()
    x = (twist * slope_y - bend_y * slope_x) / scale
    y = (twist * slope_x - bend_x * slope_y) / scale
    offset = torch.stack([x, y], dim=-1).clamp(-FARTHEST, FARTHEST)
    # the inverse of a logarithm's curvature is the Gaussian's covariance
    covariance = torch.stack([-bend_y, twist, twist, -bend_x], dim=-1) / scale[..., None]
    covariance = covariance.view(*scale.shape, 2, 2)
    return _found(torch.stack([column, row], dim=-1) + offset, covariance, stride)


def mean(maps: Tensor, stride: float) -> Found:
    """The mean of the whole map's softmax (Sun et al., ECCV 2018): what `integral` trains."""
    return Found(*heatmaps.locate(maps, stride))


def local(maps: Tensor, stride: float) -> Found:
    """The mean of 5 x 5 cells: up to 0.06 pixels off for a Gaussian with a sigma of one cell."""
    column, row = _highest(maps, margin=LOCAL // 2)
    chance = torch.softmax(_windows(maps, column, row, LOCAL), dim=-1)
    steps = torch.arange(LOCAL, dtype=maps.dtype, device=maps.device) - LOCAL // 2
    x, y = steps.repeat(LOCAL), steps.repeat_interleave(LOCAL)
    at = torch.stack([(chance * x).sum(-1), (chance * y).sum(-1)], dim=-1)
    apart = torch.stack([x, y]) - at[..., None]
    covariance = (apart * chance[..., None, :]) @ apart.transpose(-1, -2)
    return _found(torch.stack([column, row], -1) + at, covariance, stride)


def quarter(maps: Tensor, stride: float) -> Found:
    """The highest cell, a quarter of a cell towards its higher neighbor (Newell et al., 2016)."""
    column, row = _highest(maps, margin=0)
    near = _windows(F.pad(maps, (1, 1, 1, 1), mode="replicate"), column + 1, row + 1, 3)
    x = torch.sign(near[..., 5] - near[..., 3]) / 4
    y = torch.sign(near[..., 7] - near[..., 1]) / 4
    at = torch.stack([column + x, row + y], dim=-1)
    return _found(at, fit(maps, 1.0).covariance, stride)


def published(heights: Tensor, stride: float) -> Tensor:
    """The highest pixel of the maps enlarged to twice their size, (B, L, 2), the first of several.

    For a crop of twice the maps' size that is a pixel of the crop; for a larger one it is scaled.
    """
    enlarged = F.interpolate(heights, scale_factor=2.0, mode="bilinear", align_corners=False)
    column, row = _highest(enlarged, margin=0)
    return torch.stack([column, row], dim=-1) * (stride / 2)


DECODERS: dict[Decoder, Callable[[Tensor, float], Found]] = {
    "fit": fit,
    "mean": mean,
    "local": local,
    "quarter": quarter,
}


def _highest(maps: Tensor, *, margin: int) -> tuple[Tensor, Tensor]:
    """Column and row (B, L) of the highest cell, at least `margin` cells from the border."""
    cells = maps.shape[-1]
    place = maps.flatten(2).argmax(dim=-1)
    column, row = place % cells, torch.div(place, cells, rounding_mode="floor")
    low, high = margin, cells - 1 - margin
    return column.clamp(low, high).to(maps.dtype), row.clamp(low, high).to(maps.dtype)


def _windows(maps: Tensor, column: Tensor, row: Tensor, size: int) -> Tensor:
    """The cells (B, L, size * size) around columns and rows, row by row."""
    cells = maps.shape[-1]
    steps = torch.arange(size, device=maps.device) - size // 2
    around = (cells * steps[:, None] + steps).flatten()
    middle = (row * cells + column).long()
    return maps.flatten(2).gather(2, middle[..., None] + around)


def _found(cells: Tensor, covariance: Tensor, stride: float) -> Found:
    return Found(stride * (cells + 0.5) - 0.5, covariance * stride**2)
