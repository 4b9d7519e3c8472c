"""JD-landmark: 106 landmarks on pictures of 300-W and others (Liu et al., ICME-W 2019).

A landmark file has 106 in its first line and then a point a line, counted from 0; a rectangle
file has the corners of the face's box, by whose size errors are divided. The challenge's folders
`picture`, `landmark` and `rect` may lie at any depth, or all three kinds of files in one folder;
boxes of training faces may lie anywhere below the root, since they are an archive of their own.
A folder `Corrected_landmark`, which is published beside, is not read: it is another truth.

How many faces there officially are is not settled (about 11,400 for training in the first
version): the counts in `SPLITS` are 0, which means that nobody says, and none is compared.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from canthus.datasets import ibug
from canthus.datasets.sample import Sample
from canthus.datasets.trust import counted_points, number, read_lines, split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"train": 0, "test": 0}
TEST = re.compile(r"test", re.IGNORECASE)  # in the name of a folder
LANDMARKS, PICTURES, BOXES = "landmark", "picture", "rect"
SUFFIXES = (".rect", ".txt")  # of a box's file
FORKS = "__MACOSX"  # what one system's archives add of its own

Boxes = Mapping[str, Sequence[Path]]  # files with boxes, by their names


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
        if _has_landmarks(file) and _is_test(root, file) == (split == "test")
    ]
    if not files:
        raise DatasetError(f"{root}: expected landmark/*.txt of split {split}, found none")
    boxes = _boxes(root)
    return [_sample(file, boxes) for file in files]


def _has_landmarks(file: Path) -> bool:
    """Whether a file lies among landmarks, or with its picture or box in one folder."""
    if FORKS in file.parts:
        return False
    picture = file.with_suffix("")  # a landmark file is called x.jpg.txt
    box = picture.with_name(f"{picture.name}.rect")
    return file.parent.name == LANDMARKS or picture.is_file() or box.is_file()


def _is_test(root: Path, file: Path) -> bool:
    return any(TEST.search(part) for part in file.relative_to(root).parts[:-1])


def _boxes(root: Path) -> Boxes:
    """The boxes that lie in none of the folders `rect`, which belong to their neighbors."""
    found = dict[str, list[Path]]()
    for path in sorted(root.rglob("*.rect")):
        if path.parent.name != BOXES and FORKS not in path.parts:
            found.setdefault(path.name, []).append(path)
    return found


def _sample(file: Path, boxes: Boxes) -> Sample:
    apart = file.parent.name == LANDMARKS
    picture = (file.parents[1] / PICTURES if apart else file.parent) / file.stem
    points = counted_points(file, 106)
    return Sample(
        image=picture,
        box=_box(_box_file(file, boxes)),
        landmarks=Landmarks(points, SCHEMES["106jd"]),
        group=ibug.photo_of(picture.stem),
        name=picture.name,
    )


def _box_file(file: Path, boxes: Boxes) -> Path:
    """The rectangle file of a landmark file: in the folder beside, else wherever there is one."""
    apart = file.parent.name == LANDMARKS
    folder = file.parents[1] / BOXES if apart else file.parent
    candidates = [folder / f"{file.stem}{suffix}" for suffix in SUFFIXES]
    for path in candidates:
        if path != file and path.is_file():
            return path
    others = boxes.get(candidates[0].name, ())
    if len(others) > 1:
        raise DatasetError(f"{file}: expected one box, found {others[0]} and {others[1]}")
    if not others:
        raise DatasetError(
            f"{candidates[0]}: expected the face's box, which errors are divided by, found none"
        )
    return others[0]


def _box(path: Path) -> Box:
    lines = [(line, i) for i, line in enumerate(read_lines(path), 1) if line.strip()]
    if len(lines) != 1:
        raise DatasetError(f"{path}: expected one line x1 y1 x2 y2, found {len(lines)} lines")
    line, where = lines[0][0], f"{path}:{lines[0][1]}"
    if len(words := line.replace(",", " ").split()) != 4:
        raise DatasetError(f"{where}: expected x1 y1 x2 y2, found {line.strip()!r:.60}")
    try:
        return Box(*(number(word, where) for word in words))
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
