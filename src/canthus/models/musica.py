"""MuSiCa (Shapira et al., ACM MM 2021): cascaded regression on patches, which knows how it did.

From a mean face on, step by step: look at patches about where the landmarks are thought to be,
on one level of a pyramid after the other, and say how they should move; and how far off they will
be then, so that a face that is found need not be looked at again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, cast

import torch
from torch import Tensor, nn

from canthus.config import config
from canthus.faces import scheme_of
from canthus.models.base import AlignmentModel, Prediction, Target, framed
from canthus.models.layers.cascade import (
    PATCH,
    Moved,
    PublishedStep,
    SlimStep,
    Window,
)
from canthus.models.layers.cascade_losses import (
    expected_terms,
    face_errors,
    followed,
    patch_divergence,
    published_terms,
)
from canthus.models.layers.ellipses import Ellipses
from canthus.models.layers.heatmaps import covariances
from canthus.models.layers.ladders import Ladder
from canthus.models.layers.patches import Sampling, middles, own_patches, patches
from canthus.models.layers.point_losses import distance
from canthus.models.layers.precision import product
from canthus.models.layers.pyramid import pyramid, standardized
from canthus.models.layers.scores import Scores
from canthus.models.layers.steps import Midway, Outcome, Step, Steps
from canthus.models.layers.trunk import QUARTER, Trunk

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
        finest: pixels of the crop in a cell of a slim network's finest level; each coarser level
            has cells twice as wide.
        patch: cells of a slim patch's side; the same on all levels, so that a coarse one is wide.
        end_to_end: whether a later step's loss teaches a slim network's earlier ones too where
            they should put the patches.
        loss: "distance": how far landmarks are off after each step; the error that is expected is
            taught by that, and does not change it. Or "published", where it does: distances
            along x and y, over that of the outer corners of the eyes.
        step_weights: of each step's landmarks in the loss "distance"; empty: 1 each.
        follow: of how far earlier steps are from what the last one finds, which that does not
            change; in the loss "distance", beside how far they are from the truth.
        error_weight: of the expected error's loss.
        map_weight: of the divergence of slim patches from Gaussians of a cell.
        quit_below: for each step but the last: a face is done if less error is expected after
            it, in longer sides of its tight box; slim networks only. Empty: all take all steps.
            The loss is of all.
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
    finest: Literal[2, 4] = 2
    patch: int = 6
    end_to_end: bool = False
    loss: Literal["distance", "published"] = "distance"
    step_weights: tuple[float, ...] = ()
    follow: float = 0.0
    error_weight: float = 0.05
    map_weight: float = 0.1
    quit_below: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        below = self.quit_below or (0.0,)
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
        told = self.networks == "slim" and self.loss == "distance" and min(below) >= 0
        if self.quit_below and not (told and len(below) == self.steps - 1):
            raise ValueError(
                "quit_below: expected none, or for slim networks with loss distance one of 0 or "
                f"more for each of {self.steps} steps but the last, found {list(below)}"
            )
        if self.step_weights and len(self.step_weights) != self.steps:
            raise ValueError(
                f"step_weights: expected {self.steps} or none, found {list(self.step_weights)}"
            )
        coarse = self.num_levels if self.finest == 4 else self.num_levels - 1
        if self.networks == "slim" and len(self.widths) <= coarse:
            raise ValueError(
                f"widths: expected {coarse + 1} or more for {self.steps} steps, found "
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
    def can_quit(self) -> bool:
        """Whether a face may be done before the last step."""
        return self.networks == "slim" and self.loss == "distance" and self.steps > 1

    @property
    def granularity(self) -> int:
        """What a crop's side must be a multiple of; any side will do for published networks."""
        return QUARTER * 2 ** (len(self.widths) - 1) if self.networks == "slim" else 1


