"""From the maps of a backbone to a feature of each landmark (L-GRN, TIP 2021).

As published, a map of a few channels per landmark is drawn, and these channels, flattened, are the
landmark's node. Or each landmark has a map of where it may be, and its node is what is seen there.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.models.layers.precision import product
from canthus.models.layers.residual import ConvNorm

FAR = 0.05  # sides of the crop that landmarks usually are from the mean face's
LEAST = 1e-2  # cells squared: no variance is less
BOTH = [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]  # from xx, xy, yx, yy: xx and yy


def flattened(drawn: Tensor, landmarks: int) -> Tensor:
    """Maps (B, n L, H, W) as nodes (B, L, n H W): by channel, row and column."""
    return drawn.reshape(drawn.shape[0], landmarks, -1)


class BaseNodes(nn.Module):
    """Two convolutions on the last map alone.

    Args:
        channels: of the backbone's maps, the finest first.
        outputs: channels that are drawn: a few for each landmark.
        width: channels between the two.
    """

    def __init__(self, channels: Sequence[int], outputs: int, *, width: int) -> None:
        super().__init__()
        self.conv = ConvNorm(channels[-1], width, bias=True)
        self.draw = ConvNorm(width, outputs, bias=True)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """From maps, the finest first, to one (B, outputs, H, W) of the last one's size."""
        return self.draw(self.conv(maps[-1]))


class PooledNodes(nn.Module):
    """What is seen where a landmark may be, and how sure that is (ours).

    Features are averaged by the chances that a landmark's map gives their cells. Beside them stand
    how far its mean is from the mean face, and how wide it is along x and y.

    Args:
        channels: of the features.
        landmarks: how many.
        width: of a node.
    """

    def __init__(self, channels: int, landmarks: int, *, width: int) -> None:
        super().__init__()
        self.look = nn.Linear(channels + 4, width)
        self.own = nn.Parameter(torch.randn(landmarks * width) / 2)  # flat: it is not decayed

    def forward(self, features: Tensor, maps: Tensor, off: Tensor, covariance: Tensor) -> Tensor:
        """Nodes (B, L, width).

        Args:
            features: (B, C, N, N).
            maps: (B, L, N, N), logits.
            off: of the maps' means from the mean face, in sides of the crop, (B, L, 2).
            covariance: of the maps, in cells squared, (B, L, 2, 2).
        """
        chance = torch.softmax(maps.flatten(2).float(), dim=-1)
        seen = product(chance, features.flatten(2).mT.float())
        variance = product(covariance.flatten(2), covariance.new_tensor(BOTH)).clamp(min=LEAST)
        told = self.look(torch.cat([seen, off / FAR, variance.log()], dim=-1))
        return F.relu(told.float() + self.own.view(told.shape[1:]))


class Gate(nn.Module):
    """How much channels and places count, each in (0, 1) (Woo et al., ECCV 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // 2, bias=False)
        self.excite = nn.Linear(channels // 2, channels, bias=False)
        self.places = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of channels, (B, C, 1, 1), and of places, (B, 1, H, W)."""
        pooled = (x.mean(dim=(2, 3)), x.amax(dim=(2, 3)))
        first, second = (self.excite(F.relu(self.squeeze(each))) for each in pooled)
        seen = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return torch.sigmoid(first + second)[..., None, None], torch.sigmoid(self.places(seen))


class MultiLevelNodes(nn.Module):
    """The last three maps, joined from coarse to fine by gates, and brought to the last one's size.

    Args:
        channels: of the backbone's maps, the finest first; each of the last three has half of the
            side of the one before.
        outputs: channels that are drawn.
        width: channels before that.
        biased: whether convolutions have a bias before their norm, as in an older version.
    """

    def __init__(
        self, channels: Sequence[int], outputs: int, *, width: int, biased: bool = False
    ) -> None:
        super().__init__()
        two, three, four = (count // 2 for count in channels[-3:])

        def layer(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> ConvNorm:
            return ConvNorm(inputs, outputs, kernel, stride=stride, bias=biased)

        self.enter2, self.enter3 = layer(2 * two, two), layer(2 * three, three)
        self.enter4 = layer(2 * four, four)
        self.join34, self.join234 = layer(four + three, three, 1), layer(three + two, two, 1)
        self.gate34, self.gate234 = Gate(three), Gate(two)
        self.down3 = nn.Sequential(layer(three, three, stride=2), layer(three, three))
        self.down2 = nn.Sequential(
            layer(two, two, stride=2), layer(two, two), layer(two, two, 3, 2)
        )
        self.draw = nn.Sequential(layer(two + three + four, width, 1), layer(width, outputs))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """From maps, the finest first, to one (B, outputs, H, W) of the last one's size."""
        two, three, four = maps[-3:]
        four, three, two = self.enter4(four), self.enter3(three), self.enter2(two)
        joined = self.join34(torch.cat([_larger(four), three], dim=1))
        three = self.down3(_gated(three, self.gate34(joined)))
        joined = self.join234(torch.cat([_larger(joined), two], dim=1))
        two = self.down2(_gated(two, self.gate234(joined)))
        return self.draw(torch.cat([two, three, four], dim=1))


def _larger(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _gated(x: Tensor, gates: tuple[Tensor, Tensor]) -> Tensor:
    channels, places = gates
    return x * channels * (1 + places)
