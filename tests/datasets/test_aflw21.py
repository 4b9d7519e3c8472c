"""AFLW's database."""

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.conftest import ring

from canthus.datasets import aflw21
from canthus.errors import DatasetError

TABLES = """
CREATE TABLE Faces (face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
CREATE TABLE FaceImages (image_id INTEGER, db_id TEXT, file_id TEXT, filepath TEXT,
    bw INTEGER, width INTEGER, height INTEGER);
CREATE TABLE FeatureCoords (face_id INTEGER, feature_id INTEGER, x REAL, y REAL,
    annot_type_id INTEGER);
CREATE TABLE FacePose (face_id INTEGER, roll REAL, pitch REAL, yaw REAL, annot_type_id INTEGER);
CREATE TABLE FaceRect (face_id INTEGER, x REAL, y REAL, w REAL, h REAL, annot_type_id INTEGER);
INSERT INTO FaceImages VALUES (1, 'aflw', 'image00002.jpg', '0/image00002 a.jpg', 0, 400, 300);
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two faces of one picture; the second has neither rectangle nor pose, a third no landmark."""
    with closing(sqlite3.connect(tmp_path / "aflw.sqlite")) as base:
        base.executescript(TABLES)
        for face in (39341, 39342, 39343):
            base.execute("INSERT INTO Faces VALUES (?, 'image00002.jpg', 'aflw')", (face,))
        for face in (39341, 39342):
            for i, (x, y) in enumerate(ring(21).tolist(), 1):
                if i != 13:
                    row = (face, i, x, y, 1)
                    base.execute("INSERT INTO FeatureCoords VALUES (?, ?, ?, ?, ?)", row)
        base.execute("INSERT INTO FaceRect VALUES (39341, 10, 20, 100, 110, 1)")
        base.execute("INSERT INTO FacePose VALUES (39341, 0.1, -0.2, ?, 1)", (math.radians(30),))
        base.commit()
    return tmp_path


def change(root: Path, statement: str) -> None:
    with closing(sqlite3.connect(root / "aflw.sqlite")) as base:
        base.execute(statement)
        base.commit()


def test_landmarks_stand_at_their_feature(root: Path) -> None:
    face = aflw21.read(root)[0]
    assert np.flatnonzero(~face.landmarks.known).tolist() == [12]
    np.testing.assert_allclose(face.landmarks.points[13], ring(21)[13], atol=1e-4)


def test_faces_of_one_picture_are_one_group(root: Path) -> None:
    faces = aflw21.read(root)
    assert [face.name for face in faces] == ["0/image00002 a.jpg"] * 2
    assert faces[0].image == root / "flickr" / "0" / "image00002 a.jpg"


def test_the_pose_is_in_degrees(root: Path) -> None:
    first, second = aflw21.read(root)
    assert first.pose is not None
    assert first.yaw_deg == pytest.approx(30)
    assert (first.pose.pitch_deg, first.pose.roll_deg) == pytest.approx(
        (math.degrees(-0.2), math.degrees(0.1))
    )
    assert second.pose is None


def test_the_box_is_the_rectangle_or_else_tight(root: Path) -> None:
    first, second = aflw21.read(root)
    assert first.box.as_tuple() == (10, 20, 110, 130)
    known = second.landmarks.points[second.landmarks.known]
    assert second.box.as_tuple()[:2] == pytest.approx(tuple(known.min(axis=0)))


def test_nothing_is_written_beside_the_database(root: Path) -> None:
    before = (root / "aflw.sqlite").read_bytes()
    aflw21.read(root)
    assert [path.name for path in root.iterdir()] == ["aflw.sqlite"]
    assert (root / "aflw.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE FeatureCoords SET x = 1e308", "face 39341: feature 1: expected a finite number"),
        ("UPDATE FeatureCoords SET x = '1,5'", "face 39341: feature 1: expected a finite number"),
        ("UPDATE FeatureCoords SET y = NULL", "face 39341: feature 1: expected a finite number"),
        ("UPDATE FeatureCoords SET feature_id = 22 WHERE feature_id = 1", "a feature from 1 to 21"),
        ("UPDATE FaceImages SET filepath = '../../x.jpg'", "expected the name of a picture below"),
        ("UPDATE FaceImages SET filepath = NULL", "expected the path of its picture"),
        ("UPDATE Faces SET file_id = 'x' WHERE face_id = 39342", "39342: expected the path of its"),
        ("DROP TABLE FacePose", "cannot be read as AFLW's database: no such table: FacePose"),
        ("DELETE FROM FeatureCoords", "expected faces with landmarks, found none"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(root: Path, statement: str, complaint: str) -> None:
    change(root, statement)
    with pytest.raises(DatasetError, match=complaint):
        aflw21.read(root)


@pytest.mark.parametrize("data", [b"", b"no database at all, but long enough to be one" * 50])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "aflw.sqlite").write_bytes(data)
    with pytest.raises(DatasetError, match="cannot be read as AFLW's database"):
        aflw21.read(tmp_path)


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"aflw.sqlite: expected AFLW's database, found none"):
        aflw21.read(tmp_path)


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bits_give_a_result_or_an_error(root: Path, seed: int) -> None:
    path, random = root / "aflw.sqlite", np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    for place in random.integers(0, len(data), 40):
        data[place] ^= 1 << random.integers(0, 8)
    path.write_bytes(data)
    try:
        faces = aflw21.read(root)
    except DatasetError:
        return
    assert faces


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9])
def test_a_database_that_is_cut_off_is_refused(root: Path, share: float) -> None:
    path = root / "aflw.sqlite"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DatasetError, match=r"aflw\.sqlite: cannot be read as AFLW's database"):
        aflw21.read(root)


def test_the_layout_of_a_table_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "landmarks.csv").touch()
    with pytest.raises(DatasetError, match=r"landmarks\.csv is read as the layout 'table'"):
        aflw21.read(tmp_path)
