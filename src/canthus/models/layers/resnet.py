"""Residual networks of two 3 x 3 convolutions a block (He et al., CVPR 2016)."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from canthus.models.layers.residual import ConvNorm

DEPTHS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}  # blocks of each stage
WIDTHS = (64, 128, 256, 512)
SLOW = 0.01  # momentum of L-GRN's norms outside of blocks
STAGES = ((128, 3), (256, 4), (512, 3))  # of ResNet-22: channels, and blocks of each


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions plus the input, which is brought to their shape where it must be."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(inputs, outputs, stride=stride), ConvNorm(outputs, outputs, relu=False)
        )
        same = stride == 1 and inputs == outputs
        self.skip: nn.Module = (
            nn.Identity() if same else ConvNorm(inputs, outputs, 1, stride=stride, relu=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.skip(x), inplace=True)


class ResNet22(nn.Module):
    """The large network of 3DDFA_V2: (B, 3, S, S) to (B, outputs), said in each place and averaged.

    Args:
        outputs: how many numbers it says.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(3, 32, 5, stride=2), ConvNorm(32, 64))
        blocks: list[nn.Module] = []
        channels = 64
        for wide, count in STAGES:
            for number in range(count):
                blocks.append(BasicBlock(channels, wide, stride=1 if number else 2))
                channels = wide
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(channels, outputs, 1)

    def forward(self, crops: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(crops))).mean(dim=(2, 3))


class LeveledResNet(nn.Module):
    """ResNet-18 or -34 without its classifier, read at four levels: a 4th to a 32nd of the crop.

    Norms of the stem and of the shortcuts are slower than the others, as L-GRN has them.

    Args:
        depths: how many blocks each stage has.
    """

    channels = WIDTHS

    def __init__(self, depths: Sequence[int]) -> None:
        super().__init__()
        self.stem = ConvNorm(3, WIDTHS[0], 7, stride=2)
        self.shrink = nn.MaxPool2d(3, 2, 1)
        self.levels = nn.ModuleList()
        inputs = WIDTHS[0]
        for wide, count in zip(WIDTHS, depths, strict=True):
            stride = 1 if wide == inputs else 2
            blocks = [BasicBlock(inputs, wide, stride=stride)]
            blocks += [BasicBlock(wide, wide, stride=1) for _ in range(count - 1)]
            self.levels.append(nn.Sequential(*blocks))
            inputs = wide
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d) and ".body." not in name:
                module.momentum = SLOW

    def forward(self, x: Tensor) -> list[Tensor]:
        """Four maps of crops, the finest first."""
        x, found = self.shrink(self.stem(x)), []
        for level in self.levels:
            x = level(x)
            found.append(x)
        return found
