"""HRNetV2 (Wang et al., TPAMI 2020), its branches brought to the coarsest, as L-GRN has it."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.models.layers.residual import Bottleneck, ConvNorm
from canthus.models.layers.resnet import BasicBlock

BRANCHES = {"hrnet_w18": (18, 36, 72, 144), "hrnet_w32": (32, 64, 128, 256)}  # their widths
MODULES = (1, 4, 3)  # of the stages with 2, 3 and 4 branches
BLOCKS = 4  # of each branch in a module
STEM, INSIDE, WIDE = 64, 64, 256  # channels of the stem, and of the first stage's blocks
SLOW = 0.01  # momentum of its norms
SPREAD = 0.001  # of the weights, at first


class _Fuse(nn.Module):
    """Each branch's sum over all branches, brought to its own size."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.rows = nn.ModuleList(
            nn.ModuleList(_path(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        found = []
        for target, row in zip(branches, self.rows, strict=True):
            assert isinstance(row, nn.ModuleList)
            parts = [path(branch) for path, branch in zip(row, branches, strict=True)]
            size = target.shape[-2:]
            larger = [part if part.shape[-2:] == size else _resized(part, size) for part in parts]
            found.append(F.relu(torch.stack(larger).sum(dim=0)))
        return found


def _resized(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def _path(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """From one branch to another: a 1 x 1 to a finer one, halvings to a coarser one."""
    ins, outs = widths[source], widths[target]
    if source == target:
        return nn.Identity()
    if source > target:
        return ConvNorm(ins, outs, 1, relu=False)
    halvings = [ConvNorm(ins, ins, stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, ConvNorm(ins, outs, stride=2, relu=False))


class _Module(nn.Module):
    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(wide, wide, stride=1) for _ in range(BLOCKS)))
            for wide in widths
        )
        self.fuse = _Fuse(widths)

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        pairs = zip(self.branches, branches, strict=True)
        return self.fuse([blocks(branch) for blocks, branch in pairs])


class HrNet(nn.Module):
    """Four branches, from a 4th to a 32nd of the crop; all of them at the last one's size.

    Args:
        widths: channels of the branches.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(3, STEM, stride=2), ConvNorm(STEM, STEM, stride=2))
        inputs = (STEM, WIDE, WIDE, WIDE)
        self.first = nn.Sequential(*(Bottleneck(each, WIDE, INSIDE) for each in inputs))
        self.enter = ConvNorm(WIDE, widths[0])
        sources = (WIDE, widths[1], widths[2])
        pairs = zip(sources, widths[1:], strict=True)
        self.begin = nn.ModuleList(ConvNorm(ins, outs, stride=2) for ins, outs in pairs)
        self.stages = nn.ModuleList(
            nn.ModuleList(_Module(widths[:count]) for _ in range(modules))
            for count, modules in enumerate(MODULES, 2)
        )
        self.channels = (sum(widths),)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=SPREAD)
            elif isinstance(module, nn.BatchNorm2d):
                module.momentum = SLOW

    def forward(self, x: Tensor) -> list[Tensor]:
        """One map of crops, (B, C, H / 32, W / 32)."""
        x = self.first(self.stem(x))
        branches = [self.enter(x)]
        for begin, modules in zip(self.begin, self.stages, strict=True):
            branches.append(begin(x))
            assert isinstance(modules, nn.ModuleList)
            for module in modules:
                branches = module(branches)
            x = branches[-1]
        *finer, last = branches
        small = [_resized(each, last.shape[-2:]) for each in finer]
        return [torch.cat([*small, last], dim=1)]
