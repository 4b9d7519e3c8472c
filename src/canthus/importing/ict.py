"""ICT-FaceKit, from one's own copy of its meshes: the face alone, without head, teeth and eyes.

The folder `FaceXModel` has a mesh for the neutral face, one for each direction of identity, and
one for each expression; a direction is how such a mesh differs from the neutral one. All have the
same vertices, those of the face first. Which of them are the 68 points stands in a file beside.
Lengths are centimetres; y is up and z toward the viewer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.errors import WeightsError
from canthus.faces.face_model import FaceModel, Keypoints
from canthus.importing.arrays import named, read_arrays

NAME = "ICT-FaceKit, face"
LICENSE = "MIT, USC Institute for Creative Technologies"
CENTIMETRE = 10.0  # in millimetres
IDENTITIES = 100  # that are given out
NEUTRAL, INDICES = "generic_neutral_mesh.obj", "vertex_indices.json"
LANDMARKS, EXPRESSIONS = "idx_to_landmark_verts", "expressions"  # in the latter
FACE = "M_Face"  # the material of the triangles that are kept
SHOWN = 5  # missing files that a message names


def read(path: Path, *, identities: int = IDENTITIES) -> FaceModel:
    """The model of a folder, or of one file of arrays.

    Expressions are in the order of their names.

    Args:
        path: a folder with the meshes and `vertex_indices.json`, or a `.npz` with the arrays
            `neutral`, `identity`, `expression`, `triangles` and `landmarks68`.
        identities: how many directions of identity to read, the first ones.

    Raises:
        WeightsError: naming the files that are missing, or the line that is not as it should be.
    """
    try:
        if path.suffix.lower() == ".npz":
            return _read_arrays(path, identities)
        return _read_meshes(path, identities)
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from None


def _read_meshes(folder: Path, identities: int) -> FaceModel:
    landmarks, listed = _indices(folder / INDICES)
    names = [f"identity{number:03d}" for number in range(identities)]
    expressions = _expressions(folder, listed)
    _check_there(folder, [NEUTRAL, *(f"{name}.obj" for name in (*names, *expressions))])
    vertices = _vertices(folder / NEUTRAL)
    surface = _surface(folder / NEUTRAL, len(vertices))
    count = int(surface.triangles.max()) + 1

    def directions(stems: Sequence[str]) -> NDArray[np.float32]:
        offsets = np.zeros((len(stems), count, 3), np.float32)
        for offset, stem in zip(offsets, stems, strict=True):
            offset[:] = _moved(folder / f"{stem}.obj", len(vertices))[:count] - vertices[:count]
        return offsets

    return FaceModel(
        name=NAME,
        license=LICENSE,
        unit_mm=CENTIMETRE,
        neutral=vertices[:count].astype(np.float32),
        triangles=surface.triangles.astype(np.int32),
        keypoints=Keypoints.at(landmarks),
        identity=directions(names),
        expression=directions(expressions),
        uv=surface.uv,
    )


def _read_arrays(path: Path, identities: int) -> FaceModel:
    names = ("neutral", "identity", "expression", "triangles", "landmarks68")
    neutral, identity, expression, triangles, landmarks = named(read_arrays(path), names, path)
    return FaceModel(
        name=NAME,
        license=LICENSE,
        unit_mm=CENTIMETRE,
        neutral=neutral,
        triangles=triangles,
        keypoints=Keypoints.at(landmarks),
        identity=identity[:identities],
        expression=expression,
    )


@dataclass(frozen=True, eq=False)
class _Surface:
    """The triangles of the face, and where each of its vertices is in a texture."""

    triangles: NDArray[np.int64]
    uv: NDArray[np.float32] | None


def _indices(path: Path) -> tuple[list[int], list[str]]:
    """Which vertices are the 68 points, and which expressions there should be."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read: {error.strerror}; it belongs to the meshes"
        ) from None
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: expected JSON: {error}") from None
    lists = [
        said.get(name) if isinstance(said, dict) else None for name in (LANDMARKS, EXPRESSIONS)
    ]
    for name, kind, found in zip((LANDMARKS, EXPRESSIONS), (int, str), lists, strict=True):
        if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
            raise WeightsError(f"{path}: {name}: expected a list, found {found!r:.60}")
    return lists[0], lists[1]  # type: ignore[return-value]


