"""The tags of TIFF files, which EXIF is one of: a picture's size, and which way is up."""

import struct
from collections.abc import Collection

UPRIGHT = 1
Tags = dict[int, tuple[int, ...]]

_ORIENTATION = 0x0112
_FORMATS = {1: "B", 3: "H", 4: "I"}  # BYTE, SHORT, LONG: all that sizes and orientations need
_MAX_VALUES = 1 << 20  # per tag: a page may be cut into many strips


class Fault(Exception):
    """Why a file is not the picture it claims to be: what was found in it."""


def orientation(exif: bytes) -> int:
    """Which of the eight ways a picture lies, 1 to 8; 1 is upright, or not said.

    Raises:
        Fault: if the tags cannot be read, or name another way.
    """
    values = read_tags(exif, [_ORIENTATION]).get(_ORIENTATION, (UPRIGHT,))
    if len(values) != 1 or not 1 <= values[0] <= 8:
        raise Fault(f"an orientation of {values}, expected 1 to 8")
    return values[0]


def read_tags(data: bytes, wanted: Collection[int]) -> Tags:
    """The whole numbers of the wanted tags in the first directory of a TIFF structure.

    Raises:
        Fault: if there is no such structure, or it is cut off.
    """
    if data[:4] not in (b"II*\x00", b"MM\x00*"):
        raise Fault(f"tags that begin with {data[:4]!r}")
    order = "<" if data[:2] == b"II" else ">"
    found: Tags = {}
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(order + "HHI", data, entry)
            if tag in wanted and kind in _FORMATS and 1 <= length <= _MAX_VALUES:
                found[tag] = _values(data, f"{order}{length}{_FORMATS[kind]}", entry + 8)
    except struct.error:
        raise Fault("tags that are cut off") from None
    return found


def _values(data: bytes, layout: str, place: int) -> tuple[int, ...]:
    """The numbers at `place`, or where it points to if they do not fit into four bytes."""
    if struct.calcsize(layout) > 4:
        (place,) = struct.unpack_from(layout[0] + "I", data, place)
    return struct.unpack_from(layout, data, place)
