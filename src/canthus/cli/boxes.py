"""Boxes of faces from outside: `--box` and the two kinds of `--boxes` files."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from canthus.errors import CanthusError, DatasetError
from canthus.geometry import Box

COLUMNS = ("image", "x0", "y0", "x1", "y1")


def parse(text: str) -> Box:
    """A box from `x0,y0,x1,y1`.

    Raises:
        ValueError: if that is no box.
    """
    return _box(text.split(","), text)


class BoxesFile:
    """The boxes of many pictures, by the picture's path or by its file name.

    Two kinds of files are read. JSON: `{"party.jpg": [[x0, y0, x1, y1], ...], ...}`, an empty
    list where nobody is. CSV: a row `image,x0,y0,x1,y1` for each face, with or without such a
    header; a picture alone on its row where nobody is.

    Raises:
        DatasetError: naming the file and the line or the entry that is not so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise DatasetError(f"{path}: expected text in UTF-8") from None
        self._boxes = _from_json(text, path) if text[:1] in ("{", "[") else _from_csv(text, path)

    def find(self, pictures: Sequence[Path]) -> list[list[Box] | CanthusError]:
        """The boxes of each picture, or why it has none."""
        count: dict[str, int] = {}
        for picture in pictures:
            count[picture.name] = count.get(picture.name, 0) + 1
        return [self._of(picture, count[picture.name]) for picture in pictures]

    def _of(self, picture: Path, same_name: int) -> list[Box] | CanthusError:
        if str(picture) in self._boxes:
            return self._boxes[str(picture)]
        if picture.name not in self._boxes:
            return DatasetError(
                f"{picture}: no entry in {self._path}; an empty one says that nobody is there"
            )
        if same_name > 1:
            return DatasetError(
                f"{picture}: {same_name} pictures have the name that {self._path} gives; "
                "give their paths"
            )
        return self._boxes[picture.name]


def _from_json(text: str, path: Path) -> dict[str, list[Box]]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: not JSON: {error}") from None
    if not isinstance(entries, dict):
        raise DatasetError(f"{path}: expected pictures and their boxes, found {text[:40]!r}")
    found: dict[str, list[Box]] = {}
    for image, rows in entries.items():
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise DatasetError(f"{path}: {image}: expected a list of [x0, y0, x1, y1]")
        found[image] = [_checked(row, f"{path}: {image}") for row in rows]
    return found


def _from_csv(text: str, path: Path) -> dict[str, list[Box]]:
    found: dict[str, list[Box]] = {}
    reader = csv.reader(text.splitlines(keepends=True))
    try:
        for cells in reader:
            if not cells or (reader.line_num == 1 and tuple(map(str.strip, cells)) == COLUMNS):
                continue
            image, *edges = cells
            boxes = found.setdefault(image, [])
            if any(edge.strip() for edge in edges):
                boxes.append(_checked(edges, f"{path}:{reader.line_num}"))
    except csv.Error as error:
        raise DatasetError(f"{path}:{reader.line_num}: not CSV: {error}") from None
    return found


def _checked(edges: Sequence[object], where: str) -> Box:
    try:
        return _box(edges, ",".join(map(str, edges)))
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None


def _box(edges: Iterable[object], text: str) -> Box:
    try:
        x0, y0, x1, y1 = (float(edge) for edge in edges)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"expected four numbers x0,y0,x1,y1, found {text!r:.60}") from None
    return Box(x0, y0, x1, y1)
