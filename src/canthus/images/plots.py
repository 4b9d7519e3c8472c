"""Sheets of small pictures, and curves in a coordinate system."""

import math
from collections.abc import Mapping, Sequence
from itertools import cycle

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.images.arrays import as_image
from canthus.images.lettering import BITS, Color, blend, fixed, text_mask, write_text

Pixels = NDArray[np.uint8]

_GAP = 10  # pixels between tiles
_SHEET: Color = (24, 26, 32)
_CAPTION: Color = (225, 228, 235)

_WIDTH, _HEIGHT = 1200, 840  # of a plot
_LEFT, _TOP, _RIGHT, _BOTTOM = 130, 40, 40, 120  # margins about its axes
_INK: Color = (40, 44, 52)
_GRID: Color = (226, 228, 232)
_LINE, _LETTER = 3, 15  # width of a curve, height of a capital
# By Okabe and Ito: told apart by people of any color vision.
_COLORS: tuple[Color, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (60, 60, 60),
)


def contact_sheet(
    tiles: Sequence[ArrayLike], columns: int = 5, captions: Sequence[str] = ()
) -> Pixels:
    """Pictures side by side on a dark sheet, row by row, each with a line of text below it.

    Cells are as large as the largest tile; smaller ones stand in the middle, at their own size.

    Args:
        tiles: RGB, anything that `as_image` takes.
        columns: how many in a row.
        captions: one per tile, or none at all; long ones are written smaller.

    Returns:
        A uint8 RGB picture (H, W, 3).

    Raises:
        ValueError: if there is no tile, or not one caption for each.
    """
    pictures = [as_image(tile, f"tile {index}") for index, tile in enumerate(tiles)]
    if not pictures or columns < 1:
        raise ValueError(f"a sheet needs tiles and columns, found {len(pictures)} and {columns}")
    if captions and len(captions) != len(pictures):
        raise ValueError(f"{len(pictures)} tiles need as many captions, found {len(captions)}")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    width = max(picture.shape[1] for picture in pictures)
    height = max(picture.shape[0] for picture in pictures)
    letter = float(np.clip(width / 22, 9, 16))
    step_x, step_y = width + _GAP, height + _GAP + (round(2 * letter) if captions else 0)
    sheet = np.full((rows * step_y + _GAP, columns * step_x + _GAP, 3), _SHEET, np.uint8)
    for index, picture in enumerate(pictures):
        x, y = _GAP + index % columns * step_x, _GAP + index // columns * step_y
        left, top = x + (width - picture.shape[1]) // 2, y + (height - picture.shape[0]) // 2
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        if captions:
            place = (x, y + height + 0.7 * letter, width)
            _write_centered(sheet, captions[index], place, letter, _CAPTION)
    return sheet


def draw_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    x_label: str,
    y_label: str,
    *,
    x_limit: float,
) -> Pixels:
    """Curves over [0, x_limit] and shares in [0, 1], with axes, ticks and a legend.

    Args:
        curves: by the name that the legend gives them, in the order of the legend: x and y, (n,)
            each, x in the unit of `x_limit`.
        x_label: what x is.
        y_label: what y is.
        x_limit: where the x axis ends.

    Returns:
        A uint8 RGB picture (840, 1200, 3).

    Raises:
        ValueError: if the limit is not above 0, or x and y of a curve differ in length.
    """
    if not (math.isfinite(x_limit) and x_limit > 0):
        raise ValueError(f"expected a finite limit of x above 0, found {x_limit}")
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    _draw_axes(canvas, x_label, y_label, x_limit)
    area = canvas[_TOP : _HEIGHT - _BOTTOM + 1, _LEFT : _WIDTH - _RIGHT + 1]
    for (name, (x, y)), color in zip(curves.items(), cycle(_COLORS), strict=False):
        points = _points(x, y, name) / (x_limit, -1) + (0, 1)
        points = np.clip(points, -100, 100) * (area.shape[1] - 1, area.shape[0] - 1)
        cv2.polylines(area, [fixed(points)], False, color, _LINE, cv2.LINE_AA, BITS)
    _draw_legend(area, list(curves))
    return canvas


