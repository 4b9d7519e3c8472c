"""Whether a copy of a data set is whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.datasets.inspection import inspect, sheet
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box
from canthus.images.files import write_image

SIDE = 64
POINTS = np.array([[20, 20], [40, 20], [30, 30], [22, 40], [38, 40]], np.float32)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three gray pictures."""
    for index in range(3):
        write_image(tmp_path / f"{index}.png", np.full((SIDE, SIDE, 3), 90, np.uint8))
    return tmp_path


def face(path: Path, right: float = 0.0) -> Sample:
    points = POINTS + np.array([right, 0], np.float32)
    return Sample(path, Box.around(points), Landmarks(points, SCHEMES["5"]), name=path.name)


def read(root: Path, split: str) -> list[Sample]:
    """All pictures; split "one" is the first of them."""
    if split == "gone":
        raise DatasetError(f"{root}/gone: expected a folder, found none")
    pictures = sorted(root.glob("*.png"))
    return [face(path) for path in (pictures[:1] if split == "one" else pictures)]


def test_a_whole_copy_is_whole(root: Path) -> None:
    found = inspect(read, root, {"all": 3, "one": 1})
    assert found.whole
    assert found.pictures == 3


def test_a_split_of_another_number_is_told(root: Path) -> None:
    found = inspect(read, root, {"all": 4})
    assert not found.whole
    assert (found.splits[0].faces, found.splits[0].official) == (3, 4)


def test_without_an_official_number_any_will_do(root: Path) -> None:
    assert inspect(read, root, {"all": 0}).whole


def test_a_split_that_is_not_there_does_not_hide_the_others(root: Path) -> None:
    found = inspect(read, root, {"gone": 5, "all": 3})
    assert "expected a folder" in found.splits[0].problem
    assert found.splits[1].whole


def test_a_copy_without_any_split_is_an_error(root: Path) -> None:
    with pytest.raises(DatasetError, match="expected a folder, found none"):
        inspect(read, root, {"gone": 5})


def test_pictures_that_cannot_be_read_are_listed(root: Path) -> None:
    (root / "1.png").write_bytes((root / "1.png").read_bytes()[:60])
    found = inspect(read, root, {"all": 3})
    assert list(found.unreadable) == ["1.png"]
    assert [sample.name for sample in found.samples] == ["0.png", "2.png"]


def test_points_far_outside_of_the_picture_are_told(root: Path) -> None:
    def reads(root: Path, split: str) -> list[Sample]:
        return [face(root / "0.png"), face(root / "1.png", right=500)]

    assert inspect(reads, root, {"all": 2}).outside == ("1.png",)


def test_nothing_in_the_copy_is_changed(root: Path) -> None:
    (root / "1.png").write_bytes(b"broken")
    before = {path: path.read_bytes() for path in root.iterdir()}
    inspect(read, root, {"all": 3})
    assert {path: path.read_bytes() for path in root.iterdir()} == before


def test_the_sheet_shows_faces_with_their_points(root: Path) -> None:
    picture = sheet(read(root, "all"), 2)
    assert picture.ndim == 3
    assert len(np.unique(picture)) > 3


def test_subsets_of_another_number_are_told(root: Path) -> None:
    def reads(root: Path, split: str) -> list[Sample]:
        faces = read(root, split)
        return [replace(faces[0], tags=frozenset({"blur"})), *faces[1:]]

    assert inspect(reads, root, {"all": 3}, counts={"all": {"blur": 1}}).whole
    found = inspect(reads, root, {"all": 3}, counts={"all": {"blur": 1, "pose": 2}})
    assert found.splits[0].subsets == {"blur": (1, 1), "pose": (0, 2)}
    assert not found.whole


def test_pictures_of_one_name_in_two_folders_are_both_listed(tmp_path: Path) -> None:
    def reads(root: Path, split: str) -> list[Sample]:
        return [face(root / split / "0.png")]

    found = inspect(reads, tmp_path, {"train": 1, "test": 1})
    assert found.pictures == len(found.unreadable) == 2
