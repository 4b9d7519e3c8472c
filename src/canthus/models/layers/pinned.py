"""From where landmarks seem to lie to the numbers of a face."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from canthus.models.layers.body import Body
from canthus.models.layers.ellipses import spread
from canthus.models.layers.heatmaps import locate
from canthus.models.layers.residual import Bottleneck, ConvNorm, signed

DEEP = 64  # numbers that all of the face adds to the landmarks' places
HIDDEN = 192  # inside the network that reads them


class Seen(NamedTuple):
    """What a network says of crops.

    Attributes:
        numbers: (B, K).
        maps: logits of the landmarks' heatmaps, (B, L, N, N).
        points: their means, (B, L, 2), in pixels of the crop.
        covariance: about these, (B, L, 2, 2).
    """

    numbers: Tensor
    maps: Tensor
    points: Tensor
    covariance: Tensor


class Inner(nn.Module):
    """A `Body` without its widest level: what lies below it, and stays there."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        width, inner, *rest = widths
        self.shrink = nn.MaxPool2d(2)
        self.before = Bottleneck(width, inner)
        self.inside = Body((inner, *rest), 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.inside(self.before(self.shrink(x)))


class Pinned(nn.Module):
    """Heatmaps pin the face down; numbers are read from where they lie: (B, 3, S, S) to `Seen`.

    The places of landmarks are a linear map of a pose, and so its linear map back is a good
    beginning of what to say of it; a perceptron adds what is not linear. Parts are named as a
    `Hourglass` of one stack names them, so that this can begin as one.

    Args:
        outputs: how many numbers.
        landmarks: how many heatmaps.
        stem: channels at half of the crop's resolution.
        widths: channels at a quarter of it, and at each halving.
    """

    STRIDE = 8  # pixels of the crop in a cell of the maps

    def __init__(self, outputs: int, *, landmarks: int, stem: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(3, stem, stride=2), ConvNorm(stem, widths[0], stride=2))
        self.bodies = nn.ModuleList([Inner(widths)])
        self.head = nn.Conv2d(widths[1], landmarks, 1)
        self.deep = nn.Linear(widths[1], DEEP)
        self.linear = nn.Linear(2 * landmarks, outputs)
        self.bent = nn.Sequential(
            nn.Linear(3 * landmarks + DEEP, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)
        )
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        nn.init.zeros_(self.bent[2].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.bent[2].bias)  # type: ignore[arg-type]

    def forward(self, crops: Tensor) -> Seen:
        features = self.bodies[0](self.stem(signed(crops)))
        maps = self.head(features)
        points, covariance = locate(maps, self.STRIDE)
        places = centered(points, crops.shape[-1]).flatten(1)
        doubts = spread(covariance)
        whole = self.deep(features.mean(dim=(2, 3))).float()
        said = torch.cat([places, doubts / crops.shape[-1], whole], dim=1)
        return Seen(self.linear(places) + self.bent(said), maps, points, covariance)

    @torch.no_grad()
    def expect(self, shape: Tensor, mean: Tensor, spread: Tensor, size: int) -> None:
        """Begin with the map that brings a shape closest to the landmarks, without depths.

        Args:
            shape: (L, 3), the mean face in its own frame.
            mean: (12,), of the first numbers: a map (3, 4) to pixels of the crop, y up from the
                lowest row of pixels.
            spread: (12,), their deviations.
            size: of the crop.
        """
        around = torch.cat([shape, torch.ones_like(shape[:, :1])], dim=1)
        back = torch.linalg.pinv(around)  # (4, L): from x of all landmarks to a row of the map
        origin = torch.tensor([0.0, 0.0, 0.0, (size - 1) / 2])
        for row, half in ((0, size / 2), (1, -size / 2)):
            rows = slice(4 * row, 4 * row + 4)
            self.linear.weight[rows, row::2] = half * back / spread[rows, None]
            self.linear.bias[rows] = (origin - mean[rows]) / spread[rows]


def centered(points: Tensor, size: int) -> Tensor:
    """Places in pixels of a crop as offsets from its middle, in half sides of it."""
    return (points - (size - 1) / 2) / (size / 2)
