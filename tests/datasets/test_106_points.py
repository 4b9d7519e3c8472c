"""LaPa and JD-landmark: 106 points in text files that count from 0."""

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.conftest import ring

from canthus.datasets import jd106, lapa
from canthus.errors import DatasetError

ROWS = [f"{x:.4f} {y:.4f}" for x, y in ring(106)]


def write(path: Path, rows: list[str] = ROWS, end: str = "\n", head: str = "106") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((head + end + end.join(rows) + end).encode("utf-8"))
    return path


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_lapa_counts_from_0(tmp_path: Path, split: str) -> None:
    write(tmp_path / split / "landmarks" / "10009865324_0.txt")
    (face,) = lapa.read(tmp_path, split)
    np.testing.assert_allclose(face.landmarks.points, ring(106), atol=1e-3)
    assert face.image == tmp_path / split / "images" / "10009865324_0.jpg"
    assert face.landmarks.scheme.name == "106jd"


@pytest.mark.parametrize(("end", "head"), [("\r\n", "106"), ("\n", "\ufeff106")])
def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path, end: str, head: str) -> None:
    write(tmp_path / "test" / "landmarks" / "a b.txt", end=end, head=head)
    (face,) = lapa.read(tmp_path, "test")
    assert face.name == "a b.jpg"


@pytest.mark.parametrize(
    ("rows", "head", "complaint"),
    [
        (ROWS, "68", r"a.txt:1: expected the number of points, 106, found '68'"),
        (ROWS[:-1], "106", "a.txt:106: expected 106 points, found 105"),
        ([*ROWS, "1 2"], "106", "a.txt:108: expected 106 points, found 107"),
        (["nan 1", *ROWS[1:]], "106", r"a.txt:2: expected a place in a picture"),
        (["1e308 1", *ROWS[1:]], "106", r"a.txt:2: expected a place in a picture"),
        (["1,5 1", *ROWS[1:]], "106", r"a.txt:2: expected a number, found '1,5'; use a point"),
        (["1 2 3", *ROWS[1:]], "106", r"a.txt:2: expected two numbers"),
        ([], "", r"a.txt:1: expected the number of points, 106, found 'an empty file'"),
    ],
)
def test_a_malformed_file_is_named(
    tmp_path: Path, rows: list[str], head: str, complaint: str
) -> None:
    write(tmp_path / "test" / "landmarks" / "a.txt", rows, head=head)
    with pytest.raises(DatasetError, match=complaint):
        lapa.read(tmp_path, "test")


def test_lapa_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="landmarks: expected LaPa's landmark files"):
        lapa.read(tmp_path, "val")


@pytest.fixture
def jd(tmp_path: Path) -> Path:
    folder = tmp_path / "Training_data" / "AFW"
    for name in ("AFW_134212_1_0.jpg", "AFW_134212_2_0.jpg"):
        write(folder / "landmark" / f"{name}.txt")
        write(folder / "rect" / f"{name}.rect", [], head="10 20 110 220")
    return tmp_path


def test_the_box_is_the_one_that_errors_are_divided_by(jd: Path) -> None:
    face = jd106.read(jd, "train")[0]
    assert face.box.as_tuple() == (10, 20, 110, 220)
    assert face.image == jd / "Training_data" / "AFW" / "picture" / "AFW_134212_1_0.jpg"


def test_faces_of_one_photo_are_one_group(jd: Path) -> None:
    assert {face.group for face in jd106.read(jd, "train")} == {"AFW/134212"}


def test_folders_named_test_are_the_test_set(jd: Path) -> None:
    write(jd / "Test_data1" / "landmark" / "x.jpg.txt")
    write(jd / "Test_data1" / "rect" / "x.jpg.rect", [], head="1 2 3 4")
    assert [face.name for face in jd106.read(jd, "test")] == ["x.jpg"]
    assert len(jd106.read(jd, "train")) == 2


def test_a_missing_box_is_named(jd: Path) -> None:
    (jd / "Training_data" / "AFW" / "rect" / "AFW_134212_1_0.jpg.rect").unlink()
    with pytest.raises(DatasetError, match=r"AFW_134212_1_0.jpg.rect: expected the face's box"):
        jd106.read(jd, "train")


@pytest.mark.parametrize("text", ["10 20 110", "110 20 10 220", "a b c d", "nan 1 2 3", "\n"])
def test_a_box_that_is_none_is_named(jd: Path, text: str) -> None:
    path = jd / "Training_data" / "AFW" / "rect" / "AFW_134212_1_0.jpg.rect"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"AFW_134212_1_0.jpg.rect"):
        jd106.read(jd, "train")
