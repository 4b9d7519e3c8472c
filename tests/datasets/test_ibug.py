from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import ibug
from canthus.errors import DatasetError

POINTS = "".join(f"{10 + i} {20 + i}.5\n" for i in range(68))
TEXT = f"version: 1\nn_points: 68\n{{\n{POINTS}}}\n"


def write(folder: Path, name: str = "1.jpg", text: str = TEXT) -> Path:
    """A face of the given name; its picture is never opened by a reader."""
    picture = folder / name
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.touch()
    picture.with_name(picture.stem + ".pts").write_text(text)
    return picture


def test_points_are_counted_from_one_on_disk_and_from_zero_here(tmp_path: Path) -> None:
    write(tmp_path)

    (sample,) = ibug.read(tmp_path)

    assert sample.landmarks.points[0].tolist() == [9, 19.5]
    assert sample.landmarks.points[67].tolist() == [76, 86.5]
    assert sample.box.as_tuple() == (9, 19.5, 76, 86.5)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.replace("n_points: 68", "n_points:  68 "),
        TEXT.replace("version: 1\n", ""),
        TEXT.replace("\n}", "\n\n}"),
        TEXT + "\n\n",
    ],
    ids=["crlf", "bom", "spaces", "no version", "blank line", "blank end"],
)
def test_the_ways_in_which_these_files_are_written_all_read_the_same(
    tmp_path: Path, text: str
) -> None:
    picture = write(tmp_path)
    picture.with_suffix(".pts").write_bytes(text.encode())

    points = ibug.read_points(picture.with_suffix(".pts"))

    np.testing.assert_array_equal(points[:, 0], np.arange(9, 77))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected 'n_points: N' and an opening brace"),
        (TEXT.replace("}", ""), r"pts:\d+: expected a closing }"),
        (TEXT.replace("10 20.5\n", ""), r"pts:71: expected 68 points as n_points says, found 67"),
        (
            TEXT.replace("11 21.5", "11,5 21"),
            r"1\.pts:5: expected a number, found .11,5.; use a point",
        ),
        (TEXT.replace("11 21.5", "nan 21"), r"1\.pts:5: expected a place in a picture"),
        (TEXT.replace("11 21.5", "1e308 21"), r"1\.pts:5: expected a place in a picture"),
        (TEXT.replace("11 21.5", "11 21.5 0"), r"1\.pts:5: expected two numbers"),
        (TEXT.replace("n_points: 68", "n_points: many"), r"1\.pts:2: expected a count"),
        ("version: 1\nn_points: 1\n{\n1 1\n}\n", "expected 68 points, found 1"),
    ],
    ids=["empty", "cut", "count", "comma", "nan", "huge", "three", "word", "scheme"],
)
def test_a_malformed_file_is_refused_with_file_and_line(
    tmp_path: Path, text: str, said: str
) -> None:
    write(tmp_path, text=text)

    with pytest.raises(DatasetError, match=said):
        ibug.read(tmp_path)


def test_names_with_spaces_and_dots_find_their_picture(tmp_path: Path) -> None:
    picture = write(tmp_path, "ibug/image 070.final_1.png")

    (sample,) = ibug.read(tmp_path)

    assert sample.image == picture
    assert sample.tags == {"ibug"}


def test_the_list_of_held_out_pictures_divides_the_folder(tmp_path: Path) -> None:
    first, second = write(tmp_path, "afw/1.jpg"), write(tmp_path, "afw/2.jpg")
    (tmp_path / "val.txt").write_text("afw/2.jpg\n")

    assert [sample.image for sample in ibug.read(tmp_path, "train")] == [first]
    assert [sample.image for sample in ibug.read(tmp_path, "val")] == [second]
    assert len(ibug.read(tmp_path)) == 2


def test_a_list_that_names_a_picture_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "val.txt").write_text("2.jpg\n")

    with pytest.raises(DatasetError, match=r"val\.txt: names 1 pictures that are not there"):
        ibug.read(tmp_path, "train")


def test_faces_of_one_numbered_photo_are_one_group(tmp_path: Path) -> None:
    for name in ("134212_1.jpg", "134212_2.jpg", "face_0001.jpg", "face_0002.jpg"):
        write(tmp_path, f"afw/{name}")

    groups = [sample.group for sample in ibug.read(tmp_path)]

    assert groups == ["afw/134212", "afw/134212", "afw/face_0001", "afw/face_0002"]


def test_points_without_a_picture_are_refused(tmp_path: Path) -> None:
    write(tmp_path).unlink()

    with pytest.raises(DatasetError, match="expected a picture of the same name"):
        ibug.read(tmp_path)


def test_a_folder_without_points_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected pictures with \.pts files"):
        ibug.read(tmp_path)


def test_the_real_folder_has_the_counts_that_its_readme_promises(shared: Path) -> None:
    root = shared / "data" / "300w"

    assert (len(ibug.read(root, "train")), len(ibug.read(root, "val"))) == (1072, 135)
