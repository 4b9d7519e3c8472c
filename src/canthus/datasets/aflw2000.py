"""AFLW2000-3D: 2000 faces with 68 landmarks in space and their pose (Zhu et al., CVPR 2016).

A picture beside a `.mat`: `pt3d_68` (3 x 68), `pt2d` (2 x 21, x is -1 where absent) and
`Pose_Para` (pitch, yaw, roll in radians, shift, scale). Pixels are counted from 1, and z points
towards the camera; the landmarks read here count from 0, and their z points away.

The landmarks annotated again are whole numbers that lie, in the median over all faces, 1.2 pixels
left of and 0.9 above the fitted ones: they count from 0 already.
"""

from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import matlab
from canthus.datasets.ibug import PICTURES
from canthus.datasets.sample import Sample
from canthus.datasets.trust import split_of
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks, Pose
from canthus.geometry import Box

SPLITS: Mapping[str, int] = {"all": 2000, "reannotated": 2000, "points21": 2000}
COUNTS: Mapping[str, Mapping[str, int]] = {
    "all": {"yaw 0-30": 1312, "yaw 30-60": 383, "yaw 60-90": 305},
}
REANNOTATED = "AFLW2000-3D-Reannotated.pts68.npy"
PAPER_YAW = "AFLW2000-3D-new.pose.npy"
SOURCE = "get it from test.configs of https://github.com/cleardusk/3DDFA"

Array = NDArray[np.float64]


def read(root: Path, split: str) -> list[Sample]:
    """Read the faces, in the order of their numbers.

    Their tags are the bins of the fitted yaw, "yaw 0-30", "yaw 30-60", "yaw 60-90", and, if
    AFLW2000-3D-new.pose.npy is in the root, those of the paper: "paper yaw 0-30" and so on.

    Args:
        root: the folder with imageNNNNN.jpg and imageNNNNN.mat.
        split: "all" for the landmarks in space, (68, 3); "reannotated" for those that were
            annotated again in the picture, (68, 2), of which AFLW2000-3D-Reannotated.pts68.npy
            must be in the root; "points21" for AFLW's, (21, 2).

    Raises:
        DatasetError: naming the file and the variable that are not as they should be.
    """
    split_of(split, SPLITS)
    files = sorted(root.glob("*.mat"))
    if not files:
        raise DatasetError(f"{root}: expected image00002.mat and so on, found none")
    again = _beside(root / REANNOTATED, (len(files), 2, 68)) if split == "reannotated" else None
    paper = _paper_yaw(root, len(files))
    samples = []
    for i, file in enumerate(files):
        other = None if again is None else again[i].T
        samples.append(_sample(file, split, other, None if paper is None else float(paper[i])))
    return samples


def pose_of(file: Path) -> Pose:
    """The pose in a `.mat` of AFLW2000-3D or 300W-LP; its signs are those of `Pose`.

    Raises:
        DatasetError: if the file has none.
    """
    return _pose(matlab.load(file, ["Pose_Para"]), file)


def _pose(variables: Mapping[str, NDArray[np.generic]], file: Path) -> Pose:
    pitch, yaw, roll, *_ = np.degrees(
        matlab.numbers(variables, "Pose_Para", (1, 7), file)[0]
    ).tolist()
    return Pose(yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)


def _sample(file: Path, split: str, again: Array | None, paper: float | None) -> Sample:
    name = "pt2d" if split == "points21" else "pt3d_68"
    variables = matlab.load(file, [name, "Pose_Para"])
    solid = _points21(variables, file) if split == "points21" else _points68(variables, file)
    points = solid if again is None else again
    pose = _pose(variables, file)
    tags = {_bin(pose.yaw_deg)} | ({f"paper {_bin(paper)}"} if paper is not None else set())
    try:
        box = Box.around(points)
    except ValueError as error:
        raise DatasetError(f"{file}: {name}: {error}") from None
    image = _picture(file)
    return Sample(
        image=image,
        box=box,
        landmarks=Landmarks(points, SCHEMES["21" if split == "points21" else "68"]),
        tags=frozenset(tags),
        group=file.stem,
        yaw_deg=pose.yaw_deg,
        pose=pose,
        name=image.name,
    )


def _points68(variables: Mapping[str, NDArray[np.generic]], file: Path) -> Array:
    x, y, z = matlab.numbers(variables, "pt3d_68", (3, 68), file)
    return np.stack([x - 1, y - 1, -z], axis=1)


def _points21(variables: Mapping[str, NDArray[np.generic]], file: Path) -> Array:
    points = matlab.numbers(variables, "pt2d", (2, 21), file).T
    # Some have been turned upside down after -1 was written, so x alone tells.
    return np.where(points[:, :1] == -1, np.nan, points - 1)


def _bin(yaw_deg: float) -> str:
    """3DDFA's bins: up to 30 degrees, above 30 up to 60, and above, to either side."""
    turned = abs(yaw_deg)
    return "yaw 0-30" if turned <= 30 else "yaw 30-60" if turned <= 60 else "yaw 60-90"


def _picture(file: Path) -> Path:
    paths = (file.with_suffix(suffix) for suffix in PICTURES)
    return next((path for path in paths if path.is_file()), file.with_suffix(".jpg"))


def _paper_yaw(root: Path, count: int) -> Array | None:
    """The yaw of AFLW's labels, by which the paper made its bins; None if it is not there."""
    path = root / PAPER_YAW
    return _beside(path, (count,)) if path.is_file() else None


def _beside(path: Path, shape: tuple[int, ...]) -> Array:
    """An array that 3DDFA's code publishes beside the pictures."""
    if not path.is_file():
        raise DatasetError(f"{path}: expected this file beside the pictures, found none; {SOURCE}")
    try:
        # Mapped, not loaded: a header may promise far more than the file holds.
        array = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, TypeError, OverflowError, SyntaxError, TokenError) as error:
        raise DatasetError(f"{path}: cannot be read as an array: {error}") from None
    if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise DatasetError(
            f"{path}: expected finite numbers of shape {shape}, one a picture, found {array.dtype} "
            f"of {array.shape}"
        )
    return array.astype(np.float64)
