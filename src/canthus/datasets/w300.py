"""300-W: 68 landmarks on five sets of pictures (Sagonas et al., ICCV-W 2013, IMAVIS 2016).

A picture beside its `.pts`, which counts pixels from 1. The public pictures are those of AFW,
HELEN, LFPW and iBUG; the challenge's own, private at first, are indoor and outdoor ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from canthus.datasets import ibug
from canthus.datasets.sample import Sample
from canthus.datasets.trust import split_of
from canthus.errors import DatasetError

SPLITS: Mapping[str, int] = {
    "train": 3148,
    "common": 554,
    "challenging": 135,
    "full": 689,
    "private": 600,
}
COMMON = ("helen/testset", "lfpw/testset")
FOLDERS: Mapping[str, Sequence[str]] = {
    "train": ("afw", "helen/trainset", "lfpw/trainset"),
    "common": COMMON,
    "challenging": ("ibug",),
    "full": (*COMMON, "ibug"),
    "private": ("01_Indoor", "02_Outdoor"),
}
TAGS: Mapping[str, frozenset[str]] = {
    "afw": frozenset({"afw"}),
    "helen/trainset": frozenset({"helen"}),
    "lfpw/trainset": frozenset({"lfpw"}),
    "helen/testset": frozenset({"helen", "common"}),
    "lfpw/testset": frozenset({"lfpw", "common"}),
    "ibug": frozenset({"ibug", "challenging"}),
    "01_Indoor": frozenset({"indoor"}),
    "02_Outdoor": frozenset({"outdoor"}),
}
COUNTS: Mapping[str, Mapping[str, int]] = {
    "train": {"afw": 337, "helen": 2000, "lfpw": 811},
    "common": {"helen": 330, "lfpw": 224},
    "private": {"indoor": 300, "outdoor": 300},
}
ARCHIVE = "300W"  # the folder inside the private set's archive


def read(root: Path, split: str) -> list[Sample]:
    """Read a split, folder by folder, each in the order of its file names.

    Args:
        root: the folder that holds afw, helen, lfpw, ibug, 01_Indoor and 02_Outdoor, as far as
            the split needs them.
        split: one of `SPLITS`.

    Raises:
        DatasetError: naming the folder that is missing, or the file that is not as it should be.
    """
    split_of(split, SPLITS)
    samples = []
    for name in FOLDERS[split]:
        folder = _folder(root, name)
        files = sorted(folder.glob("*.pts"))
        if not files:
            raise DatasetError(f"{folder}: expected pictures with .pts files, found none")
        samples += [_sample(folder, name, file) for file in files]
    return samples


def _folder(root: Path, name: str) -> Path:
    for folder in (root / name, root / ARCHIVE / name):
        if folder.is_dir():
            return folder
    raise DatasetError(f"{root / name}: expected this folder of 300-W, found none")


def _sample(folder: Path, name: str, file: Path) -> Sample:
    image = ibug.picture_of(file)
    face = ibug.face(image, file, name=f"{name}/{image.name}", tags=TAGS[name])
    # LFPW numbers its training and its test photos alike.
    return replace(face, group=f"{name}/{face.group.rpartition('/')[2]}")
