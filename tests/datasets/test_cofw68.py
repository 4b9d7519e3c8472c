"""COFW-68 where its files are not as published."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat
from tests.datasets.conftest import ring

from canthus.datasets import cofw68
from canthus.errors import DatasetError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two faces."""
    (tmp_path / "test_annotations").mkdir()
    for i in (1, 2):
        values = {"Points": ring(68) + 1, "Occ": np.zeros((1, 68), np.uint8)}
        savemat(tmp_path / "test_annotations" / f"{i}_points.mat", values)
    savemat(tmp_path / "cofw68_test_bboxes.mat", {"bboxes": np.array([[11.0, 21, 30, 40]] * 2)})
    return tmp_path


def test_points_and_box_count_from_0_here(root: Path) -> None:
    face = cofw68.read(root)[0]
    np.testing.assert_allclose(face.landmarks.points, ring(68), atol=1e-4)
    assert face.box.as_tuple() == (10, 20, 40, 60)


def test_the_table_of_boxes_may_have_any_name(root: Path) -> None:
    savemat(root / "cofw68_test_bboxes.mat", {"b": np.array([[2.0, 3, 4, 5]] * 2), "n": 2})
    assert cofw68.read(root)[1].box.as_tuple() == (1, 2, 5, 7)


def test_two_tables_of_boxes_are_refused(root: Path) -> None:
    table = np.array([[2.0, 3, 4, 5]] * 2)
    savemat(root / "cofw68_test_bboxes.mat", {"a": table, "b": table})
    with pytest.raises(DatasetError, match="expected one table N x 4, found 2"):
        cofw68.read(root)


def test_the_row_of_a_box_without_width_is_named(root: Path) -> None:
    boxes = np.array([[11.0, 21, 30, 40], [11, 21, 0, 40]])
    savemat(root / "cofw68_test_bboxes.mat", {"bboxes": boxes})
    with pytest.raises(DatasetError, match=r"bboxes\.mat: bboxes\[1\]: a box is"):
        cofw68.read(root)


@pytest.mark.parametrize(
    ("points", "flags", "complaint"),
    [
        (ring(67), np.zeros((1, 68)), "Points: expected shape 68 x 2"),
        (np.full((68, 2), np.nan), np.zeros((1, 68)), r"Points\[0, 0\]: expected a finite number"),
        (ring(68), np.zeros((1, 67)), "Occ: expected 68 flags"),
        (ring(68), np.full((1, 68), np.nan), "Occ: expected 68 flags"),
    ],
)
def test_the_file_of_a_face_is_named_with_what_is_wrong(
    root: Path, points: NDArray[np.float64], flags: NDArray[np.float64], complaint: str
) -> None:
    savemat(root / "test_annotations" / "2_points.mat", {"Points": points, "Occ": flags})
    with pytest.raises(DatasetError, match=rf"2_points\.mat: {complaint}"):
        cofw68.read(root)


def test_pictures_that_are_not_there_do_not_keep_annotations_from_being_read(root: Path) -> None:
    assert cofw68.read(root)[0].image == root / "COFW_test_color.mat"
