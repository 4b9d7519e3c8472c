"""The faces that a recipe names, with what tables say of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample, fitted
from canthus.errors import DatasetError
from canthus.faces import Fit
from canthus.training.recipe import DataConfig, Recipe
from canthus.training.sets import read_sets

FIT = Fit(np.eye(3, 4), np.arange(5.0))
DOWN = np.array([0, 1], np.float32)


@pytest.fixture
def table(drawn: Path, samples: list[Sample], tmp_path: Path) -> Path:
    """Fits of all faces but the first; each has the landmarks that it had, one pixel down."""
    fits = [None, *[FIT for _ in samples[1:]]]
    points = [sample.landmarks.points + DOWN for sample in samples]
    fitted.write(tmp_path / "fits.csv", samples, points, fits)
    return tmp_path / "fits.csv"


def with_fits(recipe: Recipe, fits: str) -> Recipe:
    return replace(recipe, data=(replace(recipe.data[0], fits=fits),))


def test_fits_replace_what_was_marked(
    drawn: Path, samples: list[Sample], recipe: Recipe, table: Path
) -> None:
    (found,) = read_sets(with_fits(recipe, str(table)), drawn.parent)

    assert len(found) == len(samples) - 1
    for own, before in zip(found, samples[1:], strict=True):
        assert own.fit is not None
        np.testing.assert_allclose(own.fit.shape, FIT.shape)
        np.testing.assert_allclose(own.landmarks.points, before.landmarks.points + DOWN, atol=0.01)


def test_a_set_may_bring_its_own_fits(
    drawn: Path, samples: list[Sample], recipe: Recipe, table: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / drawn.name
    folder.parent.mkdir()
    folder.symlink_to(drawn, target_is_directory=True)
    with pytest.raises(DatasetError, match=r"fits\.csv"):
        read_sets(with_fits(recipe, "inside"), folder.parent)
    folder.unlink()
    folder.mkdir()
    for file in drawn.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / fitted.TABLE).write_bytes(table.read_bytes())

    (found,) = read_sets(with_fits(recipe, "inside"), folder.parent)

    assert len(found) == len(samples) - 1


def test_labels_and_fits_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="labels and fits: expected one of them"):
        DataConfig(layout="ibug", root="faces", labels="a.csv", fits="b.csv")
