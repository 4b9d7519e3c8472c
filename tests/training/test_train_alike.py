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
    recipes = [script["recipe_of"](name) for name in script["NETWORKS"]]

    first, *others = recipes
    for each in others:
        assert (each.data, each.augment) == (first.data, first.augment)
        pace = {"learning_rate": each.schedule.learning_rate, "clip": each.schedule.clip}
        assert each.schedule == replace(first.schedule, **pace)
    assert len({recipe.model for recipe in recipes}) == len(recipes)


def test_networks_begin_with_nothing(script: dict[str, Any]) -> None:
    for name in script["NETWORKS"]:
        recipe = script["recipe_of"](name)
        assert (recipe.start, recipe.fresh, recipe.graft) == (None, (), {})
        assert all(data.labels is None and data.fits is None for data in recipe.data)
