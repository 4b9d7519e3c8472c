"""COFW and COFW-68: MATLAB files that count from 1."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat
from tests.datasets.conftest import ring

from canthus.datasets import cofw, cofw68
from canthus.datasets.pictures import read_picture
from canthus.errors import DatasetError, ImageError

Array = NDArray[np.float64]
COLOR = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)  # H x W x 3
GRAY = COLOR[:, :, 0]


def table(count: int = 2) -> Array:
    """87 x N as MATLAB has it: x, y, hidden; the second landmark of each face is hidden."""
    points = ring(29, 30) + 1
    flags = np.zeros(29)
    flags[1] = 1
    return np.repeat(np.concatenate([points[:, 0], points[:, 1], flags])[:, None], count, axis=1)


def write(
    root: Path, points: Array | None = None, boxes: Array | None = None, *, turned: bool = False
) -> Path:
    """COFW's test file with a color and a gray picture.

    An array A x B of MATLAB lies in HDF5 as B x A; `turned` is for files whose arrays are N x 87.
    """
    points = table() if points is None else points
    boxes = np.array([[11.0, 21, 30, 40]] * 2).T if boxes is None else boxes
    path = root / "COFW_test_color.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        cells = file.create_dataset("IsT", (1, 2), h5py.ref_dtype)
        for i, picture in enumerate((COLOR, GRAY)):
            cells[0, i] = file.create_dataset(f"#refs#/{i}", data=picture.T).ref
        file["phisT"] = points if turned else points.T
        file["bboxesT"] = boxes if turned else boxes.T
    return root


@pytest.mark.parametrize("turned", [False, True])
def test_points_count_from_1_on_disk_and_from_0_here(tmp_path: Path, turned: bool) -> None:
    faces = cofw.read(write(tmp_path, turned=turned), "test")
    assert len(faces) == 2
    np.testing.assert_allclose(faces[0].landmarks.points, ring(29, 30), atol=1e-4)


def test_what_is_hidden_is_not_visible(tmp_path: Path) -> None:
    visible = cofw.read(write(tmp_path), "test")[0].visible
    assert visible is not None
    assert np.flatnonzero(~visible).tolist() == [1]


def test_the_corner_of_the_box_counts_from_1_too(tmp_path: Path) -> None:
    assert cofw.read(write(tmp_path), "test")[0].box.as_tuple() == (10, 20, 40, 60)


def test_faces_are_numbered_over_both_sets(tmp_path: Path) -> None:
    faces = cofw.read(write(tmp_path), "test")
    assert [face.name for face in faces] == ["01345.jpg", "01346.jpg"]


def test_pictures_come_out_as_they_were(tmp_path: Path) -> None:
    color, gray = (read_picture(face) for face in cofw.read(write(tmp_path), "test"))
    np.testing.assert_array_equal(color, COLOR)
    np.testing.assert_array_equal(gray, np.repeat(GRAY[:, :, None], 3, axis=2))


def test_a_picture_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ImageError, match=r"picture 7: expected more pictures, found \d+ in the file"
    ):
        cofw.read_picture(write(tmp_path) / "COFW_test_color.mat", 7)


@pytest.mark.parametrize(
    ("points", "boxes", "complaint"),
    [
        (table()[:86], None, "phisT: expected 87 x N, found"),
        (table(0), np.empty((4, 0)), "phisT: expected faces, found none"),
        (np.where(np.arange(87)[:, None] == 3, np.nan, table()), None, "phisT: face 0: expected"),
        (np.where(np.arange(87)[:, None] == 3, 1e308, table()), None, "phisT: face 0: expected"),
        (None, np.array([[11.0, 21, 30, 40]] * 3).T, "expected a box for each of 2, found 3"),
        (None, np.array([[11.0, 21, -30, 40]] * 2).T, "face 0: a box is"),
    ],
)
def test_tables_that_are_not_as_they_should_be_are_named(
    tmp_path: Path, points: Array | None, boxes: Array | None, complaint: str
) -> None:
    with pytest.raises(DatasetError, match=complaint):
        cofw.read(write(tmp_path, points, boxes), "test")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"COFW_train_color.mat: expected COFW's file"):
        cofw.read(tmp_path, "train")


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.7, 0.95])
def test_a_file_that_is_cut_off_is_an_error(tmp_path: Path, share: float) -> None:
    path = write(tmp_path) / "COFW_test_color.mat"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DatasetError, match=r"COFW_test_color\.mat"):
        cofw.read(tmp_path, "test")


@pytest.mark.parametrize("seed", range(30))
def test_flipped_bits_give_a_result_or_an_error(tmp_path: Path, seed: int) -> None:
    path = write(tmp_path) / "COFW_test_color.mat"
    data = bytearray(path.read_bytes())
    for place in np.random.default_rng(seed).integers(0, len(data), 20):
        data[place] ^= 1 << (seed % 8)
    path.write_bytes(data)
    try:
        faces = cofw.read(tmp_path, "test")
        pictures = [read_picture(face) for face in faces]
    except (DatasetError, ImageError):
        return
    assert len(pictures) == len(faces)


@pytest.fixture
def root68(tmp_path: Path) -> Path:
    """Twelve faces, so that the order of numbers is not that of names."""
    folder = tmp_path / "cofw68" / "test_annotations"
    folder.mkdir(parents=True)
    for i in range(12):
        occ = np.zeros((1, 68))
        occ[0, i] = 1
        savemat(folder / f"{i + 1}_points.mat", {"Points": ring(68) + 1 + i, "Occ": occ})
    boxes = np.array([[11.0 + i, 21, 30, 40] for i in range(12)])
    savemat(tmp_path / "cofw68" / "cofw68_test_bboxes.mat", {"bboxes": boxes})
    return tmp_path / "cofw68"


def test_faces_stand_in_the_order_of_their_numbers(root68: Path) -> None:
    faces = cofw68.read(root68, "test")
    moved = [float(face.landmarks.points[0, 0] - ring(68)[0, 0]) for face in faces]
    assert moved == pytest.approx(range(12), abs=1e-3)
    assert [face.box.x0 for face in faces] == list(range(10, 22))


def test_the_hidden_landmarks_of_68(root68: Path) -> None:
    faces = cofw68.read(root68, "test")
    assert [
        np.flatnonzero(~face.visible).tolist() for face in faces if face.visible is not None
    ] == [[i] for i in range(12)]


def test_the_pictures_are_those_of_cofw(root68: Path, tmp_path: Path) -> None:
    (tmp_path / "COFW").mkdir()
    write(tmp_path / "COFW")
    face = cofw68.read(root68, "test")[1]
    assert (face.name, face.entry) == ("01346.jpg", 1)
    np.testing.assert_array_equal(read_picture(face)[:, :, 0], GRAY)


def test_a_number_that_is_missing_is_named(root68: Path) -> None:
    (root68 / "test_annotations" / "7_points.mat").unlink()
    with pytest.raises(DatasetError, match=r"7_points.mat: expected this file, found none"):
        cofw68.read(root68, "test")


def test_one_box_a_face(root68: Path) -> None:
    savemat(root68 / "cofw68_test_bboxes.mat", {"bboxes": np.ones((3, 4))})
    with pytest.raises(DatasetError, match="expected 12 boxes, found 3"):
        cofw68.read(root68, "test")
