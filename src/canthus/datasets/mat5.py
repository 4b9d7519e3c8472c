"""Whether a MATLAB file of version 5 to 7 is what it claims, before anybody trusts its lengths.

scipy reads such files, and reads damaged ones beyond their end. So every element's type and length
is checked against what lies around it first (MAT-File Format, The MathWorks).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

from canthus.errors import DatasetError

HEADER = 128
MOST_BYTES = 1 << 31  # of a file, and of what it unpacks to
DEEPEST = 8  # cells within cells
MATRIX, COMPRESSED = 14, 15
FLAGS, DIMENSIONS, NAME = 6, 5, 1  # the types that begin each array
SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}  # bytes of a number
TEXTS = {1: 1, 2: 1, 4: 2, 16: 1, 17: 2, 18: 4}
CELL, STRUCT, CHAR = 1, 2, 4
NUMERIC = range(6, 16)
COMPLEX = 0x800


@dataclass(frozen=True)
class _Element:
    """A tagged piece of the file: its type, its data and where the next one begins."""

    kind: int
    data: memoryview
    end: int


def check(data: bytes, path: Path) -> None:
    """Make sure that every element lies inside the one that holds it, and is as long as it says.

    Raises:
        DatasetError: naming the file, and what about it cannot be.
    """
    if len(data) > MOST_BYTES:
        raise DatasetError(f"{path}: expected {MOST_BYTES} bytes at most, found {len(data)}")
    if len(data) < HEADER or data[126:128] not in (b"IM", b"MI"):
        raise DatasetError(f"{path}: expected a MATLAB file of version 5 to 7, found another file")
    order = "<" if data[126:128] == b"IM" else ">"
    try:
        for element in _elements(memoryview(data)[HEADER:], order):
            _check_top(element, order)
    except (_Unsound, struct.error, zlib.error) as error:
        raise DatasetError(
            f"{path}: cannot be read as a MATLAB file: {error}; it is damaged, or holds more than "
            "numbers, texts and cells"
        ) from None


class _Unsound(Exception):
    """What about an element cannot be."""


def _check_top(element: _Element, order: str) -> None:
    if element.kind == COMPRESSED:
        unpacked = zlib.decompressobj()
        inside = unpacked.decompress(element.data, MOST_BYTES)
        if not unpacked.eof:
            raise _Unsound("a compressed element is not whole")
        for inner in _elements(memoryview(inside), order):
            if inner.kind == COMPRESSED:
                raise _Unsound("a compressed element within another")
            _check_top(inner, order)
    elif element.kind == MATRIX:
        _check_matrix(element.data, order, 0)
    elif element.kind not in SIZES:
        raise _Unsound(f"unknown type {element.kind}")


def _check_matrix(data: memoryview, order: str, depth: int) -> None:
    """An array: its flags, its dimensions, its name, and its contents."""
    if depth > DEEPEST:
        raise _Unsound(f"cells more than {DEEPEST} deep")
    if len(data) == 0:
        return  # an empty cell
    parts = _elements(data, order)
    flags = _next(parts, FLAGS, "flags")
    if len(flags.data) != 8:
        raise _Unsound("flags of a wrong length")
    (word,) = struct.unpack_from(f"{order}I", flags.data)
    sides = _next(parts, DIMENSIONS, "dimensions").data
    if len(sides) % 4 or len(sides) < 8:
        raise _Unsound("dimensions of a wrong length")
    lengths = struct.unpack(f"{order}{len(sides) // 4}i", sides)
    if min(lengths) < 0 or prod(lengths) > MOST_BYTES:
        raise _Unsound(f"dimensions {lengths}")
    _next(parts, NAME, "a name")
    _check_contents(word, prod(lengths), list(parts), (order, depth))


def _check_contents(word: int, count: int, parts: list[_Element], inside: tuple[str, int]) -> None:
    kind, (order, depth) = word & 0xFF, inside
    if kind in NUMERIC:
        _check_numbers(parts, count, SIZES, 2 if word & COMPLEX else 1)
    elif kind == CHAR:
        _check_numbers(parts, count, TEXTS, 1)
    elif kind == CELL:
        _check_all(parts, count, order, depth)
    elif kind == STRUCT:
        if len(parts) < 2 or len(parts[0].data) != 4 or parts[1].kind != NAME:
            raise _Unsound("a structure without field names")
        (longest,) = struct.unpack(f"{order}i", parts[0].data)
        if longest < 1 or len(parts[1].data) % longest:
            raise _Unsound("field names of a wrong length")
        _check_all(parts[2:], count * (len(parts[1].data) // longest), order, depth)
    else:
        raise _Unsound(f"an array of class {kind}")


def _check_numbers(parts: list[_Element], count: int, sizes: dict[int, int], times: int) -> None:
    if len(parts) != times:
        raise _Unsound(f"expected {times} parts of an array, found {len(parts)}")
    for part in parts:
        if part.kind not in sizes:
            raise _Unsound(f"numbers of type {part.kind}")
        if len(part.data) != count * sizes[part.kind] and part.kind != 16:  # UTF-8 varies
            raise _Unsound(f"expected {count * sizes[part.kind]} bytes, found {len(part.data)}")


def _check_all(parts: list[_Element], count: int, order: str, depth: int) -> None:
    if len(parts) != count or any(part.kind != MATRIX for part in parts):
        raise _Unsound(f"expected {count} cells, found {len(parts)}")
    for part in parts:
        _check_matrix(part.data, order, depth + 1)


def _next(parts: Iterator[_Element], kind: int, what: str) -> _Element:
    part = next(parts, None)
    if part is None or part.kind != kind:
        raise _Unsound(f"expected {what}")
    return part


def _elements(data: memoryview, order: str) -> Iterator[_Element]:
    """The elements that follow each other in some data."""
    place = 0
    while place < len(data):
        element = _element(data, place, order)
        yield element
        place = element.end


def _element(data: memoryview, place: int, order: str) -> _Element:
    (word,) = struct.unpack_from(f"{order}I", data, place)
    if word >> 16:  # a short one: type, length and data in eight bytes
        kind, length, begin, end = word & 0xFFFF, word >> 16, place + 4, place + 8
        if length > 4:
            raise _Unsound(f"a short element of {length} bytes")
    else:
        kind, (length,) = word, struct.unpack_from(f"{order}I", data, place + 4)
        begin = place + 8
        end = begin + (length if kind == COMPRESSED else -(-length // 8) * 8)
    if begin + length > len(data):
        raise _Unsound(f"an element of {length} bytes where {len(data) - begin} are left")
    return _Element(kind, data[begin : begin + length], end)
