"""Menpo 2D: semi-frontal faces with 68 landmarks (Zafeiriou et al., CVPR-W 2017).

A picture beside its `.pts`, which counts pixels from 1. Faces in profile have 39 points in an
order of their own, which is not known here: they are refused, never guessed.
"""

from collections.abc import Mapping
from pathlib import Path

from canthus.datasets import ibug
from canthus.datasets.sample import Sample
from canthus.datasets.trust import split_of
from canthus.errors import DatasetError

SPLITS: Mapping[str, int] = {"train": 6653, "test": 5335}
PROFILE: Mapping[str, int] = {"train-profile": 2290, "test-profile": 1946}
NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "trainset", "training"),
    "test": ("test", "testset"),
}
PROFILE_FOLDER = "profile"
REFUSED = "the order of the 39 points of Menpo's profile faces is not known here"


def read(root: Path, split: str) -> list[Sample]:
    """Read the semi-frontal faces of a split, in the order of their paths.

    Args:
        root: the folder that holds the splits (train, trainset, training; test, testset), each
            with folders semifrontal and profile in it or below; or the folder of one split.
        split: "train" or "test".

    Raises:
        DatasetError: naming the file that is not as it should be; also for splits
            "train-profile" and "test-profile", whose order of points is not known.
    """
    if split in PROFILE:
        raise DatasetError(f"{root}: split {split}: {REFUSED}; use {' or '.join(SPLITS)}")
    split_of(split, SPLITS)
    files = [
        file
        for file in sorted(root.rglob("*.pts"))
        if _split(root, file) == split and PROFILE_FOLDER not in _parts(root, file)
    ]
    if not files:
        others = list(root.rglob("*.pts"))
        if others and all(_is_profile(root, file) for file in others):
            raise DatasetError(f"{root}: expected faces of a folder semifrontal; {REFUSED}")
        raise DatasetError(
            f"{root}: expected .pts files below a folder {' or '.join(NAMES[split])}, found none; "
            "the root may be that folder itself"
        )
    return [_sample(root, file) for file in files]


def _split(root: Path, file: Path) -> str | None:
    """The split that the outermost folder with such a name says, else the root's own name."""
    for part in (*_parts(root, file), root.absolute().name.lower()):
        for split, names in NAMES.items():
            if part in names:
                return split
    return None


def _is_profile(root: Path, file: Path) -> bool:
    return PROFILE_FOLDER in (*_parts(root, file), root.absolute().name.lower())


def _parts(root: Path, file: Path) -> list[str]:
    """The folders between the root and a file, in small letters, the outermost first."""
    return [part.lower() for part in file.relative_to(root).parts[:-1]]


def _sample(root: Path, file: Path) -> Sample:
    if (count := len(ibug.read_points(file))) == 39:
        raise DatasetError(f"{file}: expected 68 points, found {count}: {REFUSED}")
    image = ibug.picture_of(file)
    return ibug.face(image, file, name=image.relative_to(root).as_posix(), tags=frozenset())
