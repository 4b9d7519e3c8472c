"""Deep progressive reinitialization (Shao et al., TPAMI 2021): stand the face up, then look again.

A first network looks at the face as the detector has cut it and says how to cut it better:
upright, and as large as all faces are for the second network, which finds the landmarks about a
mean face (GSR). Then parts of the face are cut out in turn and looked at more closely (G&LSR).
All is cut inside the network, from one wide crop.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.config import config
from canthus.faces import scheme_of
from canthus.models.base import AlignmentModel, Prediction, Target, framed
from canthus.models.layers import affine
from canthus.models.layers.ellipses import Ellipses
from canthus.models.layers.heatmap_losses import map_loss
from canthus.models.layers.heatmaps import draw, locate
from canthus.models.layers.perceptrons import Perceptrons
from canthus.models.layers.point_losses import POINT_LOSSES, PointLoss, errors
from canthus.models.layers.precision import product
from canthus.models.layers.regressors import (
    MapRegression,
    PublishedRegression,
    PublishedReinit,
    Slim,
)
from canthus.models.layers.sampling import shrunk, warp, warp_parts
from canthus.models.layers.scores import Scores
from canthus.models.layers.stages import Drawn, Stages
from canthus.models.layers.standing import enlarging, part_mean, parts_of, scaled_map, upright

Weighing = Literal["alike", "fixed", "adaptive", "hard"]

FILLS = 0.8  # of the upright crop, by the longer side of the mean face
FIRST_ERROR = 0.1  # longer sides of the tight box that landmarks are off before a training
MEMORY = 0.99  # of the usual errors, from one batch to the next
ENOUGH = 0.5  # of a face's landmarks to be known, to say how it should stand
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
FIRST = Slim(8, (16, 32, 64))
WHOLE = Slim(16, (32, 64, 128, 160))
WIDE = Slim(32, (96, 128, 192, 96), fine=(16,))
PART = Slim(12, (24, 48, 64))
ACROSS = 1.6  # upright crops in a wide one: of faces as large as its box says, or a little larger
STIFF = 0.02  # of a wide crop's side in the fit of a turn: stands up where nothing is found
SMALLEST = 0.1  # of a wide crop's side: no face is smaller
SIGMA = 1.0  # of the Gaussians that heatmaps should be, in cells
DOUBT = 0.02  # sides of the crop that landmarks of a network without heatmaps may be off


@config
class DprConfig:
    """Which stages there are, and how large the crops that they see.

    Attributes:
        scheme: of the landmarks: "68", "98" or "106jd".
        networks: "published": their crops are any affine maps of what they are cut from, by six
            numbers each that networks say. Or "slim", ours, which find landmarks in heatmaps,
            and how far off each may be: crops are turned, scaled and moved so that landmarks lie
            where the mean face's do: those that the first network finds roughly, and then each
            part's.
        reinit: whether a first network says how to cut the face; without it the square that it
            would see is taken as it is.
        local: whether parts are looked at closely (G&LSR), or the whole face alone (GSR).
        contour: whether the outline is among these parts, in three pieces.
        local_share: of what the parts say in the answer; the rest is what the whole face said. 1 is
            as published, where the parts' points replace the others.
        seen: the side of the square that the first network sees, over the side of the wide crop.
        coarse: side of the crop that the first network sees, in pixels.
        size: side of the upright crop, in pixels.
        wide: whether a network sees that crop which is three times as wide, with cells of 8 pixels;
            a slim one.
        part: side of the crop of a part, in pixels.
        colors: in which order the networks see them; the released ones want blue first.
        loss: of each landmark's error.
        weighing: of the landmarks in the loss. "adaptive": the less, the larger their usual errors
            are during the training; "hard": the more; "fixed": those of the outline half as much
            as the others; "alike".
        end_to_end: whether the later stages' losses teach the first network too, through the crops.
        reinit_weight: of the first network's loss: how far the landmarks are off that it finds or,
            where it says numbers, the corners of the upright crop.
        map_weight: of the divergence of heatmaps from Gaussians of `SIGMA` cells.
    """

    family: Literal["dpr"] = "dpr"
    scheme: Literal["68", "98", "106jd"] = "98"
    networks: Literal["published", "slim"] = "slim"
    reinit: bool = True
    local: bool = False
    contour: bool = False
    local_share: float = 0.3
    seen: float = 1.0
    coarse: int = 64
    size: int = 96
    wide: bool = False
    part: int = 64
    colors: Literal["rgb", "bgr"] = "rgb"
    loss: PointLoss = "distance"
    weighing: Weighing = "adaptive"
    end_to_end: bool = False
    reinit_weight: float = 1.0
    map_weight: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.local_share <= 1:
            raise ValueError(f"local_share: expected 0 to 1, found {self.local_share}")
        if self.networks == "published" and (self.contour or not self.reinit):
            raise ValueError("the published networks have a first one, and none for the outline")
        if self.networks == "slim" and self.size % self.whole.granularity:
            raise ValueError(
                f"size: expected a multiple of {self.whole.granularity}, found {self.size}"
            )

    @property
    def whole(self) -> Slim:
        """The slim network for the whole face."""
        return WIDE if self.wide else WHOLE

    @property
    def num_landmarks(self) -> int:
        """How many points a face has."""
        return scheme_of(self.scheme).num_landmarks

    @property
    def granularity(self) -> int:
        """What a wide crop's side must be a multiple of: any side will do."""
        return 1


