"""The files that 3DDFA (V1) and 3DDFA_V2 write, byte for byte, with their defects.

For files to open elsewhere see `canthus.faces.meshes`. Vertices are the originals': (3, V), in a
picture's pixels, x right, y down, z toward the viewer. What is odd, and kept:

- V1 indents the lines of a PLY's header, which strict readers refuse, and leaves y down.
- V1 exchanges x and y in an OBJ, and writes colors from 0 to 255.
- V2 leaves an empty line behind a PLY's header, and turns y about the picture's height, not about
  the middle of its pixels.
- Before an OBJ is written, both move vertices outside of the picture onto its border, in the
  caller's own array. Here they are returned instead.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

HEADER = (
    "ply",
    "format ascii 1.0",
    "element vertex {}",
    "property float x",
    "property float y",
    "property float z",
    "element face {}",
    "property list uchar int vertex_indices",
    "end_header",
)
TITLE = b"MATLAB 5.0 MAT-file, written by Canthus"
MATRIX, LENGTHS, DIMENSIONS, NAME = 14, 6, 5, 1  # types of a MATLAB file's elements
NUMBERS = {"float64": (6, 9), "float32": (7, 7)}  # an array's class, and its numbers' type


@dataclass(frozen=True, eq=False)
class Exported:
    """An OBJ file, and the vertices as the original leaves them to its caller.

    Attributes:
        data: the file.
        vertices: (3, V) of each face, those outside of the picture on its border.
    """

    data: bytes
    vertices: tuple[NDArray[np.floating], ...]


def v1_ply(vertices: ArrayLike, triangles: ArrayLike) -> bytes:
    """The PLY of V1.

    Args:
        vertices: (3, V).
        triangles: (3, T), the first vertex being 1.
    """
    places, corners = _rows(vertices), np.asarray(triangles, np.int64).T - 1
    first, *others = _header(len(places), len(corners))
    rows = ("{:.4f} {:.4f} {:.4f}".format(*place) for place in places.tolist())
    return _text([first, *(f"    {line}" for line in others), *rows, *_ply_faces(corners)])


def v1_obj(vertices: ArrayLike, triangles: ArrayLike, image: NDArray[np.uint8]) -> Exported:
    """The OBJ of V1.

    Args:
        vertices: (3, V).
        triangles: (3, T), the first vertex being 1.
        image: (H, W, 3), RGB, from which the colors are taken.
    """
    inside = clamped(vertices, image)
    colors = nearest_colors(inside, image)
    rows = [
        f"v {y:.4f} {x:.4f} {z:.4f} {red} {green} {blue}"
        for (x, y, z), (red, green, blue) in zip(inside.T.tolist(), colors.tolist(), strict=True)
    ]
    corners = np.asarray(triangles, np.int64).T.tolist()
    faces = ("f {} {} {}".format(*corner) for corner in corners)
    return Exported(_text([*rows, *faces]), (inside,))


def v1_points(points: ArrayLike) -> bytes:
    """The text of V1's landmarks, (3, 68): a line of x, one of y, one of z."""
    rows = np.asarray(points, np.float64).tolist()
    return _text(" ".join(f"{number:.3f}" for number in row) for row in rows)


def v1_box(box: Iterable[float]) -> bytes:
    """The text of V1's square about a face: left, top, right, bottom, one a line."""
    return _text(f"{edge:.3f}" for edge in box)


def v1_mat(vertices: NDArray[np.floating]) -> bytes:
    """The MATLAB file of V1: `vertex`, (3, V), in float32 or float64 as given.

    After the title, which names a program and a time, it is the original's to the byte.

    Raises:
        ValueError: if the numbers are of another kind.
    """
    if vertices.dtype.name not in NUMBERS:
        raise ValueError(f"vertices: expected float32 or float64, found {vertices.dtype}")
    kind, number = NUMBERS[vertices.dtype.name]
    values = vertices.astype(vertices.dtype.newbyteorder("<")).tobytes(order="F")
    parts = [
        _element(LENGTHS, struct.pack("<II", kind, 0)),
        _element(DIMENSIONS, struct.pack("<ii", *vertices.shape)),
        _element(NAME, b"vertex"),
        _element(number, values),
    ]
    return TITLE.ljust(124, b"\0") + b"\x00\x01IM" + _element(MATRIX, b"".join(parts))


