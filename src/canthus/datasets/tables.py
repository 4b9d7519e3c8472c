"""Landmarks in one table: `images/` beside a `landmarks.csv` with a face a line.

Columns: `image`, `split`, then `x0, y0, x1, y1, ...`, in pixels counted from 0; an empty cell is
a point that was not marked. Optional: `identity` (never split between sets) and `yaw_deg`.
"""

import math
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import trust
from canthus.datasets.sample import Sample
from canthus.datasets.trust import below, number
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks, LandmarkScheme
from canthus.geometry import Box

TABLE = "landmarks.csv"
AFLW_CROP = 120  # pixels: the side of the AFLW crops, sqrt(2) times that of the face's box


def read(root: Path, split: Literal["train", "val", "all"] = "all") -> list[Sample]:
    """Read one split of a table, in its order; the pictures stay on disk.

    The scheme follows from the number of columns: 68 points (iBUG) or 21 (AFLW).

    Raises:
        DatasetError: naming the line whose columns, numbers or picture are not as promised.
    """
    path = root / TABLE
    rows = trust.read_rows(path)
    if not rows:
        raise DatasetError(f"{path}: expected a line of column names, found an empty file")
    names, scheme = rows[0], _scheme(rows[0], path)
    lines = [(row, f"{path}:{n}") for n, row in enumerate(rows[1:], 2) if row]
    faces = [_parse(row, names, scheme, where) for row, where in lines]
    kept = [face for said, face in faces if split in ("all", said)]
    if not kept:
        raise DatasetError(f"{path}: expected faces of split {split!r}, found none")
    return kept


def _scheme(names: list[str], path: Path) -> LandmarkScheme:
    count = sum(name.startswith("x") and name[1:].isdigit() for name in names)
    expected = [f"{axis}{i}" for i in range(count) for axis in "xy"]
    if str(count) not in ("68", "21") or names[-2 * count :] != expected:
        raise DatasetError(
            f"{path}:1: expected columns x0, y0, ... of 68 or 21 points at the end, "
            f"found {count} in {names[:6]}..."
        )
    for name in ("image", "split"):
        if name not in names:
            raise DatasetError(f"{path}:1: expected a column {name!r}, found {names[:6]}...")
    return SCHEMES[str(count)]


def _parse(
    row: list[str], names: list[str], scheme: LandmarkScheme, where: str
) -> tuple[str, Sample]:
    """The split that a line says, and its face."""
    if len(row) != len(names):
        raise DatasetError(f"{where}: expected {len(names)} columns, found {len(row)}")
    values = dict(zip(names, row, strict=True))
    name = values["image"]
    images = Path(where.rpartition(":")[0]).parent / "images"
    try:
        image = below(images, name, where)
    except DatasetError:
        raise DatasetError(f"{where}: expected a picture below images/, found {name!r}") from None
    points = trust.points(row[-2 * scheme.num_landmarks :], where)
    yaw = values.get("yaw_deg")
    return values["split"], Sample(
        image=image,
        box=_box(points, scheme, where),
        landmarks=Landmarks(points, scheme),
        group=values.get("identity") or PurePosixPath(name).stem,
        yaw_deg=number(yaw, where) if yaw and yaw.strip() else None,
        name=name,
    )


def _box(points: NDArray[np.float32], scheme: LandmarkScheme, where: str) -> Box:
    """Around 68 points; of 21, some unseen, the box from which 3DDFA's protocol cut the crop."""
    if scheme.name == "68":
        try:
            return Box.around(points)
        except ValueError as error:
            raise DatasetError(f"{where}: {error}") from None
    middle, half = (AFLW_CROP - 1) / 2, AFLW_CROP / math.sqrt(2) / 2
    return Box(middle - half, middle - half, middle + half, middle + half)
