"""Pictures from files and into files."""

import contextlib
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.errors import ImageError
from canthus.images.arrays import MIN_SIDE, as_image, swap_red_and_blue, to_eight_bits, to_rgb
from canthus.images.headers import Header, inspect
from canthus.storage import write_whole

MAX_PIXELS = 200_000_000
MAX_BYTES = 1 << 30
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp")

JPEG_QUALITY = 95
_ENCODINGS = {".png": ".png", ".jpg": ".jpg", ".jpeg": ".jpg"}
_IN_RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)  # from OpenCV 4.11 on
_set_log_level = getattr(cv2.utils, "logging", cv2).setLogLevel  # OpenCV 5 has moved it


def read_image(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read a picture as uint8 RGB (H, W, 3), upright; see `decode_image` for the rules.

    Args:
        path: a regular file; nothing else is opened, so nothing can make this wait.
        max_pixels: how large a picture may be, checked before memory is taken for it.

    Raises:
        ImageError: if there is no such file, it cannot be read, or is not a whole picture.
    """
    return decode_image(_read_bytes(path), _shown(path), max_pixels=max_pixels)


def decode_image(
    data: bytes, where: str = "image", *, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Decode the bytes of a JPEG, PNG, WebP, TIFF or BMP file as uint8 RGB (H, W, 3), upright.

    A file that is cut off or damaged is refused, as far as its structure can tell; of a TIFF with
    several pages the first is read. EXIF's orientation is applied in JPEG, PNG, WebP and TIFF;
    broken EXIF is logged and the picture taken as upright. Gray is repeated in three channels,
    CMYK is converted as Adobe stores it (inverted), 16 bits become 8 by division by 257, and what
    is transparent is laid over white (but a BMP's fourth channel and a gray PNG's transparent tone
    are ignored, and a transparent TIFF is refused). Color profiles and gamma are ignored: the
    values are taken for sRGB.

    Args:
        data: the file's bytes.
        where: what to call it in errors.
        max_pixels: how large a picture may be, checked before memory is taken for it.

    Raises:
        ImageError: if it is not a whole picture of these kinds, too large, or under 16 x 16.
    """
    header = inspect(data, where)
    width, height = header.width, header.height
    if min(width, height) < MIN_SIDE or width * height > max_pixels:
        raise ImageError(
            f"{where}: expected {MIN_SIDE} x {MIN_SIDE} pixels at least and {max_pixels} in all "
            f"at most, found {width} x {height}; use a picture of another size"
        )
    pixels = _decode(header)
    if pixels is None or sorted(pixels.shape[:2]) != sorted((width, height)):
        raise ImageError(
            f"{where}: expected a {header.format} of {width} x {height} pixels, found data that "
            f"OpenCV {cv2.__version__} cannot decode; save it anew as PNG or JPEG"
        )
    return _turned_upright(pixels, header.orientation)


def list_images(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The files that paths stand for: a file for itself, a folder for the pictures right in it.

    Files come as given and are not looked at. A folder's pictures are known by their suffix and
    sorted by name; hidden files and folders inside it are left out.

    Raises:
        ImageError: if a folder cannot be listed or holds no picture.
    """
    return [
        file for path in map(Path, paths) for file in (_inside(path) if path.is_dir() else [path])
    ]


def write_image(
    path: str | os.PathLike[str], image: ArrayLike, *, quality: int = JPEG_QUALITY
) -> None:
    """Write a picture as PNG or JPEG, as its suffix says, whole or not at all.

    A file of that name is replaced at once, when the new one is complete on the disk.

    Args:
        path: in a folder that exists.
        image: RGB, anything that `as_image` takes.
        quality: of a JPEG, 0 to 100.

    Raises:
        ImageError: if the suffix is another, or the picture does not fit into such a file.
        StorageError: if the disk refuses.
        ValueError: if the array is no picture.
    """
    path = Path(path)
    where = _shown(path)
    if path.suffix.lower() not in _ENCODINGS:
        raise ImageError(
            f"{where}: expected a name that ends in {', '.join(_ENCODINGS)}, "
            f"found {path.suffix or 'none'!r}; choose one of them"
        )
    encoding = _ENCODINGS[path.suffix.lower()]
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality] if encoding == ".jpg" else []
    bgr = cv2.cvtColor(as_image(image, where), cv2.COLOR_RGB2BGR)
    with _opencv_silent():
        try:
            done, data = cv2.imencode(encoding, bgr, settings)
        except cv2.error:
            done = False
    if not done:
        raise ImageError(
            f"{where}: a picture of {bgr.shape[1]} x {bgr.shape[0]} pixels does not fit into "
            f"a {encoding} file; make it smaller"
        )
    write_whole(path, data.tobytes())


def _read_bytes(path: str | os.PathLike[str]) -> bytes:
    where = _shown(path)
    try:
        found = os.stat(path)  # first, since merely opening a pipe may wait forever
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
            raise ImageError(f"{where}: expected a picture file, found {kind}; name a file")
        if found.st_size > MAX_BYTES:
            raise ImageError(
                f"{where}: expected {MAX_BYTES} bytes at most, found {found.st_size}; shrink it"
            )
        return Path(path).read_bytes() if found.st_size else b""
    except OSError as error:
        reason = error.strerror
    except ValueError as error:  # a name with a zero byte
        reason = str(error)
    raise ImageError(f"{where}: cannot be read: {reason}; check the name and the permissions")


def _decode(header: Header) -> NDArray[np.uint8] | None:
    """The stored pixels as RGB, or None if the decoder refuses them."""
    flags = cv2.IMREAD_UNCHANGED
    if header.plain:
        flags = cv2.IMREAD_COLOR if _IN_RGB is None else _IN_RGB
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    with _opencv_silent():
        try:
            pixels = cv2.imdecode(np.frombuffer(header.payload, np.uint8), flags)
        except cv2.error:
            return None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        return None
    eight = to_eight_bits(pixels)
    if eight.ndim == 3 and not (header.plain and _IN_RGB is not None):
        swap_red_and_blue(eight)
    return to_rgb(eight)


def _turned_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo one of EXIF's eight ways to lie: a transposition from 5 on, then mirrorings."""
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


class _Silence:
    """Keeps OpenCV's log off the terminal while at least one thread decodes.

    The log level belongs to the whole process: the first one in lowers it, the last one out puts
    it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._level = 0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._level = _set_log_level(0)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    _set_log_level(self._level)


_opencv_silent = _Silence()


def _inside(folder: Path) -> list[Path]:
    where = _shown(folder)
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ImageError(
            f"{where}: the folder cannot be listed: {error.strerror}; check its permissions"
        ) from None
    found = [
        entry
        for entry in entries
        if entry.suffix.lower() in SUFFIXES and entry.name[0] != "." and not entry.is_dir()
    ]
    if not found:
        raise ImageError(
            f"{where}: expected pictures ({', '.join(SUFFIXES)}) in the folder, found none among "
            f"{len(entries)} entries; folders inside it are not searched"
        )
    return found


def _shown(path: str | os.PathLike[str]) -> str:
    """A path as it is, or quoted if it would break the line or the terminal."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)
