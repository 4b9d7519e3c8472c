"""MXNet's `.params` files: named tensors, read without MXNet; nothing in them is ever run.

All numbers are little-endian. The file begins with 0x112 and a zero, eight bytes each. Then come
the tensors, how many there are first: magic, storage, shape, device, element type, values. Then
come their names, in the same order, how many there are first.
"""

import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from canthus.errors import WeightsError

Tensor = NDArray[np.floating]

LIST = 0x112
DENSE = 0xF993FAC9  # a tensor as MXNet writes them since 1.0
OTHERS = {0xF993FAC8: "as MXNet before 1.0 wrote them", 0xF993FACA: "of MXNet's numpy interface"}
STORAGES = {0: "dense", 1: "row_sparse", 2: "csr"}
ELEMENTS = {
    0: "float32",
    1: "float64",
    2: "float16",
    3: "uint8",
    4: "int32",
    5: "int8",
    6: "int64",
    7: "bool",
    8: "int16",
    9: "uint16",
    10: "uint32",
    11: "uint64",
    12: "bfloat16",
}
SUPPORTED = ("float16", "float32", "float64")
KINDS = ("arg:", "aux:")

LARGEST = 1 << 32  # bytes of a file; published ones have 50 million
MOST_DIMENSIONS = 8
LONGEST_NAME = 1024  # bytes
SMALLEST_TENSOR = 34  # bytes: six numbers of four, a side of eight, and two of values


