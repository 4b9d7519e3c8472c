"""The table of thresholds in a model's manifest."""

from dataclasses import replace
from pathlib import Path

import pytest

from canthus.datasets import Sample
from canthus.models import MusicaConfig
from canthus.runtime import Manifest, open_weights
from canthus.training import finish, fit
from canthus.training.recipe import Recipe

SMALL = MusicaConfig(stem=8, widths=(16, 16, 24, 24), hidden=32)


def table(samples: list[Sample], recipe: Recipe, folder: Path) -> Manifest:
    return open_weights(finish(fit([samples], recipe, folder / "run"), recipe))[0]


def test_a_training_tells_how_many_faces_quit_when(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    crop = replace(recipe.crop, size=64)
    manifest = table(samples, replace(recipe, model=SMALL, crop=crop), tmp_path)

    first, *_, last = rows = manifest.quitting
    for step in range(2):
        below = [row.below[step] for row in rows]
        assert below == sorted(below)
    assert (first.shares, last.shares) == ((0, 0, 1), (1, 0, 0))
    whole = [row.shares[2] for row in rows]
    assert whole == sorted(whole, reverse=True)
    for row in rows:
        assert sum(row.shares) == pytest.approx(1)
    costs = manifest.step_costs
    assert 0 < costs[0] < costs[1] < costs[2]


def test_a_network_that_cannot_quit_has_no_table(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    manifest = table(samples, recipe, tmp_path)

    assert (manifest.quitting, manifest.step_costs) == ((), ())
