"""Weights that do not fit a network are named, a few of them."""

import pytest
import torch
from torch import Tensor, nn

from canthus.models.weights import completed, misfits


@pytest.fixture
def network() -> nn.Module:
    return nn.Sequential(*(nn.Linear(2, 3) for _ in range(4)))  # eight tensors


def changed(network: nn.Module, **tensors: Tensor | None) -> dict[str, Tensor]:
    """The network's own weights, with some changed, or left out (None)."""
    every = {**network.state_dict(), **tensors}
    return {name: value for name, value in every.items() if value is not None}


def test_a_networks_own_weights_fit(network: nn.Module) -> None:
    assert misfits(network, changed(network)) == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("1.bias", None, "expected 1.bias, found none"),
        ("1.bias", torch.zeros(2, 2), "expected 1.bias of shape (3,), found (2, 2)"),
        ("9.bias", torch.zeros(3), "expected no 9.bias"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(
    network: nn.Module, name: str, value: Tensor | None, said: str
) -> None:
    assert misfits(network, changed(network, **{name: value})) == said


def test_of_many_that_do_not_fit_three_are_named(network: nn.Module) -> None:
    said = misfits(network, {})
    assert said.endswith("expected 1.weight, found none; and 5 more")
    assert said.count("found none") == 3


def test_older_weights_are_completed_by_ellipses_and_by_nothing_else() -> None:
    network = nn.ModuleDict({"body": nn.Linear(2, 3), "ellipses": nn.Linear(1, 1)})
    older = {"body.weight": torch.ones(3, 2)}
    assert list(completed(network, older)) == ["ellipses.weight", "ellipses.bias", "body.weight"]
