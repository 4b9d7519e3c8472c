"""What the steps of MuSiCa find, on the way to the answer."""

from dataclasses import dataclass, field, fields
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from canthus.models.layers.cascade import Window


@dataclass(frozen=True, eq=False)
class Step:
    """What is found after a step, and on the way.

    Attributes:
        points: (B, L, 2), in pixels of the crop.
        error: that is expected of them, (B,): the logarithm of it in longer sides of the tight
            box or, with the published loss, itself in its unit.
        hidden: of the recurrent cell, (B, H).
        offsets: that the step said, (B, L, 2), in pixels or cells of its level.
        centers: of the patches, (B, P, 2), in pixels of the crop.
        logits: the patches of a slim network, (B, P, S, S).
        window: what these say.
        stride: pixels of the crop in one of the level's.
        attention: how far each patch's gates were open on average, (B, P), in (0, 1).
    """

    points: Tensor
    error: Tensor
    hidden: Tensor
    offsets: Tensor
    centers: Tensor
    stride: int
    attention: Tensor
    logits: Tensor | None = None
    window: Window | None = None


@dataclass(frozen=True, eq=False)
class Steps:
    """All steps of one batch of crops, and the crops' side in pixels."""

    each: list[Step] = field(default_factory=list)
    size: int = 0

    @property
    def last(self) -> Step:
        """The one that answers."""
        return self.each[-1]


class Outcome(NamedTuple):
    """What a slim network knows of faces that may go no further.

    Attributes:
        points: (B, L, 2), in pixels of the crop.
        moments: of the patches, (B, P, 6), as a `Window` has them.
        centers: of the patches, (B, P, 2), in pixels of the crop.
        attention: of each patch, (B, P).
        error: that is expected, (B,), calibrated.
        steps: that were taken, (B,).
    """

    points: Tensor
    moments: Tensor
    centers: Tensor
    attention: Tensor
    error: Tensor
    steps: Tensor

    @staticmethod
    def row(step: Step, error: Tensor, taken: int) -> Tensor:
        """All of it as one row per face, (B, N): so a batch's answers are mended in one go."""
        assert step.window is not None
        parts = [step.points, step.window.moments, step.centers, step.attention, error[:, None]]
        return F.pad(torch.cat([part.flatten(1) for part in parts], dim=1), (0, 1), value=taken)

    @classmethod
    def of(cls, rows: Tensor, landmarks: int, patches: int) -> "Outcome":
        """Read rows (B, N) again."""
        sizes = [2 * landmarks, 6 * patches, 2 * patches, patches, 1, 1]
        points, moments, centers, attention, error, steps = torch.split(rows, sizes, dim=1)
        return cls(
            points.reshape(-1, landmarks, 2),
            moments.reshape(-1, patches, 6),
            centers.reshape(-1, patches, 2),
            attention,
            error[:, 0],
            steps[:, 0],
        )


@dataclass(frozen=True, eq=False)
class Midway:
    """Faces between two steps of a slim network: what the next one needs, and what to answer.

    Attributes:
        kept: of the trunk on the way down, for finer levels, the finest first.
        features: on the step's level, (B, C, N, N).
        points: (B, L, 2), in pixels of the crop.
        hidden: (B, H).
        error: that is expected, (B,), calibrated.
        rows: what is answered of a face that goes no further, (B, N): `Outcome.row`.
    """

    kept: list[Tensor]
    features: Tensor
    points: Tensor
    hidden: Tensor
    error: Tensor
    rows: Tensor

    def chosen(self, faces: Tensor) -> "Midway":
        """Some of the faces, by their indices."""
        rows = {each.name: getattr(self, each.name) for each in fields(self)}
        kept = [each[faces] for each in rows.pop("kept")]
        return Midway(kept, **{name: value[faces] for name, value in rows.items()})
