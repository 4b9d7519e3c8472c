"""A morphable face model inside a network: coefficients to places (Blanz and Vetter, 1999)."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.errors import RecipeError
from canthus.faces.face_model import NUM_KEYPOINTS, FaceModel

POSE = 12  # numbers of a 3 x 4 map: the first of all coefficients
TURNED = 0.5  # of the scale: how far the numbers of a map spread that turns any way
MOVED = 0.06  # sides of the crop: how far faces are from its middle
DEPTH_SHIFT = 11  # of them: how far away, which no picture shows


class Morphable(nn.Module):
    """The vertices of a face model: a mean, and how each coefficient moves them.

    The landmarks are the first vertices. A network that is only used needs no others; one that is
    taught is better taught with some.

    Args:
        vertices: how many.
        identities: how many coefficients say who it is.
        expressions: and how many, what the face does.

    Attributes:
        neutral: (V, 3), in the model's own unit; right-handed, y up, z toward the viewer.
        basis: (K - 12, V, 3), identities first.
        mean: (K,), of the coefficients of training faces.
        spread: (K,), their standard deviations.
    """

    neutral: Tensor
    basis: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self, vertices: int, identities: int, expressions: int) -> None:
        super().__init__()
        shapes = identities + expressions
        self.register_buffer("neutral", torch.zeros(vertices, 3))
        self.register_buffer("basis", torch.zeros(shapes, vertices, 3))
        self.register_buffer("mean", torch.zeros(POSE + shapes))
        self.register_buffer("spread", torch.ones(POSE + shapes))

    @torch.no_grad()
    def fill(self, faces: FaceModel, identities: int, expressions: int) -> None:
        """Take the shapes of a face model: its landmarks, then vertices from all over the mesh.

        Raises:
            RecipeError: if it has fewer directions, or fewer vertices.
        """
        more = self.neutral.shape[0] - NUM_KEYPOINTS
        if more > len(faces.neutral):
            raise RecipeError(f"vertices: {faces.name} has {len(faces.neutral)}, expected {more}")
        try:
            chosen = faces.reduced(identities, expressions)
        except ValueError as error:
            raise RecipeError(f"{faces.name}: {error}") from None
        rows = np.linspace(0, len(faces.neutral) - 1, more).astype(np.int64)
        parts = [
            np.concatenate([chosen.keypoints_of(each), each[..., rows, :]], axis=-2)
            for each in (chosen.neutral, chosen.identity, chosen.expression)
        ]
        self.neutral.copy_(torch.tensor(parts[0]))
        self.basis.copy_(torch.tensor(np.concatenate(parts[1:])))
        deviations = (chosen.identity_deviations, chosen.expression_deviations)
        for name, values in zip(("identity", "expression"), deviations, strict=True):
            if values is None:
                raise RecipeError(f"{faces.name}: does not say how far its {name} varies")
        self.spread[POSE:].copy_(
            torch.tensor(np.concatenate([each for each in deviations if each is not None]))
        )

    @torch.no_grad()
    def expect(self, side: float, size: int) -> None:
        """Expect heads that face the viewer, give or take, in the middle of the crop.

        Args:
            side: the longer side of a face, by its landmarks, in pixels.
            size: of the crop.
        """
        marks = self.neutral[:NUM_KEYPOINTS]
        low, high = marks.amin(dim=0), marks.amax(dim=0)
        scale = side / float((high - low)[:2].max())
        shift = (size - 1) / 2 - scale * (low + high) / 2
        pose = torch.cat([scale * torch.eye(3), shift[:, None]], dim=1)
        pose[2, 3] = 0
        self.mean[:POSE] = pose.flatten()
        around = torch.full((3, 4), TURNED * scale)
        around[:, 3] = MOVED * size
        self.spread[:POSE] = around.flatten()

    def colored(self, whitened: Tensor) -> Tensor:
        """Coefficients in their own units, of those that have mean 0 and spread 1."""
        return whitened * self.spread + self.mean

    def shapes(self, coefficients: Tensor, rows: Tensor | None = None) -> Tensor:
        """Faces before they are turned, (B, V, 3).

        Args:
            coefficients: (B, K).
            rows: of the vertices that are wanted; all by default.
        """
        neutral = self.neutral if rows is None else self.neutral[rows]
        basis = self.basis if rows is None else self.basis[:, rows]
        moved = coefficients[:, POSE:] @ basis.flatten(1)
        return neutral + moved.reshape(moved.shape[0], *neutral.shape)

    def places(self, coefficients: Tensor, rows: Tensor | None = None) -> Tensor:
        """Where the vertices are, (B, V, 3), in pixels of the crop, y up and z toward the viewer.

        Weak perspective: a map of nine free numbers and a shift.
        """
        pose = coefficients[:, :POSE].reshape(-1, 3, 4)
        shapes = self.shapes(coefficients, rows)
        return shapes @ pose[:, :, :3].transpose(1, 2) + pose[:, None, :, 3]


def squared(pose: Tensor) -> Tensor:
    """Maps (B, 3, 4) made a turn and one scale: the nearest that keeps the first row's direction.

    The third row is square to the others, and says nothing of how far away the face is.
    """
    first, second = pose[:, 0, :3], pose[:, 1, :3]
    scale = (first.norm(dim=-1, keepdim=True) + second.norm(dim=-1, keepdim=True)) / 2
    right = F.normalize(first, dim=-1)
    up = F.normalize(second - (second * right).sum(dim=-1, keepdim=True) * right, dim=-1)
    turn = torch.stack([right, up, torch.linalg.cross(right, up)], dim=1)
    shift = pose[:, :, 3:] * pose.new_tensor([[1.0], [1.0], [0.0]])
    return torch.cat([scale[..., None] * turn, shift], dim=-1)
