"""The published image pyramid: standardized pictures, blurred and halved (MuSiCa, 2021)."""

import math

import torch
from torch import Tensor

from canthus.models.layers.precision import product

SIGMA, TAPS = 2 / 3, 3  # of the blur, in pixels, and how far it reaches to each side
LEAST = 1e-6  # of a picture's deviation: one of a single color stays finite


def standardized(pictures: Tensor) -> Tensor:
    """Pictures (B, C, H, W) of mean 0 and deviation 1 over all of their pixels and channels."""
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    apart = pictures - mean
    return apart / apart.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=LEAST)


def pyramid(pictures: Tensor, levels: int) -> list[Tensor]:
    """Pictures (B, C, H, W) and what is left of them after each halving; the finest first.

    A side of n pixels becomes one of ceil(n / 2), whose pixel i is read at i (n - 1) / (n / 2 - 1).
    """
    found = [pictures]
    for _ in range(levels - 1):
        last = found[-1]
        rows, columns = (_halving(side).to(last) for side in last.shape[-2:])
        found.append(product(product(rows, last), columns.T))
    return found


def _halving(side: int) -> Tensor:
    """The matrix (ceil(side / 2), side) that blurs and halves one side."""
    half = math.ceil(side / 2)
    step = (side - 1) / (side / 2 - 1) if side > 2 else 0.0
    places = (torch.arange(half, dtype=torch.float64) * step).clamp(0, side - 1)
    whole = places.floor().clamp(max=max(side - 2, 0))
    part = places - whole
    first, rows = whole.long(), torch.arange(half)
    reads = torch.zeros(half, side, dtype=torch.float64)
    reads[rows, first] += 1 - part
    reads[rows, (first + 1).clamp(max=side - 1)] += part
    return reads @ _blur(side)


def _blur(side: int) -> Tensor:
    """The matrix (side, side) that blurs one side, mirrored about the edges of its pixels."""
    offsets = torch.arange(-TAPS, TAPS + 1)
    weights = torch.exp(-0.5 * (offsets.double() / SIGMA).square())
    weights = weights / weights.sum()
    rows = torch.arange(side)
    matrix = torch.zeros(side, side, dtype=torch.float64)
    for offset, weight in zip(offsets.tolist(), weights, strict=True):
        place = (rows + offset) % (2 * side)
        columns = torch.where(place < side, place, 2 * side - 1 - place)
        matrix.index_put_((rows, columns), weight.expand(side), accumulate=True)
    return matrix
