"""Writing on pictures: numbers in strokes of our own, other text in OpenCV's font."""

from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.images.canvas import smooth

Color = tuple[int, int, int]  # red, green, blue
Stroke = NDArray[np.float64]  # (n, 2), in heights of a digit; y grows downwards from its top

BITS = 4  # of a pixel's fraction, in the coordinates that OpenCV is given
_ADVANCE = {".": 0.32}  # from one character to the next, in heights
_DIGIT_ADVANCE = 0.82

# Each stroke: whether it is curved ("~" open, "o" closed) or straight ("/"), and its points in
# percent of the height.
_STROKES: dict[str, tuple[tuple[str, str], ...]] = {
    "0": (("o", "30,0 52,13 60,50 52,87 30,100 8,87 0,50 8,13"),),
    "1": (("/", "8,20 34,0 34,100"),),
    "2": (("~", "2,25 12,6 30,0 50,7 57,26 47,49 28,72"), ("/", "28,72 0,100 60,100")),
    "3": (
        ("~", "3,17 13,4 30,0 50,7 56,25 47,41 27,47"),
        ("~", "27,47 50,54 60,74 51,93 29,100 10,95 0,81"),
    ),
    "4": (("/", "47,100 47,0 0,70 62,70"),),
    "5": (("/", "54,0 10,0 6,45"), ("~", "6,45 16,38 31,35 52,43 60,67 51,92 28,100 10,95 0,83")),
    "6": (
        ("~", "53,12 43,3 30,0 10,14 1,48 0,69"),
        ("o", "30,40 52,48 60,69 52,92 30,100 8,92 0,69 8,48"),
    ),
    "7": (("/", "0,0 60,0 20,100"),),
    "8": (
        ("o", "30,0 49,6 56,23 49,40 30,46 11,40 4,23 11,6"),
        ("o", "30,46 52,54 60,73 52,93 30,100 8,93 0,73 8,54"),
    ),
    "9": (
        ("~", "7,88 17,97 30,100 50,86 59,52 60,31"),
        ("o", "30,60 8,52 0,31 8,8 30,0 52,8 60,31 52,52"),
    ),
    ".": (("/", "4,97 4,100"),),
}


def fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Coordinates as OpenCV takes them with `shift=BITS`: whole numbers of 1/16 pixel."""
    return np.rint(points * (1 << BITS)).astype(np.int32)


def number_width(text: str, height: float) -> float:
    """How many pixels wide a number is written, its digits `height` pixels high."""
    return height * (sum(_ADVANCE.get(c, _DIGIT_ADVANCE) for c in text) - 0.22)


def write_number(
    canvas: NDArray[np.uint8], text: str, corner: tuple[float, float], height: float, color: Color
) -> None:
    """Write digits and points on the canvas itself, to a fraction of a pixel.

    OpenCV's own font takes 50 ms to load in OpenCV 5, more than all the rest of a drawing.

    Args:
        canvas: uint8 RGB (H, W, 3), contiguous; changed in place.
        text: of digits and ".".
        corner: (x, y) of the first digit's upper left corner.
        height: of a digit, in pixels.
        color: RGB.
    """
    left, top = corner
    thickness = max(1, round(height / 7))
    for character in text:
        for stroke in _strokes(character):
            line = fixed(stroke * height + (left, top))
            cv2.polylines(canvas, [line], False, color, thickness, cv2.LINE_AA, BITS)
        left += height * _ADVANCE.get(character, _DIGIT_ADVANCE)


@cache
def _strokes(character: str) -> tuple[Stroke, ...]:
    def stroke(kind: str, points: str) -> Stroke:
        line = np.array([pair.split(",") for pair in points.split()], np.float64) / 100
        if kind == "/":
            return line
        curve = smooth(line, closed=kind == "o")
        return np.concatenate([curve, curve[:1]]) if kind == "o" else curve

    return tuple(stroke(kind, points) for kind, points in _STROKES[character])


_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 21  # pixels of a capital's height at scale 1, in the fonts of OpenCV 4 and 5 alike
_FINE = 3  # text is drawn that much larger, then averaged: thin strokes stay even


@lru_cache(maxsize=256)
def text_mask(text: str, height: float) -> NDArray[np.uint8]:
    """A text's opacity (h, w), 0 to 255; `height` is that of its capitals, in pixels.

    There is half a height of room above the capitals, and below the line that they stand on.
    """
    high = round(height * _FINE)
    scale, thickness = high / _CAPITAL, max(1, round(high / 9))
    (width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    sheet = np.zeros((2 * high, width + 2 * high), np.uint8)
    cv2.putText(
        sheet, text, (high // 2, high * 3 // 2), _FONT, scale, (255,), thickness, cv2.LINE_AA
    )
    inked = np.flatnonzero(sheet.any(axis=0))
    sheet = sheet[:, inked[0] : inked[-1] + 1] if inked.size else sheet[:, :1]
    size = (-(-sheet.shape[1] // _FINE), round(2 * height))
    return np.asarray(cv2.resize(sheet, size, interpolation=cv2.INTER_AREA), np.uint8)


def write_text(
    canvas: NDArray[np.uint8], text: str, corner: tuple[float, float], height: float, color: Color
) -> None:
    """Write a line on the canvas itself; what does not fit on it is cut off.

    Args:
        canvas: uint8 RGB (H, W, 3); changed in place.
        text: one line; what the font does not hold shows as question marks.
        corner: (x, y) of the first capital's upper left corner.
        height: of a capital, in pixels.
        color: RGB.
    """
    blend(
        canvas, text_mask(text, height), (round(corner[0]), round(corner[1] - 0.5 * height)), color
    )


def blend(
    canvas: NDArray[np.uint8], mask: NDArray[np.uint8], corner: tuple[int, int], color: Color
) -> None:
    """Lay a color over the canvas, as far as a mask (h, w) of 0 to 255 says, from a corner on."""
    x, y = corner
    mask = mask[max(0, -y) : canvas.shape[0] - y, max(0, -x) : canvas.shape[1] - x]
    if x >= canvas.shape[1] or y >= canvas.shape[0] or mask.size == 0:
        return
    x, y = max(0, x), max(0, y)
    below = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
    share = mask[..., None].astype(np.float32) / 255
    below[:] = np.rint(below + share * (np.array(color, np.float32) - below)).astype(np.uint8)
