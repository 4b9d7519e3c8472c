"""The four blocks that the published heatmap networks are built of.

Each maps (B, inputs, H, W) to (B, outputs, H, W). The first two activate before they convolve,
the other two after. Names of layers follow the originals, so that their weights can be read.
"""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Kind = Literal["residual", "inception", "hpm", "cab"]

EPS = 2e-5  # of every batch norm


def norm(channels: int) -> nn.BatchNorm2d:
    """The batch norm of these networks."""
    return nn.BatchNorm2d(channels, eps=EPS)


def conv(
    inputs: int, outputs: int, kernel: int, *, groups: int = 1, bias: bool = False
) -> nn.Conv2d:
    """A convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=bias)


class ConvNormRelu(nn.Module):
    """Convolution, batch norm, and a ReLU unless told otherwise."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, groups: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = conv(inputs, outputs, kernel, groups=groups)
        self.bn = norm(outputs)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return F.relu(x) if self.relu else x


class _PreActivated(nn.Module):
    """Three convolutions after norm and ReLU each, and a skip.

    If the width changes, the skip is a 1 x 1 convolution of the activated input.
    """

    def __init__(self, inputs: int, outputs: int, sizes: list[tuple[int, int, int]]) -> None:
        super().__init__()
        (a, b, c) = sizes
        self.bn1, self.conv1 = norm(a[0]), conv(*a)
        self.bn2, self.conv2 = norm(b[0]), conv(*b)
        self.bn3, self.conv3 = norm(c[0]), conv(*c)
        self.sc = None if inputs == outputs else conv(inputs, outputs, 1)

    def _steps(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        active = F.relu(self.bn1(x))
        first = self.conv1(active)
        second = self.conv2(F.relu(self.bn2(first)))
        third = self.conv3(F.relu(self.bn3(second)))
        return first, second, third, x if self.sc is None else self.sc(active)


class Residual(_PreActivated):
    """The bottleneck with activation first (He et al., ECCV 2016)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        half = outputs // 2
        super().__init__(inputs, outputs, [(inputs, half, 1), (half, half, 3), (half, outputs, 1)])

    def forward(self, x: Tensor) -> Tensor:
        _, _, last, skip = self._steps(x)
        return last + skip


class Hpm(_PreActivated):
    """Hierarchical, parallel and multi-scale (Bulat and Tzimiropoulos, TPAMI 2018)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        half, quarter = outputs // 2, outputs // 4
        sizes = [(inputs, half, 3), (half, quarter, 3), (quarter, quarter, 3)]
        super().__init__(inputs, outputs, sizes)

    def forward(self, x: Tensor) -> Tensor:
        first, second, third, skip = self._steps(x)
        return torch.cat([first, second, third], dim=1) + skip


class Cab(nn.Module):
    """Channel aggregation: a U-net over channels, at one resolution (Guo et al., BMVC 2018).

    Level l has 1 / 2^l of the channels; half a tensor and its copy stand where one with twice the
    channels is wanted.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        half, quarter, eighth = width // 2, width // 4, width // 8
        self.w3_h4_1 = ConvNormRelu(width, half, 3)
        self.w2_h4_1 = ConvNormRelu(half, quarter, 3)
        self.w1_h4_1 = ConvNormRelu(quarter, eighth, 3)
        self.w2_h3_2 = ConvNormRelu(half, half, 3, groups=half)
        self.w1_h3_2 = ConvNormRelu(quarter, quarter, 3, groups=quarter)

    def forward(self, x: Tensor) -> Tensor:
        c1 = self.w3_h4_1(x)
        c2 = self.w2_h4_1(c1)
        c3 = self.w1_h4_1(c2)
        a0 = _blend(x, c1)
        a1 = _blend(self.w2_h3_2(c1), c2)
        a2 = _blend(self.w1_h3_2(c2), c3)
        return _blend(_blend(a0, a1), _blend(a1, a2))


class Inception(nn.Module):
    """Three branches of growing sight, merged, plus the input (Szegedy et al., AAAI 2017)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        quarter, wide = width // 4, 3 * width // 8
        self.conv = ConvNormRelu(width, quarter, 1)
        self.conv1_0 = ConvNormRelu(width, quarter, 1)
        self.conv1_1 = ConvNormRelu(quarter, quarter, 3)
        self.conv2_0 = ConvNormRelu(width, quarter, 1)
        self.conv2_1 = ConvNormRelu(quarter, wide, 3)
        self.conv2_2 = ConvNormRelu(wide, width // 2, 3)
        self.conv_out = ConvNormRelu(width, width, 1, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        second = self.conv1_1(self.conv1_0(x))
        third = self.conv2_2(self.conv2_1(self.conv2_0(x)))
        return F.relu(x + self.conv_out(torch.cat([self.conv(x), second, third], dim=1)))


BLOCKS: dict[Kind, tuple[Callable[[int], nn.Module], Callable[[int, int], nn.Module]]] = {
    # where the width stays, and where it changes
    "residual": (lambda width: Residual(width, width), Residual),
    "inception": (Inception, Residual),
    "hpm": (lambda width: Hpm(width, width), Hpm),
    "cab": (Cab, Hpm),
}


def block(kind: Kind, inputs: int, outputs: int) -> nn.Module:
    """A block of a kind."""
    same, changing = BLOCKS[kind]
    return same(outputs) if inputs == outputs else changing(inputs, outputs)


def _blend(x: Tensor, narrow: Tensor) -> Tensor:
    return (x + torch.cat([narrow, narrow], dim=1)) / 2
