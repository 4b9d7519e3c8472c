"""What the stages of progressive reinitialization find, on the way to the answer."""

from dataclasses import dataclass

from torch import Tensor

from canthus.models.layers import affine


@dataclass(frozen=True, eq=False)
class Drawn:
    """Heatmaps of one network.

    Attributes:
        maps: logits, (B, n, N, N).
        back: from pixels of the crop that they were drawn over to those of the picture, (B, 2, 3).
        indices: of their landmarks, n.
        stride: pixels of the crop in a cell.
    """

    maps: Tensor
    back: Tensor
    indices: list[int]
    stride: int


@dataclass(frozen=True, eq=False)
class Stages:
    """What each stage found, in one batch.

    Attributes:
        said: from pixels of the upright crop to those of the picture, (B, 2, 3), as the first
            network says.
        back: the same, for the later stages: its gradients reach that network, or do not.
        rough: in the picture, (B, L, 2), by the first network; None where it finds no landmarks.
        points: in the upright crop, (B, L, 2), by the second network.
        from_parts: from the parts' crops to the upright crop, (B, P, 2, 3); None without them.
        refined: in the upright crop, (B, L, 2): the parts' points where they were looked at.
        covariance: of those, (B, L, 2, 2).
        drawn: the heatmaps that all was read from, if it was.
    """

    said: Tensor
    back: Tensor
    rough: Tensor | None
    points: Tensor
    from_parts: Tensor | None
    refined: Tensor
    covariance: Tensor
    drawn: list[Drawn]

    @property
    def found(self) -> Tensor:
        """The landmarks in the picture, (B, L, 2)."""
        return affine.apply(self.back, self.refined)
