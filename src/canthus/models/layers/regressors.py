"""The networks of DPR: from crops to numbers as published, and to heatmaps, our own."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from canthus.models.layers.body import Body
from canthus.models.layers.mobilenet import LAST, STRIDE, SmallMobileNet
from canthus.models.layers.perceptrons import Perceptrons
from canthus.models.layers.residual import ConvNorm

PUBLISHED_WIDTHS = (8, 16, 16, 32, 32, 64)  # of the published first network


class Slim(NamedTuple):
    """How a slim network is built, and how coarse its heatmaps are.

    Attributes:
        stem: channels before the last halving.
        widths: of the hourglass, from the widest map to the smallest.
        fine: channels at each halving before the stem.
    """

    stem: int
    widths: tuple[int, ...]
    fine: tuple[int, ...] = ()

    @property
    def stride(self) -> int:
        """Pixels of a crop in a cell of its heatmaps."""
        return 4 * 2 ** len(self.fine)

    @property
    def granularity(self) -> int:
        """What a crop's side must be a multiple of, so that every halving is even."""
        return self.stride * 2 ** (len(self.widths) - 1)


class PublishedReinit(nn.Module):
    """From a coarse crop (B, 3, 128, 128) to the numbers of a map."""

    def __init__(self, begins: Sequence[float]) -> None:
        super().__init__()
        first, second, third, fourth, fifth, last = PUBLISHED_WIDTHS
        self.features = nn.Sequential(
            nn.Conv2d(3, first, 5, stride=2),
            nn.MaxPool2d(2),
            nn.PReLU(),
            nn.Conv2d(first, second, 3),
            nn.PReLU(),
            nn.Conv2d(second, third, 3),
            nn.MaxPool2d(2),
            nn.PReLU(),
            nn.Conv2d(third, fourth, 3),
            nn.PReLU(),
            nn.Conv2d(fourth, fifth, 3),
            nn.MaxPool2d(2),
            nn.PReLU(),
            nn.Conv2d(fifth, last, 3),
            nn.PReLU(),
        )
        self.head = Perceptrons([4 * last, 32], [len(begins)])
        with torch.no_grad():
            end = self.head.last[0]
            assert isinstance(end, nn.Linear)
            end.bias.copy_(torch.tensor(begins))

    def forward(self, crops: Tensor) -> Tensor:
        (numbers,) = self.head(self.features(crops).flatten(1)[None])
        return numbers


class PublishedRegression(nn.Module):
    """From crops (B, P, 3, S, S) to offsets (B, n, 2) of each part's points; P networks."""

    def __init__(self, points: Sequence[int], size: int, width: int) -> None:
        super().__init__()
        self.backbone = SmallMobileNet(len(points))
        widths = [LAST * (size // STRIDE) ** 2, width, width]
        self.head = Perceptrons(widths, [2 * count for count in points])

    def forward(self, crops: Tensor) -> list[Tensor]:
        features = self.backbone(crops.flatten(1, 2)).transpose(0, 1)
        return [found.unflatten(-1, (-1, 2)) for found in self.head(features)]


class MapRegression(nn.Module):
    """From crops (B, P, 3, S, S) to heatmaps (B, n, N, N) of each part's points, as logits.

    One body for all parts, a head for each. The means of the maps are the points (Sun et al.,
    ECCV 2018). Named as a `Hourglass` of one stack is, so that it can begin as one.

    Args:
        points: how many each part has.
        shape: its channels.
    """

    def __init__(self, points: Sequence[int], shape: Slim) -> None:
        super().__init__()
        width = shape.widths[0]
        channels = (3, *shape.fine, shape.stem, width)
        self.stem = nn.Sequential(*(ConvNorm(i, o, stride=2) for i, o in pairwise(channels)))
        self.bodies = nn.ModuleList([Body(shape.widths, 1)])
        self.heads = nn.ModuleList(nn.Conv2d(width, n, 1) for n in points)

    def forward(self, crops: Tensor) -> list[Tensor]:
        batch, parts = crops.shape[:2]
        features = self.bodies[0](self.stem(crops.flatten(0, 1))).unflatten(0, (batch, parts))
        return [head(features[:, part]) for part, head in enumerate(self.heads)]
