"""What the steps of MuSiCa find, on the way to the answer."""

from dataclasses import dataclass, field, fields

from torch import Tensor

from canthus.models.layers.cascade import Window

# Of faces that go no further.
ANSWERS = ("points", "covariance", "error", "attention", "patches", "steps")


@dataclass(frozen=True, eq=False)
class Step:
    """What is found after a step, and on the way.

    Attributes:
        points: (B, L, 2), in pixels of the crop.
        error: that is expected of them, (B,): in longer sides of the tight box or, with the
            published loss, in its unit.
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


@dataclass(frozen=True, eq=False)
class Midway:
    """Faces between two steps of a slim network: what the next one needs, and what to answer.

    Attributes:
        kept: of the trunk on the way down, for finer levels, the finest first.
        features: on the step's level, (B, C, N, N).
        points: (B, L, 2), in pixels of the crop.
        hidden: (B, H).
        covariance: of the points, (B, L, 2, 2), before it is calibrated.
        error: that is expected, (B,), calibrated.
        attention: of each patch, (B, P).
        patches: the squares that were looked at, (B, P, 3): x and y of the middle and the side,
            in pixels of the crop.
        steps: that were taken, (B,).
    """

    kept: list[Tensor]
    features: Tensor
    points: Tensor
    hidden: Tensor
    covariance: Tensor
    error: Tensor
    attention: Tensor
    patches: Tensor
    steps: Tensor

    @property
    def answers(self) -> tuple[Tensor, ...]:
        """What is answered of a face that goes no further, in the order of `ANSWERS`."""
        return tuple(getattr(self, name) for name in ANSWERS)

    def chosen(self, faces: Tensor) -> "Midway":
        """Some of the faces, by their indices."""
        rows = {each.name: getattr(self, each.name) for each in fields(self)}
        kept = [each[faces] for each in rows.pop("kept")]
        return Midway(kept, **{name: value[faces] for name, value in rows.items()})
