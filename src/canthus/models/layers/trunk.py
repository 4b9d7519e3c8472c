"""One hourglass over the whole crop, of which more is read than its last map."""

from itertools import pairwise

from torch import Tensor, nn

from canthus.models.layers.body import Body
from canthus.models.layers.residual import Bottleneck, ConvNorm, signed

QUARTER = 4  # pixels of the crop in a cell after the stem


class Finest(nn.Module):
    """The way up to half of the crop's resolution: what the stem saw there, and what is known."""

    def __init__(self, stem: int, below: int) -> None:
        super().__init__()
        self.narrow = ConvNorm(below, stem, 1)
        self.enlarge = nn.Upsample(scale_factor=2)
        self.think = nn.Sequential(ConvNorm(stem, stem), ConvNorm(stem, stem, relu=False))

    def forward(self, kept: Tensor, below: Tensor) -> Tensor:
        """Features (B, S, 2 N, 2 N) of the stem's (B, S, 2 N, 2 N) and those below (B, C, N, N)."""
        both = kept + self.enlarge(self.narrow(below))
        found: Tensor = both + self.think(both)
        return found


class Trunk(nn.Module):
    """One hourglass over the whole crop, read level by level.

    Named as a `Hourglass` of one stack is, so that it can begin as one; the head of its level with
    cells of four pixels is that one's.

    Args:
        stem: channels at half of the crop's resolution.
        widths: at a quarter of it, and at each halving.
        maps: how many each level draws.
        levels: that are read, the finest ones.
        finest: pixels of the crop in a cell of the finest level, 2 or 4; twice as many for each
            halving in `fine`.
        fine: channels at each halving before the stem, for larger crops.
    """

    def __init__(
        self,
        stem: int,
        widths: tuple[int, ...],
        maps: int,
        levels: int,
        finest: int,
        fine: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.channels = widths
        self.stem = _stem(*fine, stem, widths[0])
        self.bodies = nn.ModuleList([Body(widths, 1)])
        self.finest = Finest(stem, widths[0]) if finest == 2 else None
        read = ((stem, *widths) if finest == 2 else widths)[:levels]
        self.heads = nn.ModuleList(nn.Conv2d(width, maps, 1) for width in read)

    def nested(self) -> list[Body]:
        """The hourglass and those inside it, the widest map's first."""
        found, inner = [], self.bodies[0]
        while isinstance(inner, Body):
            found.append(inner)
            inner = inner.inside
        return found

    def down(self, crops: Tensor) -> list[Tensor]:
        """Features of crops in [0, 1] on the way down, (B, C, N, N) each, the finest first."""
        half = self.stem[:-1](signed(crops))
        kept = [half, self.stem[-1](half)] if self.finest else [self.stem[-1](half)]
        for body in self.nested():
            kept.append(body.before(body.shrink(kept[-1])))
        kept[-1] = self.nested()[-1].inside(kept[-1])
        return kept

    def up(self, kept: list[Tensor], below: Tensor, level: int) -> Tensor:
        """Features of a level, (B, C, N, N), from those of the level below it."""
        if self.finest is not None:
            if level == 0:
                found: Tensor = self.finest(kept[0], below)
                return found
            kept, level = kept[1:], level - 1
        body = self.nested()[level]
        return body.skip(kept[level]) + body.enlarge(body.after(below))

    def whole(self, crops: Tensor) -> tuple[list[Tensor], Tensor]:
        """All that is kept on the way down, and the features at its end, at the finest level."""
        kept = self.down(crops)
        features = kept[-1]
        for level in reversed(range(len(kept) - 1)):
            features = self.up(kept, features, level)
        return kept, features

    def draw(self, features: Tensor, level: int) -> Tensor:
        """A level's maps, (B, P, N, N)."""
        return self.heads[level](features)


class Descent(nn.Module):
    """The way down alone, to a map of its own on each level; named as in a `Trunk`.

    Args:
        stem: channels at half of the crop's resolution.
        widths: at a quarter of it, and at each halving.
        fine: channels at each halving before the stem, for larger crops.
    """

    def __init__(self, stem: int, widths: tuple[int, ...], fine: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.channels = widths
        self.stem = _stem(*fine, stem, widths[0])
        self.bodies = nn.ModuleList([_Down(widths)])

    def forward(self, crops: Tensor) -> list[Tensor]:
        """Maps (B, C, N, N) of crops in [0, 1], the finest first."""
        maps = [self.stem(signed(crops))]
        level = self.bodies[0]
        while isinstance(level, _Down):
            maps.append(level.before(level.shrink(maps[-1])))
            level = level.inside
        maps[-1] = level(maps[-1])
        return maps


class _Down(nn.Module):
    """What a `Body` does before it turns round."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        width, inner, *rest = widths
        self.shrink = nn.MaxPool2d(2)
        self.before = Bottleneck(width, inner)
        self.inside = _Down((inner, *rest)) if rest else nn.Sequential(Bottleneck(inner, inner))


def _stem(*widths: int) -> nn.Sequential:
    return nn.Sequential(*(ConvNorm(i, o, stride=2) for i, o in pairwise((3, *widths))))
