"""Deep progressive reinitialization (Shao et al., TPAMI 2021): stand the face up, then look again.

A first network looks at the face as the detector has cut it and says how to cut it better:
upright, and as large as all faces are for the second network, which finds the landmarks about a
mean face (GSR). Then parts of the face are cut out in turn and looked at more closely (G&LSR).
All is cut inside the network, from one wide crop.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from canthus.config import config
from canthus.faces import LandmarkScheme, scheme_of
from canthus.models.base import AlignmentModel, Prediction, Target
from canthus.models.layers import affine
from canthus.models.layers.ellipses import Ellipses
from canthus.models.layers.perceptrons import Perceptrons
from canthus.models.layers.point_losses import POINT_LOSSES, PointLoss, errors
from canthus.models.layers.regressors import (
    PublishedRegression,
    PublishedReinit,
    SlimRegression,
    SlimReinit,
)
from canthus.models.layers.sampling import warp
from canthus.models.layers.scores import Scores

# What is looked at closely: all parts of a scheme whose names begin so, together.
PARTS = (
    ("right_brow", "right_eye", "right_pupil"),
    ("left_brow", "left_eye", "left_pupil"),
    ("nose",),
    ("lip",),
)
FILLS = 0.88  # of the upright crop, by the longer side of the mean face
FILLED = 10 / 12  # of its crop, by the longer side of a part of the mean face
FIRST_ERROR = 0.1  # longer sides of the tight box that landmarks are off before a training
MEMORY = 0.99  # of the usual errors, from one batch to the next
ENOUGH = 0.5  # of a face's landmarks to be known, to say how it should stand
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
GENTLE = 0.1  # of what the first network says
STRETCH = 2.5  # times that a similarity scales a crop at most, either way
WHOLE_WIDTHS, PART_WIDTHS = (64, 128, 192, 256), (64, 96, 128)  # of the slim networks
DOUBT_WEIGHT = 0.01  # of the loss that teaches how far off landmarks may be
USUAL_DOUBT = -4.0  # logarithm of sides of the crop; what a network without doubts says
MOST_DOUBT = 4.0  # by how much the logarithm may differ from that


@config
class DprConfig:
    """Which stages there are, and how large the crops that they see.

    Attributes:
        scheme: of the landmarks: "68", "98" or "106jd".
        networks: "published", or "slim": ours, which also say how far off each landmark may be.
        local: whether parts are looked at closely (G&LSR), or the whole face alone (GSR).
        seen: the side of the square that the first network sees, over the side of the wide crop.
        coarse: side of the crop that the first network sees, in pixels.
        size: side of the upright crop, in pixels.
        part: side of the crop of a part, in pixels.
        maps: how the crops may differ from what they are cut from. "affine", as published: by
            six numbers each, those of the parts by networks too. "similarity": turned, scaled by
            up to `STRETCH` and moved, those of the parts so that their points fit the mean face's.
        colors: in which order the networks see them; the released ones want blue first.
        loss: of each landmark's error.
        adaptive: whether landmarks weigh the less the larger their errors are during the training.
        reinit_weight: of the first network's loss: how far the corners of its crop are off.
    """

    family: Literal["dpr"] = "dpr"
    scheme: Literal["68", "98", "106jd"] = "98"
    networks: Literal["published", "slim"] = "slim"
    local: bool = False
    seen: float = 0.5
    coarse: int = 64
    size: int = 128
    part: int = 64
    maps: Literal["affine", "similarity"] = "similarity"
    colors: Literal["rgb", "bgr"] = "rgb"
    loss: PointLoss = "distance"
    adaptive: bool = True
    reinit_weight: float = 1.0

    @property
    def num_landmarks(self) -> int:
        """How many points a face has."""
        return scheme_of(self.scheme).num_landmarks

    @property
    def granularity(self) -> int:
        """What a wide crop's side must be a multiple of: any side will do."""
        return 1


