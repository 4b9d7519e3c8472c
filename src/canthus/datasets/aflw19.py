"""AFLW with 19 landmarks, as annotated for CCL (Zhu et al., CVPR 2016).

`AFLWinfo_release.mat`: `bbox` N x 4 in the order x1 x2 y1 y2, `data` N x 38 (19 x, then 19 y),
`mask_new` N x 19 (1 where the landmark is seen), `nameList` and `ra`, a permutation from 1 whose
first 20,000 faces are the training set. Pixels are counted from 1, as MATLAB does.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import matlab
from canthus.datasets.sample import Sample
from canthus.datasets.trust import below, split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"train": 20000, "test": 4386, "frontal": 1314}
FILE = "AFLWinfo_release.mat"
TRAINING_FACES = 20000  # of the permutation; all others are the test set
PICTURES = ("flickr", "data/flickr")


def read(root: Path, split: str) -> list[Sample]:
    """Read a split, in the order of the permutation.

    Landmarks that are not seen are unknown. Faces of which all 19 are seen are tagged "frontal";
    those of the test set are the split of that name.

    Args:
        root: the folder that holds AFLWinfo_release.mat and flickr/.
        split: one of `SPLITS`.

    Raises:
        DatasetError: naming the variable and the row that are not as they should be.
    """
    split_of(split, SPLITS)
    path = root / FILE
    variables = matlab.load(path, ["bbox", "data", "mask_new", "nameList", "ra"])
    faces = _Faces(variables, path)
    chosen = faces.order[:TRAINING_FACES] if split == "train" else faces.order[TRAINING_FACES:]
    pictures = next((root / name for name in PICTURES if (root / name).is_dir()), root / "flickr")
    samples = [faces.sample(row, pictures) for row in chosen.tolist()]
    if split == "frontal":
        samples = [sample for sample in samples if "frontal" in sample.tags]
    if not samples:
        raise DatasetError(f"{path}: expected faces of split {split}, found none")
    return samples


class _Faces:
    """The tables of the file, checked against each other."""

    def __init__(self, variables: Mapping[str, NDArray[np.generic]], path: Path) -> None:
        self.path = path
        self.boxes = matlab.numbers(variables, "bbox", (-1, 4), path)
        count = len(self.boxes)
        self.points = matlab.numbers(variables, "data", (count, 38), path)
        self.seen = matlab.numbers(variables, "mask_new", (count, 19), path) > 0
        cells = np.asarray(variables["nameList"]).ravel()
        self.names = [_text(cell, f"{path}: nameList[{row}]") for row, cell in enumerate(cells)]
        if len(self.names) != count:
            raise DatasetError(f"{path}: nameList: expected {count} names, found {len(self.names)}")
        order = np.asarray(variables["ra"]).ravel()
        if order.dtype.kind not in "fiu" or sorted(order.tolist()) != [*range(1, count + 1)]:
            raise DatasetError(f"{path}: ra: expected a permutation of 1 to {count}")
        self.order = order.astype(np.int64) - 1

    def sample(self, row: int, pictures: Path) -> Sample:
        """The face of a row."""
        where = f"{self.path}: row {row}"
        name = self.names[row].replace("\\", "/")
        points = np.where(self.seen[row][:, None], self.points[row].reshape(2, 19).T - 1, np.nan)
        left, right, top, bottom = (self.boxes[row] - 1).tolist()
        try:
            box = Box(left, top, right, bottom)
        except ValueError as error:
            raise DatasetError(f"{where}: bbox (x1 x2 y1 y2): {error}") from None
        return Sample(
            image=below(pictures, name, where),
            box=box,
            landmarks=Landmarks(points, SCHEMES["19"]),
            tags=frozenset({"frontal"}) if self.seen[row].all() else frozenset(),
            group=name,
            visible=self.seen[row],
            name=name,
        )


def _text(cell: object, where: str) -> str:
    """A MATLAB cell's text."""
    text = cell.item() if isinstance(cell, np.ndarray) and cell.size == 1 else cell
    if not isinstance(text, str):
        raise DatasetError(f"{where}: expected the name of a picture, found {text!r:.60}")
    return text.strip()
