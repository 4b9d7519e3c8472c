"""COFW-68: COFW's test faces with 68 landmarks (Ghiasi and Fowlkes, 2015).

`test_annotations/<i>_points.mat` hold `Points` (68 x 2) and `Occ` (1 x 68, 1 is hidden), and
`cofw68_test_bboxes.mat` a box (corner, width, height) a face, all counted from 1. The pictures
are those of COFW_test_color.mat.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from canthus.datasets import cofw, matlab
from canthus.datasets.sample import Sample
from canthus.datasets.trust import split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"test": 507}
FOLDER = "test_annotations"
BOXES = "cofw68_test_bboxes.mat"
NUMBERED = re.compile(r"(\d+)_points")


def read(root: Path, split: str = "test") -> list[Sample]:
    """Read the test faces, in the order of their numbers; names are those of `cofw`.

    Args:
        root: the folder that holds test_annotations and cofw68_test_bboxes.mat; the pictures'
            file is looked for in it, in COFW/ beside it, and in the folder above.
        split: "test", there is no other.

    Raises:
        DatasetError: naming the file and the variable that are not as they should be.
    """
    split_of(split, SPLITS)
    files = _numbered(root / FOLDER)
    boxes = _boxes(root / BOXES)
    if len(boxes) != len(files):
        raise DatasetError(f"{root / BOXES}: expected {len(files)} boxes, found {len(boxes)}")
    pictures = _pictures(root)
    return [_sample(file, boxes[i], i, pictures) for i, file in enumerate(files)]


def _numbered(folder: Path) -> list[Path]:
    """The files in the order of their numbers, 1, 2, 3, ..."""
    found = {
        int(named[1]): path
        for path in folder.glob("*.mat")
        if (named := NUMBERED.fullmatch(path.stem))
    }
    if not found:
        raise DatasetError(f"{folder}: expected files 1_points.mat, 2_points.mat, ..., found none")
    for number in range(1, len(found) + 1):
        if number not in found:
            raise DatasetError(f"{folder / f'{number}_points.mat'}: expected this file, found none")
    return [found[number] for number in range(1, len(found) + 1)]


def _boxes(path: Path) -> list[Box]:
    variables = matlab.load(path)
    tables = [name for name, value in variables.items() if value.ndim == 2 and value.shape[1] == 4]
    if len(tables) != 1:
        raise DatasetError(f"{path}: expected one table N x 4, found {len(tables)}")
    rows = matlab.numbers(variables, tables[0], (-1, 4), path)
    return [_box(row, f"{path}: {tables[0]}[{i}]") for i, row in enumerate(rows.tolist())]


def _box(row: list[float], where: str) -> Box:
    """The box of a row: corner, width and height."""
    x, y, width, height = row
    try:
        return Box.from_xywh(x - 1, y - 1, width, height)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None


def _pictures(root: Path) -> Path:
    name = cofw.FILES["test"]
    places = (root / name, root.parent / "COFW" / name, root.parent / "cofw" / name)
    return next((p for p in (*places, root.parent / name) if p.is_file()), places[0])


def _sample(file: Path, box: Box, entry: int, pictures: Path) -> Sample:
    variables = matlab.load(file, ["Points", "Occ"])
    points = matlab.numbers(variables, "Points", (68, 2), file) - 1
    hidden = np.asarray(variables["Occ"]).ravel()
    if hidden.size != 68 or hidden.dtype.kind not in "fiub" or not np.isfinite(hidden).all():
        raise DatasetError(f"{file}: Occ: expected 68 flags, found {hidden!r:.80}")
    name = f"{cofw.SPLITS['train'] + entry:05d}.jpg"
    return Sample(
        image=pictures,
        box=box,
        landmarks=Landmarks(points, SCHEMES["68"]),
        group=name,
        visible=hidden == 0,
        name=name,
        entry=entry,
    )
