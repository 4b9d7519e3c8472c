"""Predictions as JSON: a picture a line as `canthus align --json` writes them, or a file each."""

import json
import math
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.evaluation.predictions import Predictions
from canthus.faces import scheme_of
from canthus.geometry import Box
from canthus.runtime.answer import SCHEMA

Array = NDArray[np.float64]

LARGEST = 1e9  # pixels, or whatever else a number may be


def read(path: Path) -> Predictions:
    """Read the answers about pictures: a line each, or a file each in a folder.

    Raises:
        DatasetError: naming the line that is no such answer, or whose faces are of another
            scheme than those before.
    """
    images: list[str] = []
    found: list[_Face] = []
    models = set()
    scheme = ""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    for where, answer in chain.from_iterable(map(_answers, files)):
        image, faces = _text(answer, "image", where), _list(answer, "faces", where)
        models.add(str(answer.get("model", "")))
        for index, plain in enumerate(faces):
            face = _Face(plain, f"{where}: faces[{index}]", scheme)
            scheme = face.scheme
            images.append(image)
            found.append(face)
    if not images:
        raise DatasetError(f"{path}: expected answers with faces, found none")
    poses = np.array([face.pose for face in found])
    return Predictions(
        where=path,
        images=tuple(images),
        points=np.array([face.points for face in found]),
        scheme=scheme,
        model=models.pop() if len(models) == 1 else "",
        boxes=tuple(face.box for face in found),
        scores=_of_all([face.scores for face in found]),
        covariances=_of_all([face.covariances for face in found]),
        poses=poses if np.isfinite(poses).any() else None,
        detected=True,
    )


def _of_all(arrays: list[Array | None]) -> Array | None:
    """The arrays of all faces as one; None if one of them has none."""
    known = [array for array in arrays if array is not None]
    return np.array(known) if len(known) == len(arrays) else None


def _answers(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The lines of a file, and where each stands."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", _parsed(line, f"{path}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as text: {error}") from None


def _parsed(line: str, where: str) -> Mapping[str, object]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where}: expected a line of JSON: {error}") from None
    if not isinstance(answer, dict) or answer.get("schema") != SCHEMA:
        raise DatasetError(f"{where}: expected an answer of schema {SCHEMA}, as of `canthus align`")
    return answer


class _Face:
    """One face of an answer."""

    def __init__(self, plain: object, where: str, scheme: str) -> None:
        landmarks = plain.get("landmarks") if isinstance(plain, dict) else None
        if not isinstance(plain, dict) or not isinstance(landmarks, dict):
            raise DatasetError(f"{where}: expected a face with landmarks, found {plain!r:.60}")
        self.scheme = _text(landmarks, "scheme", where)
        if scheme and self.scheme != scheme:
            raise DatasetError(f"{where}: expected scheme {scheme} as before, found {self.scheme}")
        try:
            count = scheme_of(self.scheme).num_landmarks
        except ValueError as error:
            raise DatasetError(f"{where}: {error}") from None
        rows = _list(landmarks, "points", where)
        if len(rows) != count:
            raise DatasetError(f"{where}: expected {count} points, found {len(rows)}")
        self.points = _points(rows, where)
        said = landmarks.get("scores")
        self.scores = None if said is None else np.array(_known(said, count, f"{where}: scores"))
        said = landmarks.get("covariances")
        self.covariances = None if said is None else _covariances(said, count, where)
        self.pose = _pose(plain.get("pose"), f"{where}: pose")
        try:
            self.box = Box(*_numbers(plain.get("box"), 4, f"{where}: box"))
        except ValueError as error:
            raise DatasetError(f"{where}: {error}") from None


def _points(rows: list[object], where: str) -> Array:
    """Points (L, 2); those that are pairs of numbers, as most are, at one go."""
    pairs = [row for row in rows if isinstance(row, list) and len(row) == 2]
    numbers = list(chain.from_iterable(pairs))
    plain = len(pairs) == len(rows) and set(map(type, numbers)) <= {int, float}
    if plain and all(-LARGEST < number < LARGEST for number in numbers):
        return np.array(numbers, np.float64).reshape(-1, 2)
    return np.array([_point(row, where) for row in rows])


def _point(row: object, where: str) -> list[float]:
    """X and y of a point; NaN if neither is known."""
    if not isinstance(row, list) or len(row) not in (2, 3):
        raise DatasetError(f"{where}: expected points [x, y], found {row!r:.60}")
    if row[0] is None and row[1] is None:
        return [math.nan, math.nan]
    return _numbers(row[:2], 2, where)


def _covariances(values: object, count: int, where: str) -> Array:
    """Covariances (L, 2, 2) of rows xx, xy and yy; NaN for those that are not known."""
    if not isinstance(values, list) or len(values) != count:
        raise DatasetError(f"{where}: expected {count} covariances, found {values!r:.60}")
    rows = [
        [math.nan] * 3 if row == [None] * 3 else _numbers(row, 3, f"{where}: covariances")
        for row in values
    ]
    xx, xy, yy = np.array(rows, np.float64).T
    wrong = (xx <= 0) | (yy <= 0) | (xx * yy <= xy * xy)
    if wrong.any():
        raise DatasetError(
            f"{where}: expected covariances [xx, xy, yy] that are positive definite, found "
            f"{values[int(np.argmax(wrong))]}"
        )
    return np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2)


def _pose(value: object, where: str) -> list[float]:
    """Pitch, yaw and roll in degrees; NaN if the face has no pose."""
    if value is None:
        return [math.nan] * 3
    if not isinstance(value, dict):
        raise DatasetError(f"{where}: expected yaw, pitch and roll, found {value!r:.60}")
    return _numbers([value.get(f"{name}_deg") for name in ("pitch", "yaw", "roll")], 3, where)


def _known(values: object, count: int, where: str) -> list[float]:
    """Numbers, of which null is one that is not known."""
    if isinstance(values, list) and None in values:
        known = _numbers([0 if value is None else value for value in values], count, where)
        pairs = zip(values, known, strict=True)
        return [math.nan if value is None else number for value, number in pairs]
    return _numbers(values, count, where)


def _numbers(values: object, count: int, where: str) -> list[float]:
    if not isinstance(values, list) or len(values) != count:
        raise DatasetError(f"{where}: expected {count} numbers, found {values!r:.60}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise DatasetError(f"{where}: expected numbers, found {value!r:.60}")
        if not abs(value) < LARGEST:  # false for NaN too
            raise DatasetError(f"{where}: expected finite numbers, found {value!r:.60}")
    return [float(value) for value in values]


def _text(values: Mapping[str, object], key: str, where: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        raise DatasetError(f"{where}: expected a text {key!r}, found {value!r:.60}")
    return value


def _list(values: Mapping[str, object], key: str, where: str) -> list[object]:
    value = values.get(key)
    if not isinstance(value, list):
        raise DatasetError(f"{where}: expected a list {key!r}, found {value!r:.60}")
    return value
