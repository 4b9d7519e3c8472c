"""The table of thresholds in a model's manifest."""

from dataclasses import replace
from pathlib import Path

import pytest

from canthus.datasets import Sample
from canthus.models import MusicaConfig
from canthus.runtime import open_weights
from canthus.training import finish, fit
from canthus.training.recipe import Recipe

SMALL = MusicaConfig(stem=8, widths=(16, 16, 24, 24), hidden=32)


def table(samples: list[Sample], recipe: Recipe, folder: Path) -> tuple[tuple[float, ...], ...]:
    manifest, _ = open_weights(finish(fit([samples], recipe, folder / "run"), recipe))
    return tuple((row.below, row.error, *row.shares) for row in manifest.quitting)


def test_a_training_tells_how_many_faces_quit_when(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    crop = replace(recipe.crop, size=64)
    rows = table(samples, replace(recipe, model=SMALL, crop=crop), tmp_path)

    below, _, *shares = zip(*rows, strict=True)
    assert list(below) == sorted(below)
    assert [share[0] for share in shares] == [0, 0, 1]
    assert [share[-1] for share in shares] == [1, 0, 0]
    assert shares[2] == tuple(sorted(shares[2], reverse=True))
    for row in rows:
        assert sum(row[2:]) == pytest.approx(1)


def test_a_network_that_cannot_quit_has_no_table(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    assert not table(samples, recipe, tmp_path)
