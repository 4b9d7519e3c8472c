"""What the steps of MuSiCa are asked for: where landmarks are, and how far off they are."""

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.base import Target
from canthus.models.layers.heatmap_losses import map_loss
from canthus.models.layers.heatmaps import draw
from canthus.models.layers.ladders import SMALLEST
from canthus.models.layers.point_losses import errors

DEAD = 0.01  # pixels that a landmark may be off for nothing, as published
SIGMA = 1.0  # of the Gaussians that patches should be, in cells


def published_errors(points: Tensor, target: Target, corners: tuple[int, int]) -> Tensor:
    """The published training error of each face, (B,); NaN where its eyes' corners are not known.

    The mean over known landmarks of |x| + |y|, 0 below a hundredth of a pixel, over the same
    distance of the outer corners of the eyes.

    Args:
        points: (B, L, 2), in pixels of the crop.
        target: what is known of them.
        corners: the indices of the outer corners.
    """
    each = (points - target.points).abs().sum(dim=-1)
    each = torch.where((target.known > 0) & (each >= DEAD), each, 0.0)
    first, second = (target.points[:, corner] for corner in corners)
    count = target.known.sum(dim=-1).clamp(min=1)
    return each.sum(dim=-1) / count / (first - second).abs().sum(dim=-1)


def published_terms(
    points: Tensor, error: Tensor, target: Target, corners: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """The mean training error, and how far the expected errors (B,) are from it, face by face.

    Faces of which the outer corners of the eyes are not both known do not count.
    """
    both = (target.known[:, list(corners)] > 0).all(dim=1)
    found = published_errors(points, target, corners)[both]
    count = both.sum().clamp(min=1)
    return found.sum() / count, (found - error[both]).abs().sum() / count


def face_errors(points: Tensor, target: Target) -> Tensor:
    """Mean distances of the known points and blends, (B,); NaN where none is known.

    In longer sides of the tight box.
    """
    each, known = errors(points, target)
    count = known.sum(dim=1)
    return torch.where(count > 0, each.sum(dim=1) / count.clamp(min=1), torch.nan)


def expected_terms(points: Tensor, logs: Tensor, target: Target) -> Tensor:
    """How far logarithms of expected errors (B,) are from those of points (B, L, 2).

    The mean over faces of smooth L1; no gradient flows to the points. Errors are in longer sides
    of the tight box.
    """
    found = face_errors(points.detach(), target)
    some = found.isfinite().float()
    apart = logs - (found.nan_to_num(0.0) + SMALLEST).log()
    gap = F.smooth_l1_loss(apart, torch.zeros_like(apart), reduction="none", beta=0.2)
    return (gap * some).sum() / some.sum().clamp(min=1)


def followed(points: Tensor, last: Tensor, target: Target) -> Tensor:
    """Mean distance of points (B, L, 2) from the last step's, which no gradient reaches.

    In longer sides of the tight box; of all landmarks, known or not.
    """
    each = (points - last.detach()).norm(dim=-1)
    return (each / target.size[:, None]).mean()


def patch_divergence(logits: Tensor, apart: Tensor, known: Tensor) -> Tensor:
    """How far patches are from Gaussians about the truth, where that is inside of them.

    Args:
        logits: (B, P, S, S).
        apart: from the patches' middles to the truth, (B, P, 2), in cells.
        known: (B, P).
    """
    cells = logits.shape[-1]
    inside = (apart.abs() < (cells - 1) / 2).all(dim=-1)
    places = apart + (cells - 1) / 2
    wanted = draw(places, cells, stride=1, sigma=SIGMA, by_mean=True)
    return map_loss("integral", logits, wanted, known * inside)
