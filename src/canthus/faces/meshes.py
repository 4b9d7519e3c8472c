"""Meshes, and the text files in which other programs open them: PLY and OBJ.

A mesh of ours is in a picture's frame: pixels, x right, y down, z away from the camera. The files
have it y up and z toward the viewer, as a viewer of meshes does: y and z are negated. To negate
both is half a turn about x, so nothing is mirrored, and a triangle's corners keep their order:
counter-clockwise as seen from outside. MeshLab shows the files upright, and Blender shows the OBJ
upright as well; of a PLY it has to be told that up is Y.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.errors import DatasetError

TURN = np.array([1, -1, -1], np.float32)  # into the files' frame, and back
LARGEST = 1 << 31  # no index of a vertex is as large
PLACE = tuple(f"property float {axis}" for axis in "xyz")
COLOR = tuple(f"property uchar {color}" for color in ("red", "green", "blue"))
CORNERS = "property list uchar int vertex_indices"
SHADES = [f"{value / 255:.4f}" for value in range(256)]  # of a color in OBJ

Number = TypeVar("Number", int, float)
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False, init=False)
class Mesh:
    """A surface of triangles, in a picture's frame.

    Attributes:
        vertices: (V, 3) float32; pixels, x right, y down, z away from the camera.
        triangles: (T, 3) int32, indices of vertices; counter-clockwise as seen from outside.
        colors: (V, 3) uint8, RGB, or None.

    Raises:
        ValueError: if shapes do not fit, a number is not finite, or an index is none of a vertex.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    colors: NDArray[np.uint8] | None

    def __init__(
        self, vertices: ArrayLike, triangles: ArrayLike, colors: ArrayLike | None = None
    ) -> None:
        places = _frozen(_rows("vertices", vertices, "fiu"), np.float32)
        if wrong := np.argwhere(~np.isfinite(places)).tolist():
            raise ValueError(f"vertices{wrong[0]}: expected a finite number")
        corners = _rows("triangles", triangles, "iu")
        if corners.size and not 0 <= corners.min() <= corners.max() < len(places):
            raise ValueError(
                f"triangles: expected vertices from 0 to {len(places) - 1}, found "
                f"{corners.min()} to {corners.max()}"
            )
        object.__setattr__(self, "vertices", places)
        object.__setattr__(self, "triangles", _frozen(corners, np.int32))
        object.__setattr__(self, "colors", _checked_colors(colors, places.shape))


def to_ply(mesh: Mesh) -> bytes:
    """A mesh as an ASCII PLY file: y up, z toward the viewer, triangles from vertex 0 on."""
    header = _ply_header(len(mesh.vertices), len(mesh.triangles), mesh.colors is not None)
    rows = _places(mesh)
    if mesh.colors is not None:
        rows = [
            [*place, *color] for place, color in zip(rows, mesh.colors.astype(str), strict=True)
        ]
    corners = [["3", *row] for row in mesh.triangles.astype(str).tolist()]
    return _to_text([*header, *map(" ".join, rows), *map(" ".join, corners)])


def to_obj(mesh: Mesh) -> bytes:
    """A mesh as an OBJ file: y up, z toward the viewer, triangles from vertex 1 on.

    Colors follow a vertex's place, as MeshLab and Blender read them: red, green, blue in [0, 1].
    """
    rows = _places(mesh)
    if mesh.colors is not None:
        shades = ([SHADES[value] for value in color] for color in mesh.colors.tolist())
        rows = [[*place, *color] for place, color in zip(rows, shades, strict=True)]
    vertices = (" ".join(["v", *row]) for row in rows)
    faces = (" ".join(["f", *row]) for row in (mesh.triangles + 1).astype(str).tolist())
    return _to_text([*vertices, *faces])


def read_ply(path: Path) -> Mesh:
    """Read a PLY file of the form that `to_ply` writes, into a picture's frame.

    Raises:
        DatasetError: naming the line that is not as it should be.
    """
    lines = _Lines(path)
    for line in ("ply", "format ascii 1.0"):
        lines.expect(line)
    count = lines.count("element vertex ")
    for line in PLACE:
        lines.expect(line)
    colored = lines.ahead() == COLOR[0]
    for line in COLOR if colored else ():
        lines.expect(line)
    num_triangles = lines.count("element face ")
    for line in (CORNERS, "end_header"):
        lines.expect(line)
    places, colors = [], []
    for _ in range(count):
        words = lines.words(6 if colored else 3)
        places.append(lines.numbers(words[:3], float))
        colors.append(lines.numbers(words[3:], int, 255))
    corners = [lines.numbers(lines.words(4, "3")[1:], int, count - 1) for _ in range(num_triangles)]
    lines.finish()
    return _mesh(places, corners, colors if colored else None, path)


