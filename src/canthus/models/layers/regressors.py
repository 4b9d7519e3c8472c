"""Networks from crops to numbers: those of DPR as published, and slim ones of our own."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from canthus.models.layers.mobilenet import LAST, STRIDE, SmallMobileNet
from canthus.models.layers.perceptrons import Perceptrons
from canthus.models.layers.residual import Bottleneck, ConvNorm

PUBLISHED_WIDTHS = (8, 16, 16, 32, 32, 64)  # of the published first network
WIDTHS = (16, 32, 48, 64)  # of the slim first network, each after a halving
INSIDE = 64  # its inner width, where it has seen everything


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


class SlimReinit(nn.Module):
    """From a coarse crop (B, 3, S, S) to the numbers of a map."""

    def __init__(self, size: int, begins: Sequence[float]) -> None:
        super().__init__()
        cells = (size // 2 ** len(WIDTHS)) ** 2
        self.body = nn.Sequential(
            *(ConvNorm(i, o, stride=2) for i, o in pairwise((3, *WIDTHS))),
            nn.Flatten(),
            nn.Linear(cells * WIDTHS[-1], INSIDE),
            nn.ReLU(),
        )
        self.head = nn.Linear(INSIDE, len(begins))
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor(begins))

    def forward(self, crops: Tensor) -> Tensor:
        return self.head(self.body(crops))


class SlimRegression(nn.Module):
    """From crops (B, P, 3, S, S) to three numbers (B, n, 3) for each of a part's points.

    Two for its place and one for how far that may be off. One body for all parts, a head for each.

    Args:
        points: how many each part has.
        size: of a crop's side, in pixels.
        widths: channels at a quarter of the side, at an eighth, and so on.
        narrow: channels before a head sees all cells at once.
        inside: a head's inner width.
    """

    def __init__(
        self, points: Sequence[int], size: int, widths: Sequence[int], narrow: int, inside: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvNorm(3, 16, stride=2), ConvNorm(16, 32, stride=2)]
        for number, (i, o) in enumerate(pairwise((32, *widths))):
            layers += [nn.MaxPool2d(2)] * (number > 0) + [Bottleneck(i, o)]
        layers.append(ConvNorm(widths[-1], narrow, 1))
        self.body = nn.Sequential(*layers)
        cells = (size // 2 ** (1 + len(widths))) ** 2
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(cells * narrow, inside), nn.PReLU(), nn.Linear(inside, 3 * n))
            for n in points
        )

    def forward(self, crops: Tensor) -> list[Tensor]:
        batch, parts = crops.shape[:2]
        features = self.body(crops.flatten(0, 1)).flatten(1).reshape(batch, parts, -1)
        return [
            head(features[:, part]).unflatten(-1, (-1, 3)) for part, head in enumerate(self.heads)
        ]
