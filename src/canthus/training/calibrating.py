"""Measure anew what a trained model promises, by the Canthus that is installed now."""

from dataclasses import replace
from pathlib import Path

from canthus import __version__, config
from canthus.errors import WeightsError
from canthus.models import build
from canthus.runtime import open_weights
from canthus.training.finish import to_bytes
from canthus.training.loop import MEASURED, divided
from canthus.training.quitting import quitting_of, step_costs_of
from canthus.training.recipe import Recipe
from canthus.training.sets import read_sets
from canthus.training.start import begin


def calibrate(source: Path, root: Path) -> bytes:
    """A safetensors file of a model, its lean, ellipses and scores fitted anew.

    As when its training ended: on the faces of its recipe's data sets that it did not learn from.
    Its weights stay as they are.

    Args:
        source: the model's safetensors or ONNX file.
        root: the folder that holds its recipe's data sets.

    Raises:
        WeightsError: if the file is damaged, or was made by no recipe.
        DatasetError: if a data set is missing or is not in its layout.
    """
    manifest, _ = open_weights(source)
    if not manifest.recipe.get("data"):
        raise WeightsError(f"{source}: expected a model that a recipe made, found no data sets")
    recipe = config.parse(Recipe, manifest.recipe, f"{source}: recipe")
    marked = tuple(data for data in recipe.data if data.labels is None)
    recipe = replace(recipe, data=marked)
    batches, held_out = divided(read_sets(recipe, root), recipe)
    network = build(recipe.model)
    begin(network, str(source), (), [batches[number].crops for number in range(MEASURED)])
    held_out.calibrate(network)
    quitting = quitting_of(network, held_out)
    costs = step_costs_of(network, manifest.crop_size)
    manifest = replace(
        manifest, version=__version__, figures=(), quitting=quitting, step_costs=costs
    )
    return to_bytes(network, manifest)
