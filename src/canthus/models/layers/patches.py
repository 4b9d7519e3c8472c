"""Windows of pictures about points: copied as published, or bilinear, with gradients."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers.precision import product
from canthus.models.layers.sampling import warp_parts

Sampling = Literal["bilinear", "integer"]


def patches(pictures: Tensor, centers: Tensor, size: int, sampling: Sampling) -> Tensor:
    """Square patches about points, 0 outside; pixel size // 2 of each side is at the point.

    Args:
        pictures: (B, C, H, W).
        centers: (B, P, 2), in pixels.
        size: of the patches' sides, even.
        sampling: "bilinear"; or "integer", as published: the corner is cut to a whole pixel towards
            zero, and row 0 and column 0 of a picture are never read.

    Returns:
        (B, P, C, size, size). The two are the same where points are whole numbers.
    """
    if sampling == "integer":
        return _copied(pictures, corners(centers, size), size)
    # a crop routine of maps: each leads from pixels of a patch to those of the picture
    back = torch.eye(2).to(centers).expand(*centers.shape, 2)
    return warp_parts(pictures, torch.cat([back, (centers - size / 2)[..., None]], dim=-1), size)


def corners(centers: Tensor, size: int) -> Tensor:
    """The published patches' first pixels, (B, P, 2) whole numbers, of points (B, P, 2)."""
    return (centers - size / 2).trunc().long()


def middles(centers: Tensor, size: int, sampling: Sampling) -> Tensor:
    """Where the squares that `patches` reads have their middles, (B, P, 2), in pixels.

    They lie half a pixel up and left of the points (B, P, 2), or where the cut corner puts them.
    """
    first = corners(centers, size).to(centers) if sampling == "integer" else centers - size / 2
    return first + (size - 1) / 2


def _copied(pictures: Tensor, first: Tensor, size: int) -> Tensor:
    batch, channels, height, width = pictures.shape
    steps = torch.arange(size, device=pictures.device)
    columns, rows = (place[..., None] + steps for place in first.unbind(dim=-1))  # (B, P, S)
    there = (rows > 0) & (rows < height), (columns > 0) & (columns < width)
    seen = there[0][..., :, None] & there[1][..., None, :]  # (B, P, S, S)
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    places = (rows[..., :, None] * width + columns[..., None, :]).flatten(1)
    read = pictures.flatten(2).gather(2, places[:, None].expand(-1, channels, -1))
    cut = read.reshape(batch, channels, -1, size, size).transpose(1, 2)
    return cut * seen[:, :, None].to(cut.dtype)


def cells(size: int, like: Tensor) -> Tensor:
    """Where the cells of a patch are about its middle, row by row, (size^2, 2)."""
    steps = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
    return torch.stack([steps.repeat(size), steps.repeat_interleave(size)], dim=-1)


def own_patches(maps: Tensor, centers: Tensor, size: int, stride: int = 1) -> Tensor:
    """A window of each map about its own point, bilinear; beyond an edge, the edge's values.

    Args:
        maps: (B, P, H, W).
        centers: (B, P, 2), in pixels; the window's middle.
        size: of the windows' sides, in cells.
        stride: pixels in a cell.

    Returns:
        (B, P, size, size): cell i of a side is i - (size - 1) / 2 cells from the point.
    """
    height, width = maps.shape[-2:]
    scale = 2 / centers.new_tensor([width, height])
    around = (cells(size, centers) + 0.5 / stride) * scale - 1
    moves = (scale / stride).diag().repeat(1, size**2)  # a product, which runtimes do fast
    grid = product(centers.reshape(-1, 2), moves) + around.flatten()
    windows = F.grid_sample(
        maps.flatten(0, 1)[:, None].to(grid.dtype),
        grid.reshape(-1, size, size, 2),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return windows.reshape(*maps.shape[:2], size, size)
