"""What an error in the coefficients of a morphable model costs (Zhu et al., TPAMI 2019).

All take coefficients that are whitened: of mean 0 and spread 1 over the training faces. Without
faces, B = 0, there is nothing to pay.
"""

from typing import Literal

import torch
from torch import Tensor

from canthus.models.layers.morphable import DEPTH_SHIFT, Morphable

CoefficientLoss = Literal["pdc", "vdc", "wpdc"]

TINY = 1e-6  # added to weights, before the largest becomes 1


def mean_of(each: Tensor) -> Tensor:
    """The mean of all numbers; 0, with gradients of 0, where there are none."""
    return each.mean() if each.numel() else each.sum()


def pdc(found: Tensor, target: Tensor) -> Tensor:
    """Parameter distance cost: the mean squared error of all coefficients (B, K)."""
    return mean_of((found - target).square())


def vdc(model: Morphable, found: Tensor, target: Tensor, rows: Tensor | None = None) -> Tensor:
    """Vertex distance cost: the mean squared error of the vertices' coordinates, pixels squared.

    How far away a face is counts for nothing: no picture shows it.

    Args:
        model: the face model.
        found: (B, K).
        target: (B, K).
        rows: of the vertices that count; all by default.
    """
    ours, theirs = model.colored(found), model.colored(target)
    far = torch.arange(ours.shape[1], device=ours.device) == DEPTH_SHIFT
    ours = torch.where(far, theirs, ours)
    return mean_of((model.places(ours, rows) - model.places(theirs, rows)).square())


def wpdc(
    model: Morphable,
    found: Tensor,
    target: Tensor,
    rows: Tensor,
    *,
    scale: float,
    shape_of: Literal["target", "found"] = "target",
) -> Tensor:
    """Weighted parameter distance cost: coefficients count as much as they move the mesh.

    Args:
        model: the face model.
        found: (B, K).
        target: (B, K).
        rows: of the vertices whose moves are measured.
        scale: pixels of the crop in a unit of the model, on average over the training faces.
        shape_of: "target", or "found" as in what was published before 2021.
    """
    weights = wpdc_weights(model, found, target, rows, scale=scale, shape_of=shape_of)
    return mean_of(weights * (found - target).square())


@torch.no_grad()
def wpdc_weights(
    model: Morphable,
    found: Tensor,
    target: Tensor,
    rows: Tensor,
    *,
    scale: float,
    shape_of: Literal["target", "found"] = "target",
) -> Tensor:
    """How far the mesh would move if each coefficient alone kept its error, (B, K).

    The largest of a face's weights is 1; that of how far away it is, 0.
    """
    ours, theirs = model.colored(found), model.colored(target)
    off = (ours - theirs).abs()
    shapes = model.shapes(theirs if shape_of == "target" else ours, rows)
    lengths = shapes.square().sum(dim=1).sqrt()  # (B, 3)
    ones = torch.full_like(lengths[:, :1], len(rows) ** 0.5)
    pose = torch.cat([lengths, ones], dim=1).repeat(1, 3)
    moves = model.basis[:, rows].flatten(1).square().sum(dim=1).sqrt()
    weights = off * torch.cat([pose, (scale * moves).expand(len(off), -1)], dim=1) + TINY
    seen = torch.arange(weights.shape[1], device=weights.device) != DEPTH_SHIFT
    weights = weights * seen
    return weights / weights.amax(dim=1, keepdim=True)
