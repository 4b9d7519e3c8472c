"""Where answers about pictures are written: never over a picture, and never half."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from canthus.errors import StorageError
from canthus.storage import write_whole

# How each of our JSON files begins, and hardly any other.
START = '{"schema": '


def names_of(pictures: Sequence[Path], folder: Path) -> list[str]:
    """A name for each picture's answers: its stem, with `-2`, `-3`, ... where that is taken.

    Names differ even where capitals do not count, and no answer gets the name of a picture that
    is to be read.
    """
    folder = Path(os.path.realpath(folder))
    taken = {_key(path) for picture in pictures for path in _places(picture)}
    count: dict[str, int] = {}
    names = []
    for picture in pictures:
        stem = name = picture.stem
        while not taken.isdisjoint(wanted := {_key(path) for path in _paths(folder, name)}):
            count[stem] = count.get(stem, 1) + 1
            name = f"{stem}-{count[stem]}"
        taken |= wanted
        names.append(name)
    return names


def prepare(folder: Path) -> None:
    """Make the folder that answers go to.

    Raises:
        StorageError: if that cannot be.
    """
    with _reasons(folder):
        folder.mkdir(parents=True, exist_ok=True)


def paths_for(folder: Path, name: str) -> tuple[Path, Path]:
    """The JSON and the picture of an answer.

    Raises:
        StorageError: if files of these names are there that no earlier answer has left.
    """
    json_path, picture_path = _paths(folder, name)
    with _reasons(json_path):
        ours = _is_ours(json_path) if json_path.exists() else not picture_path.exists()
    if not ours:
        raise StorageError(
            f"{folder / name}: .json or .png is there already, and no earlier answer of Canthus; "
            "choose another folder with --out"
        )
    return json_path, picture_path


def write_json(path: Path, values: Mapping[str, object]) -> None:
    """Write plain values to a file, wholly or not at all.

    Raises:
        StorageError: if it cannot be written.
    """
    write_whole(path, f"{to_line(values)}\n".encode())


def to_line(values: Mapping[str, object]) -> str:
    """JSON on one line, in ASCII, so that it survives every terminal and file name."""
    return json.dumps(values, allow_nan=False)


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.json", folder / f"{name}.png"


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(START)) == START


def _places(picture: Path) -> tuple[Path, Path]:
    """Where a picture's name is, and where its pixels are: they differ if it is a link."""
    parent = os.path.realpath(picture.parent)
    return Path(parent, picture.name), Path(os.path.realpath(picture))


def _key(path: Path) -> str:
    return str(path).casefold()


@contextmanager
def _reasons(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
