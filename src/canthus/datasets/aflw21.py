"""AFLW with 21 landmarks as annotated (Koestinger et al., ICCV-W 2011).

`aflw.sqlite`: tables Faces, FaceImages, FeatureCoords (feature_id 1 to 21), FacePose (radians)
and FaceRect. Only the landmarks that are seen were marked. Coordinates are kept as the annotation
tool gave them, counted from 0.
"""

import math
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from canthus.datasets.sample import Sample
from canthus.datasets.trust import LIMIT, below, split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks, Pose
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"all": 0}  # releases differ: nobody says how many there should be
FILE = "aflw.sqlite"
PICTURES = ("flickr", "data/flickr")
FACES = """
SELECT f.face_id, i.filepath, r.x, r.y, r.w, r.h, p.yaw, p.pitch, p.roll
FROM Faces f LEFT JOIN FaceImages i ON i.file_id = f.file_id
LEFT JOIN FaceRect r ON r.face_id = f.face_id
LEFT JOIN FacePose p ON p.face_id = f.face_id
GROUP BY f.face_id ORDER BY f.face_id
"""
COORDINATES = "SELECT face_id, feature_id, x, y FROM FeatureCoords ORDER BY face_id, feature_id"

Row = tuple[object, ...]


def read(root: Path, split: str = "all") -> list[Sample]:
    """Read all faces of which a landmark was marked, in the order of their numbers.

    A face's box is the data set's rectangle; where there is none, the tight box around its
    landmarks. A face that has neither, or no landmark, cannot be scored and is left out.

    Args:
        root: the folder that holds aflw.sqlite and flickr/.
        split: "all", there is no other.

    Raises:
        DatasetError: naming the file, and the face whose numbers are not as they should be.
    """
    split_of(split, SPLITS)
    path = root / FILE
    faces, coordinates = _rows(path)
    points = _points(coordinates, path)
    pictures = next((root / name for name in PICTURES if (root / name).is_dir()), root / "flickr")
    found = (_sample(row, points, pictures, path) for row in faces)
    samples = [sample for sample in found if sample is not None]
    if not samples:
        raise DatasetError(f"{path}: expected faces with landmarks, found none")
    return samples


def _rows(path: Path) -> tuple[list[Row], list[Row]]:
    """The faces, and the coordinates of their landmarks."""
    if not path.is_file():
        table = path.with_name("landmarks.csv")
        hint = f"; {table.name} is read as the layout 'table'" if table.is_file() else ""
        raise DatasetError(f"{path}: expected AFLW's database, found none{hint}")
    try:
        # Read-only and immutable: nothing beside the file is made, not even a lock.
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as base:
            # What is missing of a page that was cut off reads as rows of zeros.
            (said,) = base.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                raise sqlite3.DatabaseError(f"it is damaged: {said!s:.200}")
            return base.execute(FACES).fetchall(), base.execute(COORDINATES).fetchall()
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        raise DatasetError(f"{path}: cannot be read as AFLW's database: {error}") from None


def _points(
    rows: list[Row], path: Path
) -> dict[object, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """The landmarks (21, 2) of each face by its number; NaN where they were not marked."""
    points: dict[object, np.ndarray[tuple[int, int], np.dtype[np.float64]]] = {}
    for face, feature, x, y in rows:
        where = f"{path}: face {face}: feature {feature}"
        if not isinstance(feature, int) or not 1 <= feature <= 21:
            raise DatasetError(f"{where}: expected a feature from 1 to 21")
        table = points.setdefault(face, np.full((21, 2), np.nan))
        table[feature - 1] = _number(x, where), _number(y, where)
    return points


def _sample(
    row: Row,
    points: Mapping[object, np.ndarray[tuple[int, int], np.dtype[np.float64]]],
    pictures: Path,
    path: Path,
) -> Sample | None:
    face, name, x, y, width, height, yaw, pitch, roll = row
    where = f"{path}: face {face}"
    if face not in points:
        return None
    if not isinstance(name, str):
        raise DatasetError(f"{where}: expected the path of its picture, found {name!r}")
    box = _box((x, y, width, height), points[face], where)
    if box is None:
        return None
    name = name.replace("\\", "/")
    pose = None
    if yaw is not None and pitch is not None and roll is not None:
        pose = Pose(*(math.degrees(_number(angle, where)) for angle in (yaw, pitch, roll)))
    return Sample(
        image=below(pictures, name, where),
        box=box,
        landmarks=Landmarks(points[face], SCHEMES["21"]),
        group=name,
        yaw_deg=None if pose is None else pose.yaw_deg,
        pose=pose,
        name=name,
    )


def _box(
    rectangle: Row, points: np.ndarray[tuple[int, int], np.dtype[np.float64]], where: str
) -> Box | None:
    """The data set's rectangle, or else the tight box around the landmarks, if there is one."""
    if all(value is not None for value in rectangle):
        x, y, width, height = (_number(value, where) for value in rectangle)
        if width > 0 and height > 0:
            return Box.from_xywh(x, y, width, height)
    try:
        return Box.around(points)
    except ValueError:
        return None


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LIMIT:
        raise DatasetError(f"{where}: expected a finite number, found {value!r:.40}")
    return float(value)
