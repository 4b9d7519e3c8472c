"""A face model's fits to the faces of a data set, in a table of their own.

Columns: `image`, `scheme`, then `x0, y0, x1, y1, ...`, the landmarks of the fitted face, hidden
ones too, in pixels counted from 0; then `c0` to `c11`, the camera row by row, from the model's
coordinates to pixels; then `s0, s1, ...`, the coefficients of identity and of expression. A line
per face, in the data set's order; the cells of a face that nobody could fit are empty.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import trust
from canthus.datasets.sample import Sample
from canthus.datasets.taught import name_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Fit, Landmarks
from canthus.geometry import Box
from canthus.storage import write_whole

TABLE = "fits.csv"  # of a data set that comes with its fits
SCHEME = SCHEMES["68"]
CAMERA = 12  # numbers of a 3 x 4 map
FIRST = ("image", "scheme")


def write(
    path: Path,
    samples: Sequence[Sample],
    points: Sequence[NDArray[np.floating]],
    fits: Sequence[Fit | None],
) -> None:
    """Write the fits of samples.

    Args:
        path: of the table.
        samples: the faces, in the data set's order.
        points: (68, 2) of each, pixels of its picture; not looked at where there is no fit.
        fits: of each, of one face model; None where there is none.

    Raises:
        ValueError: if there is no fit at all, or they are of several models.
        StorageError: if the disk refuses; what was there before is kept.
    """
    counts = {len(fit.shape) for fit in fits if fit is not None}
    if len(counts) != 1:
        raise ValueError(f"expected fits of one face model, found coefficients: {sorted(counts)}")
    names = _columns(counts.pop())
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*FIRST, *names])
    for sample, face, fit in zip(samples, points, fits, strict=True):
        cells = [""] * len(names)
        if fit is not None:
            numbers = (*fit.camera.ravel().tolist(), *fit.shape.tolist())
            cells = [f"{value:.2f}" for value in face.ravel()] + [f"{x:.6g}" for x in numbers]
        table.writerow([name_of(sample), SCHEME.name, *cells])
    write_whole(path, text.getvalue().encode())


def read(path: Path, samples: Sequence[Sample]) -> list[Sample]:
    """The samples with fits, and with the fitted faces' landmarks in place of their own.

    Faces without a fit are left out. The box is tight around the landmarks.

    Raises:
        DatasetError: naming the line that is not of its sample, or not as the table has it.
    """
    names, *rows = [row for row in trust.read_rows(path) if row] or [[]]
    count = len(names) - len(_columns(0)) - len(FIRST)
    if count < 0 or names != [*FIRST, *_columns(count)]:
        raise DatasetError(
            f"{path}:1: expected columns image, scheme, x0, ..., c0, ..., s0, ..., "
            f"found {names[:4]}; fit the faces with `canthus fit`"
        )
    if len(rows) != len(samples):
        raise DatasetError(
            f"{path}: expected {len(samples)} faces as the data set has, found {len(rows)}; "
            "fit them again"
        )
    wheres = (f"{path}:{line}" for line in range(2, len(rows) + 2))
    each = zip(samples, rows, wheres, strict=True)
    found = [_fitted(sample, row, count, where) for sample, row, where in each]
    kept = [sample for sample in found if sample is not None]
    if not kept:
        raise DatasetError(f"{path}: expected faces with fits, found none")
    return kept


def _fitted(sample: Sample, row: list[str], count: int, where: str) -> Sample | None:
    image, *cells = row
    if image != name_of(sample):
        raise DatasetError(f"{where}: expected the face {name_of(sample)!r}, found {image!r}")
    if len(row) != len(FIRST) + len(_columns(count)) or cells[0] != SCHEME.name:
        raise DatasetError(
            f"{where}: expected scheme {SCHEME.name} and {len(_columns(count))} numbers, "
            f"found {cells[0] if cells else 'nothing'!r} and {len(cells) - 1}"
        )
    if not any(cells[1:]):
        return None
    numbers = np.array([trust.number(cell, where) for cell in cells[1:]])
    points, camera, shape = np.split(numbers, np.cumsum([2 * SCHEME.num_landmarks, CAMERA]))
    try:
        landmarks = Landmarks(points.reshape(-1, 2), SCHEME)
        fit = Fit(camera.reshape(3, 4), shape)
        box = Box.around(landmarks.points)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
    return replace(sample, box=box, landmarks=landmarks, visible=None, fit=fit)


def _columns(count: int) -> list[str]:
    points = [f"{axis}{i}" for i in range(SCHEME.num_landmarks) for axis in "xy"]
    return [*points, *(f"c{i}" for i in range(CAMERA)), *(f"s{i}" for i in range(count))]
