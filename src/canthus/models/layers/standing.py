"""Where faces and their parts are to be cut out: maps of the plane, by landmarks."""

import torch
from torch import Tensor

from canthus.faces import LandmarkScheme
from canthus.models.layers import affine

# What is looked at closely: all parts of a scheme whose names begin so, together.
PARTS = (
    ("right_brow", "right_eye", "right_pupil"),
    ("left_brow", "left_eye", "left_pupil"),
    ("nose",),
    ("lip",),
)
PIECES = 3  # of the outline
FILLED = 10 / 12  # of its crop, by the longer side of a part of the mean face


def upright(points: Tensor, known: Tensor, mean: Tensor) -> Tensor:
    """How faces should be cut: maps (B, 2, 3) from the picture to the upright crop.

    Turned as the similarity to the mean face says, then scaled and moved so that the box around
    the landmarks is where the mean face's is. The scale of the similarity alone would make turned
    heads large.

    Args:
        points: (B, L, 2), in the picture.
        known: (B, L), 1 or 0.
        mean: the mean face in the upright crop, (L, 2).
    """
    turned = affine.fit(points, mean, known)
    places, apart = affine.apply(turned, points), (known == 0)[..., None]
    low = places.masked_fill(apart, torch.inf).amin(dim=1)
    high = places.masked_fill(apart, -torch.inf).amax(dim=1)
    whole = (known > 0).all(dim=1) & ((high - low).amax(dim=-1) > 0)
    first, last = mean.amin(dim=0), mean.amax(dim=0)
    scale = torch.where(whole, (last - first).max() / (high - low).amax(dim=-1), 1.0)
    shift = (first + last) / 2 - scale[:, None] * (low + high) / 2
    shift = torch.where(whole[:, None], shift, 0.0)
    return affine.compose(affine.similarity(scale, torch.zeros_like(scale), shift), turned)


def parts_of(scheme: LandmarkScheme, *, contour: bool = False) -> list[list[int]]:
    """The indices of each part's points; the subject's right eye first, as published.

    The pieces of the outline, if they are wanted, come last.
    """
    parts = [
        [i for name, indices in scheme.parts.items() if name.startswith(start) for i in indices]
        for start in PARTS
    ]
    if contour:
        outline, pieces = list(scheme.parts["contour"]), range(PIECES)
        edges = [round(piece * len(outline) / PIECES) for piece in (*pieces, PIECES)]
        parts += [outline[edges[piece] : edges[piece + 1]] for piece in pieces]
    return parts


def part_mean(points: Tensor) -> Tensor:
    """A part's points (n, 2) of the mean face in its own crop, in sides of that."""
    low, high = points.amin(dim=0), points.amax(dim=0)
    return 0.5 + FILLED / (high - low).max() * (points - (low + high) / 2)


def enlarging(crops: Tensor, step: float, edge: float) -> Tensor:
    """The maps (B, 2, 3) into crops (B, ...) of squares that begin at an edge.

    Args:
        crops: into which.
        step: pixels of theirs in one of the square's.
        edge: pixels of theirs before the square.
    """
    first = edge + (step - 1) / 2  # the center of the square's first pixel
    back = crops.new_tensor([[step, 0.0, first], [0.0, step, first]])
    return back.expand(crops.shape[0], -1, -1)


def scaled_map(numbers: Tensor, size: int) -> Tensor:
    """Affine maps (..., 2, 3) of six numbers each, in which shifts are in sides of a crop."""
    return numbers.reshape(*numbers.shape[:-1], 2, 3) * torch.tensor(
        [1.0, 1.0, size], device=numbers.device
    )
