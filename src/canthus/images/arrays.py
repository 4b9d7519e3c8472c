"""Arrays as pictures: uint8 RGB (H, W, 3), by rules that look at the type and never guess."""

import os

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

MIN_SIDE = 16  # pixels: below it there is no face to find, and resizing has nothing to go by
_WHITE = 255
_BAND = 64  # rows that fit into a processor's cache

_FLOAT_HINT = (
    "convert it by what its values mean: from 0 to 1, (255 * image).clip(0, 255).round()"
    ".astype(np.uint8); from 0 to 255, image.clip(0, 255).round().astype(np.uint8)"
)


def as_image(array: ArrayLike, where: str = "image") -> NDArray[np.uint8]:
    """Take an array for a picture: uint8 (H, W, 3) in the order RGB, not OpenCV's BGR.

    Such an array comes back as it is, whatever its strides, and is not copied. Otherwise:

    - shape: gray (H, W) or (H, W, 1) is repeated in three channels; RGBA (H, W, 4) is laid over
      white, as a page shows it.
    - type: bool becomes 0 and 255; uint16 spans 0 to 65535 and is divided by 257; any other whole
      numbers must lie in 0 to 255 already. Floats are refused: whether 1.0 is white or nearly
      black is for the caller to say.

    Args:
        array: the picture, 16 x 16 pixels at least.
        where: what to call it in errors.

    Raises:
        ValueError: if it is empty or tiny, or its shape, type or values are none of these.
    """
    if isinstance(array, str | bytes | os.PathLike):
        raise ValueError(f"{where}: expected an array, found {array!r}; use canthus.read_image")
    pixels = np.asarray(array)
    _check_shape(pixels, where)
    return to_rgb(_to_depth(pixels, where))


def to_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Gray (H, W) or (H, W, 1), RGB, or RGBA over white, as RGB; what is RGB is not copied."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    return pixels if pixels.shape[2] == 3 else _over_white(pixels)


def to_eight_bits(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """uint8 as it is; uint16 divided by 257, so that white stays white, and rounded."""
    if pixels.dtype.itemsize == 1:
        return pixels.astype(np.uint8, copy=False)
    wide = np.ascontiguousarray(pixels, np.uint16)
    return np.asarray(cv2.convertScaleAbs(wide, alpha=1 / 257), np.uint8).reshape(pixels.shape)


def swap_red_and_blue(pixels: NDArray[np.uint8]) -> None:
    """Turn BGR into RGB, or BGRA into RGBA, in place: a band at a time, which is 5 times faster."""
    code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    for start in range(0, len(pixels), _BAND):
        band = pixels[start : start + _BAND]
        cv2.cvtColor(band, code, dst=band)


def _over_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    color, alpha = rgba[:, :, :3], rgba[:, :, 3:]
    if alpha.min() == 255:
        return np.ascontiguousarray(color)
    rgb = np.empty(color.shape, np.uint8)
    for start in range(0, len(rgb), _BAND):
        rows = slice(start, start + _BAND)
        opacity = alpha[rows].astype(np.uint16)
        mixed = color[rows] * opacity + _WHITE * (255 - opacity)
        rgb[rows] = (mixed + 127) // 255
    return rgb


def _check_shape(pixels: NDArray[np.generic], where: str) -> None:
    shape = pixels.shape
    found = f"{where}: expected an array (H, W, 3) of RGB, found shape {shape}"
    if pixels.size == 0:
        raise ValueError(f"{found}, which is empty")
    if pixels.ndim == 4:
        raise ValueError(f"{found}; give the pictures of a batch one by one")
    if pixels.ndim == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4):
        raise ValueError(f"{found}, channels first; use image.transpose(1, 2, 0)")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and shape[2] not in (1, 3, 4)):
        raise ValueError(f"{found}; gray (H, W) and RGBA (H, W, 4) are also taken")
    if min(shape[:2]) < MIN_SIDE:
        raise ValueError(f"{found}; a picture has {MIN_SIDE} x {MIN_SIDE} pixels at least")


def _to_depth(pixels: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    kind, size = pixels.dtype.kind, pixels.dtype.itemsize
    if kind == "u" and size <= 2:
        return to_eight_bits(pixels)
    if kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if kind in "ui":
        low, high = pixels.min(), pixels.max()
        if low < 0 or high > 255:
            raise ValueError(f"{where}: expected values from 0 to 255, found {low} to {high}")
        return pixels.astype(np.uint8)
    hint = f"; {_FLOAT_HINT}" if kind == "f" else ""
    raise ValueError(f"{where}: expected uint8, found {pixels.dtype}{hint}")
