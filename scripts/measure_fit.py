"""Measure what a network has learned and what it has only memorized.

    python scripts/measure_fit.py RECIPE DATA MODEL [MODEL ...]

Prints, for each data set of a recipe that people annotated, the mean error in percent of the longer
side of the face's box: of the faces that the recipe keeps apart, and of as many as 200 of those
that it learns from. All are cut as a decent detector would; how the labels lean is measured on the
faces kept apart, and followed. Models are .safetensors or .onnx files of the recipe's network.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from canthus.datasets.annotations import hold_out
from canthus.models import build
from canthus.recipes import find_recipe
from canthus.training import read_recipe, read_sets
from canthus.training.loop import divided
from canthus.training.start import begin
from canthus.training.testing import HeldOut

LEARNED = 200  # faces of a data set that are looked at, of those that are learned from


def main(recipe_name: str, root: Path, models: list[str]) -> None:
    """Print a line per model."""
    recipe = read_recipe(find_recipe(recipe_name))
    marked = tuple(data for data in recipe.data if data.labels is None)
    recipe = replace(recipe, data=marked)
    sets = read_sets(recipe, root)
    _, kept = divided(sets, recipe)
    rng = np.random.default_rng(0)
    some = []
    for samples in sets:
        faces, _ = hold_out(samples, recipe.schedule.hold_out)
        some.append([faces[place] for place in rng.permutation(len(faces))[:LEARNED]])
    learned = HeldOut(some, recipe, kept.labeler)
    crops = [batch.crops for batch in learned.batches()]
    for model in models:
        network = build(recipe.model)
        begin(network, model, (), crops)
        kept.calibrate(network)
        print(model)
        for name, faces in (("kept apart", kept), ("learned", learned)):
            pairs = zip(marked, faces.errors(network), strict=True)
            cells = [f"{data.root} {100 * error:.3f} %" for data, error in pairs]
            print(f"  {name}: {', '.join(cells)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
