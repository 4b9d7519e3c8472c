"""WFLW: 10,000 faces, 98 landmarks, six attributes (Wu et al., CVPR 2018).

Its lists count pixels from 0. Several faces may be in one picture, so a face is known by its
picture and its points together. Names of pictures may hold spaces.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from canthus.datasets.sample import Sample
from canthus.datasets.trust import below, number, read_lines, split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"train": 7500, "test": 2500}
# The attributes in the order of the lists, and how many test faces have each.
SUBSETS: Mapping[str, int] = {
    "pose": 326,
    "expression": 314,
    "illumination": 698,
    "makeup": 206,
    "occlusion": 736,
    "blur": 773,
}
COUNTS: Mapping[str, Mapping[str, int]] = {"test": SUBSETS}
ANNOTATIONS = Path("WFLW_annotations")
PICTURES = "WFLW_images"
POINTS = 196  # numbers


def read(root: Path, split: str) -> list[Sample]:
    """Read the list of a split, in its order.

    Args:
        root: the folder that holds WFLW_images and WFLW_annotations.
        split: "train" or "test".

    Raises:
        DatasetError: naming the line that has not the 207 columns WFLW promises, or what they
            must not hold, or the list that has no lines.
    """
    split_of(split, SPLITS)
    path = (
        root / ANNOTATIONS / "list_98pt_rect_attr_train_test" / f"list_98pt_rect_attr_{split}.txt"
    )
    return [_face(line, root, where) for line, where in _lines(path)]


def learn_from(root: Path, split: str) -> list[Sample]:
    """Read the faces for a training: those of its list, with boxes tight around their points.

    Args:
        root: as for `read`.
        split: "train" or "all"; the test faces are not among them.

    Raises:
        DatasetError: as `read`; or if a validation part is asked for.
    """
    if split == "val":
        raise DatasetError(f"{root}: WFLW has no validation part; part of train is kept apart")
    return [replace(face, box=Box.around(face.landmarks.points)) for face in read(root, "train")]


def subset(root: Path, name: str) -> list[Sample]:
    """Read the list of a subset of the test faces: the same faces that have the attribute.

    These lists have no boxes: a face's is tight around its points, its one tag the subset.

    Args:
        root: the folder that holds WFLW_images and WFLW_annotations.
        name: of `SUBSETS`.

    Raises:
        DatasetError: naming the line that is not as WFLW promises.
    """
    split_of(name, SUBSETS)
    file = "largepose" if name == "pose" else name
    path = root / ANNOTATIONS / "list_98pt_test" / f"list_98pt_test_{file}.txt"
    faces = []
    for line, where in _lines(path):
        numbers, picture = _parsed(line, POINTS, where)
        landmarks = _landmarks(numbers)
        try:
            box = Box.around(landmarks.points)
        except ValueError as error:
            raise DatasetError(f"{where}: {error}") from None
        faces.append(_sample(root, picture, where, box, landmarks, frozenset({name})))
    return faces


def _lines(path: Path) -> list[tuple[str, str]]:
    """The lines of a list that are not empty, and where each stands."""
    lines = enumerate(read_lines(path), 1)
    found = [(line, f"{path}:{count}") for count, line in lines if line.strip()]
    if not found:
        raise DatasetError(f"{path}: expected a line for each face, found an empty file")
    return found


def _face(line: str, root: Path, where: str) -> Sample:
    numbers, picture = _parsed(line, POINTS + 4 + len(SUBSETS), where)
    corners, flags = numbers[POINTS : POINTS + 4], numbers[POINTS + 4 :]
    if not set(flags) <= {0.0, 1.0}:
        raise DatasetError(f"{where}: expected flags of 0 and 1, found {flags}")
    try:
        box = Box(*corners)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
    tags = frozenset(name for name, flag in zip(SUBSETS, flags, strict=True) if flag)
    return _sample(root, picture, where, box, _landmarks(numbers), tags)


def _parsed(line: str, count: int, where: str) -> tuple[list[float], str]:
    """The numbers at the beginning of a line, and the picture, which is the rest of it."""
    words = line.strip().split(maxsplit=count)
    if len(words) != count + 1:
        raise DatasetError(
            f"{where}: expected {count + 1} columns, found {len(words)}; use WFLW's own list"
        )
    return [number(word, where) for word in words[:count]], words[count]


def _landmarks(numbers: list[float]) -> Landmarks:
    return Landmarks(np.reshape(numbers[:POINTS], (98, 2)), SCHEMES["98"])


def _sample(
    root: Path,
    picture: str,
    where: str,
    box: Box,
    landmarks: Landmarks,
    tags: frozenset[str],
) -> Sample:
    image = below(root / PICTURES, picture, where)
    return Sample(image, box, landmarks, tags=tags, group=picture, name=picture)
