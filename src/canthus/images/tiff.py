"""What a TIFF says of its first page, and whether all of that page is in the file."""

from enum import IntEnum

from canthus.images.exif import Fault, Tags, read_tags

MAX_TILE_SIDE = 4096
# Samples per pixel by what they mean: white is 0, black is 0, RGB, palette, CMYK, YCbCr. With more
# of them a page is transparent, and OpenCV multiplies by that, or does not, as the depth has it.
_SAMPLES = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}
_DEEP = (1, 2)  # what OpenCV reads right in 16 bits


class Tag(IntEnum):
    """The tags that say how large a page is, and where its pieces lie."""

    SUBFILE = 254
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    PHOTOMETRIC = 262
    STRIP_OFFSETS = 273
    SAMPLES = 277
    STRIP_HEIGHT = 278
    STRIP_BYTES = 279
    PLANES = 284
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_BYTES = 325
    SAMPLE_FORMAT = 339


def read_size(data: bytes) -> tuple[int, int]:
    """The width and height of the first page, as stored, once all of its pieces are found.

    Raises:
        Fault: if it is cut off, or of a kind that OpenCV does not read right.
    """
    tags = read_tags(data, frozenset(Tag))
    _check_kind(tags)
    offsets, sizes = _pieces(tags)
    num_pieces = _num_pieces(tags)
    if not len(offsets) == len(sizes) == num_pieces:
        raise Fault(f"a TIFF with {len(offsets)} of the {num_pieces} pieces of its first page")
    places = zip(offsets, sizes, strict=True)
    if not all(at > 0 and 0 < size <= len(data) - at for at, size in places):
        raise Fault(f"a TIFF that is cut off after {len(data)} bytes, or has an empty piece")
    return _first(tags, Tag.WIDTH, 0), _first(tags, Tag.HEIGHT, 0)


def _check_kind(tags: Tags) -> None:
    """Let pass what OpenCV is known to read right."""
    if _first(tags, Tag.SUBFILE, 0) & 1:  # a thumbnail comes first: DNG, NEF
        raise Fault("a camera's raw picture")
    bits = set(tags.get(Tag.BITS, (1,)))
    if set(tags.get(Tag.SAMPLE_FORMAT, (1,))) != {1} or not bits <= {1, 2, 4, 8, 16}:
        raise Fault("a TIFF whose values are not whole numbers of 8 or 16 bits")
    kind, samples = _first(tags, Tag.PHOTOMETRIC, -1), _first(tags, Tag.SAMPLES, 1)
    if samples != _SAMPLES.get(kind):
        raise Fault(
            f"a TIFF with transparency or unusual colors (kind {kind} in {samples} channels)"
        )
    if 16 in bits and (kind not in _DEEP or _first(tags, Tag.PLANES, 1) != 1):
        raise Fault(f"a TIFF of 16 bits that is not plain gray or RGB (kind {kind})")


def _pieces(tags: Tags) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if Tag.TILE_WIDTH in tags:
        return tags.get(Tag.TILE_OFFSETS, ()), tags.get(Tag.TILE_BYTES, ())
    return tags.get(Tag.STRIP_OFFSETS, ()), tags.get(Tag.STRIP_BYTES, ())


def _num_pieces(tags: Tags) -> int:
    """How many strips or tiles a page of this size is cut into."""
    width, height = _first(tags, Tag.WIDTH, 0), _first(tags, Tag.HEIGHT, 0)
    across, down = width, min(height, _first(tags, Tag.STRIP_HEIGHT, height))
    if Tag.TILE_WIDTH in tags:
        across, down = _first(tags, Tag.TILE_WIDTH, 0), _first(tags, Tag.TILE_HEIGHT, 0)
        if max(across, down) > MAX_TILE_SIDE:
            raise Fault(f"a TIFF with tiles of {across} x {down} pixels")
    if across == 0 or down == 0:
        raise Fault(f"a TIFF of {width} x {height} pixels, in pieces of {across} x {down}")
    planes = _first(tags, Tag.SAMPLES, 1) if _first(tags, Tag.PLANES, 1) == 2 else 1
    return -(-width // across) * -(-height // down) * planes


def _first(tags: Tags, tag: Tag, default: int) -> int:
    return tags.get(tag, (default,))[0]
