"""Arithmetic on places, which half precision would round to whole pixels."""

import contextlib

import torch
from torch import Tensor


def product(first: Tensor, second: Tensor) -> Tensor:
    """The product of matrices, not at half precision even where a training runs at that."""
    kind = first.device.type
    half = torch.is_autocast_enabled(kind)
    with torch.autocast(kind, enabled=False) if half else contextlib.nullcontext():
        return first @ second