def _expressions(folder: Path, listed: Sequence[str]) -> list[str]:
    """Those that are listed, and those that are there: later ones are not on the list."""
    there = {path.stem for path in folder.glob("*.obj") if path.name != NEUTRAL}
    return sorted(set(listed) | {name for name in there if not name.startswith("identity")})


def _check_there(folder: Path, names: Sequence[str]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise WeightsError(
            f"{folder}: expected {len(names)} meshes, found {len(names) - len(missing)}; missing "
            f"are {', '.join(missing[:SHOWN])}{more}"
        )


def _moved(path: Path, count: int) -> NDArray[np.float64]:
    vertices = _vertices(path)
    if len(vertices) != count:
        raise WeightsError(
            f"{path}: expected {count} vertices, as {NEUTRAL} has, found {len(vertices)}"
        )
    return vertices


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read as a text: {error}") from None


def _vertices(path: Path) -> NDArray[np.float64]:
    """The vertices of an OBJ file, (V, 3)."""
    return _table([line for line in _lines(path) if line.startswith("v ")], 3, path)


def _table(lines: Sequence[str], columns: int, path: Path) -> NDArray[np.float64]:
    """Lines of a word and some numbers."""
    rows = [line.split()[1:] for line in lines]
    if wrong := [line for line, row in zip(lines, rows, strict=True) if len(row) != columns]:
        raise WeightsError(f"{path}: expected {columns} numbers, found {wrong[0]!r:.60}")
    try:
        table = np.array(rows, np.float64).reshape(-1, columns)
    except ValueError as error:
        raise WeightsError(f"{path}: expected numbers: {error}") from None
    if not np.isfinite(table).all():
        raise WeightsError(f"{path}: expected finite numbers, found others")
    return table


def _surface(path: Path, count: int) -> _Surface:
    """The face's triangles; of a mesh without materials, all of them are the face's."""
    lines = _lines(path)
    colored = f"usemtl {FACE}" in lines
    kept, corners = not colored, []
    for number, line in enumerate(lines, 1):
        if line.startswith("usemtl "):
            kept = line == f"usemtl {FACE}"
        elif kept and line.startswith("f "):
            corners += _split([_corner(word, f"{path}:{number}") for word in line.split()[1:]])
    if not corners:
        raise WeightsError(f"{path}: expected faces, found none")
    both = np.array(corners, np.int64)  # (T, 3, 2): of vertices, and of places in the texture
    if both[..., 0].min() < 0 or both[..., 0].max() >= count:
        raise WeightsError(f"{path}: expected faces of vertices 1 to {count}, found others")
    places = _table([line for line in lines if line.startswith("vt ")], 2, path)
    return _Surface(both[..., 0], _uv(both.reshape(-1, 2), places))


def _corner(word: str, where: str) -> tuple[int, int]:
    """A vertex and its place in a texture, both from 0 on; the latter is -1 if not said."""
    vertex, _, rest = word.partition("/")
    place = rest.partition("/")[0] or "0"
    if not (vertex.isdecimal() and place.isdecimal()):
        raise WeightsError(f"{where}: expected corners as 1 or 1/1, found {word!r:.60}")
    return int(vertex) - 1, int(place) - 1


def _split(corners: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """A convex face as triangles about its first corner."""
    return [[corners[0], corners[each - 1], corners[each]] for each in range(2, len(corners))]


def _uv(corners: NDArray[np.int64], places: NDArray[np.float64]) -> NDArray[np.float32] | None:
    """The places of the vertices, where each has one and no other."""
    vertices, chosen = corners.T
    if not 0 <= chosen.min() <= chosen.max() < len(places):
        return None
    uv = np.zeros((int(vertices.max()) + 1, 2))
    uv[vertices] = places[chosen]
    return uv.astype(np.float32) if np.array_equal(uv[vertices], places[chosen]) else None
