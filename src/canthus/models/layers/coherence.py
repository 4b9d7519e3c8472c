"""The coherent loss: turn the picture, and its heatmaps turn along (Guo et al., BMVC 2018).

A view is an affine map (2, 3) from places in the turned picture to places in the picture, both in
units in which the picture reaches from -1 to 1; so one view serves crops and maps of any size.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers import affine

TURN_DEG, SCALE, SHIFT = 30.0, 0.2, 0.1  # at most; the shift in half sides of the picture


def views(crops: Tensor) -> Tensor:
    """A random view for each crop, (B, 2, 3), the same whenever the same crops are shown."""
    generator = torch.Generator().manual_seed(int(crops.double().sum() * 1000) % 2**63)
    turn, scale, right, down = (2 * torch.rand(4, len(crops), generator=generator) - 1).unbind()
    turn, scale = turn * math.radians(TURN_DEG), torch.exp(scale * SCALE)
    cos, sin = scale * torch.cos(turn), scale * torch.sin(turn)
    rows = torch.stack([cos, -sin, right * SHIFT, sin, cos, down * SHIFT], dim=-1)
    return rows.view(-1, 2, 3).to(crops.device)


def turned(images: Tensor, views: Tensor) -> Tensor:
    """Crops or maps (B, C, H, W) as their views show them; what lies outside is 0."""
    places = F.affine_grid(views, list(images.shape), align_corners=False)
    return F.grid_sample(images, places.to(images.dtype), align_corners=False)


def moved(points: Tensor, views: Tensor, size: int) -> Tensor:
    """Where points (B, L, 2) of crops of a size lie in their views."""
    places = (2 * points + 1) / size - 1
    places = affine.apply(affine.inverse(views), places)
    return ((places + 1) * size - 1) / 2


def apart(
    maps: Tensor, others: Tensor, views: Tensor, mirror: Sequence[int] | None = None
) -> Tensor:
    """Mean squared difference between turned maps and the maps of the turned picture.

    Args:
        maps: of the picture, (B, L, N, N).
        others: of the turned picture.
        views: how it was turned.
        mirror: which landmark becomes which if the views mirror.
    """
    if mirror is not None:
        maps = maps[:, list(mirror)]
    inside = (turned(torch.ones_like(maps[:, :1]), views) > 0.999).to(maps.dtype)
    each = (turned(maps, views) - others).square() * inside
    return each.sum() / (inside.sum() * maps.shape[1]).clamp(min=1)
