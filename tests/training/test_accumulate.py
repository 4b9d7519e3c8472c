"""A batch in parts."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from canthus.datasets import Sample
from canthus.models import Network, build
from canthus.training import fit
from canthus.training.batches import Batch
from canthus.training.loop import divided, gradients
from canthus.training.recipe import Recipe


@pytest.fixture
def exact(recipe: Recipe) -> Recipe:
    return replace(recipe, schedule=replace(recipe.schedule, precision="fp32"))


@pytest.fixture
def batch(samples: list[Sample], exact: Recipe) -> Batch:
    """Some of its points are not known."""
    batch = divided([samples], exact)[0][0]
    batch.target.known[0, ::2] = 0
    return batch


def without_norms(recipe: Recipe) -> Network:
    torch.manual_seed(0)
    network = build(recipe.model)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return network.train()


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_have_the_gradients_of_the_whole_where_there_is_no_batch_norm(
    exact: Recipe, batch: Batch, parts: int
) -> None:
    whole, parted = without_norms(exact), without_norms(exact)

    wanted = gradients(whole, batch, exact.schedule)
    found = gradients(parted, batch, replace(exact.schedule, accumulate=parts))

    assert found == pytest.approx(wanted, rel=1e-5)
    for one, other in zip(whole.parameters(), parted.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-6)


def test_a_training_in_parts_shows_the_same_faces(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    parted = replace(recipe, schedule=replace(recipe.schedule, accumulate=2))
    batches, _ = divided([samples], parted)

    assert batches[1].names == divided([samples], recipe)[0][1].names
    assert batches.share(1, 1, 2).names == batches[1].names[1::2]  # the second of each part
    assert fit([samples], parted, tmp_path).finished
