"""Annotations as labeling tools and other packages write them: read, written, told apart.

Each format is a file here that says what its coordinates count from. Points read are in pixels,
the center of the top-left pixel at (0, 0). Subsets, groups and poses are in none of
them; points with depth are refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from canthus.datasets.formats import (
    coco,
    csv_table,
    cvat,
    dlib_xml,
    labelme,
    ljson,
    pts_folder,
    records,
)
from canthus.datasets.formats.parsing import read_json
from canthus.datasets.records import MAGIC
from canthus.datasets.sample import Sample
from canthus.datasets.trust import instead_of_file
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme

__all__ = ["FORMATS", "Format", "detect", "meant"]

START = 65536  # bytes of a file that tell XML, JSON and tables apart


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        title: what it is, in a few words.
        read: its faces, from a file or a folder, in a scheme.
        write: faces to a file or a folder; refuses if the format is only read.
        loses: what of a face it cannot hold: visibility, box, unknown points.
        folder: whether it is a folder of files, pictures included.
        suffix: of its file, or of its files in a folder.
    """

    title: str
    read: Callable[[Path, LandmarkScheme], list[Sample]]
    write: Callable[[Sequence[Sample], Path], None]
    loses: tuple[str, ...]
    folder: bool
    suffix: str


FORMATS: Mapping[str, Format] = {
    "coco": Format("COCO keypoints", coco.read, coco.write, (), False, ".json"),
    "csv": Format(
        "a table with a face a line",
        csv_table.read,
        csv_table.write,
        ("visibility",),
        False,
        ".csv",
    ),
    "cvat": Format("CVAT for images 1.1", cvat.read, cvat.write, (), False, ".xml"),
    "dlib": Format(
        "imglab of dlib",
        dlib_xml.read,
        dlib_xml.write,
        ("visibility", "box decimals"),
        False,
        ".xml",
    ),
    "labelme": Format("LabelMe", labelme.read, labelme.write, ("visibility",), True, ".json"),
    "ljson": Format("Menpo", ljson.read, ljson.write, ("visibility", "box"), True, ".ljson"),
    "pts": Format("iBUG", pts_folder.read, pts_folder.write, ("visibility", "box"), True, ".pts"),
    "records": Format(
        "record files of MXNet, only read",
        records.read,
        records.write,
        ("visibility", "box"),
        False,
        ".rec",
    ),
}


def detect(path: Path) -> str:
    """The format of a file or folder that is there, by its content.

    Raises:
        DatasetError: if it is not there, of no known format, or of several.
    """
    if path.is_dir():
        return _folder(path)
    try:
        if not path.is_file():  # to open a pipe may wait forever
            found = instead_of_file(path)
            raise DatasetError(f"{path}: expected a file or a folder, found {found}")
        with path.open("rb") as file:
            start = file.read(START)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from None
    if start.startswith(MAGIC):
        return "records"
    text = start.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return _xml(path, start)
    if text.startswith("{"):
        return _json(path)
    if not text:
        raise DatasetError(f"{path}: expected annotations, found an empty file")
    # its reader says that columns are to be separated by commas
    if "image" in [name.strip(' "') for name in re.split("[,;\t]", text.splitlines()[0])]:
        return "csv"
    raise _unknown(path)


def meant(path: Path) -> str:
    """The format that a name of a file or folder to be written means.

    Raises:
        DatasetError: if it could be several, or none.
    """
    suffix = path.suffix.lower()
    names = [name for name, form in FORMATS.items() if not form.folder and form.suffix == suffix]
    if len(names) == 1:
        return names[0]
    if not suffix and not names:
        return "pts"
    raise DatasetError(
        f"{path}: cannot tell the format from {suffix!r}; say one of {', '.join(names or FORMATS)}"
    )


def _folder(path: Path) -> str:
    found = [
        name
        for name, form in FORMATS.items()
        if form.folder and next(path.rglob(f"*{form.suffix}"), None) is not None
    ]
    if len(found) != 1:
        listed = ", ".join(found) or "none"
        raise DatasetError(f"{path}: expected the files of one format, found {listed}")
    return found[0]


def _json(path: Path) -> str:
    root = read_json(path)
    for key, name in (("annotations", "coco"), ("shapes", "labelme"), ("version", "ljson")):
        if root.has(key):
            return name
    raise _unknown(path)


def _xml(path: Path, start: bytes) -> str:
    """By the name of the first element."""
    roots: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, _: roots.append(tag)
    parser.EntityDeclHandler = lambda *_: _stop(path)
    # reading it will say what is wrong; here its first element is enough
    with suppress(expat.ExpatError, LookupError, ValueError):
        parser.Parse(start, False)
    for name, tag in (("cvat", "annotations"), ("dlib", "dataset")):
        if roots[:1] == [tag]:
            return name
    raise _unknown(path)


def _stop(path: Path) -> None:
    raise DatasetError(f"{path}: expected annotations, found a declared entity; such are refused")


def _unknown(path: Path) -> DatasetError:
    return DatasetError(f"{path}: expected one of {', '.join(FORMATS)}, found another format")
