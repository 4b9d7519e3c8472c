"""Sheets of small pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.images.arrays import as_image
from canthus.images.lettering import Color, text_mask, write_text

Pixels = NDArray[np.uint8]

_GAP = 10  # pixels between tiles
_SHEET: Color = (24, 26, 32)
_CAPTION: Color = (225, 228, 235)


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
