"""A few steps of a training, and what norms know after one."""

import torch
from torch import Tensor, nn

from canthus.models import Network, Target


def learn(
    network: Network, crops: Tensor, target: Target, *, rate: float, steps: int
) -> list[float]:
    """The loss before each of some steps of AdamW, all of which reach every parameter."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        loss = torch.stack(list(network.loss(network(crops), target).values())).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
        assert not still
        optimizer.step()
        losses.append(loss.item())
    return losses


def settle(network: Network, crops: Tensor) -> None:
    """Let the norms of a network in training expect what they see of crops."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 1.0
    network(crops)
