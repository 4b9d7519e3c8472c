"""MobileNets: inverted residuals (Sandler et al., CVPR 2018), and without (Howard et al., 2017)."""

from torch import Tensor, nn

from canthus.models.layers.residual import ConvNorm

STEM, LAST = 8, 64  # channels after the first convolution, and after the last one
# Of the small MobileNetV2 of DPR: channels, stride, and how much wider a block is inside.
BLOCKS = (
    (8, 1, 1),
    *((12, 2, 6), (12, 1, 6)),
    *((16, 2, 6), (16, 1, 6)),
    *((24, 2, 6), (24, 1, 6), (24, 1, 6)),
    *((32, 2, 6), (32, 1, 6), (32, 1, 6)),
    *((48, 2, 6), (48, 1, 6), (48, 1, 6)),
    *((64, 2, 6), (64, 1, 6), (80, 1, 6)),
)
STRIDE = 128  # of the whole: pixels of the crop in one cell


class InvertedResidual(nn.Module):
    """1 x 1 to a wider space, 3 x 3 in each channel, 1 x 1 back; plus the input where it fits.

    Args:
        inputs: channels of each network.
        outputs: the same.
        stride: of the 3 x 3.
        wider: how many times; 1 leaves the first 1 x 1 out.
        groups: networks side by side, whose channels do not mix.
        most: what larger numbers become after a ReLU; none if not given.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int,
        wider: int,
        groups: int = 1,
        most: float | None = None,
    ) -> None:
        super().__init__()
        ins, inside, outs = groups * inputs, groups * inputs * wider, groups * outputs
        widen = [ConvNorm(ins, inside, 1, groups=groups, most=most)] if wider > 1 else []
        self.body = nn.Sequential(
            *widen,
            ConvNorm(inside, inside, stride=stride, groups=inside, most=most),
            ConvNorm(inside, outs, 1, groups=groups, relu=False),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds else self.body(x)


class SmallMobileNet(nn.Module):
    """The backbone of DPR: (B, P * 3, S, S) to (B, P, 64 * S/128 * S/128).

    Args:
        parts: networks side by side, each with its own weights and its own three channels.
    """

    def __init__(self, parts: int = 1) -> None:
        super().__init__()
        self.parts = parts
        blocks: list[nn.Module] = []
        inputs = STEM
        for outputs, stride, wider in BLOCKS:
            blocks.append(
                InvertedResidual(inputs, outputs, stride=stride, wider=wider, groups=parts)
            )
            inputs = outputs
        self.features = nn.Sequential(
            ConvNorm(3 * parts, STEM * parts, stride=2, groups=parts),
            *blocks,
            ConvNorm(inputs * parts, LAST * parts, 1, groups=parts),
        )

    def forward(self, crops: Tensor) -> Tensor:
        return self.features(crops).flatten(1).unflatten(1, (self.parts, -1))


# Of MobileNet: channels at width 1 and stride of each block after the first convolution.
SEPARABLE = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)


class MobileNet(nn.Module):
    """Depthwise separable convolutions (Howard et al., 2017): (B, 3, S, S) to (B, outputs).

    Args:
        width: times the channels of the paper.
        outputs: how many numbers it says.
    """

    def __init__(self, width: float, outputs: int) -> None:
        super().__init__()
        channels = int(32 * width)
        self.stem = ConvNorm(3, channels, stride=2)
        blocks: list[nn.Module] = []
        for wide, stride in SEPARABLE:
            last = int(wide * width)
            blocks.append(
                nn.Sequential(
                    ConvNorm(channels, channels, stride=stride, groups=channels),
                    ConvNorm(channels, last, 1),
                )
            )
            channels = last
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(channels, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                spread = (2 / (module.kernel_size[0] ** 2 * module.out_channels)) ** 0.5
                nn.init.normal_(module.weight, std=spread)

    def forward(self, crops: Tensor) -> Tensor:
        return self.head(self.features(crops))

    def features(self, crops: Tensor) -> Tensor:
        """What the numbers are read from, (B, C)."""
        return self.blocks(self.stem(crops)).mean(dim=(2, 3))


Row = tuple[int, int, int, int]  # how much wider inside, channels, blocks, stride of the first one
# Of the backbones of L-GRN: rows up to its first map, and from each map to the next.
LEVELED: dict[str, tuple[tuple[Row, ...], ...]] = {
    "mobilenet_a": (
        ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2)),
        ((6, 64, 4, 2),),
        ((6, 96, 3, 1),),
        ((6, 160, 3, 2),),
        ((6, 320, 1, 1),),
    ),
    "mobilenet_b": (
        ((6, 32, 2, 2),),
        ((6, 64, 4, 1),),
        ((6, 128, 3, 2),),
        ((6, 256, 3, 2),),
        ((6, 512, 1, 2),),
    ),
    "mobilenet_c": (
        ((6, 16, 2, 2),),
        ((6, 32, 4, 1),),
        ((6, 64, 3, 2),),
        ((6, 128, 3, 2),),
        ((6, 256, 1, 2),),
    ),
}


class LeveledMobileNet(nn.Module):
    """MobileNetV2 (Sandler et al., CVPR 2018), read at four levels, the last at a 32nd.

    Args:
        name: of `LEVELED`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        channels, most = 32, 6.0
        self.stem = ConvNorm(3, channels, stride=2, most=most)
        self.levels = nn.ModuleList()
        self.channels = [rows[-1][1] for rows in LEVELED[name][1:]]  # the first lead to no map
        for rows in LEVELED[name]:
            blocks: list[nn.Module] = []
            for wider, wide, count, stride in rows:
                for number in range(count):
                    step = 1 if number else stride
                    block = InvertedResidual(channels, wide, stride=step, wider=wider, most=most)
                    blocks.append(block)
                    channels = wide
            self.levels.append(nn.Sequential(*blocks))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> list[Tensor]:
        """Four maps of crops, the finest first."""
        found = [self.stem(x)]
        for level in self.levels:
            found.append(level(found[-1]))
        return found[2:]
