"""Crops cut inside a network, so that gradients reach the place where they are cut."""

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers import affine


def warp(pictures: Tensor, back: Tensor, size: int) -> Tensor:
    """Cut crops out of pictures; bilinear, and 0 outside (Jaderberg, 2015).

    The value at (u, v) of a crop is the picture's where `back` takes that; pixels' centers are
    whole numbers in both.

    Args:
        pictures: (B, C, H, W), before anything is subtracted: 0 is black.
        back: (B, 2, 3), from pixels of the crop to those of the picture.
        size: of the crop's side.

    Returns:
        (B, C, size, size).
    """
    height, width = pictures.shape[-2:]
    steps = torch.arange(size, dtype=pictures.dtype, device=pictures.device)
    across, down = steps.expand(size, size), steps[:, None].expand(size, size)
    cells = torch.stack([across, down, torch.ones_like(across)], dim=-1).reshape(1, -1, 3)
    sides = torch.tensor([width, height], dtype=pictures.dtype, device=pictures.device)
    scaled = back * (2 / sides)[:, None]
    edge = torch.stack([torch.zeros_like(sides), torch.zeros_like(sides), 1 / sides - 1], dim=-1)
    grid = affine.product(cells, (scaled + edge).transpose(-1, -2))
    return F.grid_sample(
        pictures, grid.reshape(-1, size, size, 2), mode="bilinear", align_corners=False
    )
