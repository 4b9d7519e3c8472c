"""`scripts/train_alike.py`: what is alike is alike, and begins with nothing."""

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_alike.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_networks_see_the_same_faces_as_often(script: dict[str, Any]) -> None:
    recipes = [script["recipe_of"](name, Path("runs")) for name in script["NETWORKS"]]

    first, *others = recipes
    for each in others:
        faces = tuple(replace(data, fits=None) for data in each.data)
        assert (faces, each.augment) == (first.data, first.augment)
        own = each.schedule
        pace = {"learning_rate": own.learning_rate, "clip": own.clip, "precision": own.precision}
        assert own == replace(first.schedule, **pace)
    assert len({recipe.model for recipe in recipes}) == len(recipes)


def test_networks_begin_with_nothing(script: dict[str, Any]) -> None:
    for name in script["NETWORKS"]:
        recipe = script["recipe_of"](name, Path("runs"))
        assert (recipe.start, recipe.fresh, recipe.graft) == (None, (), {})
        assert all(data.labels is None for data in recipe.data)


def test_fits_of_the_same_faces_teach_what_knows_no_landmarks(script: dict[str, Any]) -> None:
    for name in script["NETWORKS"]:
        fits = [data.fits for data in script["recipe_of"](name, Path("runs")).data]
        own = [f"runs/fits/{root}.csv" for root in ("300w", "ytf68", "aflw21")]
        assert fits == (own if name == "tddfa" else [None] * 3)