def read_params(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, in its order, in the element type that they are stored in.

    Names begin with `arg:` (what is trained) or `aux:` (running statistics), as stored. Every
    size is compared with what is left of the file before memory is taken for it.

    Raises:
        WeightsError: naming the byte and the tensor that are not as they should be, if the file
            is cut off or goes on after its end, or a value is not finite.
    """
    with _opened(path) as source:
        source.expect("<Q", LIST, "a file of tensors")
        source.expect("<Q", 0, "zeros after the file's magic")
        count = _count(source)
        tensors = [_tensor(source, f"tensor {number}") for number in range(count)]
        names = _names(source, count)
        source.finish()
    for name, tensor in zip(names, tensors, strict=True):
        if not np.isfinite(tensor).all():
            first = np.argwhere(~np.isfinite(tensor))[0].tolist()
            raise WeightsError(
                f"{path}: {name}: expected finite values, found {tensor[tuple(first)]} at {first}; "
                "the training that wrote it had failed, or the file is damaged"
            )
    return dict(zip(names, tensors, strict=True))


class _Source:
    """An open file, read from beginning to end, and never further than it goes."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self._size = file.seek(0, os.SEEK_END)
        self.at = file.seek(0)
        if self._size > LARGEST:
            raise self.wrong(f"a file of at most {LARGEST} bytes", f"{self._size}")

    @property
    def left(self) -> int:
        """How many bytes there still are."""
        return self._size - self.at

    def wrong(self, expected: str, found: str, at: int | None = None) -> WeightsError:
        """The error that says where, what was expected and what was found."""
        byte = self.at if at is None else at
        return WeightsError(f"{self._path}: byte {byte}: expected {expected}, found {found}")

    def bytes(self, count: int, what: str) -> bytes:
        """The next bytes."""
        if count > self.left:
            rest = f"{self.left} until the end of the file; it is cut off or damaged, fetch it anew"
            raise self.wrong(f"{count} bytes of {what}", rest)
        data = self._file.read(count)
        if len(data) != count:
            raise self.wrong(f"{count} bytes of {what}", f"{len(data)}; the file has just changed")
        self.at += count
        return data

    def number(self, layout: str, what: str) -> int:
        """The next number, of a type that `struct` knows."""
        value: int = struct.unpack(layout, self.bytes(struct.calcsize(layout), what))[0]
        return value

    def expect(self, layout: str, wanted: int, what: str) -> None:
        """Make sure that the next number is one."""
        at = self.at
        if (found := self.number(layout, what)) != wanted:
            raise self.wrong(f"{wanted:#x}, {what}", f"{found:#x}; is it a .params file?", at)

    def finish(self) -> None:
        """Make sure that nothing is left."""
        if self.left:
            raise self.wrong("the end of the file after the last name", f"{self.left} bytes more")


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    try:
        if not path.is_file():  # to open a pipe may wait forever
            found = "a folder" if path.is_dir() else "something else" if path.exists() else "none"
            raise WeightsError(f"{path}: expected a .params file of MXNet, found {found}")
        with path.open("rb") as file:
            yield _Source(file, path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from None


def _count(source: _Source) -> int:
    """How many tensors follow."""
    at = source.at
    count = source.number("<Q", "the number of tensors")
    room = source.left // SMALLEST_TENSOR
    if not 0 < count <= room:
        raise source.wrong(f"tensors, at most the {room} that fit into the file", f"{count}", at)
    return count


def _tensor(source: _Source, which: str) -> Tensor:
    _check_kind(source, which)
    shape = _shape(source, which)
    source.bytes(8, f"the device of {which}")
    at = source.at
    code = source.number("<i", f"the element type of {which}")
    name = ELEMENTS.get(code, f"unknown type {code}")
    if name not in SUPPORTED:
        raise source.wrong(f"{which} to be of {', '.join(SUPPORTED)}", name, at)
    kind = np.dtype(name).newbyteorder("<")
    # with Python's integers, which do not overflow
    data = source.bytes(math.prod(shape) * kind.itemsize, f"values of {which}, {shape} of {name}")
    return np.frombuffer(data, kind).astype(kind.newbyteorder("=")).reshape(shape)


def _check_kind(source: _Source, which: str) -> None:
    """Make sure that a dense tensor follows."""
    at = source.at
    magic = source.number("<I", f"the magic of {which}")
    if magic != DENSE:
        found = f"{magic:#x}, {OTHERS.get(magic, 'which is none of a tensor')}"
        raise source.wrong(f"{DENSE:#x}, the magic of {which}", found, at)
    at = source.at
    storage = source.number("<i", f"the storage of {which}")
    if storage != 0:
        found = STORAGES.get(storage, f"unknown storage {storage}")
        raise source.wrong(f"{which} to be dense", found, at)


def _shape(source: _Source, which: str) -> tuple[int, ...]:
    at = source.at
    count = source.number("<I", f"the number of dimensions of {which}")
    if not 0 < count <= MOST_DIMENSIONS:
        raise source.wrong(f"1 to {MOST_DIMENSIONS} dimensions of {which}", f"{count}", at)
    at = source.at
    shape = struct.unpack(f"<{count}q", source.bytes(8 * count, f"dimensions of {which}"))
    if min(shape) < 1:
        raise source.wrong(f"dimensions of {which} from 1 on", f"{shape}", at)
    return shape


def _names(source: _Source, count: int) -> list[str]:
    at = source.at
    if (found := source.number("<Q", "the number of names")) != count:
        raise source.wrong(f"{count} names, one for each tensor", f"{found}", at)
    names: dict[str, int] = {}
    for number in range(count):
        which, at = f"the name of tensor {number}", source.at
        name = _name(source, which)
        if name in names:
            raise source.wrong(f"{which} to be its own", f"{name}, as of tensor {names[name]}", at)
        names[name] = number
    return list(names)


def _name(source: _Source, which: str) -> str:
    at = source.at
    length = source.number("<Q", f"the length of {which}")
    if not len(KINDS[0]) < length <= LONGEST_NAME:
        raise source.wrong(
            f"{which} to have {len(KINDS[0]) + 1} to {LONGEST_NAME} bytes", f"{length}", at
        )
    at = source.at
    data = source.bytes(length, which)
    name = data.decode("ascii", "replace")
    if not name.startswith(KINDS) or not name.isascii() or not name.isprintable():
        raise source.wrong(f"{which} to be arg:NAME or aux:NAME", f"{data[:40]!r}", at)
    return name
