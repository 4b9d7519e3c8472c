"""What every reader must not take on trust: numbers, and the names of pictures."""

import csv
import math
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from canthus.errors import DatasetError

LIMIT = 1e6  # no picture has a pixel beyond


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, whatever ends them, without a byte order mark.

    Raises:
        DatasetError: if it is not there, or cannot be read as UTF-8.
    """
    if not path.is_file():  # to open a pipe may wait forever
        raise DatasetError(f"{path}: expected this file, found {instead_of_file(path)}")
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: cannot be read as text: {error}; save it as UTF-8") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read as text: {error.strerror}") from None


def read_rows(path: Path) -> list[list[str]]:
    """The lines of a CSV file as cells; empty lines have none.

    Raises:
        DatasetError: as `read_lines`, or if it is no table.
    """
    try:
        return list(csv.reader(read_lines(path)))
    except csv.Error as error:
        raise DatasetError(f"{path}: cannot be read as a table: {error}") from None


def instead_of_file(path: Path) -> str:
    """What is where a file should be, for messages."""
    return "a folder" if path.is_dir() else "something else" if path.exists() else "none"


def number(word: str, where: str) -> float:
    """A coordinate in pixels; points far outside of any picture are refused, as is NaN.

    Args:
        word: as the file has it.
        where: `file:line`, for the message.

    Raises:
        DatasetError: if it is no such number.
    """
    try:
        if "_" in word or not word.isascii():  # which Python takes for numbers, and nobody else
            raise ValueError
        value = float(word)
    except ValueError:
        hint = "; use a point for decimals" if "," in word else ""
        raise DatasetError(f"{where}: expected a number, found {word!r}{hint}") from None
    if not math.isfinite(value) or abs(value) >= LIMIT:
        raise DatasetError(f"{where}: expected a place in a picture, found {word!r}")
    return value


def points(cells: Sequence[str], where: str) -> NDArray[np.float32]:
    """Points (L, 2) from cells x0, y0, x1, y1, ...; NaN where both cells of one are empty.

    Raises:
        DatasetError: if a cell is no such number, or one of two is empty.
    """
    values = [number(cell, where) if cell.strip() else math.nan for cell in cells]
    found = np.array(values, np.float32).reshape(-1, 2)
    if (np.isnan(found[:, 0]) != np.isnan(found[:, 1])).any():
        raise DatasetError(f"{where}: expected x and y of a point both or neither, found one")
    return found


def below(root: Path, name: str, where: str) -> Path:
    """The path of a picture that a list names, which must lie below the root.

    Raises:
        DatasetError: if the name is empty, absolute or leads out of the root.
    """
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    away = posix.is_absolute() or windows.is_absolute() or windows.drive
    if not name.strip() or away or ".." in {*posix.parts, *windows.parts} or "\0" in name:
        raise DatasetError(f"{where}: expected the name of a picture below {root}, found {name!r}")
    return root / name


def split_of(name: str, splits: Collection[str]) -> None:
    """Make sure that a split is one of those there are.

    Raises:
        ValueError: naming those there are.
    """
    if name not in splits:
        raise ValueError(f"unknown split {name!r}; known are {', '.join(splits)}")


def counted_points(path: Path, count: int) -> NDArray[np.float64]:
    """The points (count, 2) of a text file: how many there are, then `x y` a line.

    Raises:
        DatasetError: naming the line that is not as it should be.
    """
    lines = [(line.split(), f"{path}:{i}") for i, line in enumerate(read_lines(path), 1)]
    lines = [(words, where) for words, where in lines if words]
    if not lines or lines[0][0] != [str(count)]:
        found = " ".join(lines[0][0])[:40] if lines else "an empty file"
        raise DatasetError(f"{path}:1: expected the number of points, {count}, found {found!r}")
    rows = lines[1:]
    if len(rows) != count:
        last = lines[min(count + 1, len(rows))][1]  # where one is too many, or none follows
        raise DatasetError(f"{last}: expected {count} points, found {len(rows)}")
    return np.array([pair(words, where) for words, where in rows])


def pair(words: Sequence[str], where: str) -> tuple[float, float]:
    """X and y of a line's words.

    Raises:
        DatasetError: if they are not two coordinates.
    """
    if len(words) != 2:
        raise DatasetError(f"{where}: expected two numbers 'x y', found {' '.join(words)!r:.60}")
    return number(words[0], where), number(words[1], where)
