"""Meshes, and the files in which other programs open them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from canthus.errors import DatasetError
from canthus.faces.meshes import Mesh, read_obj, read_ply, to_obj, to_ply

# In the picture: one to the right, one further down, one nearer to the camera.
RIGHT, DOWN, NEAR = [12.5, 0, 0], [0, 7.25, 0], [0, 0, -3]
VERTICES = np.array([[0, 0, 0], RIGHT, DOWN, NEAR], np.float32)
TRIANGLES = np.array([[0, 1, 2], [0, 3, 1]], np.int32)
COLORS = np.array([[255, 0, 0], [0, 255, 0], [1, 2, 3], [9, 128, 254]], np.uint8)

PLY = """ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face 2
property list uchar int vertex_indices
end_header
0.0 0.0 0.0 255 0 0
12.5 0.0 0.0 0 255 0
0.0 -7.25 0.0 1 2 3
0.0 0.0 3.0 9 128 254
3 0 1 2
3 0 3 1
"""
OBJ = """v 0.0 0.0 0.0 1.0000 0.0000 0.0000
v 12.5 0.0 0.0 0.0000 1.0000 0.0000
v 0.0 -7.25 0.0 0.0039 0.0078 0.0118
v 0.0 0.0 3.0 0.0353 0.5020 0.9961
f 1 2 3
f 1 4 2
"""

Write = Callable[[Mesh], bytes]
Read = Callable[[Path], Mesh]
both = pytest.mark.parametrize(("write", "read"), [(to_ply, read_ply), (to_obj, read_obj)])


def ball() -> Mesh:
    """Eight triangles about the origin, seen counter-clockwise from outside."""
    ends = np.array([[9, 0, 0], [-9, 0, 0], [0, 9, 0], [0, -9, 0], [0, 0, 9], [0, 0, -9]])
    faces = []
    for x in (0, 1):
        for y in (2, 3):
            for z in (4, 5):
                straight = np.linalg.det(ends[[x, y, z]].astype(float)) > 0
                faces.append([x, y, z] if straight else [y, x, z])
    return Mesh(ends, np.array(faces))


def normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    first, second, third = (vertices[triangles[:, corner]] for corner in range(3))
    return np.cross(second - first, third - first)


def test_a_ply_has_y_up_and_z_toward_the_viewer() -> None:
    assert to_ply(Mesh(VERTICES, TRIANGLES, COLORS)).decode() == PLY


def test_an_obj_has_y_up_and_z_toward_the_viewer_and_counts_from_one() -> None:
    assert to_obj(Mesh(VERTICES, TRIANGLES, COLORS)).decode() == OBJ


def test_without_colors_a_file_says_none() -> None:
    plain = Mesh(VERTICES, TRIANGLES)

    assert b"red" not in to_ply(plain)
    assert b"\n12.5 0.0 0.0\n" in to_ply(plain)
    assert to_obj(plain).startswith(b"v 0.0 0.0 0.0\nv 12.5 0.0 0.0\n")


def test_a_header_line_has_no_spaces_around_it() -> None:
    header = to_ply(Mesh(VERTICES, TRIANGLES)).split(b"end_header")[0]

    assert all(line == line.strip() for line in header.split(b"\n"))


def test_faces_still_look_outward_in_an_obj() -> None:
    lines = [line.split() for line in to_obj(ball()).decode().splitlines()]
    vertices = np.array([words[1:] for words in lines if words[0] == "v"], float)
    triangles = np.array([words[1:] for words in lines if words[0] == "f"], int) - 1

    outward = normals(vertices, triangles) * vertices[triangles].mean(axis=1)
    assert (outward.sum(axis=1) > 0).all()


@both
def test_what_was_written_is_read_bit_for_bit(write: Write, read: Read, tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    vertices = generator.normal(0, 300, (40, 3)).astype(np.float32)
    vertices[0] = [1e-9, 3.4e38, 0]
    colors = generator.integers(0, 256, (40, 3), np.uint8)
    triangles = generator.integers(0, 40, (70, 3))
    path = tmp_path / "a.mesh"
    path.write_bytes(write(Mesh(vertices, triangles, colors)))

    again = read(path)

    np.testing.assert_array_equal(again.vertices, vertices)
    np.testing.assert_array_equal(again.triangles, triangles)
    np.testing.assert_array_equal(again.colors, colors)


@both
def test_every_color_comes_back(write: Write, read: Read, tmp_path: Path) -> None:
    colors = np.arange(256, dtype=np.uint8).repeat(3).reshape(-1, 3)
    path = tmp_path / "a.mesh"
    path.write_bytes(write(Mesh(np.zeros((256, 3)), TRIANGLES, colors)))

    np.testing.assert_array_equal(read(path).colors, colors)


@both
def test_points_without_triangles_are_a_mesh_too(write: Write, read: Read, tmp_path: Path) -> None:
    path = tmp_path / "a.mesh"
    path.write_bytes(write(Mesh(VERTICES, np.zeros((0, 3), int))))

    again = read(path)

    assert again.triangles.shape == (0, 3)
    assert again.colors is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format", "    format", r"a\.ply:2: expected the line 'format ascii 1\.0'"),
        ("ascii", "binary_little_endian", r"a\.ply:2: expected the line"),
        ("end_header\n", "end_header\n\n", r"a\.ply:13: expected 6 words, found ''"),
        ("element vertex 4", "element vertex 3", r"a\.ply:16: expected 4 words, the first '3'"),
        ("element vertex 4", "element vertex 5", r"a\.ply:17: expected 6 words"),
        ("element vertex 4", "element vertex -4", r"a\.ply:3: expected whole numbers"),
        ("element face 2", "element face 1", r"a\.ply:18: expected the end of the file"),
        ("element face 2", "element face 3", r"a\.ply:19: .* found the end of the file"),
        ("3 0 3 1", "3 1 4 2", r"a\.ply:18: expected whole numbers from 0 to 3"),
        ("3 0 3 1", "4 0 3 1", r"a\.ply:18: expected 4 words, the first '3'"),
        ("12.5", "1_2.5", r"a\.ply:14: expected numbers"),
        ("12.5", "1e39", r"a\.ply: vertices\[1, 0\]: expected a finite number"),
        ("12.5", "nan", r"a\.ply: vertices\[1, 0\]: expected a finite number"),
        ("255 0 0", "256 0 0", r"a\.ply:13: expected whole numbers from 0 to 255"),
        ("3 0 3 1\n", "3 0 3 1", "it is cut off"),
    ],
)
def test_a_ply_of_another_form_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    path.write_text(PLY.replace(old, new, 1))

    with pytest.raises(DatasetError, match=message):
        read_ply(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("f 1 2 3", "f 0 1 2", r"a\.obj:5: expected vertices from 1 on"),
        ("f 1 4 2", "f 1 5 2", r"a\.obj:6: expected whole numbers from 0 to 4"),
        ("f 1 4 2", "f 1 4 2 3", r"a\.obj:6: expected 4 words"),
        ("f 1 4 2", "vt 1 4", r"a\.obj:6: expected the end of the file, found 'vt 1 4'"),
        ("0.9961", "254", r"a\.obj:4: expected colors in \[0, 1\]"),
        (" 0.0353 0.5020 0.9961", "", r"a\.obj:4: expected 7 words"),
    ],
)
def test_an_obj_of_another_form_is_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.obj"
    path.write_text(OBJ.replace(old, new, 1))

    with pytest.raises(DatasetError, match=message):
        read_obj(path)


@both
@pytest.mark.parametrize("content", [b"", b"\xff\n", b"solid\n"])
def test_another_file_is_refused(write: Write, read: Read, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mesh"
    path.write_bytes(content)

    with pytest.raises(DatasetError, match=r"a\.mesh"):
        read(path)
    with pytest.raises(DatasetError, match=r"none\.mesh: cannot be read"):
        read(tmp_path / "none.mesh")


@pytest.mark.parametrize(
    ("vertices", "triangles", "colors", "message"),
    [
        (VERTICES[:, :2], TRIANGLES, None, r"vertices: expected shape \(N, 3\) of numbers"),
        (VERTICES, TRIANGLES.astype(float), None, r"triangles: .* of whole numbers"),
        (VERTICES, TRIANGLES.T, None, r"triangles: expected shape \(N, 3\)"),
        (VERTICES, TRIANGLES + 1, None, "triangles: expected vertices from 0 to 3, found 1 to 4"),
        (VERTICES, TRIANGLES - 1, None, "found -1 to 2"),
        (VERTICES, TRIANGLES, COLORS / 255, r"colors: .* of uint8, found \(4, 3\) of float64"),
        (VERTICES, TRIANGLES, COLORS[1:], r"colors: expected shape \(4, 3\)"),
        (VERTICES + np.inf, TRIANGLES, None, r"vertices\[0, 0\]: expected a finite number"),
    ],
)
def test_what_is_no_mesh_is_refused(
    vertices: np.ndarray, triangles: np.ndarray, colors: np.ndarray | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Mesh(vertices, triangles, colors)


def test_a_mesh_keeps_its_own_arrays_and_nobody_changes_them() -> None:
    given = VERTICES.copy()
    mesh = Mesh(given, TRIANGLES)
    given[0] = 99

    assert mesh.vertices[0].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        mesh.vertices[0] = 1
