"""Landmarks that a model put on the faces of a data set, in a table of their own.

Columns: `image`, `scheme`, then `x0, y0, x1, y1, ...`, in pixels counted from 0; the two cells of
a landmark of which the model was not sure are empty. A line per face, in the data set's order.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import trust
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError
from canthus.faces import Landmarks, LandmarkScheme, scheme_of
from canthus.geometry import Box
from canthus.storage import write_whole

DIGITS = 2  # of a pixel


def name_of(sample: Sample) -> str:
    """What a table calls a sample: its picture, and which one of a file that holds several."""
    name = sample.name or sample.image.name
    return name if sample.entry is None else f"{name}#{sample.entry}"


def write(
    path: Path, samples: Sequence[Sample], points: NDArray[np.float64], scheme: LandmarkScheme
) -> None:
    """Write the landmarks (N, L, 2) of samples; NaN where they are not to be learned.

    Raises:
        StorageError: if the disk refuses; what was there before is kept.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["image", "scheme", *_columns(scheme)])
    for sample, face in zip(samples, points, strict=True):
        cells = ["" if math.isnan(value) else f"{value:.{DIGITS}f}" for value in face.ravel()]
        table.writerow([name_of(sample), scheme.name, *cells])
    write_whole(path, text.getvalue().encode())


def read(path: Path, samples: Sequence[Sample]) -> list[Sample]:
    """The samples with the landmarks of a table in place of their own.

    Faces without any are left out. Where all landmarks are known, the box is tight around them.

    Raises:
        DatasetError: naming the line that is not of its sample, or not as the table has it.
    """
    names, *rows = [row for row in trust.read_rows(path) if row] or [[]]
    if names[:2] != ["image", "scheme"]:
        raise DatasetError(f"{path}:1: expected columns image, scheme, x0, ..., found {names[:4]}")
    if len(rows) != len(samples):
        raise DatasetError(
            f"{path}: expected {len(samples)} faces as the data set has, found {len(rows)}; "
            "let the model look at it again"
        )
    wheres = (f"{path}:{line}" for line in range(2, len(rows) + 2))
    found = [
        _taught(sample, row, names, where)
        for sample, row, where in zip(samples, rows, wheres, strict=True)
    ]
    kept = [sample for sample in found if np.isfinite(sample.landmarks.points).any()]
    if not kept:
        raise DatasetError(f"{path}: expected faces with landmarks, found none")
    return kept


def _taught(sample: Sample, row: list[str], names: list[str], where: str) -> Sample:
    image, name, *cells = row
    if image != name_of(sample):
        raise DatasetError(f"{where}: expected the face {name_of(sample)!r}, found {image!r}")
    try:
        scheme = scheme_of(name)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
    if names[2:] != _columns(scheme) or len(row) != len(names):
        raise DatasetError(
            f"{where}: expected columns x0, y0, ... of {scheme.num_landmarks} points, "
            f"found {len(cells)} cells"
        )
    points = trust.points(cells, where)
    whole = bool(np.isfinite(points).all())
    return replace(
        sample,
        box=Box.around(points) if whole else sample.box,
        landmarks=Landmarks(points, scheme),
        visible=None,
    )


def _columns(scheme: LandmarkScheme) -> list[str]:
    return [f"{axis}{i}" for i in range(scheme.num_landmarks) for axis in "xy"]