@dataclass(frozen=True, eq=False)
class Stages:
    """What each stage found, in one batch.

    Attributes:
        upright: from pixels of the picture to those of the upright crop, (B, 2, 3).
        points: in the upright crop, (B, L, 2), by the second network.
        to_parts: from the upright crop to those of the parts, (B, P, 2, 3); None without them.
        refined: in the upright crop, (B, L, 2): the parts' points where they were looked at.
        doubt: logarithms of how far those may be off, in sides of the upright crop, (B, L).
    """

    upright: Tensor
    points: Tensor
    to_parts: Tensor | None
    refined: Tensor
    doubt: Tensor

    @property
    def found(self) -> Tensor:
        """The landmarks in the picture, (B, L, 2)."""
        return affine.apply(affine.inverse(self.upright), self.refined)


class Dpr(AlignmentModel[Stages]):
    """A first network that stands the face up, and regressors about the means of what they see."""

    mean: Tensor
    typical: Tensor

    def __init__(self, config: DprConfig) -> None:
        super().__init__()
        self.config = config
        points = config.num_landmarks
        self.parts = parts_of(scheme_of(config.scheme)) if config.local else []
        counts = [len(part) for part in self.parts]
        begins = IDENTITY if config.maps == "affine" else (0.0,) * 4
        if config.networks == "published":
            self.reinit: nn.Module = PublishedReinit(begins)
            self.regress: nn.Module = PublishedRegression([points], config.size, 256)
        else:
            self.reinit = SlimReinit(config.coarse, begins)
            self.regress = SlimRegression([points], config.size, WHOLE_WIDTHS, 48, 128)
        if config.local and config.networks == "published":
            self.local_regress: nn.Module = PublishedRegression(counts, config.part, 64)
        elif config.local:
            self.local_regress = SlimRegression(counts, config.part, PART_WIDTHS, 24, 48)
        if config.local and config.maps == "affine":
            self.local_reinit = Perceptrons([2 * points, 128, 64], [6] * len(self.parts))
        self.register_buffer("mean", torch.zeros(points, 2))
        self.register_buffer("typical", torch.full((points,), FIRST_ERROR))
        self.ellipses = Ellipses(points)
        self.scores = Scores(points)
        self.register_buffer("sideways", torch.zeros(1))

    def forward(self, crops: Tensor) -> Stages:
        return self.look(crops, self._square(crops))

    def look(self, pictures: Tensor, to_coarse: Tensor) -> Stages:
        """Find the landmarks of a face in each picture.

        Args:
            pictures: (B, 3, H, W), RGB in [0, 1].
            to_coarse: (B, 2, 3), from their pixels to those of the crops that the first network
                is to see.
        """
        upright = self.stand_up(warp(pictures, to_coarse, self.config.coarse), to_coarse)
        faces = warp(pictures, upright, self.config.size)
        points, doubt = self.regression(faces)
        if not self.config.local:
            return Stages(upright, points, None, points, doubt)
        to_parts = self.to_parts(points)
        batch, parts = to_parts.shape[:2]
        if self.config.networks == "published":  # cut from the crop that was cut already
            shown, maps = faces, to_parts
        else:
            shown, maps = pictures, affine.compose(to_parts, upright[:, None])
        shown = shown[:, None].expand(-1, parts, -1, -1, -1).flatten(0, 1)
        crops = warp(shown, maps.flatten(0, 1), self.config.part)
        crops = crops.reshape(batch, parts, *crops.shape[1:])
        refined, doubt = self.replaced(
            points, to_parts, self.local_regress(self.as_input(crops)), doubt
        )
        return Stages(upright, points, to_parts, refined, doubt)

    def as_input(self, crops: Tensor) -> Tensor:
        """Crops (..., 3, S, S), RGB in [0, 1], as the networks want them."""
        return 2 * (crops.flip(-3) if self.config.colors == "bgr" else crops) - 1

    def stand_up(self, coarse: Tensor, to_coarse: Tensor) -> Tensor:
        """The maps from the pictures to the upright crops, from what the first network sees."""
        numbers, size = self.reinit(self.as_input(coarse)), self.config.coarse
        if self.config.maps == "affine":
            first = _scaled_map(numbers, size)
        else:
            first = _similarity(numbers, size)
        larger = self.config.size / self.config.coarse
        return larger * affine.compose(first, to_coarse)

    @torch.no_grad()
    def prepare(self, mean_face: Tensor) -> None:
        low, high = mean_face.amin(dim=0), mean_face.amax(dim=0)
        self.mean.copy_(0.5 + FILLS / (high - low).max() * (mean_face - (low + high) / 2))
        if self.config.local and self.config.maps == "affine":
            starts = self._fitted(self.config.size * self.mean[None])[0]
            for start, layer in zip(starts, self.local_reinit.last, strict=True):
                assert isinstance(layer, nn.Linear)
                layer.bias.copy_((start / torch.tensor([1.0, 1.0, self.config.part])).flatten())

    def regression(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """The landmarks (B, L, 2) in upright crops (B, 3, size, size), and their doubt (B, L)."""
        (found,) = self.regress(self.as_input(faces)[:, None])
        return self.config.size * (found[..., :2] / 2 + self.mean), _doubt(found)

    def to_parts(self, points: Tensor) -> Tensor:
        """Where the parts are to be cut out of the upright crop: maps (B, P, 2, 3)."""
        if self.config.maps == "similarity":
            return self._fitted(points.detach())  # a part is not moved so that it is found
        numbers = self.local_reinit(points.flatten(1)[None])
        return _scaled_map(torch.stack(numbers, dim=1), self.config.part)

    def _fitted(self, points: Tensor) -> Tensor:
        """The similarities (B, P, 2, 3) that bring the parts' points closest to their means."""
        part, maps = self.config.part, []
        for indices in self.parts:
            each = points[:, indices]
            mean = part * part_mean(self.mean[indices])
            maps.append(affine.fit(each, mean, torch.ones_like(each[..., 0])))
        return torch.stack(maps, dim=1)

    def replaced(
        self, points: Tensor, to_parts: Tensor, found: list[Tensor], doubt: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The points (B, L, 2) and their doubt (B, L), those of the parts by what was found there.

        Args:
            points: in the upright crop.
            to_parts: from there to the parts' crops, (B, P, 2, 3).
            found: for each part (B, n, 2 or 3): offsets from the part's mean, and their doubt.
            doubt: of the points.
        """
        back, points, doubt = affine.inverse(to_parts), points.clone(), doubt.clone()
        larger = torch.linalg.det(to_parts[..., :2]).abs().clamp(min=1e-12).log() / 2
        for number, (indices, each) in enumerate(zip(self.parts, found, strict=True)):
            places = self.config.part * (each[..., :2] / 2 + part_mean(self.mean[indices]))
            points[:, indices] = affine.apply(back[:, number], places)
            doubt[:, indices] = (
                _doubt(each)
                - larger[:, number, None]
                + math.log(self.config.part / self.config.size)
            )
        return points, doubt

    def loss(self, output: Stages, target: Target) -> dict[str, Tensor]:
        back = affine.inverse(output.upright)
        whole, known = errors(affine.apply(back, output.points), target)
        terms = {
            "reinit": self.config.reinit_weight * self._misplaced(back, target),
            "points": self._weighed(whole, known, target.readout),
        }
        if self.config.local:
            terms["refined"] = self._weighed(*errors(output.found, target), target.readout)
        if self.config.networks == "slim":
            terms["doubt"] = DOUBT_WEIGHT * self._misjudged(output, target)
        if self.training:
            self._remember(whole.detach()[:, : len(self.mean)], target.known)
        return terms

    def _misjudged(self, output: Stages, target: Target) -> Tensor:
        """How unlikely the errors are by the doubt, with the tails of Laplace."""
        error, known = errors(output.found.detach(), target)
        points = len(self.mean)
        error, known = error[:, :points], known[:, :points]
        side = self.config.size / _scale(output.upright.detach())  # in pixels of the picture
        apart = error * (target.size / side)[:, None]
        each = apart * (-output.doubt).exp() + 2 * output.doubt
        return (each * known).sum() / known.sum().clamp(min=1)

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
        if self.config.adaptive:
            weight = self.typical.mean() / self.typical
            each = each * torch.cat([weight, readout @ weight])
        return each.sum() / known.sum().clamp(min=1)

    @torch.no_grad()
    def _remember(self, error: Tensor, known: Tensor) -> None:
        """Move each landmark's usual error a little towards that of this batch."""
        count = known.sum(dim=0)
        found = torch.where(count > 0, error.sum(dim=0) / count.clamp(min=1), self.typical)
        self.typical.lerp_(found, 1 - MEMORY)

    def decode(self, output: Stages) -> Prediction:
        side = self.config.size / _scale(output.upright)
        variance = (2 * output.doubt).exp() * side[:, None].square()
        return self.calibrated(
            output.found, variance[..., None].expand_as(output.found).diag_embed()
        )

    def _square(self, crops: Tensor) -> Tensor:
        """The maps from wide crops to what the first network sees: a square in their middle."""
        side = self.config.seen * crops.shape[-1]
        # the square's edges become the centers of the outermost pixels, as published
        scale = (self.config.coarse - 1) / side
        edge = (crops.shape[-1] - 1 - side) / 2
        row = [[scale, 0.0, -scale * edge], [0.0, scale, -scale * edge]]
        return torch.tensor(row, device=crops.device).expand(crops.shape[0], -1, -1)


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


def parts_of(scheme: LandmarkScheme) -> list[list[int]]:
    """The indices of each part's points; the subject's right eye first, as published."""
    return [
        [i for name, indices in scheme.parts.items() if name.startswith(start) for i in indices]
        for start in PARTS
    ]


def part_mean(points: Tensor) -> Tensor:
    """A part's points (n, 2) of the mean face in its own crop, in sides of that."""
    low, high = points.amin(dim=0), points.amax(dim=0)
    return 0.5 + FILLED / (high - low).max() * (points - (low + high) / 2)


def _scaled_map(numbers: Tensor, size: int) -> Tensor:
    """Affine maps (..., 2, 3) of six numbers each, in which shifts are in sides of a crop."""
    return numbers.reshape(*numbers.shape[:-1], 2, 3) * torch.tensor(
        [1.0, 1.0, size], device=numbers.device
    )


def _similarity(numbers: Tensor, size: int) -> Tensor:
    """Maps (B, 2, 3) of a turn, the logarithm of a scale, and a shift in sides of a crop each.

    All about the crop's middle; zeros change nothing. A network may ask for any number, and has to
    ask loudly: what it sees next must not jump while it learns.
    """
    numbers = GENTLE * numbers
    turn, stretch, *_ = numbers.unbind(dim=-1)
    scale = (math.log(STRETCH) * torch.tanh(stretch)).exp()
    middle = (size - 1) / 2
    linear = affine.similarity(
        scale * turn.cos(), scale * turn.sin(), torch.zeros_like(numbers[:, 2:])
    )
    kept = affine.apply(linear, torch.full_like(numbers[:, None, 2:], middle))[:, 0]
    shift = middle - kept + size * numbers[:, 2:]
    return affine.similarity(scale * turn.cos(), scale * turn.sin(), shift)


def _doubt(found: Tensor) -> Tensor:
    """The logarithm of how far points may be off, in sides of their crop, (B, n); may be unsaid."""
    if found.shape[-1] == 2:
        return torch.full_like(found[..., 0], USUAL_DOUBT)
    return USUAL_DOUBT + MOST_DOUBT * torch.tanh(found[..., 2] / MOST_DOUBT)


def _scale(maps: Tensor) -> Tensor:
    """How many times longer lengths become by maps (B, 2, 3), on average, (B,)."""
    return torch.linalg.det(maps[..., :2]).abs().clamp(min=1e-12).sqrt()
