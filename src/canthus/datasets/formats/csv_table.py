"""One table with a face a line.

Columns: `image`, then `x0, y0, x1, y1, ...`; an empty pair of cells is an unknown point. Optional:
`box_x0, box_y0, box_x1, box_y1`, the edges of the face's box. Other columns are left out. Pixels
count from 0: the center of the top-left pixel is (0, 0). Pictures are named from the table's
folder. It holds no visibility.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.formats.faces import (
    around,
    box_of,
    edges_of,
    face,
    known,
    names_of,
    picture,
    place,
    scheme_of_all,
    some,
)
from canthus.datasets.formats.parsing import read_bytes
from canthus.datasets.sample import Sample
from canthus.datasets.trust import LIMIT, number
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme
from canthus.storage import write_whole

BOX = ("box_x0", "box_y0", "box_x1", "box_y1")


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a table, in its order; a line without a known point is left out.

    Raises:
        DatasetError: naming the line whose columns, numbers or picture are not as promised, or
            if there is no face.
    """
    rows = _rows(path)
    _, head = next(rows, (1, []))
    if not head:
        raise DatasetError(f"{path}:1: expected a line of column names, found an empty file")
    names = [name.strip() for name in head]
    _check(names, scheme, f"{path}:1")
    places = _Places(
        names.index("image"),
        [names.index(name) for name in _columns(scheme)],
        [names.index(name) for name in BOX if name in names],
    )
    faces, lines = [], 0
    for line, cells in rows:
        where, lines = f"{path}:{line}", lines + 1
        if len(cells) != len(names):
            raise DatasetError(f"{where}: expected {len(names)} columns, found {len(cells)}")
        if sample := places.face(cells, scheme, path.parent, where):
            faces.append(sample)
    return some(faces, path, lines)


def write(samples: Sequence[Sample], path: Path) -> None:
    """Write faces as a table, with their boxes.

    Raises:
        DatasetError: if two pictures would have one name.
        StorageError: if the disk refuses.
    """
    scheme = scheme_of_all(samples, path)
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["image", *BOX, *_columns(scheme)])
    for name, sample in zip(names_of(samples, path.parent), samples, strict=True):
        places = known(sample)
        rows = [places.get(i, ("", "")) for i in range(scheme.num_landmarks)]
        cells = [value if isinstance(value, str) else place(value) for row in rows for value in row]
        table.writerow([name, *map(place, edges_of(sample)), *cells])
    write_whole(path, text.getvalue().encode())


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    file = io.TextIOWrapper(io.BytesIO(read_bytes(path)), encoding="utf-8-sig", newline="")
    reader = csv.reader(file)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read as a table: {error}") from None


def _columns(scheme: LandmarkScheme) -> list[str]:
    return [f"{axis}{i}" for i in range(scheme.num_landmarks) for axis in "xy"]


def _check(names: list[str], scheme: LandmarkScheme, where: str) -> None:
    """Make sure that the columns are those of the scheme, each once."""
    if twice := {name for name in names if names.count(name) > 1}:
        raise DatasetError(f"{where}: expected columns that differ, found {min(twice)!r} twice")
    if len(names) == 1:
        raise DatasetError(
            f"{where}: expected columns, separated by commas, found {names[0]!r:.40}"
        )
    wanted = _columns(scheme)
    found = [name for name in names if name[:1] in ("x", "y") and name[1:].isdigit()]
    if len(found) != len(wanted):
        raise DatasetError(
            f"{where}: expected {len(wanted)} columns for the {scheme.num_landmarks} points of "
            f"scheme {scheme.name}, found {len(found)}, the last of them {found[-1:]}"
        )
    boxed = [name for name in BOX if name in names]
    for name in ("image", *wanted, *(BOX if boxed else ())):
        if name not in names:
            raise DatasetError(f"{where}: expected a column {name!r}, found {names[:6]}...")


@dataclass(frozen=True)
class _Places:
    """Which cells of a line are the picture's name, the points' x and y, and the box's edges."""

    image: int
    points: list[int]
    box: list[int]

    def face(
        self, cells: list[str], scheme: LandmarkScheme, root: Path, where: str
    ) -> Sample | None:
        """The face of a line; None if no point is known."""
        named = picture(root, cells[self.image].strip(), where)
        points = _points([cells[i] for i in self.points], where)
        if np.isnan(points).all():
            return None
        edges = [cells[i].strip() for i in self.box]
        if not any(edges):
            return face(named, points, scheme, box=around(points, where))
        drawn = [number(edge, f"{where}: {name}") for name, edge in zip(BOX, edges, strict=True)]
        return face(named, points, scheme, box=box_of(drawn, where))


def _points(cells: list[str], where: str) -> NDArray[np.float32]:
    """Points (L, 2); those that are all numbers, as most are, at one go."""
    text = "".join(cells)
    if text.isascii() and "_" not in text:
        with suppress(ValueError):
            values = np.array(list(map(float, cells)))
            if (np.abs(values) < LIMIT).all():  # false for NaN too
                return values.reshape(-1, 2).astype(np.float32)
    pairs = enumerate(zip(cells[::2], cells[1::2], strict=True))
    return np.array([_point(x.strip(), y.strip(), i, where) for i, (x, y) in pairs], np.float32)


def _point(x: str, y: str, index: int, where: str) -> tuple[float, float]:
    """X and y of a point; NaN if neither is said."""
    if bool(x) != bool(y):
        raise DatasetError(f"{where}: expected x{index} and y{index} both or neither, found one")
    if not x:
        return np.nan, np.nan
    return number(x, f"{where}: x{index}"), number(y, f"{where}: y{index}")
