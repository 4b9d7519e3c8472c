"""What landmarks are asked to be: losses on points."""

import math
from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from canthus.models.base import Target

PointLoss = Literal["distance", "l2", "wing"]

USUAL = 0.05  # longer sides of the tight box: where l2 and distance are alike
WING, CURVATURE = 0.08, 0.016  # longer sides of the tight box: width and epsilon of wing


def errors(points: Tensor, target: Target) -> tuple[Tensor, Tensor]:
    """Distances from the truth in longer sides of the tight box, and which of them are known.

    Args:
        points: (B, L, 2), in pixels of the crop.
        target: what is known of them.

    Returns:
        Of the landmarks, then of the blends, (B, L + E) each; a distance that is not known is 0.
    """
    blends = target.readout @ points
    apart = torch.cat([points - target.points, blends - target.blends], dim=1)
    known = torch.cat([target.known, target.blends_known], dim=1)
    each = torch.where(known > 0, apart.square().sum(dim=-1) + 1e-6, 1.0).sqrt()
    return each * known / target.size[:, None], known


def wing(error: Tensor, *, width: float = WING, curvature: float = CURVATURE) -> Tensor:
    """The wing loss of errors, steep where they are small (Feng et al., CVPR 2018, eq. 5).

    Args:
        error: none below 0.
        width: up to where it is curved, in the errors' unit.
        curvature: its epsilon, likewise.
    """
    constant = width - width * math.log(1 + width / curvature)
    return torch.where(error < width, width * torch.log1p(error / curvature), error - constant)


POINT_LOSSES: Mapping[PointLoss, Callable[[Tensor], Tensor]] = {
    "distance": lambda error: error,
    "l2": lambda error: error.square() / USUAL,
    "wing": wing,
}


def distance(points: Tensor, target: Target) -> Tensor:
    """Mean distance in longer sides of the tight box, over the known points and blends."""
    each, known = errors(points, target)
    return each.sum() / known.sum().clamp(min=1)
