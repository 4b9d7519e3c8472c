"""What a heatmap is asked to be: losses on maps (B, L, N, N), each a mean over known landmarks.

A landmark that is not known, or that lies outside of the maps, is not asked for; the others of
its face are.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.base import Target
from canthus.models.layers.heatmaps import cell_centers, draw, locate
from canthus.models.layers.point_losses import distance

MapLoss = Literal["l2", "awing", "cross_entropy", "kl", "integral"]
Labels = Literal["continuous", "published"]

PEAK = 20.0  # of the Gaussians that L2 asks for, as published
HEIGHTS: dict[MapLoss, float] = {"l2": PEAK, "awing": 1.0}  # of what maps of heights ask for
FAINT = 1e-4  # of a map's height, below which its logarithm says nothing
REACH = 3  # cells that a published Gaussian reaches to either side
ALPHA, OMEGA, EPSILON, THETA = 2.1, 14.0, 1.0, 0.5  # of adaptive wing, as published
WEIGHT, WARM = 10.0, 0.2  # of adaptive wing's cells near a Gaussian warmer than that
CUT = 0.5  # pixels that points lie behind the cells that published labels cut them to, on average


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
    loss: MapLoss,
    labels: Labels,
    points: Tensor,
    cells: int,
    *,
    stride: float,
    sigma: float,
    by_mean: bool = False,
) -> Tensor:
    """The maps that a loss asks for; `by_mean` is of the distributions, see `draw`."""
    if labels == "published":
        maps = published(points, cells, stride=stride, sigma=sigma)
        return PEAK * maps if loss == "l2" else maps
    if loss in ("l2", "awing"):
        maps = gaussians(points, cells, stride=stride, sigma=sigma)
        return PEAK * maps if loss == "l2" else maps
    return draw(points, cells, stride=stride, sigma=sigma, by_mean=by_mean)


def map_loss(loss: MapLoss, maps: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """A loss, mean over the known landmarks (B, L)."""
    each = LOSSES[loss](maps.float(), wanted)
    return (torch.where(known > 0, each, 0.0)).sum() / known.sum().clamp(min=1)


@dataclass(frozen=True)
class Asked:
    """What a network's maps are asked to be.

    Attributes:
        stride: pixels of the crop in one cell.
        sigma: of the target Gaussians, in cells.
        by_mean: whether the maps are read by their means.
        point_weight: of the distance of the maps' means, in "integral".
        map_weight: of the maps' divergence, in "integral".
    """

    loss: MapLoss
    stride: int
    sigma: float
    labels: Labels = "continuous"
    by_mean: bool = False
    point_weight: float = 1.0
    map_weight: float = 0.02

    def terms(self, stacks: Sequence[Tensor], target: Target) -> dict[str, Tensor]:
        """The loss of each stack's maps (B, L, N, N), by name."""
        cells, known = stacks[0].shape[-1], target.known
        if self.loss in HEIGHTS:  # a landmark outside of the crop has no map of heights
            inside = (target.points > -0.5) & (target.points < self.stride * cells - 0.5)
            known = known * inside.all(dim=-1)
        wanted = wanted_maps(
            self.loss,
            self.labels,
            target.points,
            cells,
            stride=self.stride,
            sigma=self.sigma,
            by_mean=self.by_mean,
        )
        found = {}
        for i, maps in enumerate(stacks):
            found[f"maps{i}"] = map_loss(self.loss, maps, wanted, known)
            if self.loss == "integral":
                found[f"maps{i}"] = self.map_weight * found[f"maps{i}"]
                points, _ = locate(maps, self.stride)
                found[f"points{i}"] = self.point_weight * distance(points, target)
        return found

    def logarithms(self, maps: Tensor) -> Tensor:
        """Of the heights of maps, up to a constant each: what decoders take."""
        maps = maps.float()
        if self.loss not in HEIGHTS:
            return maps
        highest = maps.amax(dim=(2, 3), keepdim=True).clamp(min=1e-6)
        return torch.log((maps / highest).clamp(min=FAINT))

    def uncut(self, points: Tensor) -> Tensor:
        """Points (..., 2) as read from maps, with what published labels cut off added again.

        Not in "integral", which learns where points are, too.
        """
        by_maps = self.labels == "published" and self.loss != "integral"
        return points + CUT if by_maps else points

    def heights(self, maps: Tensor) -> Tensor:
        """Maps, scaled to what should be a peak of 1."""
        maps = maps.float()
        if self.loss in HEIGHTS:
            return maps / HEIGHTS[self.loss]
        chance = torch.softmax(maps.flatten(2), dim=-1).view(maps.shape)
        return chance * max(1.0, 2 * math.pi * self.sigma**2)
