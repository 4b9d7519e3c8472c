"""What the readers and writers of all formats share: faces of a file, pictures by name."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import records
from canthus.datasets.pictures import read_picture
from canthus.datasets.sample import Sample
from canthus.datasets.trust import below
from canthus.errors import DatasetError, StorageError
from canthus.faces import Landmarks, LandmarkScheme
from canthus.geometry import Box
from canthus.storage import write_whole

Row = tuple[float, float]

logger = logging.getLogger(__name__)


def picture(root: Path, name: str, where: str) -> tuple[Path, str]:
    """The path of a picture that a file names, and its name with forward slashes.

    Raises:
        DatasetError: if the name is empty, absolute or leads out of the root.
    """
    path = below(root, name, where)
    if "\\" not in name or path.is_file():
        return path, name
    plain = name.replace("\\", "/")
    return below(root, plain, where), plain


def box_of(edges: Sequence[float], where: str) -> Box:
    """The box of left, top, right and bottom edges, in pixels.

    Raises:
        DatasetError: if it has no width or height.
    """
    try:
        return Box(edges[0], edges[1], edges[2], edges[3])
    except ValueError:
        left, top, right, bottom = (f"{edge:g}" for edge in edges)
        raise DatasetError(
            f"{where}: expected a box of some width and height, found one from ({left}, {top}) "
            f"to ({right}, {bottom})"
        ) from None


def around(points: NDArray[np.float32], where: str) -> Box:
    """The tightest box around known points, (L, 2) in pixels.

    Raises:
        DatasetError: if they span no area.
    """
    try:
        return Box.around(points)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}, and the file says no box") from None


def points_of(rows: Mapping[int, Row], scheme: LandmarkScheme) -> NDArray[np.float32]:
    """The points (L, 2) in pixels of places by index; those not named are NaN."""
    points = np.full((scheme.num_landmarks, 2), np.nan, np.float32)
    for index, place in rows.items():
        points[index] = place
    return points


def face(
    named: tuple[Path, str],
    points: NDArray[np.float32],
    scheme: LandmarkScheme,
    *,
    box: Box,
    visible: NDArray[np.bool_] | None = None,
) -> Sample:
    """A face of a file.

    Args:
        named: the picture's path, and its name in the file.
        points: (L, 2) in pixels, 0-based; NaN is unknown.
        scheme: what they mean.
        box: the face's.
        visible: (L,) flags, where the file says them.
    """
    image, name = named
    landmarks = Landmarks(points, scheme)
    return Sample(image, box, landmarks, group=name, visible=visible, name=name)


def index_of(label: str, scheme: LandmarkScheme, where: str, *, first: int = 0) -> int:
    """The index that a label means: one of the scheme's names, or a number.

    Args:
        label: as the file has it.
        scheme: of the landmarks.
        where: for the message.
        first: the label of index 0.

    Raises:
        DatasetError: if it is none of the scheme.
    """
    if label in scheme.names:
        return scheme.names.index(label)
    if not _is_index(label):
        also = " or name" if scheme.names else ""
        raise DatasetError(f"{where}: expected a landmark's index{also}, found {label!r:.60}")
    index = int(label) - first
    if not 0 <= index < scheme.num_landmarks:
        last = first + scheme.num_landmarks - 1
        raise DatasetError(f"{where}: expected an index from {first} to {last}, found {label}")
    return index


def first_index(labels: Iterable[str], count: int) -> int:
    """Whether labels count from 0 or from 1: from 1 if one is `count`, and none is 0."""
    found = {int(label) for label in labels if _is_index(label)}
    return int(count in found and 0 not in found)


def some(samples: list[Sample], path: Path, annotations: int = 0) -> list[Sample]:
    """The faces of a file, of which there must be any; how many others there are is logged.

    Args:
        samples: the faces.
        path: the file.
        annotations: how many it holds in all, those included that are no faces with landmarks.

    Raises:
        DatasetError: if there is none.
    """
    if not samples:
        raise DatasetError(f"{path}: expected faces with landmarks, found none")
    if (others := annotations - len(samples)) > 0:
        logger.warning("%s: left out %d annotations without a landmark, or to ignore", path, others)
    return samples


def names_of(samples: Sequence[Sample], folder: Path, *, copied: bool = False) -> list[str]:
    """What a file in a folder calls the picture of each sample.

    The path from the folder if the picture is below it, else the name that the sample has.

    Args:
        samples: whose pictures.
        folder: that of the file.
        copied: whether pictures are copied there, so that several may come from one file.

    Raises:
        DatasetError: if two pictures would have one name, or one file holds several pictures.
    """
    there = folder.resolve()
    owner: dict[str, tuple[Path, int | None]] = {}
    names = []
    for sample in samples:
        if sample.entry is not None and not copied:
            raise DatasetError(
                f"{sample.image}: expected a picture, found a file of several; convert it to a "
                "folder first, as of .pts files"
            )
        image = sample.image.resolve()
        inside = sample.entry is None and image.is_relative_to(there)
        name = image.relative_to(there).as_posix() if inside else sample.name or image.name
        if not name.isprintable():
            raise DatasetError(f"{folder}: expected names of letters that print, found {name!r}")
        if owner.setdefault(name, (image, sample.entry)) != (image, sample.entry):
            raise DatasetError(f"{image}: has the name {name!r} that {owner[name][0]} has too")
        names.append(name)
    return names


def by_picture(
    samples: Sequence[Sample], folder: Path, *, copied: bool = False
) -> dict[str, list[Sample]]:
    """The samples of each picture, by the name that a file in a folder calls it.

    Raises:
        DatasetError: as `names_of` does.
    """
    found: dict[str, list[Sample]] = {}
    for name, sample in zip(names_of(samples, folder, copied=copied), samples, strict=True):
        found.setdefault(name, []).append(sample)
    return found


def beside(
    samples: Sequence[Sample], folder: Path, suffix: str
) -> list[tuple[Path, str, list[Sample]]]:
    """For each picture the file of its faces in a folder, to which the pictures are copied.

    Returns:
        The files, each with the name of the picture beside it and the faces in that.

    Raises:
        DatasetError: if a picture is not there, or two would share a file.
        ImageError: if what a file of several holds is no picture.
        StorageError: if a picture cannot be written.
    """
    found: dict[Path, tuple[str, list[Sample]]] = {}
    grouped = by_picture(samples, folder, copied=True)
    for name, faces in grouped.items():
        file = below(folder, name, str(folder)).parent / f"{Path(name).stem}{suffix}"
        if file in found:
            raise DatasetError(f"{faces[0].image}: shares {file.name} with another picture")
        _check_copy(faces[0])
        found[file] = Path(name).name, faces
    for name, faces in grouped.items():
        _copy(faces[0], folder / name)
    return [(file, image, faces) for file, (image, faces) in found.items()]


def size_of(sample: Sample) -> tuple[int, int] | None:
    """Width and height of a sample's picture in pixels; None if it is not there.

    Raises:
        ImageError: if it is there, but no picture.
    """
    if not sample.image.is_file():
        return None
    height, width = read_picture(sample).shape[:2]
    return width, height


def place(value: float) -> float:
    """A coordinate as files have it: to a millionth of a pixel."""
    return round(float(value), 6)


def known(sample: Sample) -> dict[int, Row]:
    """The places of a sample's known points by index, in pixels."""
    points = sample.landmarks.points[:, :2].astype(np.float64).tolist()
    flags = sample.landmarks.known.tolist()
    return {i: (x, y) for i, (x, y) in enumerate(points) if flags[i]}


