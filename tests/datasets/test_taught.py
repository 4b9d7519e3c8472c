from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample, taught
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SCHEME = SCHEMES["68"]


def sample(name: str) -> Sample:
    marked = Landmarks(np.full((21, 2), np.nan), SCHEMES["21"])
    return Sample(Path("images") / name, Box(0, 0, 9, 9), marked, name=name, group=name)


def faces() -> np.ndarray:
    across, down = np.meshgrid(np.arange(17.0), np.arange(4.0))
    return np.stack([across.ravel(), down.ravel() + 0.25], axis=1)[None] + [[[0.0]], [[30.0]]]


def test_landmarks_come_back_from_a_table(tmp_path: Path) -> None:
    samples, points = [sample("a.jpg"), sample("b.jpg")], faces()
    points[1, 40] = np.nan
    path = tmp_path / "taught.csv"

    taught.write(path, samples, points, SCHEME)
    first, second = taught.read(path, samples)

    assert first.landmarks.scheme.name == "68"
    np.testing.assert_array_equal(first.landmarks.points, points[0].astype(np.float32))
    np.testing.assert_array_equal(second.landmarks.points, points[1].astype(np.float32))
    assert (first.group, first.image) == (samples[0].group, samples[0].image)


def test_the_box_is_tight_where_all_landmarks_are_known_and_the_old_one_elsewhere(
    tmp_path: Path,
) -> None:
    samples, points = [sample("a.jpg"), sample("b.jpg")], faces()
    points[1, 40] = np.nan
    taught.write(tmp_path / "t.csv", samples, points, SCHEME)

    first, second = taught.read(tmp_path / "t.csv", samples)

    assert first.box.as_tuple() == (0, 0.25, 16, 3.25)
    assert second.box.as_tuple() == (0, 0, 9, 9)


def test_a_face_of_which_nothing_is_known_is_left_out(tmp_path: Path) -> None:
    samples, points = [sample("a.jpg"), sample("b.jpg")], faces()
    points[0] = np.nan
    taught.write(tmp_path / "t.csv", samples, points, SCHEME)

    assert [each.name for each in taught.read(tmp_path / "t.csv", samples)] == ["b.jpg"]


def test_faces_of_one_file_are_told_apart(tmp_path: Path) -> None:
    samples = [replace(sample("all.rec"), entry=entry) for entry in (0, 512)]
    taught.write(tmp_path / "t.csv", samples, faces(), SCHEME)

    with pytest.raises(DatasetError, match=r"t\.csv:2: expected the face 'all\.rec#512'"):
        taught.read(tmp_path / "t.csv", samples[::-1])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("image,scheme", "name,scheme", r"t\.csv:1: expected columns image, scheme"),
        ("b.jpg", "c.jpg", r"t\.csv:3: expected the face 'b\.jpg', found 'c\.jpg'"),
        ("a.jpg,68", "a.jpg,7", r"t\.csv:2: .*7"),
        ("a.jpg,68,0.00,", "a.jpg,68,,", r"t\.csv:2: expected x and y of a point both or neither"),
        ("a.jpg,68,0.00", "a.jpg,68,many", r"t\.csv:2: expected a number, found 'many'"),
        ("a.jpg,68,0.00,", "a.jpg,68,", r"t\.csv:2: expected columns x0, y0, \.\.\. of 68 points"),
        ("a.jpg,68", "a.jpg,98", r"t\.csv:2: expected columns x0, y0, \.\.\. of 98 points"),
    ],
)
def test_a_table_that_is_not_as_promised_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    samples, path = [sample("a.jpg"), sample("b.jpg")], tmp_path / "t.csv"
    taught.write(path, samples, faces(), SCHEME)
    path.write_text(path.read_text().replace(old, new, 1))

    with pytest.raises(DatasetError, match=message):
        taught.read(path, samples)


def test_a_table_of_another_number_of_faces_is_refused(tmp_path: Path) -> None:
    samples, path = [sample("a.jpg"), sample("b.jpg")], tmp_path / "t.csv"
    taught.write(path, samples, faces(), SCHEME)

    with pytest.raises(DatasetError, match="expected 1 faces as the data set has, found 2"):
        taught.read(path, samples[:1])
    with pytest.raises(DatasetError, match="found none"):
        taught.read(tmp_path / "not-there.csv", samples)


def test_a_table_without_any_landmark_is_refused(tmp_path: Path) -> None:
    samples, path = [sample("a.jpg")], tmp_path / "t.csv"
    taught.write(path, samples, np.full((1, 68, 2), np.nan), SCHEME)

    with pytest.raises(DatasetError, match="expected faces with landmarks, found none"):
        taught.read(path, samples)
