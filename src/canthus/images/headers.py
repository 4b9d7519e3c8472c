"""What a picture file says of itself, checked before a decoder sees it.

OpenCV's decoders fill what is missing from a damaged file, at times with pixels of the picture
decoded before it. So a file comes to them only if its structure is whole from beginning to end.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from canthus.errors import ImageError
from canthus.images import exif, foreign
from canthus.images.exif import Fault
from canthus.images.png import SIGNATURE, read_chunks
from canthus.images.tiff import read_size

MAX_PARTS = 10_000
MAX_SCANS = 100  # in a JPEG; an encoder writes about ten, and each costs a pass over the picture

_logger = logging.getLogger(__name__)
# Any marker but the two that occur inside a scan: a stuffed 0xff00 and a restart, d0 to d7.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a picture file before its pixels are decoded.

    Attributes:
        format: its name, for people.
        width: in pixels, as stored.
        height: in pixels, as stored.
        payload: the bytes for the decoder, without what it need not see.
        orientation: which of EXIF's eight ways the stored picture lies.
        plain: whether it is to be decoded as 8-bit color, without a look at depth and alpha.
    """

    format: str
    width: int
    height: int
    payload: bytes
    orientation: int = exif.UPRIGHT
    plain: bool = False


def inspect(data: bytes, where: str) -> Header:
    """Check that a file is whole and of a kind that we read.

    Raises:
        ImageError: if it is empty, of another kind, cut off or damaged.
    """
    if not data:
        raise ImageError(f"{where}: expected a picture, found no bytes at all; fetch it again")
    if (read := _reader(data)) is None:
        raise ImageError(
            f"{where}: expected a picture ({foreign.READ}), found {foreign.name(data)}; "
            "save what it shows as PNG or JPEG"
        )
    try:
        return read(data, where)
    except Fault as fault:
        raise ImageError(
            f"{where}: expected a complete and plain picture, found {fault}; "
            "copy the file again, or save it anew as PNG or JPEG"
        ) from None


def _jpeg(data: bytes, where: str) -> Header:
    size: tuple[int, int] | None = None
    tags: bytes | None = None
    scans = 0
    for marker, at, length in _segments(data):
        if marker in _FRAMES and size is None:
            size = _number(data, at + 5, 2, "big"), _number(data, at + 3, 2, "big")
        elif marker == 0xE1 and tags is None and data.startswith(b"Exif\0\0", at + 2):
            tags = data[at + 8 : at + length]
        scans += marker == 0xDA
    if size is None or not 0 < scans <= MAX_SCANS:
        raise Fault(f"a JPEG with a size of {size} and {scans} scans")
    return Header("JPEG", *size, data, _way_up(tags, where), plain=True)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Every segment before the end marker: marker, where its length stands, and the length."""
    at = 2
    for _ in range(MAX_PARTS):
        if (match := _MARKER.search(data, at)) is None:
            raise Fault(f"a JPEG that is cut off after {len(data)} bytes (it has no end marker)")
        marker, at = data[match.end() - 1], match.end()
        if marker == 0xD9:  # the end
            return
        if marker == 0x01:  # stands alone
            continue
        length = _number(data, at, 2, "big")
        if marker == 0xD8 or length < 2:
            raise Fault(f"a JPEG with a marker ff{marker:02x} where none may be")
        yield marker, at, length
        at += length
    raise Fault(f"a JPEG of more than {MAX_PARTS} parts")


def _png(data: bytes, where: str) -> Header:
    chunks = read_chunks(data)
    way_up = _way_up(chunks.exif, where)
    return Header("PNG", chunks.width, chunks.height, chunks.payload, way_up)


def _webp(data: bytes, where: str) -> Header:
    size: tuple[int, int] | None = None
    tags: bytes | None = None
    for kind, at, length in _riff_chunks(data):
        if kind in _WEBP_SIZES and size is None:
            size = _WEBP_SIZES[kind](data, at)
        elif kind in (b"ANIM", b"ANMF"):
            raise Fault("an animated WebP")
        elif kind == b"EXIF" and tags is None:
            tags = data[at : at + length].removeprefix(b"Exif\0\0")
    if size is None:
        raise Fault("a WebP that holds no picture")
    return Header("WebP", *size, data, _way_up(tags, where))


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Every chunk of a RIFF file: its kind, where its body begins, and the body's length."""
    at, end = 12, 8 + _number(data, 4, 4, "little")
    if len(data) < end:
        raise Fault(f"a WebP that is cut off: {len(data)} of {end} bytes")
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            return
        kind, length = data[at : at + 4], _number(data, at + 4, 4, "little")
        at += 8
        if at + length > end:
            raise Fault("a WebP whose parts do not fit into it")
        yield kind, at, length
        at += length + length % 2
    raise Fault(f"a WebP of more than {MAX_PARTS} parts")


def _webp_canvas(data: bytes, at: int) -> tuple[int, int]:
    return 1 + _number(data, at + 4, 3, "little"), 1 + _number(data, at + 7, 3, "little")


def _webp_lossy(data: bytes, at: int) -> tuple[int, int]:
    width, height = _number(data, at + 6, 2, "little"), _number(data, at + 8, 2, "little")
    return width & 0x3FFF, height & 0x3FFF


def _webp_lossless(data: bytes, at: int) -> tuple[int, int]:
    bits = _number(data, at + 1, 4, "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


_WEBP_SIZES: dict[bytes, Callable[[bytes, int], tuple[int, int]]] = {
    b"VP8X": _webp_canvas,
    b"VP8 ": _webp_lossy,
    b"VP8L": _webp_lossless,
}


_BMP_HEADERS = tuple(bytes((size, 0, 0, 0)) for size in (12, 40, 52, 56, 64, 108, 124))


def _bmp(data: bytes, where: str) -> Header:
    start, kind = _number(data, 10, 4, "little"), _number(data, 14, 4, "little")
    if kind < 40:
        raise Fault("a BMP with a header of the times before Windows 3")
    width, height = (_number(data, at, 4, "little", signed=True) for at in (18, 22))
    depth, packing = _number(data, 28, 2, "little"), _number(data, 30, 4, "little")
    if packing not in (0, 3, 6):  # none, or masks that say where the colors are
        raise Fault("a compressed BMP")
    end = start + (width * depth + 31) // 32 * 4 * abs(height)
    if len(data) < end:
        raise Fault(f"a BMP that is cut off: {len(data)} of {end} bytes")
    return Header("BMP", width, abs(height), data, plain=True)


def _tiff(data: bytes, where: str) -> Header:
    # OpenCV has always turned a TIFF upright itself, whatever it is asked to do.
    return Header("TIFF", *read_size(data), data)


def _reader(data: bytes) -> Callable[[bytes, str], Header] | None:
    """What reads a file that begins like this, if anything does."""
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg
    if data.startswith(SIGNATURE):
        return _png
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp
    if data.startswith(b"BM") and data[14:18] in _BMP_HEADERS:
        return _bmp
    return _tiff if data.startswith((b"II*\0", b"MM\0*")) else None


def _way_up(tags: bytes | None, where: str) -> int:
    if tags is None:
        return exif.UPRIGHT
    try:
        return exif.orientation(tags)
    except Fault as fault:
        _logger.warning("%s: its EXIF is broken (%s); taken as upright", where, fault)
        return exif.UPRIGHT


def _number(
    data: bytes, at: int, size: int, order: Literal["little", "big"], *, signed: bool = False
) -> int:
    if at + size > len(data):
        raise Fault(f"a file that is cut off after {len(data)} bytes")
    return int.from_bytes(data[at : at + size], order, signed=signed)
