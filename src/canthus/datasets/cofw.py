"""COFW: 29 landmarks of faces that something hides in part (Burgos-Artizzu et al., ICCV 2013).

`COFW_{train,test}_color.mat` are MATLAB files of version 7.3, which are HDF5, where arrays lie
transposed: the pictures as cells, the points 87 x N (29 x, 29 y, 29 flags of what is hidden) and
the boxes 4 x N (corner, width, height), all counted from 1.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.matlab import DAMAGED, LIMIT
from canthus.datasets.sample import Sample
from canthus.datasets.trust import split_of
from canthus.errors import DatasetError, ImageError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"train": 1345, "test": 507}
FILES: Mapping[str, str] = {"train": "COFW_train_color.mat", "test": "COFW_test_color.mat"}
PICTURES: Mapping[str, str] = {"train": "IsTr", "test": "IsT"}
POINTS: Mapping[str, str] = {"train": "phisTr", "test": "phisT"}
BOXES: Mapping[str, str] = {"train": "bboxesTr", "test": "bboxesT"}
MAX_PIXELS = 200_000_000
MAX_FACES = 1_000_000


def read(root: Path, split: str) -> list[Sample]:
    """Read a split, in the order of the file; the pictures stay in it.

    Faces are named by their number from 0 over the training and the test set, as
    `01345.jpg` for the first test face, since the file has no names for them.

    Args:
        root: the folder that holds COFW_train_color.mat and COFW_test_color.mat.
        split: "train" or "test".

    Raises:
        DatasetError: naming the file and the variable that are not as they should be.
    """
    split_of(split, SPLITS)
    path = root / FILES[split]
    with _opened(path) as file:
        points = _table(file, POINTS[split], 87, path)
        boxes = _table(file, BOXES[split], 4, path)
    if len(points) != len(boxes):
        raise DatasetError(f"{path}: expected a box for each of {len(points)}, found {len(boxes)}")
    if not len(points):
        raise DatasetError(f"{path}: {POINTS[split]}: expected faces, found none")
    first = SPLITS["train"] if split == "test" else 0
    return [
        _sample(path, points[i], boxes[i], _Place(i, f"{first + i:05d}.jpg"))
        for i in range(len(points))
    ]


def read_picture(path: Path, entry: int) -> NDArray[np.uint8]:
    """A picture of a file, uint8 RGB (H, W, 3); gray ones have three equal channels.

    Args:
        path: COFW_train_color.mat or COFW_test_color.mat.
        entry: which picture, from 0.

    Raises:
        ImageError: if it is not there or no picture.
    """
    where = f"{path}: picture {entry}"
    try:
        with _opened(path) as file:
            name = next((name for name in PICTURES.values() if name in file), None)
            if name is None:
                raise ImageError(f"{where}: expected cells IsTr or IsT, found neither")
            cells = file[name]
            if entry >= cells.size:
                raise ImageError(f"{where}: expected more pictures, found {cells.size} in the file")
            cell = file[cells[np.unravel_index(entry, cells.shape)]]
            if cell.size > 3 * MAX_PIXELS or cell.dtype != np.uint8 or cell.ndim not in (2, 3):
                raise ImageError(f"{where}: expected pixels, found {cell.dtype} of {cell.shape}")
            stored = cell[()]
    except DatasetError as error:
        raise ImageError(str(error)) from None
    except (*DAMAGED, RuntimeError) as error:
        raise ImageError(f"{where}: cannot be read: {error!s:.200}") from None
    upright = stored.transpose()  # MATLAB's H x W x 3 lies here as 3 x W x H
    picture = upright if upright.ndim == 3 else np.repeat(upright[:, :, None], 3, axis=2)
    if picture.shape[2] != 3:
        raise ImageError(f"{where}: expected 3 channels, found {picture.shape[2]}")
    return np.ascontiguousarray(picture)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import h5py

    if not path.is_file():
        raise DatasetError(f"{path}: expected COFW's file, found none")
    try:
        file = h5py.File(path, "r")
    except (*DAMAGED, RuntimeError) as error:
        raise DatasetError(
            f"{path}: cannot be read as a MATLAB file of version 7.3: {error!s:.200}"
        ) from None
    with file:
        yield file


def _table(file: Any, name: str, columns: int, path: Path) -> NDArray[np.float64]:
    """A table with a row for each face, whichever way it lies in the file.

    Where both sides are as long as a row, it is taken to lie as published, (columns, N).
    """
    try:
        if name not in file:
            raise DatasetError(f"{path}: expected a variable {name!r}, found none")
        stored = file[name]
        if stored.ndim != 2 or columns not in stored.shape or stored.size > columns * MAX_FACES:
            raise DatasetError(f"{path}: {name}: expected {columns} x N, found {stored.shape}")
        if stored.dtype.kind not in "fiu":
            raise DatasetError(f"{path}: {name}: expected numbers, found {stored.dtype}")
        table = np.asarray(stored[()], np.float64)
    except (*DAMAGED, RuntimeError) as error:
        raise DatasetError(f"{path}: {name}: cannot be read: {error!s:.200}") from None
    rows = table.T if table.shape[0] == columns else table
    bad = ~(np.abs(rows) < LIMIT)  # false for NaN too
    if bad.any():
        row, column = np.argwhere(bad)[0].tolist()
        raise DatasetError(
            f"{path}: {name}: face {row}: expected finite numbers, found {rows[row, column]}"
        )
    return rows


class _Place:
    """Which picture of the file a face is, and its name."""

    def __init__(self, entry: int, name: str) -> None:
        self.entry, self.name = entry, name


def _sample(
    path: Path, numbers: NDArray[np.float64], box: NDArray[np.float64], place: _Place
) -> Sample:
    points = numbers[:58].reshape(2, 29).T - 1
    x, y, width, height = box.tolist()
    try:
        return Sample(
            image=path,
            box=Box.from_xywh(x - 1, y - 1, width, height),
            landmarks=Landmarks(points, SCHEMES["29"]),
            group=place.name,
            visible=numbers[58:] == 0,
            name=place.name,
            entry=place.entry,
        )
    except ValueError as error:
        raise DatasetError(f"{path}: face {place.entry}: {error}") from None
