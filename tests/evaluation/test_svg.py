"""Figures as text inside a page: ids, letters and names."""

import pytest
from matplotlib.figure import Figure

from canthus.evaluation.svg import _lettered as lettered
from canthus.evaluation.svg import house_style, printable, to_svg


def figure(width: float = 2.0) -> Figure:
    """One text, whose gid is "name"."""
    found = Figure(figsize=(width, 1))
    found.text(0.1, 0.5, "a place").set_gid("name")
    return found


@pytest.mark.parametrize(
    "style",
    [
        "font-size: 11px; font-family: 'DejaVu Sans', sans-serif; fill: #000",
        "font: 11px 'DejaVu Sans', sans-serif; fill: #000",  # as matplotlib 3.9 says it
        "font: italic 11px 'DejaVu Sans'; fill: #000",
    ],
)
def test_letters_keep_their_size_and_lose_their_font(style: str) -> None:
    assert lettered(style) == "font-size: 11px; fill: #000"


def test_a_name_takes_the_place_of_a_text() -> None:
    with house_style():
        svg = to_svg(figure(), "title", {"name": "<$x_1$>"})
    assert "&lt;$x_1$&gt;</text>" in svg
    assert "a place" not in svg


def test_a_name_without_a_place_is_refused() -> None:
    with house_style(), pytest.raises(ValueError, match="gid 'other'"):
        to_svg(figure(), "title", {"other": "x"})


def test_the_size_is_that_of_the_page() -> None:
    with house_style():
        svg = to_svg(figure(2.0), "a title")
    assert 'viewBox="0 0 144 72"' in svg
    assert 'aria-label="a title"' in svg


@pytest.mark.parametrize(
    ("text", "shown"),
    [("näme 模型", "näme 模型"), ("a\0b", "a�b"), ("\udce4", "�"), ("a\u202eb", "a�b")],
)
def test_letters_that_no_document_may_hold_are_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown
