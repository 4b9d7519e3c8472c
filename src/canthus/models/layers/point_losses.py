"""What landmarks are asked to be: losses on points."""

import torch
from torch import Tensor

from canthus.models.base import Target


def distance(points: Tensor, target: Target) -> Tensor:
    """Mean distance in longer sides of the tight box, over the known points and blends.

    Args:
        points: (B, L, 2), in pixels of the crop.
        target: what is known of them.
    """
    blends = target.readout @ points
    apart = torch.cat([points - target.points, blends - target.blends], dim=1)
    known = torch.cat([target.known, target.blends_known], dim=1)
    each = torch.where(known > 0, apart.square().sum(dim=-1) + 1e-6, 1.0).sqrt()
    faces = (each * known).sum(dim=1) / target.size
    return faces.sum() / known.sum().clamp(min=1)
