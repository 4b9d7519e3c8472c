"""JD-landmark as its archives lie: boxes apart, corrections beside, or all in one folder."""

from pathlib import Path

import pytest
from tests.datasets.conftest import ring

from canthus.datasets import jd106
from canthus.errors import DatasetError

ROWS = "\n".join(["106", *(f"{x:.4f} {y:.4f}" for x, y in ring(106))])
NAME = "LFPW_image_train_0001_0.jpg"
APART = "training_dataset_face_detection_bounding_box"


def write(path: Path, text: str = ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A training face as published, whose box is in an archive of its own."""
    write(tmp_path / "Training_data" / "LFPW" / "landmark" / f"{NAME}.txt")
    write(tmp_path / APART / f"{NAME}.rect", "10 20 110 220")
    return tmp_path


def test_boxes_may_lie_in_a_folder_of_their_own(root: Path) -> None:
    (face,) = jd106.read(root, "train")

    assert face.box.as_tuple() == (10, 20, 110, 220)


def test_the_box_beside_comes_before_one_elsewhere(root: Path) -> None:
    write(root / "Training_data" / "LFPW" / "rect" / f"{NAME}.rect", "1 2 3 4")

    (face,) = jd106.read(root, "train")

    assert face.box.as_tuple() == (1, 2, 3, 4)


def test_two_boxes_for_a_face_are_refused(root: Path) -> None:
    write(root / f"{APART}_v1" / f"{NAME}.rect", "1 2 3 4")

    with pytest.raises(DatasetError, match=r"jpg\.txt: expected one box, found .* and .*_v1"):
        jd106.read(root, "train")


def test_photos_of_lfpw_are_told_apart(root: Path) -> None:
    other = NAME.replace("0001", "0002")
    write(root / "Training_data" / "LFPW" / "landmark" / f"{other}.txt")
    write(root / APART / f"{other}.rect", "10 20 110 220")

    groups = [face.group for face in jd106.read(root, "train")]

    assert groups == ["LFPW/image_train_0001", "LFPW/image_train_0002"]


@pytest.mark.parametrize("folder", ["Corrected_landmark", "__MACOSX/Training_data/LFPW/landmark"])
def test_files_that_are_no_further_faces_are_passed_over(root: Path, folder: str) -> None:
    write(root / folder / f"{NAME}.txt")

    assert len(jd106.read(root, "train")) == 1


def test_all_files_may_lie_in_one_folder(tmp_path: Path) -> None:
    write(tmp_path / "a b.jpg.txt")
    write(tmp_path / "a b.jpg.rect", "1 2 3 4")
    write(tmp_path / "readme.txt", "words")

    (face,) = jd106.read(tmp_path, "train")

    assert (face.image, face.box.as_tuple()) == (tmp_path / "a b.jpg", (1, 2, 3, 4))


def test_a_picture_in_that_folder_that_has_no_box_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg.txt")
    (tmp_path / "a.jpg").touch()

    with pytest.raises(DatasetError, match=r"a\.jpg\.rect: expected the face's box"):
        jd106.read(tmp_path, "train")


def test_a_box_file_may_end_in_txt(tmp_path: Path) -> None:
    write(tmp_path / "landmark" / "a.jpg.txt")
    write(tmp_path / "rect" / "a.jpg.txt", "1 2 3 4")

    (face,) = jd106.read(tmp_path, "train")

    assert face.box.as_tuple() == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10 20 110", r"rect:1: expected x1 y1 x2 y2, found '10 20 110'"),
        ("10,5 20,5 110,5 220,5", r"rect:1: expected x1 y1 x2 y2, found '10,5 20,5"),
        ("10\n20\n110\n220", "rect: expected one line x1 y1 x2 y2, found 4 lines"),
    ],
)
def test_a_malformed_box_is_shown(root: Path, text: str, said: str) -> None:
    write(root / APART / f"{NAME}.rect", text)

    with pytest.raises(DatasetError, match=said):
        jd106.read(root, "train")
