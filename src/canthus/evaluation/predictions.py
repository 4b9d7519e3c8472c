"""Predictions made elsewhere: what a file of them says, and the faces of a benchmark it speaks of.

Two kinds of file are read: JSON lines as `canthus align --json` writes them (`answers`), and
`.npz` archives of arrays (`archives`), which may carry their own truth.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.evaluation.benchmarks import Benchmark
from canthus.geometry import Box

Array = NDArray[np.float64]

MATCH_IOU = 0.3  # below that with the truth's box, a face found is another one


@dataclass(frozen=True, eq=False)
class Predictions:
    """Faces that somebody found.

    Attributes:
        where: the file.
        images: the picture of each, N names as the file has them.
        points: (N, L, 2) in pixels; NaN where nothing was found.
        scheme: of the points, by name; empty if the file does not say.
        model: who found them; empty if the file does not say.
        boxes: of each face as its finder drew it; None if the file does not say.
        scores: (N, L) of the points; None if there are none.
        covariances: (N, L, 2, 2) of their errors, NaN where not known; None if there are none.
        poses: (N, 3) pitch, yaw and roll in degrees, NaN where not known; None if none is.
        detected: whether faces were looked for: then one that fits no known face is a stranger,
            and a known face that none fits is missed.
    """

    where: Path
    images: tuple[str, ...]
    points: Array
    scheme: str = ""
    model: str = ""
    boxes: tuple[Box, ...] | None = None
    scores: Array | None = None
    covariances: Array | None = None
    poses: Array | None = None
    detected: bool = False


def match(predictions: Predictions, benchmark: Benchmark) -> NDArray[np.int64]:
    """Which prediction is of which face of a benchmark, (N,) indices; -1 for a face without one.

    Pictures are the same if their names are, or else if as many last parts of their paths agree
    as it takes to tell the benchmark's pictures apart. Of several faces in a picture, each
    prediction goes to the face whose box it fits best, the best fits first. A picture's only
    prediction is its only face's, however far off, unless faces were looked for (`detected`):
    then the intersection over union must be at least `MATCH_IOU`.

    Raises:
        DatasetError: if no name is that of a picture of the benchmark, one may be that of
            several, or a picture has more predictions than faces and nobody looked for them.
    """
    known: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(benchmark.picture_names):
        known[name].append(index)
    pictures = _Pictures(tuple(known), predictions.where)
    given = _by_picture(predictions, pictures)
    if not given:
        first = predictions.images[0] if predictions.images else "nothing"
        raise DatasetError(
            f"{predictions.where}: expected pictures of {benchmark.name} such as "
            f"{benchmark.picture_names[0]}, found {first}; name them as the data set does"
        )
    chosen = np.full(len(benchmark.samples), -1, np.int64)
    for picture, some in given.items():
        for face, prediction in _paired(predictions, benchmark, known[picture], some):
            chosen[face] = prediction
    return chosen


def _by_picture(predictions: Predictions, pictures: "_Pictures") -> dict[str, list[int]]:
    """The predictions of each picture: of those that may be, the ones whose names say it best."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, image in enumerate(predictions.images):
        picture, alike = pictures.find(image)
        if picture is not None:
            found[picture].append((alike, index))
    best = {picture: max(alike for alike, _ in some) for picture, some in found.items()}
    return {
        picture: [index for alike, index in some if alike == best[picture]]
        for picture, some in found.items()
    }


class _Pictures:
    """The pictures of a benchmark, found by name or by the last parts of their path."""

    def __init__(self, names: Sequence[str], where: Path) -> None:
        self._names = set(names)
        self._where = where
        self._ends: dict[str, list[str]] = defaultdict(list)
        for name in names:
            self._ends[PurePosixPath(name).name].append(name)

    def find(self, name: str) -> tuple[str | None, int]:
        """The picture that a file means by a name, and how many parts of the path agree."""
        posix = name.replace("\\", "/")
        parts = PurePosixPath(posix).parts
        if posix in self._names:
            return posix, len(parts)
        likely = self._ends.get(parts[-1], []) if parts else []
        alike = [_shared_end(parts, PurePosixPath(other).parts) for other in likely]
        best = [other for other, n in zip(likely, alike, strict=True) if n == max(alike)]
        if len(best) > 1:
            raise DatasetError(
                f"{self._where}: {name!r} may be {best[0]} or {best[1]}; give more of its path"
            )
        return (best[0], max(alike)) if best else (None, 0)


def _shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    """How many last parts two paths share."""
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _paired(
    predictions: Predictions, benchmark: Benchmark, faces: Sequence[int], some: Sequence[int]
) -> list[tuple[int, int]]:
    """The faces of one picture with the prediction of each."""
    if not predictions.detected:
        if len(some) > len(faces):
            raise DatasetError(
                f"{predictions.where}: expected {len(faces)} faces in "
                f"{benchmark.picture_names[faces[0]]} at most, found {len(some)}"
            )
        if len(some) == len(faces) == 1:
            return [(faces[0], some[0])]
    least = MATCH_IOU if predictions.detected else -1.0
    boxes = {index: _box(predictions, index) for index in some}
    fits = sorted(
        (
            (_fit(box, benchmark.samples[face].box), face, index)
            for index, box in boxes.items()
            if box is not None
            for face in faces
        ),
        reverse=True,
    )
    return _greedy([(face, index) for fit, face, index in fits if fit >= least])


def _greedy(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The first pair of each face and of each prediction."""
    taken: list[tuple[int, int]] = []
    for face, index in pairs:
        if all(face != a and index != b for a, b in taken):
            taken.append((face, index))
    return taken


def _fit(box: Box, truth: Box) -> float:
    """Intersection over union; if there is none, less than 0 the further their centers are."""
    if overlap := box.iou(truth):
        return overlap
    (x, y), (true_x, true_y) = box.center, truth.center
    away = float(np.hypot(x - true_x, y - true_y))
    return -away / (away + truth.side)


def _box(predictions: Predictions, index: int) -> Box | None:
    if predictions.boxes is not None:
        return predictions.boxes[index]
    try:
        return Box.around(predictions.points[index])
    except ValueError:  # nothing was found
        return None