class Musica(AlignmentModel[Steps]):
    """Steps from a mean face to the landmarks, from coarse to fine."""

    mean: Tensor
    nearest: Tensor
    strides: Tensor

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
            self.trunk = Trunk(
                config.stem, config.widths, len(chosen), config.num_levels, config.finest
            )
            size = config.patch
            made = (
                SlimStep(len(chosen), points, size=size, hidden=units, attention=attention)
                for _ in count
            )
        self.steps = nn.ModuleList(made)
        self.ladders = nn.ModuleList(Ladder(signs=2) for _ in count)
        strides = [float(config.finest * 2**level) for level in LEVELS[config.steps]]
        self.register_buffer("strides", torch.tensor(strides), persistent=False)
        self.register_buffer("mean", torch.zeros(points, 2))
        self.register_buffer("nearest", torch.zeros(points, len(chosen)))
        self.ellipses = Ellipses(points)
        self.scores = Scores(points)
        self.register_buffer("sideways", torch.zeros(1))
        self._tie()

    @torch.no_grad()
    def prepare(self, mean_face: Tensor, fits: Tensor | None = None) -> None:
        self.mean.copy_(framed(mean_face, self.config.fills))
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
            shown = said.attention
            yield Step(points, said.error, hidden, said.offsets, centers, 2**level, shown)

    def _slim(self, crops: Tensor, points: Tensor) -> Iterator[Step]:
        kept = self.trunk.down(crops)
        features, hidden = kept[-1], None
        for number in range(self.config.steps):
            features = self.raised(number, kept, features)
            if not self.config.end_to_end:
                points = points.detach()
            found = self.look(number, features, points, hidden)
            yield found
            points, hidden = found.points, found.hidden

    def raised(self, number: int, kept: list[Tensor], features: Tensor) -> Tensor:
        """A slim network's features on the level of a step, from those of the step before.

        Args:
            number: of the step, from 0; the first takes the trunk's last features.
            kept: what the trunk has kept on the way down, the finest first.
            features: (B, C, N, N).
        """
        levels = LEVELS[self.config.steps]
        above = levels[number - 1] if number else len(kept) - 1
        for level in range(above - 1, levels[number] - 1, -1):
            features = self.trunk.up(kept, features, level)
        return features

    def look(self, number: int, features: Tensor, points: Tensor, hidden: Tensor | None) -> Step:
        """One step of a slim network.

        Args:
            number: of the step, from 0.
            features: on its level, (B, C, N, N).
            points: before it, (B, L, 2).
            hidden: before it, (B, H); None before the first.
        """
        level = LEVELS[self.config.steps][number]
        stride, maps = self.config.finest * 2**level, self.trunk.draw(features, level)
        centers = points[:, self.config.looked_at] if self.config.patches else points
        logits = own_patches(maps, centers, self.config.patch, stride)
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
            said.attention,
            logits,
            window,
        )

    def loss(self, output: Steps, target: Target) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        weight = self.config.error_weight
        counts = self.config.step_weights or (1.0,) * self.config.steps
        for number, (step, count) in enumerate(zip(output.each, counts, strict=True)):
            if self.config.loss == "published":
                off, gap = published_terms(step.points, step.error, target, self._corners())
                terms[f"points{number}"] = (1 - weight) * off
            else:
                terms[f"points{number}"] = count * distance(step.points, target)
                if self.config.follow and step is not output.last:
                    off = followed(step.points, output.last.points, target)
                    terms[f"follow{number}"] = count * self.config.follow * off
                gap = expected_terms(step.points, step.error, target)
            terms[f"error{number}"] = weight * gap
            if step.logits is not None:
                chosen = self.config.looked_at
                apart = target.points[:, chosen] - step.centers.detach()
                known = target.known[:, chosen]
                off = patch_divergence(step.logits, apart / step.stride, known)
                terms[f"maps{number}"] = count * self.config.map_weight * off
        return terms

    def _corners(self) -> tuple[int, int]:
        """The outer corners of the eyes."""
        (first,), (second,) = scheme_of(self.config.scheme).normalizers["inter_ocular"]
        return first, second

    def predict(self, crops: Tensor) -> Prediction:
        return self.quitting(crops) if any(self.config.quit_below) else super().predict(crops)

    def quitting(self, crops: Tensor) -> Prediction:
        """Take steps only with faces that are not done; a slim network. No gradients flow."""
        with torch.no_grad():
            found, alive = self.first(crops), torch.arange(len(crops), device=crops.device)
            rows = found.rows
            for number in range(1, self.config.steps):
                below = self.config.quit_below[number - 1]
                going = (found.error >= below).nonzero()[:, 0]
                if not len(going):
                    break
                alive = alive[going]
                found = self.later(number, found.chosen(going))
                rows = rows.index_copy(0, alive, found.rows)
            return self.answered(rows)

    def first(self, crops: Tensor) -> Midway:
        """The first step of a slim network."""
        kept = self.trunk.down(crops)
        finer = LEVELS[self.config.steps][0]
        found = self._stepped(0, kept, kept[-1], (self.start(crops), None))
        return replace(found, kept=kept[:finer])

    def later(self, number: int, before: Midway) -> Midway:
        """A later step of a slim network, of faces that are not done."""
        pair = before.points, before.hidden
        return self._stepped(number, before.kept, before.features, pair)

    def _stepped(
        self,
        number: int,
        kept: list[Tensor],
        features: Tensor,
        before: tuple[Tensor, Tensor | None],
    ) -> Midway:
        features = self.raised(number, kept, features)
        step = self.look(number, features, *before)
        error = self.expected(number, step)
        assert error is not None
        rows = Outcome.row(step, error, number + 1)
        return Midway(kept, features, step.points, step.hidden, error, rows)

    def answered(self, rows: Tensor) -> Prediction:
        """What a slim network says of faces, from their `Outcome.row`s (B, N)."""
        found = Outcome.of(rows, self.config.num_landmarks, len(self.config.looked_at))
        stride = self.strides[(found.steps - 1).long()][:, None, None]
        covariance = self._of_landmarks(stride[..., None] ** 2 * covariances(found.moments))
        answer = self.calibrated(found.points, covariance)
        answer = replace(answer, error=found.error, steps=found.steps)
        side = (self.config.patch * stride).expand(-1, found.centers.shape[1], -1)
        return self._showing(answer, found.attention, torch.cat([found.centers, side], dim=-1))

    def decode(self, output: Steps) -> Prediction:
        last = output.last
        answer = self.calibrated(last.points, self.covariance(last, output.size))
        taken = len(output.each)
        error, steps = self.expected(taken - 1, last), torch.full_like(last.error, taken)
        answer = replace(answer, error=error, steps=steps)
        return self._showing(answer, last.attention, self.squares(last))

    def _showing(self, answer: Prediction, attention: Tensor, patches: Tensor) -> Prediction:
        """An answer, and where the network looked if its patches are weighed."""
        if not self.config.attention:
            return answer
        return replace(answer, attention=attention, patches=patches)

    def squares(self, step: Step) -> Tensor:
        """What a step looked at, (B, P, 3): x, y of the middle and side, in pixels of the crop."""
        size, middle = self.config.patch, step.centers
        if self.config.networks == "published":
            size, stride = PATCH, step.stride
            middle = stride * middles(middle / stride, size, self.config.sampling)
        return torch.cat([middle, torch.full_like(middle[..., :1], size * step.stride)], dim=-1)

    def covariance(self, step: Step, size: int) -> Tensor:
        """Of landmarks after a step, (B, L, 2, 2), in pixels of the crop squared.

        Args:
            step: what is found after it.
            size: of the crop's side; of a part of it are published networks in doubt.
        """
        if step.window is None:
            return torch.full_like(step.points, (UNSEEN * size) ** 2).diag_embed()
        return self._of_landmarks(step.stride**2 * covariances(step.window.moments))

    def _of_landmarks(self, covariance: Tensor) -> Tensor:
        """Covariances of all landmarks, (B, L, 2, 2), from those of the patches (B, P, 2, 2)."""
        if not self.config.patches:
            return covariance
        return product(self.nearest, covariance.flatten(2)).reshape(-1, len(self.nearest), 2, 2)

    def expected(self, number: int, step: Step) -> Tensor | None:
        """Errors (B,) that are expected after a step, calibrated; None with the published loss.

        Args:
            number: of the step, from 0.
            step: what it found.
        """
        if self.config.loss == "published":
            return None
        return cast(Tensor, self.ladders[number](self._signs(step)))

    def _signs(self, step: Step) -> Tensor:
        """Of an error, (B, 2): what the step says, and how spread its patches are."""
        said = step.error[:, None]
        spread = torch.ones_like(said) if step.window is None else step.window.spread
        return torch.cat([said, spread.log()], dim=1)

    @torch.no_grad()
    def calibrate(self, batches: Iterable[tuple[Tensor, Target]]) -> None:
        """Fit a ladder per step, from what it says to the errors that there are."""
        if self.config.loss == "published":
            return
        said, true = [], []
        for crops, target in batches:
            steps = self.eval()(crops).each
            said.append(torch.stack([self._signs(step) for step in steps]))
            true.append(torch.stack([face_errors(step.points, target) for step in steps]))
        pairs = zip(self.ladders, torch.cat(said, dim=1), torch.cat(true, dim=1), strict=True)
        for ladder, signs, found in pairs:
            assert isinstance(ladder, Ladder)
            ladder.fit(signs, found)
