"""Residual blocks, written so that each batch norm folds into the convolution before it."""

import torch.nn.functional as F
from torch import Tensor, nn


def signed(crops: Tensor) -> Tensor:
    """From [0, 1] to [-1, 1]: 2 x - 1, said as a norm, which runtimes do in one pass over a crop.

    The first convolution cannot do it: where it pads, it pads with the middle gray.
    """
    middle, square = crops.new_full((2, crops.shape[1]), 0.5).unbind()
    return F.batch_norm(crops, middle, square.square(), eps=0.0)


class ConvNorm(nn.Sequential):
    """Convolution and batch norm, then a ReLU unless told otherwise.

    Args:
        inputs: channels.
        outputs: the same.
        kernel: of the convolution, an odd number of pixels.
        stride: of it.
        groups: of channels that do not mix.
        relu: whether negative numbers become 0.
        bias: whether the convolution has one, of which the norm takes the effect away.
        most: what larger numbers become after the ReLU; none if not given.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
        bias: bool = False,
        most: float | None = None,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias),
            nn.BatchNorm2d(outputs),
        ]
        last = nn.ReLU(inplace=True) if most is None else nn.Hardtanh(0.0, most, inplace=True)
        super().__init__(*layers, *([last] if relu else []))


class Bottleneck(nn.Module):
    """1 x 1 to a narrower space, 3 x 3, 1 x 1 back, plus the input (He et al., CVPR 2016).

    Args:
        inputs: channels.
        outputs: the same.
        inside: channels of the 3 x 3; half of the outputs by default.
    """

    def __init__(self, inputs: int, outputs: int, inside: int | None = None) -> None:
        super().__init__()
        narrow = inside or outputs // 2
        self.body = nn.Sequential(
            ConvNorm(inputs, narrow, 1),
            ConvNorm(narrow, narrow, 3),
            ConvNorm(narrow, outputs, 1, relu=False),
        )
        same = inputs == outputs
        self.skip = nn.Identity() if same else ConvNorm(inputs, outputs, 1, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.skip(x), inplace=True)
