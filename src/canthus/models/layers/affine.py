"""Affine maps of the plane, a batch of them: (B, 2, 3), from pixels (x, y) to pixels."""

import torch
from torch import Tensor

from canthus.models.layers.precision import product


def apply(maps: Tensor, points: Tensor) -> Tensor:
    """Map points (B, L, 2)."""
    return product(points, maps[..., :2].transpose(-1, -2)) + maps[..., 2].unsqueeze(-2)


def apply_covariance(maps: Tensor, covariance: Tensor) -> Tensor:
    """Covariances (B, L, 2, 2) of points, as maps (B, 2, 3) take them along."""
    linear = maps[..., None, :, :2]
    return product(product(linear, covariance), linear.transpose(-1, -2))


def compose(second: Tensor, first: Tensor) -> Tensor:
    """The maps that apply `first`, then `second`."""
    both = product(second[..., :2], first)
    return torch.cat([both[..., :2], both[..., 2:] + second[..., 2:]], dim=-1)


def inverse(maps: Tensor) -> Tensor:
    """The maps back; of one that squeezes the plane onto a line, numbers without meaning."""
    (a, b, x), (c, d, y) = (row.unbind(dim=-1) for row in maps.unbind(dim=-2))
    area = a * d - b * c
    area = torch.where(area.abs() < 1e-12, 1e-12, area)
    rows = [d, -b, b * y - d * x, -c, a, c * x - a * y]
    found = torch.stack(rows, dim=-1) / area[..., None]
    return found.reshape(maps.shape)


def similarity(cos: Tensor, sin: Tensor, shift: Tensor) -> Tensor:
    """Maps that turn, scale and shift, (B, 2, 3).

    Args:
        cos: scale times the cosine of the turn from x towards y, (B,).
        sin: scale times its sine, (B,).
        shift: (B, 2).
    """
    linear = torch.stack([cos, -sin, sin, cos], dim=-1).reshape(*cos.shape, 2, 2)
    return torch.cat([linear, shift[..., None]], dim=-1)


def fit(source: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The similarities that bring points closest to others, by weighted least squares.

    Args:
        source: (B, L, 2).
        target: (B, L, 2), or (L, 2) for all.
        weight: (B, L); at least two points of a face should count.
    """
    weight = weight[..., None] / weight.sum(dim=-1)[..., None, None].clamp(min=1e-9)
    middle, wanted = (source * weight).sum(dim=-2), (target * weight).sum(dim=-2)
    s, d = source - middle.unsqueeze(-2), target - wanted.unsqueeze(-2)
    spread = (weight * s.square()).sum(dim=(-1, -2)).clamp(min=1e-9)
    cos = (weight * s * d).sum(dim=(-1, -2)) / spread
    turned = s[..., 0] * d[..., 1] - s[..., 1] * d[..., 0]
    sin = (weight[..., 0] * turned).sum(dim=-1) / spread
    linear = similarity(cos, sin, torch.zeros_like(middle))
    return similarity(cos, sin, wanted - apply(linear, middle.unsqueeze(-2)).squeeze(-2))


def fitting(source: Tensor) -> Tensor:
    """A matrix (2L, 6) that fits: the similarity from points (L, 2) to others is linear in those.

    The product of (B, 2L), the others' x0, y0, x1, ..., with it is `fit` of them all, row by row.
    """
    count = len(source)
    middle = source.mean(dim=0)
    s = source - middle
    x, y = (s / s.square().sum().clamp(min=1e-9)).unbind(dim=-1)
    cos, sin = torch.stack([x, y], dim=-1).flatten(), torch.stack([-y, x], dim=-1).flatten()
    right = torch.tensor([1.0, 0.0], dtype=s.dtype, device=s.device).repeat(count) / count
    down = torch.tensor([0.0, 1.0], dtype=s.dtype, device=s.device).repeat(count) / count
    across, along = middle.unbind()
    rows = [cos, -sin, right - cos * across + sin * along]
    rows += [sin, cos, down - sin * across - cos * along]
    return torch.stack(rows, dim=-1)
