"""MXNet's record files of faces: a `.rec`, and a `.idx` beside it that says where records begin.

A record is one part or several: magic, then length and flag (the upper 3 bits) in one number, the
bytes, and zeros up to a multiple of 4. Bytes that held the magic at such a multiple were cut there,
without it. They are: how many numbers the label has (uint32), a label that is not used (float32),
two ids (uint64), the label's numbers (float32), and a picture's file. The label is (y, x) of every
landmark, in the picture's pixels, counted from 0. A line of the `.idx` is a key, a tab, a byte.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.sample import Sample
from canthus.datasets.trust import LIMIT, instead_of_file, read_lines
from canthus.errors import DatasetError, ImageError
from canthus.faces import SCHEMES, Landmarks, LandmarkScheme
from canthus.geometry import Box
from canthus.images.files import decode_image
from canthus.images.headers import inspect

MAGIC = bytes.fromhex("0a23d7ce")
SUFFIX, INDEX = ".rec", ".idx"
FILES = {"train": "train.rec", "val": "val.rec"}  # in a folder

FRAME = struct.Struct("<4sI")
HEADER = struct.Struct("<IfQQ")
LONGEST = (1 << 29) - 1  # bytes of a part
WHOLE, FIRST, MIDDLE, LAST = range(4)
BEGINNINGS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png"}  # what MXNet packs
LONGEST_NUMBER = 18  # digits in a .idx

Span = tuple[int, int]  # where bytes begin, and how many there are


def read(root: Path, split: Literal["train", "val", "all"] = "all") -> list[Sample]:
    """Read one split, 68 landmarks a face, in the order of the file; the pictures stay in it.

    Args:
        root: a `.rec`, all of which is "train", or a folder with `train.rec` and, as the case
            may be, `val.rec`.
        split: which faces.

    Raises:
        DatasetError: as `read_faces` does.
    """
    if not root.is_dir():
        return [] if split == "val" else read_faces(root, SCHEMES["68"])
    names = [name for part, name in FILES.items() if split in (part, "all")]
    files = [root / name for name in names if name == FILES["train"] or (root / name).exists()]
    return [sample for file in files for sample in read_faces(file, SCHEMES["68"])]


def read_faces(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a `.rec`, in its order; the pictures stay in it.

    They are named by their number from 0, as `000012.jpg`, since records have no names. If there
    is a `.idx` beside the file, it must name every record, and nothing else.

    Args:
        path: the `.rec`.
        scheme: of its landmarks.

    Raises:
        DatasetError: naming the record and the byte, or the line of the `.idx`, that are not as
            they should be.
    """
    samples: list[Sample] = []
    with _opened(path) as file:
        at = 0
        while at < file.size:
            place = _Place(path, len(samples), at)
            spans = file.spans(at, place.where)
            samples.append(_face(file.content(spans, _begin(scheme)), scheme, place))
            at = _end(spans)
    if not samples:
        raise DatasetError(f"{path}: expected records, found an empty file")
    _agree(path.with_suffix(INDEX), [sample.entry or 0 for sample in samples])
    return samples


def read_picture(path: Path, at: int, name: str) -> NDArray[np.uint8]:
    """The picture of a record, uint8 RGB (H, W, 3).

    Args:
        path: the `.rec`.
        at: the byte at which its record begins.
        name: what to call it in errors.

    Raises:
        ImageError: if it is not there or no picture.
    """
    return decode_image(_stored(path, at, name), _where(path, at, name))


def read_picture_file(path: Path, at: int, name: str) -> bytes:
    """The picture of a record as it is stored, the bytes of a JPEG or a PNG.

    Args:
        path: the `.rec`.
        at: the byte at which its record begins.
        name: what to call it in errors.

    Raises:
        ImageError: if it is not there or no whole picture.
    """
    data = _stored(path, at, name)
    inspect(data, _where(path, at, name))
    return data


@dataclass(frozen=True)
class _Place:
    """A record: of which file, its number in it, and the byte at which it begins."""

    path: Path
    number: int
    at: int

    @property
    def where(self) -> str:
        """What to call it in errors."""
        return f"{self.path}: record {self.number} at byte {self.at}"


