"""Boxes files in JSON and in CSV."""

from pathlib import Path

import pytest

from canthus.cli.boxes import BoxesFile
from canthus.errors import DatasetError
from canthus.geometry import Box


def write(folder: Path, text: str) -> Path:
    """A boxes file that holds the text."""
    path = folder / "boxes"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        '{"a.jpg": [[1, 2, 3, 4], [5, 6, 7.5, 8]], "b.jpg": []}',
        "a.jpg,1,2,3,4\na.jpg,5,6,7.5,8\nb.jpg\n",
        "image,x0,y0,x1,y1\r\na.jpg,1,2,3,4\r\n\r\na.jpg, 5, 6, 7.5, 8\r\nb.jpg,,,,\r\n",
        "\ufeffimage,x0,y0,x1,y1\na.jpg,1,2,3,4\na.jpg,5,6,7.5,8\nb.jpg,,,,",
    ],
    ids=["json", "csv", "crlf", "bom"],
)
def test_every_form_says_the_same(tmp_path: Path, text: str) -> None:
    found = BoxesFile(write(tmp_path, text)).find([Path("x/a.jpg"), Path("b.jpg")])
    assert found == [[Box(1, 2, 3, 4), Box(5, 6, 7.5, 8)], []]


def test_a_name_in_quotes_may_have_a_comma(tmp_path: Path) -> None:
    found = BoxesFile(write(tmp_path, '"a, b.jpg",1,2,3,4\n')).find([Path("a, b.jpg")])
    assert found == [[Box(1, 2, 3, 4)]]


def test_a_path_counts_before_a_name(tmp_path: Path) -> None:
    text = '{"x/a.jpg": [[1, 2, 3, 4]], "a.jpg": []}'
    found = BoxesFile(write(tmp_path, text)).find([Path("x/a.jpg"), Path("a.jpg")])
    assert found == [[Box(1, 2, 3, 4)], []]


def test_a_picture_without_an_entry_has_an_error(tmp_path: Path) -> None:
    (found,) = BoxesFile(write(tmp_path, '{"a.jpg": []}')).find([Path("b.jpg")])
    assert isinstance(found, DatasetError)
    assert "b.jpg: no entry" in str(found)


def test_a_name_that_two_pictures_have_is_not_guessed(tmp_path: Path) -> None:
    file = BoxesFile(write(tmp_path, '{"a.jpg": []}'))
    for found in file.find([Path("x/a.jpg"), Path("y/a.jpg")]):
        assert isinstance(found, DatasetError)
        assert "give their paths" in str(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a.jpg": [[1, 2, 3]]}', "boxes: a.jpg: expected four numbers"),
        ('{"a.jpg": [[1, 2, 1, 4]]}', "boxes: a.jpg: .*from_xywh"),
        ('{"a.jpg": [1, 2, 3, 4]}', "boxes: a.jpg: expected a list"),
        ('{"a.jpg": {"x": 1}}', "boxes: a.jpg: expected a list"),
        ('{"a.jpg": [["1", null, 3, 4]]}', "boxes: a.jpg: expected four numbers"),
        ('{"a.jpg": [[NaN, 2, 3, 4]]}', "boxes: a.jpg: .*finite"),
        ('{"a.jpg": ', "not JSON"),
        ("[1, 2]", "expected pictures and their boxes"),
        ("[" * 100_000, "not JSON"),
        ("a.jpg,1,2,3,4\na.jpg,1,2,3\n", "boxes:2: expected four numbers"),
        ("a.jpg,1,2,3,4\na.jpg,1,2,1,4\n", "boxes:2: .*from_xywh"),
        ("a.jpg,1,2,3,inf\n", "boxes:1: .*finite"),
        ("image,x,y,w,h\na.jpg,1,2,3,4\n", "boxes:1: expected four numbers"),
        ("a.jpg;1,5;2;3;4\n", "boxes:1: expected four numbers"),
    ],
)
def test_what_is_no_box_is_named_by_file_and_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        BoxesFile(write(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="none: cannot be read"):
        BoxesFile(tmp_path / "none")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "boxes"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="UTF-8"):
        BoxesFile(path)
