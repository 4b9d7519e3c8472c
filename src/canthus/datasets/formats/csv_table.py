"""One table with a face a line.

Columns: `image`, then `x0, y0, x1, y1, ...`; an empty pair of cells is an unknown point. Optional:
`box_x0, box_y0, box_x1, box_y1`, the edges of the face's box. Other columns are left out. Pixels
count from 0: the center of the top-left pixel is (0, 0). Pictures are named from the table's
folder. It holds no visibility.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from canthus.datasets.formats.faces import (
    Row,
    around,
    box_of,
    edges_of,
    face,
    known,
    names_of,
    picture,
    place,
    points_of,
    scheme_of_all,
    some,
)
from canthus.datasets.formats.parsing import read_bytes
from canthus.datasets.sample import Sample
from canthus.datasets.trust import number
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
    if not rows:
        raise DatasetError(f"{path}:1: expected a line of column names, found an empty file")
    names = [name.strip() for name in rows[0][1]]
    _check(names, scheme, f"{path}:1")
    faces = []
    for line, cells in rows[1:]:
        where = f"{path}:{line}"
        if len(cells) != len(names):
            raise DatasetError(f"{where}: expected {len(names)} columns, found {len(cells)}")
        values = dict(zip(names, (cell.strip() for cell in cells), strict=True))
        if sample := _face(values, scheme, path.parent, where):
            faces.append(sample)
    return some(faces, path, len(rows) - 1)


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


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""))
        return [(reader.line_num, row) for row in reader if row]
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


def _face(values: dict[str, str], scheme: LandmarkScheme, root: Path, where: str) -> Sample | None:
    named = picture(root, values["image"], where)
    places: dict[int, Row] = {}
    for i in range(scheme.num_landmarks):
        x, y = values[f"x{i}"], values[f"y{i}"]
        if bool(x) != bool(y):
            raise DatasetError(f"{where}: expected x{i} and y{i} both or neither, found one")
        if x:
            places[i] = number(x, f"{where}: x{i}"), number(y, f"{where}: y{i}")
    if not places:
        return None
    points = points_of(places, scheme)
    if any(values.get(name) for name in BOX):
        edges = [number(values[name], f"{where}: {name}") for name in BOX]
        return face(named, points, scheme, box=box_of(edges, where))
    return face(named, points, scheme, box=around(points, where))
