"""Count the training crops that a landmark lies outside of: python THIS RECIPE DATA.

The published heatmap networks never learned from such faces. Prints, for each data set of a
recipe, the share of its faces that one look of the training would have lost, as its recipe changes
faces; and the mean side of the lost faces and of the others, in pixels.
"""

import sys
from pathlib import Path

import numpy as np

from canthus.datasets import Sample
from canthus.recipes import find_recipe
from canthus.training import Recipe, augment, read_recipe, read_sets

SEED = 0


def main(name: str, root: Path) -> None:
    """Print a line for each data set."""
    recipe = read_recipe(find_recipe(name))
    for data, samples in zip(recipe.data, read_sets(recipe, root), strict=True):
        lost = np.array([is_lost(sample, recipe, index) for index, sample in enumerate(samples)])
        sides = np.array([sample.box.side for sample in samples])
        means = [f"{sides[part].mean():.0f}" if part.any() else "none" for part in (lost, ~lost)]
        print(
            f"{data.root}: {100 * lost.mean():.1f} % of {len(lost)} faces lost, "
            f"whose side is {means[0]} pixels, of the others {means[1]}"
        )


def is_lost(sample: Sample, recipe: Recipe, index: int) -> bool:
    """Whether a known landmark of a face lies outside of one look at it."""
    rng = np.random.default_rng((SEED, index))
    look = augment.disturbed(sample.box, recipe.crop, recipe.augment, rng)
    points = look.apply(sample.landmarks.points[:, :2])
    known = points[np.isfinite(points).all(axis=1)]
    return bool(((known < -0.5) | (known > recipe.crop.size - 0.5)).any())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
