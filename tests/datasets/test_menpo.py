"""Menpo 2D where the root is one split's own folder, and where names contradict each other."""

from pathlib import Path

import pytest
from tests.datasets.conftest import ring, write_pair

from canthus.datasets import menpo
from canthus.errors import DatasetError


def face(folder: Path) -> None:
    folder.mkdir(parents=True)
    write_pair(folder / "a b.jpg", ring(68))


@pytest.mark.parametrize(
    ("name", "split"), [("train", "train"), ("TrainSet", "train"), ("testset", "test")]
)
def test_the_root_may_be_the_folder_of_a_split(tmp_path: Path, name: str, split: str) -> None:
    face(tmp_path / name / "semifrontal")

    (sample,) = menpo.read(tmp_path / name, split)

    assert sample.name == "semifrontal/a b.jpg"


def test_the_folder_of_a_split_holds_no_other_split(tmp_path: Path) -> None:
    face(tmp_path / "trainset" / "semifrontal")

    with pytest.raises(DatasetError, match="the root may be that folder itself"):
        menpo.read(tmp_path / "trainset", "test")


def test_a_folder_below_the_root_says_more_than_the_roots_name(tmp_path: Path) -> None:
    for name in ("trainset", "testset"):
        face(tmp_path / "test" / name / "semifrontal")

    (sample,) = menpo.read(tmp_path / "test", "test")

    assert sample.name == "testset/semifrontal/a b.jpg"


def test_a_folder_of_nothing_but_profile_faces_is_refused_as_such(tmp_path: Path) -> None:
    face(tmp_path / "trainset" / "profile")

    for root in (tmp_path, tmp_path / "trainset", tmp_path / "trainset" / "profile"):
        with pytest.raises(DatasetError, match=r"the order of the 39 points .* is not known here"):
            menpo.read(root, "train")
