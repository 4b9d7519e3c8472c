"""WFLW's lists."""

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.conftest import ring

from canthus.datasets import LAYOUTS, wflw
from canthus.errors import DatasetError

LISTS = Path("WFLW_annotations", "list_98pt_rect_attr_train_test")
PICTURE = "0--Parade/0_Parade marching_1.jpg"


def line(
    points: np.ndarray = ring(98),  # noqa: B008
    flags: str = "1 0 0 0 1 0",
    picture: str = PICTURE,
    box: str = "10 20 110 140",
) -> str:
    numbers = " ".join(f"{value:.6f}" for value in points.ravel())
    return f"{numbers} {box} {flags} {picture}"


def write(root: Path, *lines: str, end: str = "\n", head: str = "") -> Path:
    path = root / LISTS / "list_98pt_rect_attr_test.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((head + end.join(lines) + end).encode("utf-8"))
    return root


def test_points_count_from_0(tmp_path: Path) -> None:
    (face,) = wflw.read(write(tmp_path, line()), "test")
    np.testing.assert_allclose(face.landmarks.points, ring(98), atol=1e-4)


def test_a_name_may_hold_spaces(tmp_path: Path) -> None:
    (face,) = wflw.read(write(tmp_path, line()), "test")
    assert face.image == tmp_path / "WFLW_images" / PICTURE
    assert face.name == PICTURE


def test_flags_are_tags_and_the_box_is_the_lists(tmp_path: Path) -> None:
    (face,) = wflw.read(write(tmp_path, line()), "test")
    assert face.tags == {"pose", "occlusion"}
    assert face.box.as_tuple() == (10, 20, 110, 140)


def test_several_faces_of_a_picture_are_several_samples(tmp_path: Path) -> None:
    faces = wflw.read(write(tmp_path, line(), line(ring(98, 90))), "test")
    assert len(faces) == 2
    assert len({face.group for face in faces}) == 1


@pytest.mark.parametrize(("end", "head"), [("\r\n", ""), ("\n", "\ufeff"), ("\r\n", "\ufeff")])
def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path, end: str, head: str) -> None:
    faces = wflw.read(write(tmp_path, line(), line(), end=end, head=head), "test")
    assert [face.name for face in faces] == [PICTURE, PICTURE]


def test_the_lists_of_subsets_hold_the_same_faces(tmp_path: Path) -> None:
    path = tmp_path / "WFLW_annotations" / "list_98pt_test" / "list_98pt_test_largepose.txt"
    path.parent.mkdir(parents=True)
    path.write_text(" ".join(f"{v:.6f}" for v in ring(98).ravel()) + f" {PICTURE}\n")
    (face,) = wflw.subset(tmp_path, "pose")
    np.testing.assert_allclose(face.landmarks.points, ring(98), atol=1e-4)
    assert face.tags == {"pose"}


def test_a_face_of_a_subset_without_extent_is_named(tmp_path: Path) -> None:
    path = tmp_path / "WFLW_annotations" / "list_98pt_test" / "list_98pt_test_blur.txt"
    path.parent.mkdir(parents=True)
    path.write_text("5 " * 196 + PICTURE)
    with pytest.raises(DatasetError, match=r"list_98pt_test_blur\.txt:1: a box is"):
        wflw.subset(tmp_path, "blur")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (" ".join(line().split()[1:]), "expected a number, found '0--Parade"),
        (line(picture=""), "expected 207 columns, found 206"),
        (line(picture="../../x.jpg"), "expected the name of a picture below"),
        (line(picture="/etc/x.jpg"), "expected the name of a picture below"),
        (line(flags="1 0 0 0 1 2"), "expected flags of 0 and 1"),
        (line(box="110 20 10 140"), "a box is"),
        (line(box="10 20 10 140"), "a box is"),
        (line().replace("80.000000", "nan", 1), "expected a place in a picture"),
        (line().replace("80.000000", "1e308", 1), "expected a place in a picture"),
        (line().replace("80.000000", "80,5", 1), "expected a number, found '80,5'; use a point"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DatasetError, match=f"_test.txt:2: {complaint}"):
        wflw.read(write(tmp_path, line(), text), "test")


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"list_98pt_rect_attr_train\.txt: expected this file, found"
    ):
        wflw.read(tmp_path, "train")


@pytest.mark.parametrize("text", ["", "\r\n\r\n"])
def test_an_empty_list_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(DatasetError, match=r"_test\.txt: expected a line for each face"):
        wflw.read(write(tmp_path, text), "test")


def test_a_list_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, line()) / LISTS / "list_98pt_rect_attr_test.txt"
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(DatasetError, match=r"cannot be read as text: .*; save it as UTF-8"):
        wflw.read(tmp_path, "test")


def test_an_unknown_split_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown split 'val'; known are train, test"):
        wflw.read(tmp_path, "val")


def test_the_order_of_the_points_is_that_of_real_faces(shared: Path) -> None:
    """The subject's right eye stands left of the left one in a picture, and above the mouth."""
    paths = list((shared / "parity" / "dpr" / "samples").glob("*.txt"))
    assert paths
    for path in paths:
        points = np.loadtxt(path, skiprows=1)
        assert points[60, 0] < points[72, 0]
        assert points[60:76, 1].mean() < points[76:96, 1].mean()


def test_trainings_see_tight_boxes_and_no_test_face(tmp_path: Path) -> None:
    write(tmp_path, line())
    path = tmp_path / LISTS / "list_98pt_rect_attr_train.txt"
    path.write_text(f"{line(ring(98, 90))}\n")

    (face,) = LAYOUTS["wflw"](tmp_path, "all")

    low, high = ring(98, 90).min(axis=0), ring(98, 90).max(axis=0)
    np.testing.assert_allclose(face.box.as_tuple(), [*low, *high], atol=1e-3)
    with pytest.raises(DatasetError, match="WFLW has no validation part"):
        LAYOUTS["wflw"](tmp_path, "val")
