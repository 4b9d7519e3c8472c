from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import tables
from canthus.errors import DatasetError


def header(count: int, *names: str) -> str:
    return ",".join([*names, *(f"{axis}{i}" for i in range(count) for axis in "xy")])


def row(count: int, *cells: str) -> str:
    return ",".join([*cells, *(f"{5 + i},{7 + i}.25" for i in range(count))])


def write(folder: Path, *lines: str) -> Path:
    (folder / "landmarks.csv").write_text("\n".join(lines) + "\n")
    return folder


PEOPLE = header(68, "image", "identity", "split")


def test_points_are_counted_from_zero_on_disk_and_here(tmp_path: Path) -> None:
    write(tmp_path, PEOPLE, row(68, "a.jpg", "Ann", "train"))

    (sample,) = tables.read(tmp_path)

    assert sample.landmarks.points[0].tolist() == [5, 7.25]
    assert sample.box.as_tuple() == (5, 7.25, 72, 74.25)
    assert (sample.image, sample.group) == (tmp_path / "images" / "a.jpg", "Ann")


def test_an_empty_cell_is_a_point_that_was_not_marked(tmp_path: Path) -> None:
    line = row(21, "a.jpg", "train", "-63.5").replace("5,7.25,6,8.25", ",,6,8.25")
    write(tmp_path, header(21, "image", "split", "yaw_deg"), line)

    (sample,) = tables.read(tmp_path)

    assert np.isnan(sample.landmarks.points[0]).all()
    assert sample.landmarks.points[1].tolist() == [6, 8.25]
    assert sample.yaw_deg == -63.5


def test_the_box_of_an_aflw_face_is_that_from_which_its_crop_was_cut(tmp_path: Path) -> None:
    write(tmp_path, header(21, "image", "split"), row(21, "a.jpg", "train"))

    (sample,) = tables.read(tmp_path)

    assert sample.box.center == (59.5, 59.5)
    assert sample.box.side == pytest.approx(120 / 2**0.5)


def test_splits_are_divided_by_their_column(tmp_path: Path) -> None:
    write(tmp_path, PEOPLE, row(68, "a.jpg", "Ann", "train"), row(68, "b.jpg", "Bob", "val"))

    assert [sample.group for sample in tables.read(tmp_path, "val")] == ["Bob"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "found an empty file"),
        ([header(5, "image", "split")], "columns x0, y0, ... of 68 or 21 points"),
        ([header(68, "file", "split")], "expected a column 'image'"),
        ([PEOPLE, "a.jpg,Ann,train,1,2"], r"csv:2: expected 139 columns, found 5"),
        ([PEOPLE, row(68, "../a.jpg", "A", "train")], r"csv:2: expected a picture below images/"),
        ([PEOPLE, row(68, "/a.jpg", "A", "train")], r"csv:2: expected a picture below images/"),
        ([PEOPLE, row(68, "a", "A", "train").replace("5,7.25,", "5,,", 1)], "both or neither"),
        (
            [PEOPLE, row(68, "a", "A", "train").replace("5,", "five,", 1)],
            "csv:2: expected a number",
        ),
        ([PEOPLE, row(68, "a", "A", "train").replace("5,", "nan,", 1)], "csv:2: expected a place"),
        ([PEOPLE, row(68, "a", "A", "test")], "expected faces of split 'train', found none"),
    ],
    ids=["empty", "5", "no image", "short", "..", "absolute", "half", "word", "nan", "no split"],
)
def test_a_malformed_table_is_refused_with_file_and_line(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    (tmp_path / "landmarks.csv").write_text("\n".join(lines))

    with pytest.raises(DatasetError, match=said):
        tables.read(tmp_path, "train")


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"landmarks\.csv: expected this file, found none"):
        tables.read(tmp_path)


def test_empty_lines_are_no_faces_but_count(tmp_path: Path) -> None:
    face = row(68, "a.jpg", "Ann", "train")
    (tmp_path / "landmarks.csv").write_text("\n".join([PEOPLE, face, "", face, "", ""]))
    assert len(tables.read(tmp_path)) == 2
    (tmp_path / "landmarks.csv").write_text("\n".join([PEOPLE, face, "", f"{face},1"]))
    with pytest.raises(DatasetError, match=r"csv:4: expected \d+ columns"):
        tables.read(tmp_path)


def test_a_table_with_bom_and_crlf_reads_the_same(tmp_path: Path) -> None:
    text = "\r\n".join([PEOPLE, row(68, "a.jpg", "Ann", "train")])
    (tmp_path / "landmarks.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert tables.read(tmp_path)[0].group == "Ann"


@pytest.mark.parametrize(("name", "train", "val"), [("ytf68", 3190, 491), ("aflw21", 8000, 600)])
def test_the_real_tables_have_the_counts_that_their_readme_promises(
    shared: Path, name: str, train: int, val: int
) -> None:
    root = shared / "data" / name

    assert (len(tables.read(root, "train")), len(tables.read(root, "val"))) == (train, val)


def test_nobody_in_the_real_validation_frames_is_in_the_training(shared: Path) -> None:
    root = shared / "data" / "ytf68"
    people = [{sample.group for sample in tables.read(root, split)} for split in ("train", "val")]

    assert Counter(people[0] & people[1]) == Counter()


@pytest.mark.parametrize("name", ["../a.png", "C:\\a.png", "..\\..\\a.png", "/a.png", ""])
def test_a_picture_elsewhere_is_refused_whatever_slashes_it_has(tmp_path: Path, name: str) -> None:
    columns = ",".join(f"x{i},y{i}" for i in range(21))
    cells = ",".join(f"{i},{i + 1}" for i in range(21))
    (tmp_path / "landmarks.csv").write_text(f"image,split,{columns}\n{name},val,{cells}\n")
    with pytest.raises(DatasetError, match=r"landmarks\.csv:2: expected a picture below images/"):
        tables.read(tmp_path, "val")