class _Records:
    """An open record file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)

    def spans(self, at: int, where: str) -> list[Span]:
        """Where the parts of the record that begins at a byte have their bytes."""
        found: list[Span] = []
        while True:
            flag, length = self._frame(at, where)
            wanted = (MIDDLE, LAST) if found else (WHOLE, FIRST)
            if flag not in wanted:
                raise DatasetError(
                    f"{where}: expected a part with flag {wanted[0]} or {wanted[1]} at byte {at}, "
                    f"found {flag}; a part is missing or the file is damaged"
                )
            found.append((at + FRAME.size, length))
            if flag in (WHOLE, LAST):
                return found
            at = _end(found)

    def content(self, spans: list[Span], most: int = LONGEST) -> bytes:
        """The bytes of a record, put together, or as many of the first as asked for."""
        parts = [self._bytes(at, min(length, most)) for at, length in spans]
        return MAGIC.join(parts)[:most]

    def _frame(self, at: int, where: str) -> tuple[int, int]:
        """Flag and length of the part that begins at a byte, all of which is in the file."""
        left = self.size - at - FRAME.size
        if left < 0:
            raise DatasetError(
                f"{where}: expected a part of a record at byte {at}, found {self.size - at} bytes "
                "until the end of the file; it is cut off"
            )
        magic, word = FRAME.unpack(self._bytes(at, FRAME.size))
        if magic != MAGIC:
            raise DatasetError(
                f"{where}: expected the magic {MAGIC.hex()} at byte {at}, found {magic.hex()}; "
                "not a record file, or a damaged one"
            )
        flag, length = word >> 29, word & LONGEST
        if _padded(length) > left:
            raise DatasetError(
                f"{where}: expected {_padded(length)} bytes after byte {at + FRAME.size}, found "
                f"{left} until the end of the file; it is cut off or damaged"
            )
        return flag, length

    def _bytes(self, at: int, count: int) -> bytes:
        self._file.seek(at)
        return self._file.read(count)


@contextmanager
def _opened(path: Path) -> Iterator[_Records]:
    if not path.is_file():  # to open a pipe may wait forever
        raise DatasetError(f"{path}: expected a record file, found {instead_of_file(path)}")
    try:
        with path.open("rb") as file:
            yield _Records(file)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None


def _padded(length: int) -> int:
    return length + -length % 4


def _end(spans: list[Span]) -> int:
    """The byte after a record."""
    at, length = spans[-1]
    return at + _padded(length)


def _begin(scheme: LandmarkScheme) -> int:
    """How many bytes of a record hold its label, and tell what its picture is."""
    return HEADER.size + 8 * scheme.num_landmarks + max(map(len, BEGINNINGS))


def _where(path: Path, at: int, name: str) -> str:
    return f"{path}: record at byte {at}, {name}"


def _face(data: bytes, scheme: LandmarkScheme, place: _Place) -> Sample:
    where, wanted = place.where, 2 * scheme.num_landmarks
    if (count := _count(data, where)) != wanted:
        raise DatasetError(
            f"{where}: expected {wanted} numbers, y and x of the {scheme.num_landmarks} points of "
            f"scheme {scheme.name}, found {count}"
        )
    picture = data[HEADER.size + 4 * count :]
    suffix = next((s for begin, s in BEGINNINGS.items() if picture.startswith(begin)), None)
    if suffix is None:
        found = f"bytes {picture.hex()}" if picture else "no bytes"
        raise DatasetError(f"{where}: expected a JPEG or a PNG after the label, found {found}")
    points = _points(np.frombuffer(data, "<f4", count, HEADER.size), where)
    low, high = points.min(axis=0), points.max(axis=0)
    if not (low < high).all():
        raise DatasetError(
            f"{where}: expected points that span an area, found all of them from "
            f"({low[0]:g}, {low[1]:g}) to ({high[0]:g}, {high[1]:g})"
        )
    name = f"{place.number:06d}{suffix}"
    group = f"{place.path.stem}/{name}"
    return Sample(
        place.path,
        Box.around(points),
        Landmarks(points, scheme),
        group=group,
        name=name,
        entry=place.at,
    )


def _count(data: bytes, where: str) -> int:
    """How many numbers the label of a record has."""
    if len(data) < HEADER.size:
        raise DatasetError(
            f"{where}: expected {HEADER.size} bytes of a header, found {len(data)} in the record"
        )
    count: int = HEADER.unpack_from(data)[0]
    return count


def _points(label: NDArray[np.float32], where: str) -> NDArray[np.float32]:
    """The points (L, 2), x then y, of a label."""
    bad = ~(np.abs(label) < LIMIT)  # false for NaN too
    if bad.any():
        first = int(np.argmax(bad))
        raise DatasetError(
            f"{where}: expected a place in a picture, found {label[first]} as number {first} of "
            "the label"
        )
    return label.reshape(-1, 2)[:, ::-1].astype(np.float32)


def _stored(path: Path, at: int, name: str) -> bytes:
    where = _where(path, at, name)
    try:
        with _opened(path) as file:
            data = file.content(file.spans(at, where))
        return data[HEADER.size + 4 * _count(data, where) :]
    except DatasetError as error:
        raise ImageError(str(error)) from None


def _agree(index: Path, starts: list[int]) -> None:
    """Make sure that a `.idx`, if there is one, names every record once, and nothing else."""
    if not index.exists():
        return
    keys: set[int] = set()
    missing = dict(zip(starts, range(len(starts)), strict=True))
    for number, line in enumerate(read_lines(index), 1):
        where = f"{index}:{number}"
        key, at = _entry(line, where)
        if key in keys:
            raise DatasetError(f"{where}: expected keys that differ, found {key} a second time")
        if missing.pop(at, None) is None:
            again = " a second time" if at in starts else ""
            raise DatasetError(f"{where}: expected a byte where a record begins, found {at}{again}")
        keys.add(key)
    if missing:
        at, record = next(iter(missing.items()))
        raise DatasetError(
            f"{index}: expected {len(starts)} records, found {len(keys)}; record {record} at byte "
            f"{at} is missing: take the file away if it is of another {SUFFIX}"
        )


def _entry(line: str, where: str) -> tuple[int, int]:
    words = line.split()
    if len(words) != 2 or not all(
        word.isascii() and word.isdigit() and len(word) <= LONGEST_NUMBER for word in words
    ):
        raise DatasetError(f"{where}: expected a key and a byte, found {line!r:.60}")
    return int(words[0]), int(words[1])
