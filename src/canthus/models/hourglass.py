"""Stacked hourglass: heatmaps, refined stack by stack (Newell et al., ECCV 2016), kept slim.

The crop becomes features at a quarter of its resolution, or an eighth of a finer crop's. An
hourglass halves them several times, growing wider as they get smaller, and adds what each level
kept on the way back up. Its heatmaps are distributions over the cells; their means are the
landmarks (Sun et al., ECCV 2018), so that nothing is rounded, neither in the labels nor in the
answer.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from canthus.config import config
from canthus.models.base import AlignmentModel, Prediction, Target
from canthus.models.layers import decoders
from canthus.models.layers.body import Body
from canthus.models.layers.decoders import Decoder
from canthus.models.layers.ellipses import Ellipses
from canthus.models.layers.heatmap_losses import Asked, Labels, MapLoss
from canthus.models.layers.residual import ConvNorm, signed
from canthus.models.layers.scores import Scores

Heatmaps = list[Tensor]  # logits (B, L, N, N) per stack; the last one answers


@config
class HourglassConfig:
    """How many hourglasses, how wide at each level, and what they learn from."""

    family: Literal["hourglass"] = "hourglass"
    num_landmarks: int = 68
    num_stacks: int = 1
    fine: tuple[int, ...] = ()  # channels at each halving before the stem, for larger crops
    stem: int = 32  # channels at twice the heatmaps' resolution
    widths: tuple[int, ...] = (96, 128, 160, 192)  # channels from the widest map to the smallest
    blocks: int = 1  # residual blocks per place
    loss: MapLoss = "integral"  # on the heatmaps, see `layers.heatmap_losses`
    labels: Labels = "continuous"  # or "published": cut to whole cells
    decoder: Decoder = "mean"  # see `layers.decoders`; takes back what published labels cut off
    sigma: float = 1.0  # of the target Gaussians, in heatmap cells
    point_weight: float = 1.0  # of the distance between mean and truth, in "integral"
    map_weight: float = 0.02  # of the divergence of heatmap and target Gaussian, in "integral"

    @property
    def stride(self) -> int:
        """Pixels of the crop in one cell of the heatmaps."""
        return 4 * 2 ** len(self.fine)

    @property
    def granularity(self) -> int:
        """What a crop's side must be a multiple of, so that every halving is even."""
        return self.stride * 2 ** (len(self.widths) - 1)


class Hourglass(AlignmentModel[Heatmaps]):
    """Heatmap regression at a fraction of the crop's resolution."""

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__()
        self.config = config
        width, points, stacks = config.widths[0], config.num_landmarks, range(config.num_stacks)
        channels = (3, *config.fine, config.stem, width)
        self.stem = nn.Sequential(*(ConvNorm(i, o, stride=2) for i, o in pairwise(channels)))
        self.bodies = nn.ModuleList(Body(config.widths, config.blocks) for _ in stacks)
        self.heads = nn.ModuleList(nn.Conv2d(width, points, 1) for _ in stacks)
        self.feedbacks = nn.ModuleList(nn.Conv2d(points, width, 1) for _ in stacks[1:])
        self.asked = Asked(
            config.loss,
            config.stride,
            config.sigma,
            config.labels,
            by_mean=config.decoder == "mean",
            point_weight=config.point_weight,
            map_weight=config.map_weight,
        )
        self.ellipses = Ellipses(points)
        self.scores = Scores(points)
        self.register_buffer("sideways", torch.zeros(1))

    def forward(self, crops: Tensor) -> Heatmaps:
        x = self.bodies[0](self.stem(signed(crops)))
        maps = [self.heads[0](x)]
        later = zip(self.feedbacks, self.bodies[1:], self.heads[1:], strict=True)
        for feedback, body, head in later:
            x = body(x + feedback(maps[-1]))
            maps.append(head(x))
        return maps

    def loss(self, output: Heatmaps, target: Target) -> dict[str, Tensor]:
        return self.asked.terms(output, target)

    def decode(self, output: Heatmaps) -> Prediction:
        logs = self.asked.logarithms(output[-1])
        found = decoders.DECODERS[self.config.decoder](logs, self.config.stride)
        return self.calibrated(self.asked.uncut(found.points), found.covariance)