def v2_ply(
    faces: Sequence[ArrayLike], triangles: ArrayLike, height: int, *, reverse: bool = True
) -> bytes:
    """The PLY of V2: of one face, or of several in one file.

    Args:
        faces: (3, V) each.
        triangles: (T, 3), of one face, the first vertex being 0.
        height: of the picture, in pixels.
        reverse: write the height less y, and the corners of a triangle from last to first.
    """
    places = np.concatenate([_rows(face) for face in faces])
    corners = _corners(faces, triangles)
    if reverse:
        places[:, 1] = height - places[:, 1]
        corners = corners[:, ::-1]
    rows = ("{:.2f} {:.2f} {:.2f}".format(*place) for place in places.tolist())
    return _text([*_header(len(places), len(corners)), "", *rows, *_ply_faces(corners)])


def v2_obj(faces: Sequence[ArrayLike], triangles: ArrayLike, image: NDArray[np.uint8]) -> Exported:
    """The OBJ of V2: of one face, or of several in one file.

    Args:
        faces: (3, V) each.
        triangles: (T, 3), of one face, the first vertex being 0.
        image: (H, W, 3), RGB, from which the colors are taken.
    """
    inside = tuple(clamped(face, image) for face in faces)
    places = np.concatenate([_rows(face) for face in inside])
    places[:, 1] = len(image) - places[:, 1]
    colors = np.concatenate([nearest_colors(face, image) for face in inside]) / 255
    rows = ("v" + " {:.2f}" * 6).format
    vertices = [rows(*row) for row in np.concatenate([places, colors], axis=1).tolist()]
    corners = (_corners(faces, triangles) + 1)[:, ::-1].tolist()
    return Exported(_text([*vertices, *("f {} {} {}".format(*row) for row in corners)]), inside)


def clamped(vertices: ArrayLike, image: NDArray[np.uint8]) -> NDArray[np.floating]:
    """Vertices (3, V) with x and y moved onto a picture's border where they are outside of it."""
    inside = _rows(vertices).T.copy()
    height, width = image.shape[:2]
    inside[0] = inside[0].clip(0, width - 1)
    inside[1] = inside[1].clip(0, height - 1)
    return inside


def nearest_colors(vertices: NDArray[np.floating], image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The color (V, 3) of the pixel next to each of some vertices (3, V) inside of the picture."""
    across, down = np.round(vertices[:2]).astype(np.int64)
    return image[down, across]


def _rows(vertices: ArrayLike) -> NDArray[np.floating]:
    """A copy of vertices (3, V) as rows (V, 3), in the numbers that they come in."""
    array = np.array(vertices)
    if array.ndim != 2 or len(array) != 3 or array.dtype.kind != "f":
        raise ValueError(
            f"vertices: expected shape (3, V) of floats, found {array.shape} of {array.dtype}"
        )
    return array.T


def _corners(faces: Sequence[ArrayLike], triangles: ArrayLike) -> NDArray[np.int64]:
    """The triangles of several faces of the same form, whose vertices follow each other."""
    one = np.asarray(triangles, np.int64)
    count = np.shape(faces[0])[1]
    return np.concatenate([one + number * count for number in range(len(faces))])


def _header(vertices: int, triangles: int) -> list[str]:
    lines = [line.format(vertices) for line in HEADER[:3]]
    return lines + [line.format(triangles) for line in HEADER[3:]]


def _ply_faces(corners: NDArray[np.int64]) -> Iterable[str]:
    return ("3 {} {} {}".format(*corner) for corner in corners.tolist())


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _element(kind: int, data: bytes) -> bytes:
    """An element of a MATLAB file: its type, its length, and its data up to a multiple of 8."""
    return struct.pack("<II", kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")
