"""One hourglass, kept slim: what heatmaps are read from."""

from torch import Tensor, nn

from canthus.models.layers.residual import Bottleneck


class Body(nn.Module):
    """Halve, think wider, double, and add what the skip kept."""

    def __init__(self, widths: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        width, inner, *rest = widths
        self.skip = nn.Sequential(*(Bottleneck(width, width) for _ in range(blocks)))
        self.shrink = nn.MaxPool2d(2)
        self.before = Bottleneck(width, inner)
        self.inside = (
            Body((inner, *rest), blocks)
            if rest
            else nn.Sequential(*(Bottleneck(inner, inner) for _ in range(blocks)))
        )
        self.after = Bottleneck(inner, width)
        self.enlarge = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        down = self.after(self.inside(self.before(self.shrink(x))))
        return self.skip(x) + self.enlarge(down)
