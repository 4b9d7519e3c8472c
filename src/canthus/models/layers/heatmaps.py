"""Landmarks drawn as heatmaps and located in them, to a fraction of a cell.

A heatmap of N cells over a crop of S pixels has the stride S / N. The center of cell i lies at
stride * (i + 0.5) - 0.5 pixels of the crop.
"""

import torch
from torch import Tensor


def cell_centers(cells: int, stride: float, like: Tensor) -> Tensor:
    """Where the centers of the cells lie along one side, (cells,), in pixels of the crop."""
    return stride * (torch.arange(cells, dtype=torch.float32, device=like.device) + 0.5) - 0.5


def draw(points: Tensor, cells: int, *, stride: float, sigma: float) -> Tensor:
    """Gaussians about points as distributions over the cells: (B, L, 2) to (B, L, N, N).

    Nothing is rounded: a point between two cells warms both as it should. Each map adds up to 1,
    also where its point lies outside the crop: then its nearest border is warm.

    Args:
        points: in pixels of the crop.
        cells: of the map's side.
        stride: pixels of the crop in one cell.
        sigma: of the Gaussian, in cells.
    """
    centers = cell_centers(cells, stride, points)
    distance = (centers - points[..., None]) / (sigma * stride)  # (B, L, 2, N)
    x, y = torch.softmax(-0.5 * distance**2, dim=-1).unbind(dim=-2)
    return y[..., :, None] * x[..., None, :]


def locate(logits: Tensor, stride: float) -> tuple[Tensor, Tensor]:
    """The mean place of each map (Sun et al., ECCV 2018), and its covariance about it.

    Args:
        logits: (B, L, N, N); their softmax over the cells is where the landmark may be.
        stride: pixels of the crop in one cell.

    Returns:
        The means (B, L, 2) in pixels of the crop and the covariances (B, L, 2, 2) in those squared.
    """
    cells = logits.shape[-1]
    centers = cell_centers(cells, stride, logits)
    chance = torch.softmax(logits.flatten(2).float(), dim=-1).view(logits.shape)
    along_x, along_y = chance.sum(dim=-2), chance.sum(dim=-1)
    x, y = along_x @ centers, along_y @ centers
    right, down = centers - x[..., None], centers - y[..., None]  # (B, L, N) from the mean
    xx, yy = (right**2 * along_x).sum(dim=-1), (down**2 * along_y).sum(dim=-1)
    xy = (down * (chance @ right[..., None]).squeeze(-1)).sum(dim=-1)
    covariance = torch.stack([torch.stack([xx, xy], -1), torch.stack([xy, yy], -1)], dim=-2)
    return torch.stack([x, y], dim=-1), covariance
