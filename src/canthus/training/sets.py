"""The faces that a recipe names."""

from pathlib import Path

from canthus.datasets import LAYOUTS, Sample, annotations, fitted, taught
from canthus.faces.scheme_files import scheme_from
from canthus.training.recipe import DataConfig, Recipe

INSIDE = "inside"  # of the data set's folder: where its fits are


def read_sets(recipe: Recipe, root: Path) -> list[list[Sample]]:
    """Read the samples of each of a recipe's data sets, in its order.

    Args:
        recipe: whose data sets to read.
        root: the folder that holds them all.

    Raises:
        DatasetError: if one is missing, or is not in its layout, or the table of a teacher is of
            other faces.
    """
    return [_read(data, root, recipe.scheme) for data in recipe.data]


def _read(data: DataConfig, root: Path, scheme: str) -> list[Sample]:
    if data.layout == "annotations":
        own = annotations.read(root / data.root, scheme_from(scheme))
        samples = own if data.group is None else annotations.grouped(own, data.group)
    else:
        samples = LAYOUTS[data.layout](root / data.root, data.split)
    if data.fits is not None:
        path = root / data.root / fitted.TABLE if data.fits == INSIDE else Path(data.fits)
        return fitted.read(path, samples)
    return samples if data.labels is None else taught.read(Path(data.labels), samples)
