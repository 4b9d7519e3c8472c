"""What a heatmap is asked to be: losses on maps (B, L, N, N), each a mean over known landmarks.

A landmark that is not known, or that lies outside of the maps, is not asked for; the others of
its face are.
"""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers.heatmaps import cell_centers, draw

MapLoss = Literal["l2", "awing", "cross_entropy", "kl", "integral"]
Labels = Literal["continuous", "published"]

PEAK = 20.0  # of the Gaussians that L2 asks for, as published
REACH = 3  # cells that a published Gaussian reaches to either side
ALPHA, OMEGA, EPSILON, THETA = 2.1, 14.0, 1.0, 0.5  # of adaptive wing, as published
WEIGHT, WARM = 10.0, 0.2  # of adaptive wing's cells near a Gaussian warmer than that


def gaussians(points: Tensor, cells: int, *, stride: float, sigma: float) -> Tensor:
    """Gaussians with their peak of 1 exactly at the points: (B, L, 2) to (B, L, N, N).

    Args:
        points: in pixels of the crop.
        cells: of the map's side.
        stride: pixels of the crop in one cell.
        sigma: of the Gaussian, in cells.
    """
    centers = cell_centers(cells, stride, points)
    heights = torch.exp(-0.5 * ((centers - points[..., None]) / (sigma * stride)) ** 2)
    x, y = heights.unbind(dim=-2)
    return y[..., :, None] * x[..., None, :]


def published(points: Tensor, cells: int, *, stride: float, sigma: float) -> Tensor:
    """The labels of the original: cut to the cell, and zero beyond three cells.

    A sigma of 0 is a single 1. Every label is up to a cell too far up and to the left.
    """
    at = torch.trunc(points / stride)[..., None]
    away = torch.arange(cells, device=points.device) - at
    if sigma == 0:
        x, y = (away == 0).float().unbind(dim=-2)
    else:
        near = torch.exp(-0.5 * (away / sigma) ** 2) * (away.abs() <= REACH * sigma)
        x, y = near.unbind(dim=-2)
    return y[..., :, None] * x[..., None, :]


def l2(maps: Tensor, wanted: Tensor) -> Tensor:
    """Squared difference, mean over cells, (B, L)."""
    return (maps - wanted).square().mean(dim=(2, 3))


def cross_entropy(maps: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy of the maps' softmax, mean over cells as in the original, (B, L)."""
    found = F.log_softmax(maps.flatten(2), dim=-1)
    return -(wanted.flatten(2) * found).mean(dim=-1)


def divergence(maps: Tensor, wanted: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the maps' softmax from distributions, (B, L)."""
    found, wanted = F.log_softmax(maps.flatten(2), dim=-1), wanted.flatten(2)
    return (torch.xlogy(wanted, wanted) - wanted * found).sum(dim=-1)


def adaptive_wing(maps: Tensor, wanted: Tensor) -> Tensor:
    """Adaptive wing loss with its weighted map (Wang, Bo and Fuxin, ICCV 2019, eq. 5), (B, L)."""
    power = ALPHA - wanted
    ratio = THETA / EPSILON
    slope = OMEGA * power * ratio ** (power - 1) / (1 + ratio**power) / EPSILON
    constant = THETA * slope - OMEGA * torch.log1p(ratio**power)
    apart = (maps - wanted).abs()
    near = OMEGA * torch.log1p((apart.clamp(1e-6, THETA) / EPSILON) ** power)
    each = torch.where(apart < THETA, near, slope * apart - constant)
    grown = F.max_pool2d(wanted, 3, stride=1, padding=1)
    return (each * torch.where(grown >= WARM, WEIGHT + 1, 1.0)).mean(dim=(2, 3))


LOSSES: dict[MapLoss, Callable[[Tensor, Tensor], Tensor]] = {
    "l2": l2,
    "awing": adaptive_wing,
    "cross_entropy": cross_entropy,
    "kl": divergence,
    "integral": divergence,
}


def wanted_maps(
    loss: MapLoss, labels: Labels, points: Tensor, cells: int, *, stride: float, sigma: float
) -> Tensor:
    """The maps that a loss asks for."""
    if labels == "published":
        maps = published(points, cells, stride=stride, sigma=sigma)
        return PEAK * maps if loss == "l2" else maps
    if loss in ("l2", "awing"):
        maps = gaussians(points, cells, stride=stride, sigma=sigma)
        return PEAK * maps if loss == "l2" else maps
    return draw(points, cells, stride=stride, sigma=sigma)


def map_loss(loss: MapLoss, maps: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """A loss, mean over the known landmarks (B, L)."""
    each = LOSSES[loss](maps.float(), wanted)
    return (torch.where(known > 0, each, 0.0)).sum() / known.sum().clamp(min=1)
