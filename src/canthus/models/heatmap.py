"""Stacked hourglass and SAT: one heatmap per landmark, refined stack by stack.

The hourglass is of Newell et al. (ECCV 2016); the scale aggregation topology, the channel
aggregation block and the coherent loss are of Guo et al. (BMVC 2018). With `loss: l2`,
`labels: published` and `decoder: published` this is the MXNet project that published these
networks, to the last digit; the defaults are what we found better.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn

from canthus.config import config
from canthus.models.base import AlignmentModel, Prediction, Target
from canthus.models.layers import coherence, decoders
from canthus.models.layers.blocks import Kind, block, conv, norm
from canthus.models.layers.deformable import DeformableConv
from canthus.models.layers.ellipses import Ellipses
from canthus.models.layers.heatmap_losses import Asked, Labels, MapLoss
from canthus.models.layers.scores import Scores
from canthus.models.layers.topologies import Hourglass, ScaleGrid

QUIET = 0.1  # of a head's usual fresh weights


@config
class HeatmapConfig:
    """Which topology, how deep, of which blocks, and what it learns from.

    Attributes:
        depth: halvings inside one stack.
        width: multiplies the channels: 256 in the stacks, 128 and 64 in the stem.
        stride: pixels of the crop in one cell of the heatmaps.
        deformable: where 3 x 3 deformable convolutions stand: 0 nowhere, 1 after the sum between
            two stacks, 2 in place of the heads' 1 x 1 convolutions, 3 both.
        deformable_sum: "next" lets the one after the sum make the next stack's input;
            "published" lets it draw maps, as the original hourglass did, to read its weights.
        gated: multiply a node of SAT's grid by the mean of another.
        loss: on the maps, see `layers.heatmap_losses`; "integral" also on their means.
        labels: "continuous", or "published": cut to whole cells.
        sigma: of the target Gaussians, in cells.
        decoder: see `layers.decoders`. But for "published", it takes back what published labels
            cut off.
        coherence: weight of the coherent loss; 0 leaves it out, and with it the second view.
    """

    family: Literal["heatmap"] = "heatmap"
    num_landmarks: Annotated[int, Gt(0)] = 68
    topology: Literal["hourglass", "sat"] = "hourglass"
    block: Kind = "cab"
    num_stacks: Annotated[int, Gt(0)] = 2
    depth: Annotated[int, Interval(ge=1, le=6)] = 3
    width: Annotated[float, Gt(0)] = 1.0
    stride: Literal[2, 4] = 2
    deformable: Literal[0, 1, 2, 3] = 0
    deformable_sum: Literal["next", "published"] = "next"
    gated: bool = False
    loss: MapLoss = "integral"
    labels: Labels = "continuous"
    sigma: Annotated[float, Ge(0)] = 1.0
    decoder: Literal["fit", "mean", "local", "quarter", "published"] = "mean"
    coherence: Annotated[float, Ge(0)] = 0.0

    @property
    def granularity(self) -> int:
        """What a crop's side must be a multiple of, so that every halving is even."""
        return self.stride * 2**self.depth

    @property
    def channels(self) -> tuple[int, int, int]:
        """Of the stem's convolution, of its first blocks, and of everything behind it."""
        return max(int(64 * self.width), 32), max(int(128 * self.width), 32), int(256 * self.width)


@dataclass(frozen=True, eq=False)
class Heatmaps:
    """Raw maps (B, L, N, N) per stack; the last one answers.

    While the coherent loss is learned, B holds the crops and then one view of each, (B / 2, 2, 3).
    """

    maps: list[Tensor]
    views: Tensor | None = None


