"""300-W and all that iBUG publishes: a picture beside a `.pts` file (Sagonas et al., ICCV-W 2013).

`.pts` files count pixels from 1; the points read here count from 0.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.sample import Sample
from canthus.datasets.trust import below, pair, read_lines
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

PICTURES = (".jpg", ".png", ".jpeg", ".bmp")
HOLD_OUT = "val.txt"  # pictures below the root that are kept for validation, one a line
NUMBERED = re.compile(r"(\d{6,})_\d{1,2}")  # a photo's number, then that of a face in it
# A turned copy of such a picture, as 300W-LP names them: set, picture, step of yaw.
TURNED = re.compile(r"(AFW|HELEN|IBUG|LFPW)_(.+)_\d+")
PHOTO = re.compile(r"(\d+|image_(?:train_|test_)?\d+)_\d+")  # a photo, then a face in it
COUNT = re.compile(r"[0-9]{1,6}")


def read(root: Path, split: Literal["train", "val", "all"] = "all") -> list[Sample]:
    """Read every annotated picture below a folder, in the order of their paths.

    A file `val.txt` in the folder lists the pictures of split "val"; all others are "train".
    A sample's tag is its folder (`afw`, `helen`, ...), its group the photo it was cut from.

    Raises:
        DatasetError: if there is no `.pts` file, one is malformed or has no picture beside it,
            or `val.txt` names a picture that is not there.
    """
    files = sorted(root.rglob("*.pts"))
    if not files:
        raise DatasetError(f"{root}: expected pictures with .pts files below it, found none")
    pictures = {picture_of(file): file for file in files}
    kept = _held_out(root, set(pictures))
    wanted = {
        "all": set(pictures),
        "val": kept,
        "train": set(pictures) - kept,
    }[split]
    return [_sample(root, image, file) for image, file in pictures.items() if image in wanted]


def read_points(path: Path) -> NDArray[np.float32]:
    """The points (L, 2) of one `.pts` file, counted from 0.

    Raises:
        DatasetError: naming the line that is not as the format has it.
    """
    return read_written(path) - 1


def read_written(path: Path) -> NDArray[np.float32]:
    """The numbers (L, 2) of one `.pts` file as they stand there, counted from 1.

    Raises:
        DatasetError: naming the line that is not as the format has it.
    """
    lines = read_lines(path)
    count, start = _header(lines, path)
    body = [(number, line) for number, line in enumerate(lines[start:], start + 1) if line.strip()]
    closing = next((i for i, (_, line) in enumerate(body) if line.strip() == "}"), None)
    if closing is None:
        raise DatasetError(
            f"{path}:{len(lines)}: expected a closing }} after {count} points, found none"
        )
    if closing != count:
        raise DatasetError(
            f"{path}:{body[closing][0]}: expected {count} points as n_points says, found {closing}"
        )
    rows = [pair(line.split(), f"{path}:{number}") for number, line in body[:closing]]
    return np.array(rows, np.float32)


def picture_of(file: Path) -> Path:
    """The picture beside a `.pts` file.

    Raises:
        DatasetError: if there is none.
    """
    for suffix in (*PICTURES, *(suffix.upper() for suffix in PICTURES)):
        # with_suffix would cut names such as "image.final.pts" short
        picture = file.parent / (file.stem + suffix)
        if picture.is_file():
            return picture
    raise DatasetError(f"{file}: expected a picture of the same name beside it ({PICTURES})")


def photo_of(stem: str) -> str:
    """The photo that a picture was made from, as 300W-LP and those who build on it name them.

    `AFW_134212_1_0`, the first face of photo 134212 in AFW before it is turned, is of
    `AFW/134212`; a name without a set, such as `10009865324_0`, is of `10009865324`.
    """
    turned = TURNED.fullmatch(stem)
    name = turned[2] if turned else stem
    photo = numbered[1] if (numbered := PHOTO.fullmatch(name)) else name
    return f"{turned[1]}/{photo}" if turned else photo


def face(image: Path, file: Path, *, name: str, tags: frozenset[str]) -> Sample:
    """The face of a picture and its `.pts` file of 68 points.

    Args:
        image: the picture.
        file: its points.
        name: what lists call the picture; its first part is a part of the group.
        tags: the subsets it belongs to.

    Raises:
        DatasetError: if the file is malformed, or has not 68 points that span an area.
    """
    points = read_points(file)
    if len(points) != 68:
        raise DatasetError(
            f"{file}: expected 68 points, found {len(points)}; their order is not known here"
        )
    try:
        box = Box.around(points)
    except ValueError as error:
        raise DatasetError(f"{file}: {error}") from None
    photo = numbered[1] if (numbered := NUMBERED.fullmatch(image.stem)) else image.stem
    return Sample(
        image=image,
        box=box,
        landmarks=Landmarks(points, SCHEMES["68"]),
        tags=tags,
        group=f"{_first_part(image, name)}/{photo}",
        name=name,
    )


def _first_part(image: Path, name: str) -> str:
    """The folder of the set that a picture belongs to."""
    parts = PurePosixPath(name).parts
    return parts[0] if len(parts) > 1 else image.parent.name


def _header(lines: list[str], path: Path) -> tuple[int, int]:
    """How many points the file promises, and the index of the line after the opening brace."""
    count = None
    for index, line in enumerate(lines):
        text = line.strip()
        if text == "{":
            if count is None:
                raise DatasetError(f"{path}:{index + 1}: expected n_points before the brace")
            return count, index + 1
        key, _, value = text.partition(":")
        if key.strip() == "n_points":
            if not COUNT.fullmatch(value.strip()):
                raise DatasetError(
                    f"{path}:{index + 1}: expected a count, found {value.strip()!r:.40}"
                )
            count = int(value)
    raise DatasetError(f"{path}: expected 'n_points: N' and an opening brace, found neither or one")


def _held_out(root: Path, pictures: set[Path]) -> set[Path]:
    path = root / HOLD_OUT
    if not path.is_file():
        return set()
    lines = [(line.strip(), f"{path}:{i}") for i, line in enumerate(read_lines(path), 1)]
    kept = {below(root, name, where) for name, where in lines if name}
    if missing := kept - pictures:
        first = min(missing).relative_to(root)
        raise DatasetError(f"{path}: names {len(missing)} pictures that are not there, as {first}")
    return kept


def _sample(root: Path, image: Path, file: Path) -> Sample:
    folder = image.relative_to(root).parts[0] if image.parent != root else root.name
    name = image.relative_to(root).as_posix()
    return face(image, file, name=name, tags=frozenset({folder}))
