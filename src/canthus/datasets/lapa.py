"""LaPa: landmark guided face parsing, 106 landmarks (Liu et al., AAAI 2020).

`{train,val,test}/{images,labels,landmarks}`: a landmark file has 106 in its first line and then
a point a line, counted from 0. About half of the training pictures are turned copies out of
300W-LP, many of one photo; they are one group.
"""

from collections.abc import Mapping
from pathlib import Path

from canthus.datasets import ibug
from canthus.datasets.sample import Sample
from canthus.datasets.trust import counted_points, split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"train": 18176, "val": 2000, "test": 2000}


def read(root: Path, split: str) -> list[Sample]:
    """Read a split, in the order of its file names.

    Args:
        root: the folder that holds train, val and test.
        split: one of `SPLITS`.

    Raises:
        DatasetError: naming the folder that is missing, or file and line that are not as they
            should be.
    """
    split_of(split, SPLITS)
    folder = root / split / "landmarks"
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise DatasetError(f"{folder}: expected LaPa's landmark files (.txt), found none")
    return [_sample(root / split / "images", file) for file in files]


def _sample(pictures: Path, file: Path) -> Sample:
    points = counted_points(file, 106)
    try:
        box = Box.around(points)
    except ValueError as error:
        raise DatasetError(f"{file}: {error}") from None
    return Sample(
        image=pictures / f"{file.stem}.jpg",
        box=box,
        landmarks=Landmarks(points, SCHEMES["106jd"]),
        group=ibug.photo_of(file.stem),
        name=f"{file.stem}.jpg",
    )
