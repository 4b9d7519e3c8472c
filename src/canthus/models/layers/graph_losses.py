"""The losses of L-GRN: of coordinates, in pixels of a crop of 256, and of relative locations."""

import math
from collections.abc import Callable, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers.point_losses import wing

CoordinateLoss = Literal[
    "soft-wing",
    "wing",
    "smooth-wing",
    "l1",
    "l2",
    "smooth-l1",
    "root",
    "distance",
    "inter-ocular",
    "inter-ocular-soft-wing",
]

LINEAR, OUTER = 2.0, 20.0  # pixels: up to where Soft Wing is linear, and its factor beyond
WING = 5.0  # pixels: up to where Wing is curved
SIDE = 256  # of the crop whose pixels are meant
TINY = 1e-12


def soft_wing(apart: Tensor, epsilon: float) -> Tensor:
    """Soft Wing of differences in pixels: their size up to `LINEAR`, a logarithm beyond.

    Continuous; its slope jumps there, from 1 to OUTER / (epsilon + LINEAR).
    """
    size = apart.abs()
    level = LINEAR - OUTER * math.log1p(LINEAR / epsilon)
    return torch.where(size < LINEAR, size, OUTER * torch.log1p(size / epsilon) + level)


def smooth_wing(apart: Tensor, epsilon: float) -> Tensor:
    """Soft Wing of differences up to its factor, in pixels; their size less a constant beyond."""
    size = apart.abs()
    level = OUTER * math.log1p(OUTER / epsilon) + LINEAR - OUTER * math.log1p(LINEAR / epsilon)
    return torch.where(size < OUTER, soft_wing(apart, epsilon), size + level - OUTER)


def _smooth_l1(apart: Tensor, epsilon: float) -> Tensor:
    return F.smooth_l1_loss(apart, torch.zeros_like(apart), reduction="none")


# Of each coordinate's difference, and the constant of the wings.
EACH: Mapping[str, Callable[[Tensor, float], Tensor]] = {
    "soft-wing": soft_wing,
    "wing": lambda apart, epsilon: wing(apart.abs(), width=WING, curvature=epsilon),
    "smooth-wing": smooth_wing,
    "l1": lambda apart, epsilon: apart.abs(),
    "l2": lambda apart, epsilon: apart.square(),
    "smooth-l1": _smooth_l1,
    "inter-ocular-soft-wing": soft_wing,
}
OF_EYES = ("inter-ocular", "inter-ocular-soft-wing")


def coordinate_loss(
    kind: CoordinateLoss,
    apart: Tensor,
    known: Tensor,
    *,
    epsilon: float,
    between_eyes: Tensor | None = None,
) -> Tensor:
    """A loss of landmarks that are off, over the known ones.

    Args:
        kind: which. "root": of the mean square, of each face. "distance": of each landmark.
            "inter-ocular": the same, over the distance between the eyes.
        apart: (B, L, 2), in pixels of a crop of 256; 0 where not known.
        known: (B, L), 1 or 0.
        epsilon: of the wings.
        between_eyes: (B,), in pixels likewise; for `OF_EYES`.
    """
    if kind in ("distance", "inter-ocular"):
        far = apart.square().sum(dim=-1)
        each = torch.where(known > 0, far.clamp(min=TINY), 1.0).sqrt()
    else:
        each = EACH["l2" if kind == "root" else kind](apart, epsilon).mean(dim=-1)
    if kind not in ("root", *OF_EYES):
        return (each * known).sum() / known.sum().clamp(min=1)
    face = (each * known).sum(dim=1) / known.sum(dim=1).clamp(min=1)
    if kind == "root":
        return face.clamp(min=TINY).sqrt().mean()
    if between_eyes is None:
        raise ValueError(f"loss {kind}: expected the distance between the eyes, found none")
    return (face * SIDE / between_eyes).mean()


def relative_loss(apart: Tensor, known: Tensor, matrix: Tensor, epsilon: float) -> Tensor:
    """Soft Wing of relative locations: of each landmark against the mean of its neighbors.

    Linear in the places, so that it is a loss of how these are off. A landmark counts where it and
    all its neighbors are known.

    Args:
        apart: (B, L, 2), in pixels of a crop of 256; 0 where not known.
        known: (B, L), 1 or 0.
        matrix: (L, L), as `Graph.relative`.
        epsilon: of Soft Wing.
    """
    missing = (1 - known) @ (matrix != 0).to(known.dtype).T
    whole = (missing == 0).to(apart.dtype)
    each = soft_wing(matrix.to(apart.dtype) @ apart, epsilon).mean(dim=-1)
    return (each * whole).sum() / whole.sum().clamp(min=1)
