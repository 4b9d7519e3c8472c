"""Crops cut inside a network, so that gradients reach the place where they are cut."""

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers import affine


def warp(pictures: Tensor, maps: Tensor, size: int) -> Tensor:
    """Cut the crops to which affine maps take pictures; bilinear, and 0 outside (Jaderberg, 2015).

    The value at (u, v) of a crop is the picture's at the map's inverse of it; pixels' centers are
    whole numbers in both.

    Args:
        pictures: (B, C, H, W), before anything is subtracted: 0 is black.
        maps: (B, 2, 3), from pixels of the picture to those of the crop.
        size: of the crop's side.

    Returns:
        (B, C, size, size).
    """
    height, width = pictures.shape[-2:]
    steps = torch.arange(size, dtype=pictures.dtype, device=pictures.device)
    across, down = steps.expand(size, size), steps[:, None].expand(size, size)
    cells = torch.stack([across, down], dim=-1).reshape(1, -1, 2)
    places = affine.apply(affine.inverse(maps), cells)
    sides = torch.tensor([width, height], dtype=pictures.dtype, device=pictures.device)
    grid = ((2 * places + 1) / sides - 1).reshape(-1, size, size, 2)
    return F.grid_sample(pictures, grid, mode="bilinear", align_corners=False)
