"""AFLW's table of 19 landmarks where it is not as published."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from tests.datasets.conftest import ring

from canthus.datasets import aflw19
from canthus.errors import DatasetError


def cells(*values: object) -> np.ndarray:
    """A MATLAB column of cells."""
    column = np.empty((len(values), 1), object)
    for i, value in enumerate(values):
        column[i, 0] = value
    return column


def write(root: Path, **changes: object) -> Path:
    """Two faces of one picture, both for training."""
    points = np.stack([ring(19), ring(19, 90)]) + 1
    values = {
        "bbox": np.array([[11.0, 51, 21, 81]] * 2),
        "data": points.transpose(0, 2, 1).reshape(2, 38),
        "mask_new": np.ones((2, 19), np.uint8),
        "nameList": cells("2\\image 1.jpg", "2/image 1.jpg"),
        "ra": np.array([[2, 1]], np.uint16),
    }
    savemat(root / aflw19.FILE, {**values, **changes})
    return root


def test_faces_of_one_picture_are_one_group_however_its_path_is_written(tmp_path: Path) -> None:
    faces = aflw19.read(write(tmp_path), "train")
    assert {face.group for face in faces} == {"2/image 1.jpg"}
    assert {face.image for face in faces} == {tmp_path / "flickr" / "2" / "image 1.jpg"}


def test_the_first_20000_of_the_permutation_are_for_training(tmp_path: Path) -> None:
    assert aflw19.TRAINING_FACES == 20000
    assert len(aflw19.read(write(tmp_path), "train")) == 2
    for split in ("test", "frontal"):
        with pytest.raises(DatasetError, match=f"expected faces of split {split}, found none"):
            aflw19.read(tmp_path, split)


def test_pictures_may_lie_where_aflw_unpacks_them(tmp_path: Path) -> None:
    (tmp_path / "data" / "flickr").mkdir(parents=True)
    face = aflw19.read(write(tmp_path), "train")[0]
    assert face.image == tmp_path / "data" / "flickr" / "2" / "image 1.jpg"


@pytest.mark.parametrize(
    "order",
    [
        cells(np.array([[1, 2]]), np.array([[2, 1]])),
        np.array([[2 + 0j, 1]]),
        np.array([[2.5, 1]]),
        np.array([[0, 1]]),
        np.array([[np.nan, 1]]),
        "21",
    ],
    ids=["cells", "complex", "between", "from zero", "nan", "text"],
)
def test_what_is_no_permutation_is_refused(tmp_path: Path, order: object) -> None:
    with pytest.raises(DatasetError, match="ra: expected a permutation of 1 to 2"):
        aflw19.read(write(tmp_path, ra=order), "train")


@pytest.mark.parametrize("name", [np.zeros((0, 0)), np.array([[3.0, 4.0]])], ids=["empty", "table"])
def test_a_cell_that_holds_no_text_is_named(tmp_path: Path, name: object) -> None:
    with pytest.raises(DatasetError, match=r"nameList\[1\]: expected the name of a picture"):
        aflw19.read(write(tmp_path, nameList=cells("0/a.jpg", name)), "train")


def test_a_file_without_the_mask_is_refused(tmp_path: Path) -> None:
    savemat(write(tmp_path) / aflw19.FILE, {"bbox": np.ones((2, 4))})
    with pytest.raises(DatasetError, match=r"AFLWinfo_release\.mat: expected a variable 'data'"):
        aflw19.read(tmp_path, "train")