def read_obj(path: Path) -> Mesh:
    """Read an OBJ file of the form that `to_obj` writes, into a picture's frame.

    Raises:
        DatasetError: naming the line that is not as it should be.
    """
    lines = _Lines(path)
    places: list[list[float]] = []
    colors: list[list[int]] = []
    corners: list[list[int]] = []
    colored = len(lines.ahead().split(" ")) == 7
    while lines.ahead().startswith("v "):
        numbers = lines.numbers(lines.words(7 if colored else 4, "v")[1:], float)
        if not all(0 <= shade <= 1 for shade in numbers[3:]):
            raise lines.wrong("colors in [0, 1]")
        places.append(numbers[:3])
        colors.append([round(shade * 255) for shade in numbers[3:]])
    while lines.ahead().startswith("f "):
        found = lines.numbers(lines.words(4, "f")[1:], int, len(places))
        if 0 in found:
            raise lines.wrong("vertices from 1 on")
        corners.append([corner - 1 for corner in found])
    lines.finish()
    return _mesh(places, corners, colors if colored else None, path)


class _Lines:
    """The lines of a text file, one after the other."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        try:
            text = path.read_bytes().decode("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(f"{path}: cannot be read as a text of ASCII: {error}") from None
        if not text.endswith("\n"):
            raise DatasetError(f"{path}: expected lines, found an end within one; it is cut off")
        self._lines = text[:-1].split("\n")

    def wrong(self, expected: str) -> DatasetError:
        """The error that says where, what was expected, and what the last line taken is."""
        inside = self._at <= len(self._lines)
        found = repr(self._lines[self._at - 1])[:60] if inside else "the end of the file"
        return DatasetError(f"{self._path}:{self._at}: expected {expected}, found {found}")

    def ahead(self) -> str:
        """The next line, without taking it; empty at the end."""
        return self._lines[self._at] if self._at < len(self._lines) else ""

    def take(self) -> str:
        """The next line; empty at the end."""
        line = self.ahead()
        self._at += 1
        return line

    def expect(self, wanted: str) -> None:
        """Make sure that the next line is one."""
        if self.take() != wanted:
            raise self.wrong(f"the line {wanted!r}")

    def count(self, start: str) -> int:
        """How many elements the next line says that there are."""
        line = self.take()
        if not line.startswith(start):
            raise self.wrong(f"the line '{start}N'")
        return self.numbers([line.removeprefix(start)], int, LARGEST)[0]

    def words(self, count: int, first: str | None = None) -> list[str]:
        """The words of the next line; there must be so many, and the first may have to be one."""
        words = self.take().split(" ")
        if len(words) != count or first not in (None, words[0]):
            raise self.wrong(f"{count} words" + (f", the first {first!r}" if first else ""))
        return words

    def numbers(
        self, words: Sequence[str], kind: type[Number], largest: int = LARGEST
    ) -> list[Number]:
        """Words of the last line as numbers; whole ones from 0 to the largest."""
        try:
            numbers = [kind(word) for word in words]
        except ValueError:
            raise self.wrong("numbers") from None
        if any("_" in word for word in words):  # Python's own manner of writing them
            raise self.wrong("numbers")
        if kind is int and not all(0 <= number <= largest for number in numbers):
            raise self.wrong(f"whole numbers from 0 to {largest}")
        return numbers

    def finish(self) -> None:
        """Make sure that nothing is left."""
        if self._at < len(self._lines):
            self._at += 1
            raise self.wrong("the end of the file")


def _mesh(
    places: list[list[float]], corners: list[list[int]], colors: list[list[int]] | None, path: Path
) -> Mesh:
    try:
        return Mesh(
            np.array(places, np.float64).reshape(-1, 3) * TURN,
            np.array(corners, np.int32).reshape(-1, 3),
            None if colors is None else np.array(colors, np.uint8).reshape(-1, 3),
        )
    except ValueError as error:
        raise DatasetError(f"{path}: {error}") from None


def _places(mesh: Mesh) -> list[list[str]]:
    """Each vertex in the files' frame, in as few digits as bring it back as it was."""
    places = mesh.vertices * TURN + np.float32(0)  # without the sign of a zero
    return places.astype(str).tolist()


def _ply_header(vertices: int, triangles: int, colored: bool) -> list[str]:
    return [
        "ply",
        "format ascii 1.0",
        f"element vertex {vertices}",
        *PLACE,
        *(COLOR if colored else ()),
        f"element face {triangles}",
        CORNERS,
        "end_header",
    ]


def _to_text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _checked_colors(values: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    if values is None:
        return None
    colors = np.asarray(values)
    if colors.dtype != np.uint8 or colors.shape != shape:
        raise ValueError(
            f"colors: expected shape {shape} of uint8, found {colors.shape} of {colors.dtype}"
        )
    return _frozen(colors, np.uint8)


def _rows(name: str, values: ArrayLike, kinds: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in kinds:
        wanted = "numbers" if "f" in kinds else "whole numbers"
        raise ValueError(
            f"{name}: expected shape (N, 3) of {wanted}, found {array.shape} of {array.dtype}"
        )
    return array


def _frozen(array: NDArray[Any], kind: type[Scalar]) -> NDArray[Scalar]:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
        copy = np.array(array, kind, order="C")
    copy.setflags(write=False)
    return copy
