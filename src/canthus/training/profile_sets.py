"""Data sets of profiles: every face of another set, turned step by step to 90 degrees of yaw.

The folder has the layout `table`, with `images/` and `landmarks.csv`, and the faces' fits in
`fits.csv`. Points are those of the face model, hidden ones too.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample, fitted, tables
from canthus.errors import DatasetError
from canthus.faces import Fit
from canthus.faces.face_model import FaceModel
from canthus.geometry import Box, Similarity
from canthus.images.files import read_image, write_image
from canthus.images.warp import resize
from canthus.storage import whole_folder, write_whole
from canthus.training.heads import Head
from canthus.training.profiles import turned, yaws

SIDE = 180.0  # pixels of a face, at most
MARGIN = 0.8  # sides of a face that are around it
ROOM = 1.4  # likewise, before it is turned
QUALITY = 92  # of the JPEG files
POINTS = fitted.SCHEME.num_landmarks


@dataclass(frozen=True, eq=False)
class Profile:
    """A face that was turned.

    Attributes:
        name: of its picture, below `images/`.
        group: whose face or which photo it is.
        image: (H, W, 3) uint8, RGB.
        fit: of the face model.
        points: (68, 2), in pixels of the picture.
    """

    name: str
    group: str
    image: NDArray[np.uint8]
    fit: Fit
    points: NDArray[np.float32]


def profiles_of(
    sample: Sample, model: FaceModel, generator: np.random.Generator
) -> Iterator[Profile]:
    """The face of a sample, turned to each of its `yaws`; its picture is read once.

    Args:
        sample: with a fit.
        model: that of the fit.
        generator: of the yaws.

    Raises:
        DatasetError: if it has no fit, or one of another model.
        ImageError: if its picture cannot be read.
    """
    where = sample.name or str(sample.image)
    if sample.fit is None:
        raise DatasetError(f"{where}: expected a face with a fit, found none")
    try:
        face = model.shaped(sample.fit.shape)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}; fit the faces with this face model") from None
    scale = min(1.0, SIDE / sample.box.side)
    image, fit = read_image(sample.image), sample.fit
    if scale < 1:
        image, fit = (
            resize(image, scale),
            fit.through(Similarity.about((-0.5, -0.5), (-0.5, -0.5), scale=scale)),
        )
    image, fit = _cut(image, fit, fit.in_picture(model.keypoints_of(face)), ROOM)
    head, stem = Head.of(model), "-".join(Path(where).with_suffix("").parts[-2:])
    for number, yaw in enumerate(yaws(fit.pose.yaw_deg, generator)):
        other, place = turned(image, fit, model, float(yaw), head=head)
        keypoints = model.keypoints_of(face)
        other, place = _cut(other, place, place.in_picture(keypoints), MARGIN)
        points = place.in_picture(keypoints)[:, :2]
        yield Profile(f"{stem}-{number}.jpg", sample.group or where, other, place, points)


def write(folder: Path, profiles: Iterable[Profile]) -> int:
    """Write profiles into a folder that is not there yet, and say how many they are.

    The folder gets its name when it is complete.

    Raises:
        DatasetError: if there is none at all, or two have one name.
        StorageError: if something of the name is there, or the disk refuses.
    """
    rows: list[list[str]] = []
    fits, points = [], []
    with whole_folder(folder) as draft:
        (draft / "images").mkdir()
        for face in profiles:
            path = draft / "images" / face.name
            if path.exists():
                raise DatasetError(f"{face.name}: expected one face of this name, found two")
            write_image(path, face.image, quality=QUALITY)
            said = [face.name, "train", f"{face.fit.pose.yaw_deg:.2f}", face.group]
            rows.append([*said, *(f"{value:.2f}" for value in face.points.ravel())])
            fits.append(face.fit)
            points.append(face.points)
        if not rows:
            raise DatasetError(f"{folder}: expected faces that can be turned, found none")
        _write_table(draft / tables.TABLE, rows)
        fitted.write(draft / fitted.TABLE, tables.read(draft, "train"), points, fits)
    return len(rows)


def _write_table(path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    columns = [f"{axis}{number}" for number in range(POINTS) for axis in "xy"]
    table.writerow(["image", "split", "yaw_deg", "identity", *columns])
    table.writerows(rows)
    write_whole(path, text.getvalue().encode())


def _cut(
    image: NDArray[np.uint8], fit: Fit, points: NDArray[np.float32], margin: float
) -> tuple[NDArray[np.uint8], Fit]:
    """The part of a picture around points (68, 2 or more), as far as the picture reaches."""
    box = Box.around(points[:, :2]).squared().scaled(1 + 2 * margin)
    limits = image.shape[1::-1]
    (x0, y0), (x1, y1) = (
        np.clip(np.rint(corner), 0, limits).astype(int).tolist()
        for corner in ((box.x0, box.y0), (box.x1, box.y1))
    )
    if min(x1 - x0, y1 - y0) < 1:
        return image, fit
    return np.ascontiguousarray(image[y0:y1, x0:x1]), fit.through(
        Similarity.about((x0, y0), (0, 0))
    )
