"""One training loop for every family, and what it needs."""

from pathlib import Path

from canthus import config
from canthus.training.calibrating import calibrate
from canthus.training.finish import finish
from canthus.training.loop import Hardware, Trained, fit
from canthus.training.recipe import Recipe
from canthus.training.sets import read_sets


def read_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe from YAML, after `key.path=value` overrides.

    Raises:
        RecipeError: naming every key that is unknown, missing or of the wrong type.
    """
    return config.read(Recipe, path, overrides or ())


__all__ = [
    "Hardware",
    "Recipe",
    "Trained",
    "calibrate",
    "finish",
    "fit",
    "read_recipe",
    "read_sets",
]
