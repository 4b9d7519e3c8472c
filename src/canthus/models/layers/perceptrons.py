"""Multilayer perceptrons side by side."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

SLOPE = 0.25  # of fresh PReLUs (He et al., ICCV 2015)


class Perceptrons(nn.Module):
    """Several, each with its own weights; all layers but the last are one product for all.

    Between layers is a PReLU of one slope.

    Args:
        widths: of the input and of what follows, up to the last layer's input.
        outputs: of each one's last layer.
    """

    def __init__(self, widths: Sequence[int], outputs: Sequence[int]) -> None:
        super().__init__()
        count = len(outputs)
        self.weights = nn.ParameterList(torch.zeros(count, o, i) for i, o in pairwise(widths))
        self.biases = nn.ParameterList(torch.zeros(count, 1, o) for o in widths[1:])
        self.slopes = nn.ParameterList(torch.full((count, 1, 1), SLOPE) for _ in widths[1:])
        self.last = nn.ModuleList(nn.Linear(widths[-1], o) for o in outputs)
        for weight in (*self.weights, *(layer.weight for layer in self.last)):
            nn.init.normal_(weight, std=0.01)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(P, B, I), or (1, B, I) for all, to (B, O) of each."""
        for weight, bias, slope in zip(self.weights, self.biases, self.slopes, strict=True):
            x = x @ weight.transpose(1, 2) + bias
            x = torch.where(x >= 0, x, slope * x)
        return [layer(each) for layer, each in zip(self.last, x, strict=True)]