def edges_of(sample: Sample) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of a sample's box, in pixels."""
    return sample.box.x0, sample.box.y0, sample.box.x1, sample.box.y1


def scheme_of_all(samples: Sequence[Sample], path: Path) -> LandmarkScheme:
    """The scheme that all samples have.

    Raises:
        DatasetError: if there are no samples, they have several schemes, or a face has depth,
            which no format here holds.
    """
    schemes = {sample.landmarks.scheme.name for sample in samples}
    if len(schemes) != 1:
        raise DatasetError(f"{path}: expected faces of one scheme to write, found {len(schemes)}")
    for sample in samples:
        if (axes := sample.landmarks.points.shape[1]) != 2:
            raise DatasetError(
                f"{sample.image}: expected points of x and y, as no format here holds depth, "
                f"found {axes} coordinates; take the first two"
            )
    return samples[0].landmarks.scheme


def _is_index(label: str) -> bool:
    # longer ones are no index, and of thousands of digits Python makes no number
    return label.isascii() and label.isdigit() and len(label) < 8


def _check_copy(sample: Sample) -> None:
    """Make sure that there is a picture to copy, before any is."""
    if not sample.image.is_file():
        raise DatasetError(f"{sample.image}: expected a picture to copy, found none")
    if sample.entry is not None:
        records.read_picture_file(sample.image, sample.entry, sample.name)


def _copy(sample: Sample, target: Path) -> None:
    source = sample.image
    if source.resolve() == target.resolve():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if sample.entry is None:
            data = source.read_bytes()
        else:
            data = records.read_picture_file(source, sample.entry, sample.name)
    except OSError as error:
        raise StorageError(f"{target}: cannot be copied from {source}: {error.strerror}") from None
    write_whole(target, data)