class Dpr(AlignmentModel[Stages]):
    """A first network that stands the face up, one for the whole face, and one for its parts."""

    mean: Tensor
    typical: Tensor

    def __init__(self, config: DprConfig) -> None:
        super().__init__()
        self.config = config
        points = config.num_landmarks
        self.parts = (
            parts_of(scheme_of(config.scheme), contour=config.contour) if config.local else []
        )
        counts = [len(part) for part in self.parts]
        if self.published:
            self.reinit: nn.Module = PublishedReinit(IDENTITY)
            self.regress: nn.Module = PublishedRegression([points], config.size, 256)
            if config.local:
                self.local_reinit = Perceptrons([2 * points, 128, 64], [6] * len(self.parts))
                self.local_regress: nn.Module = PublishedRegression(counts, config.part, 64)
        else:
            self.reinit = MapRegression([points], FIRST) if config.reinit else nn.Identity()
            self.regress = MapRegression([points], config.whole)
            if config.local:
                self.local_regress = MapRegression(counts, PART)
        self.register_buffer("mean", torch.zeros(points, 2))
        self.register_buffer("typical", torch.full((points,), FIRST_ERROR))
        self.ellipses = Ellipses(points)
        self.scores = Scores(points)
        self.register_buffer("sideways", torch.zeros(1))

    def forward(self, crops: Tensor) -> Stages:
        said, rough, drawn = self.stood_up(crops)
        back = said if self.config.end_to_end else said.detach()
        faces = self.faces(crops, back)
        (whole,) = self.regress(self.as_input(faces)[:, None])
        points, covariance = self.read(whole, self.mean, self.config.size)
        if not self.published:
            drawn.append(Drawn(whole, back, list(range(len(self.mean))), self.config.whole.stride))
        if not self.config.local:
            return Stages(said, back, rough, points, None, points, covariance, drawn)
        from_parts = self.from_parts(points)
        maps = affine.compose(back[:, None], from_parts)
        # published networks see what was cut already
        shown, places = (faces, from_parts) if self.published else (crops, maps)
        looks = warp_parts(shown, places, self.config.part)
        found = self.local_regress(self.as_input(looks))
        if not self.published:
            rows = zip(found, maps.unbind(dim=1), self.parts, strict=True)
            drawn += [Drawn(*row, PART.stride) for row in rows]
        refined, covariance = self.joined(points, from_parts, found, covariance)
        return Stages(said, back, rough, points, from_parts, refined, covariance, drawn)

    @property
    def published(self) -> bool:
        """Whether the networks are the published ones."""
        return self.config.networks == "published"

    def read(self, found: Tensor, mean: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Points (B, n, 2) in crops of a size and their covariances, from what a network says."""
        if not self.published:
            return locate(found, size / found.shape[-1])
        points = size * (found.float() / 2 + mean)
        return points, torch.full_like(points, (DOUBT * size) ** 2).diag_embed()

    def faces(self, crops: Tensor, back: Tensor) -> Tensor:
        """The upright crops (B, 3, size, size); of large wide crops blocks are averaged first."""
        config = self.config
        step = 1 if self.published else int(crops.shape[-1] / (ACROSS * config.size))
        if step < 2:
            return warp(crops, back, config.size)
        whole = torch.tensor([[[1.0, 0.0, (1 - step) / 2], [0.0, 1.0, (1 - step) / 2]]])
        smaller = affine.compose(whole.to(back), back) / step
        return warp(shrunk(crops, step), smaller, config.size)

    def _seen(self, crops: Tensor) -> float:
        """The side of the square that the first network sees, in pixels of wide crops."""
        return self.config.seen * crops.shape[-1]

    def stood_up(self, crops: Tensor) -> tuple[Tensor, Tensor | None, list[Drawn]]:
        """The maps (B, 2, 3) from upright crops back to wide ones, by what the first network sees.

        Also the landmarks (B, L, 2) in the wide crops that it finds and its heatmaps, where it
        does.
        """
        config, side = self.config, crops.shape[-1]
        if self.published:
            to_coarse = self._to_square(side).to(crops).expand(crops.shape[0], -1, -1)
            coarse = warp(crops, affine.inverse(to_coarse), config.coarse)
            first = scaled_map(self.reinit(self.as_input(coarse)).float(), config.coarse)
            upright = config.size / config.coarse * affine.compose(first, to_coarse)
            return affine.inverse(upright), None, []
        if not config.reinit:
            seen = self._seen(crops)
            return enlarging(crops, seen / config.size, (side - seen) / 2), None, []
        coarse, back = self.coarse(crops)
        (found,) = self.reinit(self.as_input(coarse)[:, None])
        places, _ = locate(found, FIRST.stride)
        rough = affine.apply(back, places)
        drawn = Drawn(found, back, list(range(len(self.mean))), FIRST.stride)
        return self.standing(rough, side), rough, [drawn]

    def standing(self, rough: Tensor, side: int) -> Tensor:
        """The maps (B, 2, 3) from upright crops, turned as landmarks (B, L, 2) are.

        As `upright` says of all landmarks, but back. Where there is no face, all landmarks may lie
        at one place; there the maps stay what they are for a small face that is not turned.

        Args:
            rough: landmarks in wide crops.
            side: of the wide crops.
        """
        size = self.config.size
        numbers = product(rough.flatten(1), affine.fitting(self.mean))
        turn = numbers.reshape(-1, 2, 3)[..., :2] + STIFF * side * torch.eye(2).to(rough)
        turn = turn / (turn[:, :1].square().sum(dim=-1, keepdim=True) + 1e-12).sqrt()
        places = product(rough, turn)  # turned back
        low, high = places.amin(dim=1), places.amax(dim=1)
        step = (high - low).amax(dim=-1).clamp(min=SMALLEST * side) / (FILLS * size)
        corner = (low + high) / 2 - step[:, None] * size / 2
        shift = product(turn, corner[..., None])
        return torch.cat([step[:, None, None] * turn, shift], dim=-1)

    def coarse(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """The middle of wide crops, (B, 3, coarse, coarse), and the maps (B, 2, 3) back from it.

        It is averaged over blocks of whole pixels, if it holds that many.
        """
        side, size = crops.shape[-1], self.config.coarse
        step = int(self._seen(crops) / size + 1e-6)
        if step < 1:
            small = F.interpolate(crops, (size, size), mode="bilinear")
            return small, enlarging(crops, side / size, 0.0)
        edge = (side - step * size) // 2
        inner = crops[..., edge : edge + step * size, edge : edge + step * size]
        return shrunk(inner, step), enlarging(crops, step, edge)

    def as_input(self, crops: Tensor) -> Tensor:
        """Crops (..., 3, S, S), RGB in [0, 1], as the networks want them."""
        return 2 * (crops.flip(-3) if self.config.colors == "bgr" else crops) - 1

    @torch.no_grad()
    def prepare(self, mean_face: Tensor, fits: Tensor | None = None) -> None:
        self.mean.copy_(framed(mean_face, FILLS))
        if self.config.local and self.published:
            starts = affine.inverse(self._fitted(self.config.size * self.mean[None]))[0]
            for start, layer in zip(starts, self.local_reinit.last, strict=True):
                assert isinstance(layer, nn.Linear)
                layer.bias.copy_((start / torch.tensor([1.0, 1.0, self.config.part])).flatten())

    def from_parts(self, points: Tensor) -> Tensor:
        """Where the parts are to be cut out: maps (B, P, 2, 3) from their crops to the upright one.

        A part is not moved so that it is found: no gradients flow to the points.
        """
        if not self.published:
            return self._fitted(points.detach())
        numbers = torch.stack(self.local_reinit(points.flatten(1)[None]), dim=1)
        return affine.inverse(scaled_map(numbers.float(), self.config.part))

    def _fitted(self, points: Tensor) -> Tensor:
        """The similarities (B, P, 2, 3) that bring the parts' means closest to their points."""
        matrix = self.mean.new_zeros(len(self.mean), 2, len(self.parts), 6)
        for number, indices in enumerate(self.parts):
            place = self.config.part * part_mean(self.mean[indices])
            matrix[indices, :, number] = affine.fitting(place).reshape(-1, 2, 6)
        numbers = product(points.flatten(1), matrix.flatten(2).flatten(0, 1))
        return numbers.reshape(-1, len(self.parts), 2, 3)

    def joined(
        self, points: Tensor, from_parts: Tensor, found: list[Tensor], covariance: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Points (B, L, 2) and covariances (B, L, 2, 2), of the whole face and of its parts.

        Args:
            points: in the upright crop.
            from_parts: from the parts' crops to there, (B, P, 2, 3).
            found: what the networks say of each part.
            covariance: of the points.
        """
        if self.published:
            read = [
                self.read(each, part_mean(self.mean[indices]), self.config.part)
                for indices, each in zip(self.parts, found, strict=True)
            ]
            places, spread = (torch.cat(each, dim=1).to(points) for each in zip(*read, strict=True))
        else:
            places, spread = locate(torch.cat(found, dim=1), PART.stride)
        owners = [part for part, indices in enumerate(self.parts) for _ in indices]
        maps = from_parts[:, owners]
        moved = affine.apply(maps, places[:, :, None])[:, :, 0]
        turned = affine.apply_covariance(maps, spread[:, :, None])[:, :, 0]
        kept = list(range(len(self.mean)))
        for place, index in enumerate(index for indices in self.parts for index in indices):
            kept[index] = len(kept) + place
        share = self.config.local_share
        refined = torch.cat([points, moved], dim=1)[:, kept]
        spread = torch.cat([covariance, turned], dim=1)[:, kept]
        return (
            points + share * (refined - points),
            covariance + share * (spread - covariance),
        )

    def loss(self, output: Stages, target: Target) -> dict[str, Tensor]:
        whole, known = errors(affine.apply(output.back, output.points), target)
        terms = {"points": self._weighed(whole, known, target.readout)}
        if output.rough is not None:
            first = self._weighed(*errors(output.rough, target), target.readout)
            terms["reinit"] = self.config.reinit_weight * first
        elif self.config.reinit:
            terms["reinit"] = self.config.reinit_weight * self._misplaced(output.said, target)
        if self.config.local:
            terms["refined"] = self._weighed(*errors(output.found, target), target.readout)
        if output.drawn:
            terms["maps"] = self.config.map_weight * self._diverging(output.drawn, target)
        if self.training:
            self._remember(whole.detach()[:, : len(self.mean)], target.known)
        return terms

    def _diverging(self, drawn: list[Drawn], target: Target) -> Tensor:
        """How far heatmaps are from Gaussians about the truth; the mean of the networks."""
        each = []
        for one in drawn:
            cells = one.maps.shape[-1]
            points = affine.apply(affine.inverse(one.back.detach()), target.points[:, one.indices])
            inside = (points > -0.5) & (points < one.stride * cells - 0.5)
            known = target.known[:, one.indices] * inside.all(dim=-1)
            wanted = draw(points, cells, stride=one.stride, sigma=SIGMA, by_mean=True)
            each.append(map_loss("integral", one.maps, wanted, known))
        return torch.stack(each).mean()

    def _misplaced(self, back: Tensor, target: Target) -> Tensor:
        """How far the corners of the upright crops are from where they should be."""
        size = self.config.size
        wanted = affine.inverse(upright(target.points, target.known, size * self.mean))
        edges = torch.tensor([-0.5, size - 0.5], device=back.device)
        corners = torch.cartesian_prod(edges, edges)[None]
        apart = affine.apply(back, corners) - affine.apply(wanted, corners)
        each = (apart.square().sum(dim=-1) + 1e-6).sqrt().mean(dim=-1) / target.size
        enough = (target.known.mean(dim=-1) > ENOUGH).float()
        return (each * enough).sum() / enough.sum().clamp(min=1)

    def _weighed(self, error: Tensor, known: Tensor, readout: Tensor) -> Tensor:
        """The mean loss of errors, of the landmarks and then of the blends, over what is known."""
        each = POINT_LOSSES[self.config.loss](error) * known
        weight = self._weights()
        each = each * torch.cat([weight, readout @ weight])
        return each.sum() / known.sum().clamp(min=1)

    def _weights(self) -> Tensor:
        """Of each landmark in the loss, (L,); 1 on average, or about that."""
        if self.config.weighing == "adaptive":
            return self.typical.mean() / self.typical
        if self.config.weighing == "hard":
            return self.typical / self.typical.mean()
        weight = torch.ones_like(self.typical)
        if self.config.weighing == "fixed":
            weight[list(scheme_of(self.config.scheme).parts["contour"])] = 0.5
        return weight / weight.mean()

    @torch.no_grad()
    def _remember(self, error: Tensor, known: Tensor) -> None:
        """Move each landmark's usual error a little towards that of this batch."""
        count = known.sum(dim=0)
        found = torch.where(count > 0, error.sum(dim=0) / count.clamp(min=1), self.typical)
        self.typical.lerp_(found, 1 - MEMORY)

    def decode(self, output: Stages) -> Prediction:
        return self.calibrated(
            output.found, affine.apply_covariance(output.back, output.covariance)
        )

    def _to_square(self, side: int) -> Tensor:
        """The map (2, 3) from wide crops to what a published first network sees of them.

        The edges of that square become the centers of its outermost pixels, as published.
        """
        size = self.config.coarse
        scale = (size - 1) / (self.config.seen * side)
        shift = (size - 1) / 2 - scale * (side - 1) / 2
        return torch.tensor([[scale, 0.0, shift], [0.0, scale, shift]])
