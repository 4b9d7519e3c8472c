"""MERL-RAV as its publishers lay it out: minus signs, and where AFLW's pictures are."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.datasets.conftest import ring, write_pts

from canthus.datasets import merl_rav
from canthus.errors import DatasetError


def write(labels: Path, points: NDArray[np.float64], name: str = "image00023_1.pts") -> None:
    """A face of each pose."""
    for pose in merl_rav.POSES:
        write_pts(labels / pose / "testset" / name, points)


@pytest.mark.parametrize("written", [(-50, 61), (50, -61), (-50, -61)])
def test_one_minus_sign_hides_a_landmark_at_its_absolute_place(
    tmp_path: Path, written: tuple[int, int]
) -> None:
    points = ring(68)
    points[3] = np.array(written) - 1  # the file gets one more
    write(tmp_path, points)

    face = merl_rav.read(tmp_path, "test")[0]

    assert face.landmarks.points[3].tolist() == [49, 60]
    assert face.visible is not None
    assert not face.visible[3]


def test_pictures_are_found_where_the_publishers_put_aflw(tmp_path: Path) -> None:
    write(tmp_path / "merl_rav_labels", ring(68))
    picture = tmp_path / "aflw" / "flickr" / "3" / "image00023.jpg"
    picture.parent.mkdir(parents=True)
    picture.touch()

    assert merl_rav.read(tmp_path, "test")[0].image == picture


@pytest.mark.parametrize("below", [True, False])
def test_the_organized_folder_has_a_copy_of_the_picture_for_each_face(
    tmp_path: Path, below: bool
) -> None:
    folder = tmp_path / "merl_rav_organized"
    write(folder, ring(68))
    picture = folder / "frontal" / "testset" / "image00023_1.jpg"
    picture.touch()

    face = merl_rav.read(tmp_path if below else folder, "test")[0]

    assert (face.image, face.group) == (picture, "image00023")


def test_labels_alone_find_the_pictures_of_the_organized_folder(tmp_path: Path) -> None:
    write(tmp_path / "merl_rav_labels", ring(68))
    picture = tmp_path / "merl_rav_organized" / "frontal" / "testset" / "image00023_1.jpg"
    picture.parent.mkdir(parents=True)
    picture.touch()

    assert merl_rav.read(tmp_path, "test")[0].image == picture


def test_a_picture_that_is_nowhere_is_named_without_the_number_of_its_face(tmp_path: Path) -> None:
    write(tmp_path, ring(68))

    assert merl_rav.read(tmp_path, "test")[0].image == tmp_path / "images" / "image00023.jpg"


def test_a_face_of_which_nothing_is_known_is_refused(tmp_path: Path) -> None:
    write(tmp_path, np.full((68, 2), -2.0))  # as written -1

    with pytest.raises(DatasetError, match=r"image00023_1\.pts: a box needs two known points"):
        merl_rav.read(tmp_path, "test")


def test_the_official_counts_add_up() -> None:
    assert dict(merl_rav.SPLITS) == {
        "train": 8778 + 2080 + 1180 + 2190 + 1221,
        "test": 2195 + 521 + 295 + 548 + 306,
    }
