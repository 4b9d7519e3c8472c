"""MERL-RAV: AFLW's faces with 68 landmarks and what hides them (Kumar et al., CVPR 2020).

`.pts` files that count pixels from 1. A landmark hidden by something else has negative
coordinates, whose absolute values are its place; one minus sign of two says so, too. One hidden
by the face itself is (-1, -1) and not known. A file's name is that of AFLW's picture, with `_1`,
`_2`, ... for further faces in it.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from canthus.datasets import ibug
from canthus.datasets.sample import Sample
from canthus.datasets.trust import split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"train": 15449, "test": 3865}
COUNTS: Mapping[str, Mapping[str, int]] = {
    "test": {"frontal": 2195, "half": 601, "profile": 1069},
}
# The labels alone, and the folder that the publishers' script makes of them and the pictures.
LABELS = ("merl_rav_labels", "merl_rav_organized")
# The folders, and the group that results are reported for.
POSES: Mapping[str, str] = {
    "frontal": "frontal",
    "left": "profile",
    "lefthalf": "half",
    "right": "profile",
    "righthalf": "half",
}
FURTHER = re.compile(r"(image\d+)_\d+")
PICTURES = ("images", "flickr", "aflw", "merl_rav_organized")  # aflw/ is where they say it lies


def read(root: Path, split: str) -> list[Sample]:
    """Read a split, pose by pose, each in the order of its file names.

    A face's picture is looked for beside its labels, then in images/, flickr/, aflw/ and
    merl_rav_organized/ of the root, and taken to be in images/ if it is nowhere.

    Args:
        root: the folder that holds merl_rav_labels or merl_rav_organized, or one of these.
        split: "train" or "test".

    Raises:
        DatasetError: naming the folder that is missing, or the file that is not as it should be.
    """
    split_of(split, SPLITS)
    labels = next((root / name for name in LABELS if (root / name).is_dir()), root)
    pictures = _pictures(root)
    samples = []
    for pose, group in POSES.items():
        folder = labels / pose / f"{split}set"
        if not folder.is_dir():
            raise DatasetError(f"{folder}: expected this folder of MERL-RAV, found none")
        inner = folder / "labels" if (folder / "labels").is_dir() else folder
        tags = frozenset({pose, group})
        samples += [_sample(file, root, pictures, tags) for file in sorted(inner.glob("*.pts"))]
    if not samples:
        raise DatasetError(f"{labels}: expected .pts files of split {split}, found none")
    return samples


def _pictures(root: Path) -> dict[str, Path]:
    """AFLW's pictures, by name without suffix, wherever they lie in the root's picture folders."""
    found = dict[str, Path]()
    for name in PICTURES:
        for path in (root / name).rglob("*.jpg"):
            found.setdefault(path.stem, path)
    return found


def _sample(file: Path, root: Path, pictures: Mapping[str, Path], tags: frozenset[str]) -> Sample:
    raw = ibug.read_written(file)  # since a minus sign means something
    if len(raw) != 68:
        raise DatasetError(f"{file}: expected 68 points, found {len(raw)}")
    itself = (raw == -1).all(axis=1)
    points = np.where(itself[:, None], np.nan, np.abs(raw) - 1)
    visible = np.logical_and(raw[:, 0] >= 0, raw[:, 1] >= 0)
    photo = numbered[1] if (numbered := FURTHER.fullmatch(file.stem)) else file.stem
    beside = file.with_suffix(".jpg")
    copied = pictures.get(photo) or pictures.get(file.stem)
    image = beside if beside.is_file() else copied or root / "images" / f"{photo}.jpg"
    try:
        box = Box.around(points)
    except ValueError as error:
        raise DatasetError(f"{file}: {error}") from None
    return Sample(
        image=image,
        box=box,
        landmarks=Landmarks(points, SCHEMES["68"]),
        tags=tags,
        group=photo,
        visible=visible,
        name=f"{photo}.jpg",
    )
