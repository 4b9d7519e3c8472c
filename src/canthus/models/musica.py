"""MuSiCa (Shapira et al., ACM MM 2021): cascaded regression on patches, which knows how it did.

From a mean face on, step by step: look at patches about where the landmarks are thought to be,
on one level of a pyramid after the other, and say how they should move; and how far off they will
be then, so that a face that is found need not be looked at again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from canthus.config import config
from canthus.faces import scheme_of
from canthus.models.base import AlignmentModel, Prediction, Target
from canthus.models.layers.cascade import PATCH, Moved, PublishedStep, SlimStep, Trunk, Window
from canthus.models.layers.cascade_losses import (
    expected_terms,
    patch_divergence,
    published_terms,
)
from canthus.models.layers.ellipses import Ellipses
from canthus.models.layers.patches import Sampling, own_patches, patches
from canthus.models.layers.point_losses import distance
from canthus.models.layers.precision import product
from canthus.models.layers.pyramid import pyramid, standardized
from canthus.models.layers.scores import Scores

LEVELS = {1: (0,), 2: (1, 0), 3: (2, 1, 0), 4: (2, 2, 1, 0)}  # of the pyramid, by the steps
UNSEEN = 0.02  # sides of the crop that landmarks of published networks may be off
NEIGHBORS = 2  # patches whose landmarks say where one without a patch is


@config
class MusicaConfig:
    """Which landmarks are looked at, how often, and by which networks.

    Attributes:
        scheme: of the landmarks: "68", "98" or "106jd".
        networks: "published": two convolutions over each patch of 14 x 14 pixels, on pictures of
            a Gaussian pyramid. Or "slim", ours: one hourglass over the whole crop draws a map per
            patch on each level on its way up; patches are windows of their maps.
        steps: how many, each with its own weights.
        patches: the indices of the landmarks that have one, in order; empty: all.
        attention: whether each patch weighs its features by what they are.
        sampling: of published patches: "bilinear", or "integer" as published.
        fills: of the crop, by the longer side of the mean face where all begins: the inverse of
            the recipe's `crop.scale`.
        hidden: units of the recurrent cell; 512 as published.
        stem: channels of a slim network at half of the crop's resolution.
        widths: its channels at a quarter, and at each halving after that.
        patch: cells of a slim patch's side; the same on all levels, so that a coarse one is wide.
        end_to_end: whether a later step's loss teaches a slim network's earlier ones too where
            they should put the patches.
        loss: "distance": how far landmarks are off after each step; the error that is expected is
            taught by that, and does not change it. Or "published", where it does: distances
            along x and y, over that of the outer corners of the eyes.
        error_weight: of the expected error's loss.
        map_weight: of the divergence of slim patches from Gaussians of a cell.
    """

    family: Literal["musica"] = "musica"
    scheme: Literal["68", "98", "106jd"] = "68"
    networks: Literal["published", "slim"] = "slim"
    steps: Literal[1, 2, 3, 4] = 3
    patches: tuple[int, ...] = ()
    attention: bool = True
    sampling: Sampling = "bilinear"
    fills: float = 0.77
    hidden: int = 96
    stem: int = 16
    widths: tuple[int, ...] = (32, 64, 128, 160)
    patch: int = 6
    end_to_end: bool = False
    loss: Literal["distance", "published"] = "distance"
    error_weight: float = 0.05
    map_weight: float = 0.1

    def __post_init__(self) -> None:
        strange = [index for index in self.patches if not 0 <= index < self.num_landmarks]
        if strange or len(set(self.patches)) < len(self.patches):
            raise ValueError(
                f"patches: expected different landmarks of scheme {self.scheme}, from 0 to "
                f"{self.num_landmarks - 1}, found {list(self.patches)}"
            )
        if not 0 < self.fills <= 1:
            raise ValueError(f"fills: expected more than 0 and at most 1, found {self.fills}")
        if self.patch < 2:
            raise ValueError(f"patch: expected 2 cells or more, found {self.patch}")
        if self.networks == "slim" and len(self.widths) <= self.num_levels:
            raise ValueError(
                f"widths: expected {self.num_levels + 1} or more for {self.steps} steps, found "
                f"{list(self.widths)}"
            )

    @property
    def num_landmarks(self) -> int:
        """How many points a face has."""
        return scheme_of(self.scheme).num_landmarks

    @property
    def looked_at(self) -> list[int]:
        """The landmarks that have a patch, in their order."""
        return list(self.patches) or list(range(self.num_landmarks))

    @property
    def num_levels(self) -> int:
        """Of the pyramid."""
        return max(LEVELS[self.steps]) + 1

    @property
    def granularity(self) -> int:
        """What a crop's side must be a multiple of; any side will do for published networks."""
        return Trunk.STRIDE * 2 ** (len(self.widths) - 1) if self.networks == "slim" else 1


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
    """

    points: Tensor
    error: Tensor
    hidden: Tensor
    offsets: Tensor
    centers: Tensor
    stride: int
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


class Musica(AlignmentModel[Steps]):
    """Steps from a mean face to the landmarks, from coarse to fine."""

    mean: Tensor
    nearest: Tensor

    def __init__(self, config: MusicaConfig) -> None:
        super().__init__()
        self.config = config
        points, chosen, units = config.num_landmarks, config.looked_at, config.hidden
        count = range(config.steps)
        attention = config.attention
        if config.networks == "published":
            made: Iterator[nn.Module] = (
                PublishedStep(len(chosen), points, units, attention=attention) for _ in count
            )
        else:
            self.trunk = Trunk(config.stem, config.widths, len(chosen), config.num_levels)
            size = config.patch
            made = (
                SlimStep(len(chosen), points, size=size, hidden=units, attention=attention)
                for _ in count
            )
        self.steps = nn.ModuleList(made)
        self.register_buffer("mean", torch.zeros(points, 2))
        self.register_buffer("nearest", torch.zeros(points, len(chosen)))
        self.ellipses = Ellipses(points)
        self.scores = Scores(points)
        self.register_buffer("sideways", torch.zeros(1))
        self._tie()

    @torch.no_grad()
    def prepare(self, mean_face: Tensor, fits: Tensor | None = None) -> None:
        low, high = mean_face.amin(dim=0), mean_face.amax(dim=0)
        share = self.config.fills / (high - low).max()
        self.mean.copy_(0.5 + share * (mean_face - (low + high) / 2))
        self._tie()

    @torch.no_grad()
    def _tie(self) -> None:
        """Let landmarks without a patch move as those do that are nearest in the mean face."""
        chosen = self.config.looked_at
        apart = (self.mean[:, None] - self.mean[chosen]).norm(dim=-1)
        apart[chosen, range(len(chosen))] = -1.0
        near = apart.topk(min(NEIGHBORS, len(chosen)), dim=1, largest=False).indices
        self.nearest.zero_().scatter_(1, near, 1 / near.shape[1])
        self.nearest[chosen] = torch.eye(len(chosen))

    def start(self, crops: Tensor) -> Tensor:
        """Where the landmarks are before anything is seen, (B, L, 2), in pixels of the crops."""
        sides = crops.new_tensor([crops.shape[-1], crops.shape[-2]], dtype=torch.float32)
        return (sides * self.mean - 0.5).expand(crops.shape[0], -1, -1)

    def forward(self, crops: Tensor) -> Steps:
        return self.cascade(crops, self.start(crops))

    def cascade(self, crops: Tensor, start: Tensor) -> Steps:
        """All steps.

        Args:
            crops: (B, 3, H, W), in [0, 1]; of equal sides for slim networks.
            start: where the landmarks are before, (B, L, 2), in pixels of the crops.
        """
        walk = self._published if self.config.networks == "published" else self._slim
        return Steps(list(walk(crops, start)), crops.shape[-1])

    def _published(self, crops: Tensor, points: Tensor) -> Iterator[Step]:
        config = self.config
        levels = pyramid(standardized(crops), config.num_levels)
        hidden = crops.new_zeros(crops.shape[0], config.hidden)
        for step, level in zip(self.steps, LEVELS[config.steps], strict=True):
            centers = points[:, config.looked_at]
            seen = patches(levels[level], centers / 2**level, PATCH, config.sampling)
            said: Moved = step(seen, hidden)
            points, hidden = points + 2**level * said.offsets, said.hidden
            yield Step(points, said.error, hidden, said.offsets, centers, 2**level)

    def _slim(self, crops: Tensor, points: Tensor) -> Iterator[Step]:
        config = self.config
        kept = self.trunk.down(crops)
        features, above = kept[-1], len(kept) - 1
        hidden = crops.new_zeros(crops.shape[0], config.hidden)
        for number, level in enumerate(LEVELS[config.steps]):
            while above > level:
                above -= 1
                features = self.trunk.up(kept, features, above)
            if not config.end_to_end:
                points = points.detach()
            yield (found := self.look(number, self.trunk.draw(features, level), points, hidden))
            points, hidden = found.points, found.hidden

    def look(self, number: int, maps: Tensor, points: Tensor, hidden: Tensor) -> Step:
        """One step of a slim network.

        Args:
            number: of the step, from 0.
            maps: of the patches' landmarks on its level, (B, P, N, N), as logits.
            points: before it, (B, L, 2).
            hidden: before it, (B, H).
        """
        stride = Trunk.STRIDE * 2 ** LEVELS[self.config.steps][number]
        centers = points[:, self.config.looked_at] if self.config.patches else points
        logits = own_patches(maps, (centers + 0.5) / stride - 0.5, self.config.patch)
        window = Window.of(logits)
        said: Moved = self.steps[number](window, hidden)
        found = window.mean if not self.config.patches else product(self.nearest, window.mean)
        moved = points + stride * (found + said.offsets)
        return Step(
            moved,
            said.error,
            said.hidden,
            said.offsets,
            centers,
            stride,
            logits,
            window,
        )

    def loss(self, output: Steps, target: Target) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        weight = self.config.error_weight
        for number, step in enumerate(output.each):
            if self.config.loss == "published":
                off, gap = published_terms(step.points, step.error, target, self._corners())
                terms[f"points{number}"] = (1 - weight) * off
            else:
                terms[f"points{number}"] = distance(step.points, target)
                gap = expected_terms(step.points, step.error, target)
            terms[f"error{number}"] = weight * gap
            if step.logits is not None:
                chosen = self.config.looked_at
                apart = target.points[:, chosen] - step.centers.detach()
                known = target.known[:, chosen]
                off = patch_divergence(step.logits, apart / step.stride, known)
                terms[f"maps{number}"] = self.config.map_weight * off
        return terms

    def _corners(self) -> tuple[int, int]:
        """The outer corners of the eyes."""
        (first,), (second,) = scheme_of(self.config.scheme).normalizers["inter_ocular"]
        return first, second

    def decode(self, output: Steps) -> Prediction:
        last = output.last
        if last.window is None:
            doubt = torch.full_like(last.points, (UNSEEN * output.size) ** 2).diag_embed()
            return self.calibrated(last.points, doubt)
        covariance = last.stride**2 * last.window.covariance
        if self.config.patches:
            covariance = product(self.nearest, covariance.flatten(2))
            covariance = covariance.reshape(*last.points.shape, 2)
        return self.calibrated(last.points, covariance)
