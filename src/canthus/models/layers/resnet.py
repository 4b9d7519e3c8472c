"""Residual networks of two 3 x 3 convolutions a block (He et al., CVPR 2016)."""

import torch.nn.functional as F
from torch import Tensor, nn

from canthus.models.layers.residual import ConvNorm

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