def _points(x: ArrayLike, y: ArrayLike, name: str) -> NDArray[np.float64]:
    across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if across.shape != up.shape or across.ndim != 1:
        raise ValueError(f"curve {name!r}: {across.size} values of x and {up.size} of y")
    points = np.stack([across, up], axis=1)
    if np.isnan(points).any():
        raise ValueError(f"curve {name!r}: expected numbers, found NaN")
    return points


def _draw_axes(canvas: Pixels, x_label: str, y_label: str, x_limit: float) -> None:
    left, top, right, bottom = _LEFT, _TOP, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for value in _ticks(x_limit):
        x = round(left + (right - left) * value / x_limit)
        cv2.line(canvas, (x, top), (x, bottom), _GRID, 1)
        _write_centered(canvas, f"{value:g}", (x - 100, bottom + _LETTER, 200), _LETTER, _INK)
    for value in _ticks(1.0):
        y = round(bottom - (bottom - top) * value)
        cv2.line(canvas, (left, y), (right, y), _GRID, 1)
        label = f"{value:g}"
        x = left - _LETTER - text_mask(label, _LETTER).shape[1]
        write_text(canvas, label, (x, y - _LETTER / 2), _LETTER, _INK)
    cv2.polylines(
        canvas, [np.array([(left, top), (left, bottom), (right, bottom)])], False, _INK, 2
    )
    below = (left, bottom + 3.8 * _LETTER, right - left)
    _write_centered(canvas, x_label, below, 1.2 * _LETTER, _INK)
    upright = np.rot90(text_mask(y_label, 1.2 * _LETTER))
    blend(canvas, upright, (_LETTER, (top + bottom - upright.shape[0]) // 2), _INK)


def _draw_legend(area: Pixels, names: Sequence[str]) -> None:
    """The names of the curves, in the lower right corner: above it curves have long since risen."""
    if not names:
        return
    pad, sample, step = _LETTER, 3 * _LETTER, 2 * _LETTER
    width = max(text_mask(name, _LETTER).shape[1] for name in names) + sample + 3 * pad
    height = step * len(names) + pad
    left, top = area.shape[1] - width - pad, area.shape[0] - height - pad
    box = area[max(0, top) : top + height, max(0, left) : left + width]
    box[:] = 255 - (255 - box) // 8
    cv2.rectangle(area, (left, top), (left + width, top + height), _GRID, 2)
    for row, (name, color) in enumerate(zip(names, cycle(_COLORS), strict=False)):
        y = top + pad + row * step + _LETTER // 2
        ends = ((left + pad, y), (left + pad + sample, y))
        cv2.line(area, *ends, color, _LINE, cv2.LINE_AA)
        start = (left + 2 * pad + sample, y - _LETTER / 2)
        write_text(area, name, start, _LETTER, _INK)


def _ticks(limit: float) -> list[float]:
    """Round numbers from 0 to the limit, five to ten of them."""
    power = 10.0 ** math.floor(math.log10(limit / 5))
    step = next(power * factor for factor in (1, 2, 5, 10) if limit / (power * factor) < 9)
    return [round(index * step, 12) for index in range(int(limit / step * (1 + 1e-9)) + 1)]


def _write_centered(
    canvas: Pixels, text: str, place: tuple[float, float, float], letter: float, color: Color
) -> None:
    """Write a line in the middle of (left, top, width), smaller if it is too long for that."""
    left, top, width = place
    needed = text_mask(text, letter).shape[1]
    if needed > width:
        letter *= width / needed
        needed = text_mask(text, letter).shape[1]
    write_text(canvas, text, (left + (width - needed) / 2, top), letter, color)
