"""JD-landmark: 106 landmarks on pictures of 300-W and others (Liu et al., ICME-W 2019).

A landmark file has 106 in its first line and then a point a line, counted from 0; a rectangle
file has the corners of the face's box, by whose size errors are divided. The challenge's folders
`picture`, `landmark` and `rect` may lie at any depth. How many faces there officially are is not
settled (about 11,400 in the first version), so no count is compared.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from canthus.datasets.sample import Sample
from canthus.datasets.trust import counted_points, number, read_lines, split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"train": 0, "test": 0}
TEST = re.compile(r"test", re.IGNORECASE)  # in the name of a folder
NAMED = re.compile(r"(AFW|HELEN|IBUG|LFPW)_(.+?)_\d+_\d+")  # set, photo, face, turn


def read(root: Path, split: str) -> list[Sample]:
    """Read a split, in the order of its paths.

    Faces below a folder whose name holds "test" are the test set, all others are training faces.

    Args:
        root: the folder that holds the challenge's.
        split: "train" or "test".

    Raises:
        DatasetError: naming the file that is missing, or file and line that are not as they
            should be.
    """
    split_of(split, SPLITS)
    files = [
        file
        for file in sorted(root.rglob("*.txt"))
        if file.parent.name == "landmark" and _is_test(root, file) == (split == "test")
    ]
    if not files:
        raise DatasetError(f"{root}: expected landmark/*.txt of split {split}, found none")
    return [_sample(file) for file in files]


def _is_test(root: Path, file: Path) -> bool:
    return any(TEST.search(part) for part in file.relative_to(root).parts[:-1])


def _sample(file: Path) -> Sample:
    picture = file.parents[1] / "picture" / file.stem  # a landmark file is called x.jpg.txt
    points = counted_points(file, 106)
    named = NAMED.fullmatch(picture.stem)
    return Sample(
        image=picture,
        box=_box(file),
        landmarks=Landmarks(points, SCHEMES["106jd"]),
        group=f"{named[1]}/{named[2]}" if named else picture.stem,
        name=picture.name,
    )


def _box(file: Path) -> Box:
    """The box in the rectangle file of a landmark file."""
    stem = file.parents[1] / "rect" / file.stem
    candidates = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".rect", ".txt")]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise DatasetError(f"{candidates[0]}: expected the face's box, which errors are divided by")
    lines = [(line, i) for i, line in enumerate(read_lines(path), 1) if line.strip()]
    if len(lines) != 1 or len(words := lines[0][0].replace(",", " ").split()) != 4:
        raise DatasetError(f"{path}: expected one line x1 y1 x2 y2, found {len(lines)} lines")
    where = f"{path}:{lines[0][1]}"
    try:
        return Box(*(number(word, where) for word in words))
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
