import numpy as np
import pytest

from canthus.images.lettering import number_width, text_mask, write_number, write_text
from canthus.images.sheets import contact_sheet


def tile(value: int, height: int = 40, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_a_sheet_shows_every_tile_as_it_is() -> None:
    sheet = contact_sheet([tile(101), tile(102), tile(103)], columns=2)
    assert [(sheet == value).all(axis=2).sum() for value in (101, 102, 103)] == [2400] * 3


def test_a_sheet_fills_its_rows_from_the_left() -> None:
    sheet = contact_sheet([tile(101), tile(102), tile(103)], columns=2)
    corners = [np.argwhere(sheet[:, :, 0] == value)[0].tolist() for value in (101, 102, 103)]
    assert corners == [[10, 10], [10, 80], [60, 10]]


def test_a_smaller_tile_stands_in_the_middle_of_its_cell() -> None:
    sheet = contact_sheet([tile(101), tile(102, 20, 20)], columns=2)
    found = np.argwhere(sheet[:, :, 0] == 102)
    assert found.mean(axis=0).tolist() == [29.5, 109.5]  # the cell: rows 10-49, columns 80-139


def test_captions_are_written_below_their_tiles() -> None:
    plain, written = (contact_sheet([tile(101)] * 2, captions=c) for c in (["", ""], ["", "worst"]))
    changed = np.argwhere((plain != written).any(axis=2))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert 50 <= top < bottom < len(plain)
    assert 80 <= left < right < 140


def test_a_long_caption_stays_within_its_cell() -> None:
    plain, written = (
        contact_sheet([tile(101, width=200)] * 2, captions=c) for c in (["", ""], ["", 90 * "w"])
    )
    columns = np.flatnonzero((plain != written).any(axis=(0, 2)))
    assert 220 <= columns.min() < columns.max() < 420


def test_a_sheet_without_tiles_is_refused() -> None:
    with pytest.raises(ValueError, match="a sheet needs tiles"):
        contact_sheet([])


def test_a_caption_is_for_every_tile_or_none() -> None:
    with pytest.raises(ValueError, match="2 tiles need as many captions, found 1"):
        contact_sheet([tile(101)] * 2, captions=["one"])


def test_what_is_no_tile_is_named() -> None:
    with pytest.raises(ValueError, match="tile 1: expected uint8"):
        contact_sheet([tile(101), np.ones((40, 60))])


@pytest.mark.parametrize("height", [8.0, 9.5, 30.0])
def test_a_capital_is_as_high_as_asked(height: float) -> None:
    rows = np.flatnonzero((text_mask("H", height) > 100).any(axis=1))
    assert rows.max() + 1 - rows.min() == pytest.approx(height, abs=0.1 * height + 1.5)


def test_text_that_leaves_the_canvas_is_cut_off() -> None:
    canvas = np.zeros((50, 50, 3), np.uint8)
    for corner in ((-20, -5), (30, 45), (200, 10), (10, -90)):
        write_text(canvas, "canthus", corner, 12, (255, 255, 255))
    assert canvas.any()


def test_an_empty_text_writes_nothing() -> None:
    canvas = np.zeros((50, 50, 3), np.uint8)
    write_text(canvas, "", (10, 10), 12, (255, 255, 255))
    assert not canvas.any()


@pytest.mark.parametrize("text", ["0.98", "1.00", "0.00", "2345.67"])
def test_a_number_fills_its_height_and_its_width(text: str) -> None:
    canvas = np.zeros((100, 400, 3), np.uint8)
    write_number(canvas, text, (20, 30), 40, (255, 255, 255))
    found = np.argwhere(canvas[:, :, 0] > 127)
    (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0)
    assert (top, bottom) == (pytest.approx(30, abs=5), pytest.approx(70, abs=5))
    assert (left, right) == (
        pytest.approx(20, abs=6),
        pytest.approx(20 + number_width(text, 40), abs=12),
    )


def test_every_digit_looks_different() -> None:
    drawn = []
    for digit in "0123456789.":
        canvas = np.zeros((60, 60, 3), np.uint8)
        write_number(canvas, digit, (10, 10), 40, (255, 255, 255))
        drawn.append(canvas > 127)
    pairs = [(a ^ b).sum() for i, a in enumerate(drawn) for b in drawn[:i]]
    assert min(pairs) > 100
