from dataclasses import replace
from pathlib import Path

import pytest

from canthus import config
from canthus.errors import RecipeError
from canthus.recipes import HERE, find_recipe
from canthus.training import read_recipe
from canthus.training.recipe import Recipe

TEXT = """
name: mine
model: {family: hourglass, widths: [8, 16]}
data: [{layout: ibug, root: faces}]
schedule: {steps: 10}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted(HERE.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_inside_can_be_read(path: Path) -> None:
    assert read_recipe(path).name == path.stem


def test_a_recipe_survives_yaml(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, TEXT))

    assert config.read(Recipe, written(tmp_path, config.to_yaml(recipe))) == recipe


def test_set_overrides_one_value(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, TEXT), ["schedule.learning_rate=3e-4"])

    assert recipe.schedule.learning_rate == 3e-4


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("schedule.stepz=3", "schedule.stepz"),
        ("schedule.steps=many", "schedule.steps"),
        ("data.0.layout=coco", "data.0.layout"),
        ("nothing", "expected key.path=value"),
        ("name.first=3", "'name' holds a value"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read_recipe(written(tmp_path, TEXT), [override])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("schedule.learning_rate=-1", "learning_rate"),
        ("schedule.steps=0", "steps"),
        ("schedule.batch_size=0", "batch_size"),
        ("data.0.repeat=-2", "repeat"),
        ("crop.size=30", "crop.size"),
        ("augment.mirror=2", "mirror"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read_recipe(written(tmp_path, TEXT), [override])


def test_a_rate_that_falls_by_steps_survives_yaml(tmp_path: Path) -> None:
    asked = ["schedule.decay=steps", "schedule.milestones=[0.6, 0.8]"]
    recipe = read_recipe(written(tmp_path, TEXT), asked)

    assert (recipe.schedule.milestones, recipe.schedule.factor) == ((0.6, 0.8), 0.2)
    assert config.read(Recipe, written(tmp_path, config.to_yaml(recipe))) == recipe


@pytest.mark.parametrize(
    ("decay", "milestones", "said"),
    [
        ("steps", "[0.8, 0.6]", r"each larger than the one before, found \[0.8, 0.6\]"),
        ("steps", "[0.6, 0.6]", r"each larger than the one before, found \[0.6, 0.6\]"),
        ("steps", "[30, 40]", r"between 0 and 1.*found \[30.0, 40.0\]"),
        ("steps", "[0, 0.5]", "between 0 and 1"),
        ("steps", "[.nan]", "between 0 and 1"),
        ("steps", "[]", r"some for decay steps.*found \[\] for steps"),
        ("cosine", "[0.5]", r"none for cosine, found \[0.5\] for cosine"),
        ("sudden", "[0.5]", "schedule.decay"),
    ],
)
def test_milestones_that_make_no_sense_are_named(
    tmp_path: Path, decay: str, milestones: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        read_recipe(
            written(tmp_path, TEXT),
            [f"schedule.decay={decay}", f"schedule.milestones={milestones}"],
        )


def test_an_unknown_recipe_is_answered_with_ours() -> None:
    with pytest.raises(RecipeError, match="hourglass"):
        find_recipe("nobody")


def test_a_recipe_that_is_no_yaml_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.yaml: cannot be read as YAML"):
        read_recipe(written(tmp_path, "a: [1,"))


def test_a_scheme_that_is_not_the_models_is_refused(recipe: Recipe) -> None:
    with pytest.raises(ValueError, match="scheme 98 has 98 landmarks, the model 68"):
        replace(recipe, scheme="98")
