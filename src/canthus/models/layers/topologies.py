"""Two ways from a map down to small ones and back: the hourglass and the aggregating grid."""

import torch.nn.functional as F
from torch import Tensor, nn

from canthus.models.layers.blocks import Cab, ConvNormRelu, Kind, block, norm


class Hourglass(nn.Module):
    """Halve, think smaller, double, and add what the skip kept (Newell et al., ECCV 2016).

    Args:
        kind: of the blocks.
        width: channels, at all levels.
        depth: halvings.
    """

    def __init__(self, kind: Kind, width: int, depth: int) -> None:
        super().__init__()
        self.up1 = block(kind, width, width)
        self.low1 = block(kind, width, width)
        self.low2 = Hourglass(kind, width, depth - 1) if depth > 1 else block(kind, width, width)
        self.low3 = block(kind, width, width)

    def forward(self, x: Tensor) -> Tensor:
        low = self.low3(self.low2(self.low1(F.max_pool2d(x, 2))))
        return self.up1(x) + F.interpolate(low, scale_factor=2.0, mode="nearest")


class ScaleGrid(nn.Module):
    """SAT, the scale aggregation topology (Guo et al., BMVC 2018).

    Node (l, j) of a triangle, levels l and columns j = 0 .. depth - l, is the mean of its left
    neighbor and of the enlarged one below it; (0, depth) answers. Names of layers count as the
    originals do: h = depth + 1 - j, w = h - l.

    Args:
        width: channels, at all levels.
        depth: halvings.
        gated: multiply node w = 2, h = 3 by the spatial mean of node w = 3, h = 3.
    """

    def __init__(self, width: int, depth: int, *, gated: bool = False) -> None:
        super().__init__()
        self.depth, self.gated = depth, gated
        self.before = nn.ModuleList(Cab(width) for _ in range(depth))
        self.after = nn.ModuleList(Cab(width) for _ in range(depth))
        self.sides, self.ups = nn.ModuleDict(), nn.ModuleDict()
        for h in range(depth, 0, -1):
            for w in range(h, 0, -1):
                if h % 2 and w < h:
                    self.sides[f"w{w}_h{h}"] = ConvNormRelu(width, width, 3, groups=width)
                self.ups[f"w{w}_h{h}"] = _Learned(width) if w > 1 else _Repeated(width)

    def forward(self, x: Tensor) -> Tensor:
        column = [x]
        for before, after in zip(self.before, self.after, strict=True):
            column.append(after(F.max_pool2d(before(column[-1]), 2)))
        for h in range(self.depth, 0, -1):
            column = [self._node(column, w, h) for w in range(h, 0, -1)]
            if self.gated and h == 3:
                column[1] = column[1] * column[0].mean(dim=(2, 3), keepdim=True)
        return column[0]

    def _node(self, column: list[Tensor], w: int, h: int) -> Tensor:
        name, level = f"w{w}_h{h}", h - w
        left = column[level]
        if name in self.sides:
            left = self.sides[name](left)
        return (left + self.ups[name](column[level + 1])) / 2


class _Learned(nn.Module):
    """Doubled by a transposed convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(width, width, 2, stride=2, bias=False)
        self.bn = norm(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Repeated(nn.Module):
    """Doubled by repetition, then a block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cab = Cab(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.cab(F.interpolate(x, scale_factor=2.0, mode="nearest"))
