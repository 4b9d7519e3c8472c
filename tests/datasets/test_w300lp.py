"""300W-LP where its files are not as published."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat
from tests.datasets.conftest import ring

from canthus.datasets import LAYOUTS, w300lp
from canthus.errors import DatasetError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A face in each of the four sets, without the mirrored ones."""
    for name in w300lp.SETS:
        folder = tmp_path / "landmarks" / name
        folder.mkdir(parents=True)
        values = {"pts_2d": ring(68) + 1, "pts_3d": ring(68) + 1}
        savemat(folder / f"{name}_image 01_17_pts.mat", values)
    return tmp_path


def test_the_picture_lies_in_the_folder_of_its_set(root: Path) -> None:
    face = w300lp.read(root, "train")[1]
    assert face.image == root / "HELEN" / "HELEN_image 01_17.jpg"
    assert (face.name, face.group) == ("HELEN/HELEN_image 01_17.jpg", "HELEN/image 01")


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        (ring(68).T, "pts_2d: expected shape 68 x 2"),
        (np.full((68, 2), np.inf), r"pts_2d\[0, 0\]: expected a finite number"),
        (np.full((68, 2), 5.0), "pts_2d: a box is"),
    ],
    ids=["transposed", "infinite", "one place"],
)
def test_points_that_are_none_are_named(
    root: Path, points: NDArray[np.float64], complaint: str
) -> None:
    savemat(root / "landmarks" / "IBUG" / "IBUG_image 01_17_pts.mat", {"pts_2d": points})
    with pytest.raises(DatasetError, match=rf"17_pts\.mat: {complaint}"):
        w300lp.read(root, "train")


def test_a_training_takes_all_of_either_kind(root: Path) -> None:
    assert len(LAYOUTS["300w-lp"](root, "train")) == len(LAYOUTS["300w-lp-3d"](root, "all")) == 4
    with pytest.raises(DatasetError, match="no validation part; AFLW2000-3D"):
        LAYOUTS["300w-lp-3d"](root, "val")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_is_cut_off_is_named(root: Path, share: float) -> None:
    path = root / "landmarks" / "AFW" / "AFW_image 01_17_pts.mat"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DatasetError, match=r"17_pts\.mat"):
        w300lp.read(root, "train")
