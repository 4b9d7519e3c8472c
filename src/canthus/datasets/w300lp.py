"""300W-LP: 300-W turned to large poses, for training (Zhu et al., CVPR 2016).

`landmarks/<SET>/<name>_pts.mat` hold `pts_2d` (what is seen of the outline) and `pts_3d` (the
landmarks of the model, projected), 68 x 2 each, counted from 1. Pictures, 450 pixels wide, lie in
AFW, HELEN, IBUG and LFPW, mirrored ones under the same names in folders that end in `_Flip`; their
landmarks are the mirrored ones. A name ends in its step of yaw, `_0` to `_17`. Poses stand in the
`.mat` beside each picture; `aflw2000.pose_of` reads one.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from canthus.datasets import ibug, matlab
from canthus.datasets.sample import Sample
from canthus.datasets.trust import split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {
    "train": 61225,
    "train-3d": 61225,
    "train-flipped": 122450,
    "train-3d-flipped": 122450,
}
SETS = ("AFW", "HELEN", "IBUG", "LFPW")
LANDMARKS = "landmarks"
MIRRORED = "_Flip"
WIDTH = 450  # pixels of every picture


def read(root: Path, split: str) -> list[Sample]:
    """Read the faces, set by set, each in the order of its file names.

    Args:
        root: the folder that holds AFW, HELEN, IBUG, LFPW and landmarks/.
        split: "train" for the outline that is seen, "train-3d" for the projected model;
            with "-flipped" the mirrored pictures are there too.

    Raises:
        DatasetError: naming the folder that is missing, or the file and variable that are not as
            they should be.
    """
    split_of(split, SPLITS)
    variable = "pts_3d" if "3d" in split else "pts_2d"
    samples = []
    for name in SETS:
        folder = root / LANDMARKS / name
        files = sorted(folder.glob("*_pts.mat"))
        if not files:
            raise DatasetError(f"{folder}: expected landmark files *_pts.mat, found none")
        faces = [_sample(root / name, file, variable) for file in files]
        samples += faces
        if split.endswith("flipped"):
            samples += [_flipped(face, root) for face in faces]
    return samples


def learn_from(root: Path, split: str, *, kind: str = "train") -> list[Sample]:
    """Read the faces for a training: all of them, since the whole set is one.

    Args:
        root: as for `read`.
        split: "train" or "all".
        kind: "train" for the outline that is seen, "train-3d" for the projected model.

    Raises:
        DatasetError: as `read`; or if a validation part is asked for.
    """
    if split == "val":
        raise DatasetError(f"{root}: 300W-LP has no validation part; AFLW2000-3D is its test set")
    return read(root, kind)


def _flipped(sample: Sample, root: Path) -> Sample:
    """The same face in the mirrored picture."""
    landmarks = sample.landmarks.mirrored(WIDTH)
    name = f"{sample.image.parent.name}{MIRRORED}/{sample.image.name}"
    box = Box.around(landmarks.points)
    return replace(sample, image=root / name, box=box, landmarks=landmarks, name=name)


def _sample(pictures: Path, file: Path, variable: str) -> Sample:
    points = matlab.numbers(matlab.load(file, [variable]), variable, (68, 2), file) - 1
    stem = file.stem.removesuffix("_pts")
    try:
        box = Box.around(points)
    except ValueError as error:
        raise DatasetError(f"{file}: {variable}: {error}") from None
    folder = pictures.name
    return Sample(
        image=pictures / f"{stem}.jpg",
        box=box,
        landmarks=Landmarks(points, SCHEMES["68"]),
        tags=frozenset({folder.lower()}),
        group=ibug.photo_of(stem),
        name=f"{pictures.name}/{stem}.jpg",
    )
