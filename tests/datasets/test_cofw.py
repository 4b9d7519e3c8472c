"""COFW's tables and pictures where they are not as published."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import cofw
from canthus.errors import DatasetError, ImageError

COLUMN = np.concatenate([np.arange(1, 30), np.arange(31, 60), np.zeros(29)])  # x, y, hidden
BOX = np.array([11.0, 21, 30, 40])


def write(root: Path, count: int, points: object = None) -> Path:
    """COFW's test file as published, (87, N), with no picture in it; face i is i to the right."""
    right = np.repeat([1.0, 0, 0], 29)[:, None] * np.arange(count)
    path = root / "COFW_test_color.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("IsT", (1, count), h5py.ref_dtype)
        file["phisT"] = COLUMN[:, None] + right if points is None else points
        file["bboxesT"] = np.repeat(BOX[:, None], count, axis=1)
    return path


@pytest.mark.parametrize("count", [1, 4, 29, 87])
def test_as_many_faces_as_a_row_is_long_are_read_as_published(tmp_path: Path, count: int) -> None:
    write(tmp_path, count)
    faces = cofw.read(tmp_path, "test")
    assert [face.landmarks.points[0].tolist() for face in faces] == [[i, 30] for i in range(count)]
    assert {face.box.as_tuple() for face in faces} == {(10, 20, 40, 60)}


def test_annotations_are_read_without_any_picture(tmp_path: Path) -> None:
    write(tmp_path, 507)
    faces = cofw.read(tmp_path, "test")
    assert (len(faces), faces[-1].name, faces[-1].entry) == (507, "01851.jpg", 506)


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        (np.ones((87, 2), np.complex128), "phisT: expected numbers"),
        (np.array([["a"] * 87], dtype=object), "phisT: expected numbers"),
        (np.ones(87), "phisT: expected 87 x N"),
        (np.ones((87, 2, 1)), "phisT: expected 87 x N"),
    ],
)
def test_points_of_another_kind_are_refused(
    tmp_path: Path, points: NDArray[np.generic], complaint: str
) -> None:
    write(tmp_path, 2, points)
    with pytest.raises(DatasetError, match=complaint):
        cofw.read(tmp_path, "test")


def test_a_table_far_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, 1), "r+") as file:
        del file["phisT"]
        file.create_dataset("phisT", (87, 10**12), "f8", chunks=(1, 1000))
    with pytest.raises(DatasetError, match="phisT: expected 87 x N, found"):
        cofw.read(tmp_path, "test")


def test_a_folder_where_the_table_should_be_is_refused(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, 1), "r+") as file:
        del file["phisT"]
        file.create_group("phisT")
    with pytest.raises(DatasetError, match="phisT: cannot be read"):
        cofw.read(tmp_path, "test")


def test_a_table_that_is_missing_is_named(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, 1), "r+") as file:
        del file["bboxesT"]
    with pytest.raises(DatasetError, match="expected a variable 'bboxesT', found none"):
        cofw.read(tmp_path, "test")


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((3, 20000, 20000), "u1"), ((3, 8, 8), "f8"), ((8,), "u1"), ((4, 8, 8), "u1")],
    ids=["huge", "floats", "a row", "four channels"],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    path = write(tmp_path, 1)
    with h5py.File(path, "r+") as file:
        chunks = (1, 1000, 1000) if shape[-1] == 20000 else None
        file["IsT"][0, 0] = file.create_dataset("#refs#/0", shape, kind, chunks=chunks).ref
    with pytest.raises(ImageError, match="picture 0: expected"):
        cofw.read_picture(path, 0)


@pytest.mark.parametrize("entry", [-1, 2])
def test_a_number_beyond_the_pictures_is_refused(tmp_path: Path, entry: int) -> None:
    with pytest.raises(ImageError, match=f"picture {entry}"):
        cofw.read_picture(write(tmp_path, 2), entry)


def test_an_unknown_split_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown split 'val'; known are train, test"):
        cofw.read(tmp_path, "val")
