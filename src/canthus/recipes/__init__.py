"""The trainings we stand behind, each a YAML file of this folder."""

from pathlib import Path

from canthus.errors import RecipeError

HERE = Path(__file__).parent


def find_recipe(name: str) -> Path:
    """The file of a recipe: one of ours by its name, or a path.

    Raises:
        RecipeError: naming ours, if there is no such recipe or file.
    """
    inside = HERE / f"{name}.yaml"
    if inside.parent == HERE and inside.is_file():
        return inside
    if Path(name).is_file():
        return Path(name)
    names = ", ".join(sorted(path.stem for path in HERE.glob("*.yaml")))
    raise RecipeError(f"{name}: expected a recipe's file or one of {names}")
