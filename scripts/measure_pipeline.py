"""Training faces a second of a core, without a network: python THIS [RECIPE] --data DATA.

Reading is once a face, the rest at every look. The time of this process on the processor is what
counts, so that other programs matter little.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from canthus.recipes import find_recipe
from canthus.training import augment, read_recipe, read_sets
from canthus.training.batches import FaceCache, collate
from canthus.training.labels import Labeler

PARTS = ("reading the picture, cutting out", "turning and warping", "changing looks", "labels")


def main() -> None:
    """Print the milliseconds of each part for a face, and how many faces a second that makes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", nargs="?", default="hourglass-fast")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=500)
    asked = parser.parse_args()
    recipe = read_recipe(find_recipe(asked.recipe))
    sets = read_sets(recipe, asked.data)
    names = {sample.landmarks.scheme.name for samples in sets for sample in samples}
    labeler, cache = Labeler(recipe.scheme, tuple(names)), FaceCache(recipe)
    shown = [len(samples) * data.repeat for samples, data in zip(sets, recipe.data, strict=True)]
    rng, times = np.random.default_rng(0), []
    for chosen in rng.choice(len(sets), asked.faces, p=np.divide(shown, sum(shown))):
        sample = sets[chosen][rng.integers(len(sets[chosen]))]
        clock = [time.process_time()]
        face = cache.get(sample)
        clock.append(time.process_time())
        look = augment.disturbed(face.box, recipe.crop, recipe.augment, rng)
        crop = augment.cut(face.image, face.box, face.landmarks, recipe.crop, similarity=look)
        clock.append(time.process_time())
        augment.change_looks(crop.image, recipe.augment, rng)
        clock.append(time.process_time())
        collate([crop], [""], labeler)
        clock.append(time.process_time())
        times.append(np.diff(clock))
    means = np.mean(times, axis=0)
    for part, seconds in zip(PARTS, means, strict=True):
        print(f"{part:<34}{1000 * seconds:7.2f} ms a face")
    for name, seconds in (("first look", means.sum()), ("later looks", means[1:].sum())):
        print(f"{name:<34}{1 / seconds:7.0f} faces/s of a core")


if __name__ == "__main__":
    main()