class Heatmap(AlignmentModel[Heatmaps]):
    """A stem, then stacks that each draw the maps anew, knowing what the one before drew."""

    def __init__(self, config: HeatmapConfig) -> None:
        super().__init__()
        self.config = config
        by_mean = config.decoder == "mean"
        self.asked = Asked(config.loss, config.stride, config.sigma, config.labels, by_mean)
        self.stem = _Stem(config)
        last = config.num_stacks - 1
        stacks = [_Stack(config, last=i == last) for i in range(last + 1)]
        self.stacks = nn.ModuleList(stacks)
        self.ellipses = Ellipses(config.num_landmarks)
        self.scores = Scores(config.num_landmarks)
        self.register_buffer("sideways", torch.zeros(1))
        self.apply(_initialize)
        for stack in stacks:
            stack.quiet()

    def forward(self, crops: Tensor) -> Heatmaps:
        views = None
        if self.training and self.config.coherence > 0:
            views = coherence.views(crops)
            crops = torch.cat([crops, coherence.turned(crops, views)])
        x = self.stem(crops * (255 / 128) - 127.5 / 128)
        maps = []
        for stack in self.stacks:
            drawn, x = stack(x)
            maps.append(drawn)
        return Heatmaps(maps, views)

    def loss(self, output: Heatmaps, target: Target) -> dict[str, Tensor]:
        views = output.views
        if views is None:
            return self.asked.terms(output.maps, target)
        half, size = len(views), self.config.stride * output.maps[0].shape[-1]
        seen = replace(
            target,
            points=coherence.moved(target.points, views, size),
            blends=coherence.moved(target.blends, views, size),
        )
        terms = self.asked.terms([maps[:half] for maps in output.maps], target)
        for name, value in self.asked.terms([maps[half:] for maps in output.maps], seen).items():
            terms[name] = (terms[name] + value) / 2
        for i, maps in enumerate(output.maps):
            heights = self.asked.heights(maps)
            apart = coherence.apart(heights[:half], heights[half:], views)
            terms[f"coherence{i}"] = self.config.coherence * apart
        return terms

    def decode(self, output: Heatmaps) -> Prediction:
        maps, decoder, stride = output.maps[-1], self.config.decoder, self.config.stride
        if output.views is not None:
            maps = maps[: len(output.views)]
        kind = "fit" if decoder == "published" else decoder
        found = decoders.DECODERS[kind](self.asked.logarithms(maps), stride)
        if decoder == "published":
            return self.calibrated(decoders.published(maps, stride), found.covariance)
        return self.calibrated(self.asked.uncut(found.points), found.covariance)


class _Stem(nn.Module):
    """From pixels to the first map, at the heatmaps' resolution."""

    def __init__(self, config: HeatmapConfig) -> None:
        super().__init__()
        first, middle, width = config.channels
        kernel, step = (3, 1) if config.stride == 2 else (7, 2)
        self.conv0 = nn.Conv2d(3, first, kernel, step, kernel // 2, bias=False)
        self.bn0 = norm(first)
        self.res0 = block(config.block, first, middle)
        self.res1 = block(config.block, middle, middle)
        self.res2 = block(config.block, middle, width)

    def forward(self, crops: Tensor) -> Tensor:
        x = self.res0(F.relu(self.bn0(self.conv0(crops))))
        return self.res2(self.res1(F.max_pool2d(x, 2)))


class _Stack(nn.Module):
    """One look at all scales: its maps, and what the next stack starts from."""

    def __init__(self, config: HeatmapConfig, *, last: bool) -> None:
        super().__init__()
        width, landmarks = config.channels[-1], config.num_landmarks
        if config.topology == "sat":
            self.body: nn.Module = ScaleGrid(width, config.depth, gated=config.gated)
        else:
            self.body = Hourglass(config.block, width, config.depth)
        self.unit = block(config.block, width, width)
        shifted = config.deformable in (2, 3)
        self.ll = _Head(width, shifted=shifted)
        self.heatmap = (
            DeformableConv(width, landmarks) if shifted else conv(width, landmarks, 1, bias=True)
        )
        summed = config.deformable in (1, 3)
        draws = summed and config.topology == "hourglass" and config.deformable_sum == "published"
        self.ll2 = self.out2 = self.out3 = self.bridge = None
        if draws or not last:
            self.ll2 = conv(width, width, 1, bias=True)
            self.out2 = conv(landmarks, width, 1, bias=True)
            if summed:
                self.out3 = DeformableConv(width, landmarks if draws else width)
        if draws and not last:
            self.bridge = conv(landmarks, width, 1, bias=True)
        self.last = last

    def quiet(self) -> None:
        """Let the first maps say little, so that no landmark begins sure of a wrong place."""
        with torch.no_grad():
            self.heatmap.weight.mul_(QUIET)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.ll(self.unit(self.body(x)))
        maps = self.heatmap(features)
        if self.ll2 is None or self.out2 is None:
            return maps, x
        x = x + self.ll2(features) + self.out2(maps)
        if self.out3 is not None:
            x = self.out3(x)
        if self.bridge is not None:
            x = self.bridge(x)
        return (x if self.last else maps), x


class _Head(nn.Module):
    """A convolution, plain and 1 x 1 or deformable and 3 x 3, with norm and ReLU."""

    def __init__(self, width: int, *, shifted: bool) -> None:
        super().__init__()
        self.conv = DeformableConv(width, width) if shifted else conv(width, width, 1)
        self.bn = norm(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def _initialize(module: nn.Module) -> None:
    """Keep the size of signals (He et al., ICCV 2015); of a doubling, each output has one tap."""
    if isinstance(module, nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=math.sqrt(2 / module.in_channels))
    elif isinstance(module, nn.Conv2d) and module.weight.any():
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
