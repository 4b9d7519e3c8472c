from dataclasses import replace
from pathlib import Path

import pytest
import torch

from canthus.datasets import Sample
from canthus.errors import WeightsError
from canthus.models import HourglassConfig
from canthus.training import finish, fit
from canthus.training.recipe import Recipe


def test_a_training_goes_on_from_the_weights_that_it_names(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    first = fit([samples], recipe, tmp_path / "first")
    weights = finish(first, recipe)
    # so slow that what it starts from is what it ends with
    schedule = replace(recipe.schedule, steps=1, learning_rate=1e-12)

    second = fit([samples], replace(recipe, start=str(weights), schedule=schedule), tmp_path / "b")

    ours, theirs = second.network.state_dict(), first.network.state_dict()
    torch.testing.assert_close(ours["heads.0.weight"], theirs["heads.0.weight"])


def test_weights_of_another_network_are_refused(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    weights = finish(fit([samples], recipe, tmp_path / "first"), recipe)
    other = replace(recipe, model=HourglassConfig(stem=16, widths=(16, 16)), start=str(weights))

    with pytest.raises(WeightsError, match="does not fit the recipe's model"):
        fit([samples], other, tmp_path / "second")
