"""Crops cut inside a network, so that gradients reach the place where they are cut."""

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers.precision import product


def shrunk(pictures: Tensor, step: int) -> Tensor:
    """Pictures (B, C, H, W), blocks of step x step pixels averaged; what is left over is cut off.

    As a convolution, which runtimes do faster than pooling.
    """
    channels = pictures.shape[1]
    blocks = torch.eye(channels, dtype=pictures.dtype, device=pictures.device)[..., None, None]
    averaged = F.conv2d(pictures, blocks.expand(-1, -1, step, step) / step**2, stride=step)
    return averaged.to(pictures.dtype)


def warp(pictures: Tensor, back: Tensor, size: int) -> Tensor:
    """Cut a crop out of each picture, see `warp_parts`; maps (B, 2, 3) to crops (B, C, S, S)."""
    return warp_parts(pictures, back[:, None], size)[:, 0]


def warp_parts(pictures: Tensor, back: Tensor, size: int) -> Tensor:
    """Cut crops out of pictures; bilinear, and 0 outside (Jaderberg, 2015).

    The value at (u, v) of a crop is the picture's where `back` takes that; pixels' centers are
    whole numbers in both.

    Args:
        pictures: (B, C, H, W), before anything is subtracted: 0 is black.
        back: (B, P, 2, 3), from pixels of the crops to those of the picture.
        size: of the crops' sides.

    Returns:
        (B, P, C, size, size).
    """
    height, width = pictures.shape[-2:]
    parts = back.shape[1]
    steps = torch.arange(size, dtype=pictures.dtype, device=pictures.device)[:, None]
    sides = torch.tensor([width, height], dtype=pictures.dtype, device=pictures.device)
    # from -1 to 1 across the picture, whose edges are half a pixel beyond the outermost centers
    right, down, corner = (back * (2 / sides)[:, None])[:, :, None].unbind(dim=-1)
    row = steps * right + (corner + 1 / sides - 1)  # where the first row is, (B, P, S, 2)
    both = torch.stack([down.expand_as(row), row], dim=2).flatten(3)
    grid = product(torch.cat([steps, torch.ones_like(steps)], dim=1), both)
    # the crops of a picture below each other, so that it need not be copied for each
    below = grid.reshape(-1, parts * size, size, 2)
    crops = F.grid_sample(pictures, below, mode="bilinear", align_corners=False)
    return crops.reshape(-1, pictures.shape[1], parts, size, size).transpose(1, 2)
