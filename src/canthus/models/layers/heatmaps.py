"""Landmarks drawn as heatmaps and located in them, to a fraction of a cell.

A heatmap of N cells over a crop of S pixels has the stride S / N. The center of cell i lies at
stride * (i + 0.5) - 0.5 pixels of the crop.
"""

import torch
from torch import Tensor

from canthus.models.layers import patches
from canthus.models.layers.precision import product

CUT = 5.0  # sigmas from a border, beyond which it cuts off nothing to speak of
REACH = 12.0  # sigmas that a peak may lie from its mean, or that many cells if those are more
NEAREST = 1e-3  # cells from the center of the outermost cell that a mean may lie
HALVINGS = 30


def cell_centers(cells: int, stride: float, like: Tensor) -> Tensor:
    """Where the centers of the cells lie along one side, (cells,), in pixels of the crop."""
    return stride * (torch.arange(cells, dtype=torch.float32, device=like.device) + 0.5) - 0.5


def draw(
    points: Tensor, cells: int, *, stride: float, sigma: float, by_mean: bool = False
) -> Tensor:
    """Gaussians about points as distributions over the cells: (B, L, 2) to (B, L, N, N).

    Nothing is rounded: a point between two cells warms both as it should. Each map adds up to 1,
    also where its point lies outside the crop: then its nearest border is warm.

    Args:
        points: in pixels of the crop.
        cells: of the map's side.
        stride: pixels of the crop in one cell.
        sigma: of the Gaussian, in cells.
        by_mean: whether the mean of a map, not its peak, is to be at the point. They differ near
            a border, which cuts off a part of the Gaussian; and no mean lies beyond the centers
            of the outermost cells.
    """
    centers = cell_centers(cells, stride, points)
    if by_mean:
        points = _peaks(points, centers, sigma * stride)
    distance = (centers - points[..., None]) / (sigma * stride)  # (B, L, 2, N)
    x, y = torch.softmax(-0.5 * distance**2, dim=-1).unbind(dim=-2)
    return y[..., :, None] * x[..., None, :]


def _peaks(means: Tensor, centers: Tensor, sigma: float) -> Tensor:
    """Where Gaussians (..., 2) must peak for their means over the cells to be as wanted.

    Far from the borders that is the mean itself; near them it is found by halving.
    """
    first, last = centers[0], centers[-1]
    step = (last - first) / max(1, len(centers) - 1)
    inside = means.clamp(first + NEAREST * step, last - NEAREST * step)
    near = (inside - first < CUT * sigma) | (last - inside < CUT * sigma)
    wanted = inside[near][:, None]
    reach = REACH * sigma * max(1.0, sigma / float(step))
    low, high = wanted - reach, wanted + reach
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        chance = torch.softmax(-0.5 * ((centers - middle) / sigma) ** 2, dim=-1)
        short = (chance @ centers)[:, None] < wanted
        low, high = torch.where(short, middle, low), torch.where(short, high, middle)
    return inside.masked_scatter(near, (low + high) / 2)


def locate(logits: Tensor, stride: float) -> tuple[Tensor, Tensor]:
    """The mean place of each map (Sun et al., ECCV 2018), and its covariance about it.

    Args:
        logits: (B, L, N, N); their softmax over the cells is where the landmark may be.
        stride: pixels of the crop in one cell.

    Returns:
        The means (B, L, 2) in pixels of the crop and the covariances (B, L, 2, 2) in those squared.
    """
    size = logits.shape[-1]
    chance = torch.softmax(logits.flatten(2).float(), dim=-1)
    found = moments(chance, stride * patches.cells(size, chance))
    middle = (stride * size - 1) / 2  # from there distances are shortest, and so are their errors
    return found[..., :2] + middle, covariances(found)


def moments(chance: Tensor, places: Tensor) -> Tensor:
    """The means of x, y, x x, x y, y x and y y, (..., 6), by chances (..., C) of places (C, 2).

    One product for all is faster than sums along rows and columns.
    """
    x, y = places.unbind(dim=-1)
    return product(chance, torch.stack([x, y, x * x, x * y, x * y, y * y], dim=-1))


def covariances(found: Tensor) -> Tensor:
    """About the means, (..., 2, 2), of `moments`; rounding may leave a variance just below 0."""
    at, squares = torch.split(found, [2, 4], dim=-1)
    return squares.reshape(*at.shape, 2) - at[..., None] * at[..., None, :]
