"""The chunks of a PNG file: those that make the picture, and nothing else for the decoder."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from canthus.images.exif import Fault

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 300_000
MAX_INFLATED = 16 << 20  # bytes, of all compressed notes (texts, color profile) together

_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_NOTES = (b"zTXt", b"iTXt", b"iCCP")


@dataclass(frozen=True, slots=True)
class Chunks:
    """A PNG's size, its EXIF if it has one, and a PNG of the chunks that make its picture."""

    width: int
    height: int
    exif: bytes | None
    payload: bytes


class _Chunk(NamedTuple):
    kind: bytes
    body: memoryview
    whole: memoryview


def read_chunks(data: bytes) -> Chunks:
    """Check a PNG from its signature to its end, and keep what makes its picture.

    Raises:
        Fault: if it is cut off or damaged, or a note in it inflates beyond measure.
    """
    kept: list[memoryview] = []
    exif, inflated = None, 0
    for kind, body, whole in _chunks(data):
        if kind in _KEPT:
            kept.append(_checked(whole))
        elif kind == b"eXIf":
            exif = bytes(body)
        elif kind in _NOTES:
            inflated += _inflated(kind, bytes(body), MAX_INFLATED - inflated)
        elif not kind[0] & 0x20:  # the standard's mark of what a reader may not leave out
            raise Fault(f"a PNG with an unknown part {kind!r}")
    if bytes(kept[0][4:8]) != b"IHDR" or len(kept[0]) != 12 + 13:
        raise Fault("a PNG that does not begin with its size")
    width, height = struct.unpack_from(">II", kept[0], 8)
    return Chunks(width, height, exif, SIGNATURE + b"".join(kept))


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Every chunk, the one that marks the end included."""
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise Fault(f"a PNG that is cut off after {len(data)} bytes (it has no end)")
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise Fault(f"a PNG that is cut off: part {kind!r} is longer than what is left")
        yield _Chunk(kind, view[at + 8 : at + 8 + length], view[at : at + 12 + length])
        if kind == b"IEND":
            return
        at += 12 + length
    raise Fault(f"a PNG of more than {MAX_CHUNKS} parts")


def _checked(whole: memoryview) -> memoryview:
    if zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:], "big"):
        raise Fault(f"a PNG whose part {bytes(whole[4:8])!r} has a wrong checksum")
    return whole


def _inflated(kind: bytes, body: bytes, limit: int) -> int:
    """How many bytes a compressed note unfolds to, looked at up to a limit only."""
    _, _, packed = body.partition(b"\0")
    if kind == b"iTXt":  # compressed or not, language and translated keyword come first
        if packed[:1] != b"\x01":
            return 0
        packed = b"\0" + packed[2:].split(b"\0", 2)[-1]
    try:
        size = len(zlib.decompressobj().decompress(packed[1:], limit + 1))
    except zlib.error:
        return 0  # no decoder gets to see it
    if size > limit:
        raise Fault(f"a PNG with a note {kind!r} that unfolds to more than {MAX_INFLATED} bytes")
    return size
