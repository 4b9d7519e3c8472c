"""The files of 3DDFA and 3DDFA_V2, to the byte."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from canthus.importing import tddfa_files as files

TITLE = 116  # bytes of a MATLAB file that name a program and a time


@pytest.fixture(scope="module")
def first(shared: Path) -> Path:
    return shared / "parity" / "tddfa" / "export_v1"


@pytest.fixture(scope="module")
def second(shared: Path) -> Path:
    return shared / "parity" / "tddfa" / "export_v2"


def inputs(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "inputs.npz") as stored:
        return {name: stored[name] for name in stored.files}


def picture(folder: Path) -> np.ndarray:
    """The originals' picture, whose colors come blue first."""
    return inputs(folder)["image"][..., ::-1]


def test_the_ply_of_v1(first: Path) -> None:
    given = inputs(first)

    found = files.v1_ply(given["vertices"], given["tri_one_based"])

    assert found == (first / "mesh.ply").read_bytes()


def test_the_obj_of_v1_and_what_it_does_to_vertices(first: Path) -> None:
    given = inputs(first)
    untouched = given["vertices"].copy()

    found = files.v1_obj(given["vertices"], given["tri_one_based"], picture(first))

    assert found.data == (first / "mesh.obj").read_bytes()
    np.testing.assert_array_equal(found.vertices[0], given["vertices_after_clamp"])
    np.testing.assert_array_equal(given["vertices"], untouched)


def test_the_colors_that_v1_takes(first: Path) -> None:
    given = inputs(first)

    found = files.nearest_colors(files.clamped(given["vertices"], given["image"]), given["image"])

    np.testing.assert_array_equal(found, given["colors"])


def test_the_texts_of_v1(first: Path) -> None:
    assert files.v1_points(inputs(first)["vertices"]) == (first / "pts68.txt").read_bytes()
    assert files.v1_box([1.23456, 2, 3, 4]) == (first / "box.roibox").read_bytes()


def test_the_matlab_file_of_v1(first: Path) -> None:
    found = files.v1_mat(inputs(first)["vertices"])

    assert found[TITLE:] == (first / "mesh.mat").read_bytes()[TITLE:]


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_matlab_reads_what_v1_would_have_written(count: int, kind: type[np.floating]) -> None:
    vertices = np.linspace(-9, 9, 3 * count).reshape(3, count).astype(kind)

    found = loadmat(BytesIO(files.v1_mat(vertices)))["vertex"]

    np.testing.assert_array_equal(found, vertices)
    assert found.dtype == kind


@pytest.mark.parametrize(
    ("name", "faces"), [("single_1", ["vertices"]), ("multi", ["vertices", "vertices2"])]
)
def test_the_files_of_v2(name: str, faces: list[str], second: Path) -> None:
    given, image = inputs(second), picture(second)
    vertices, triangles = [given[face] for face in faces], given["tri_zero_based"]

    ply = files.v2_ply(vertices, triangles, len(image))
    obj = files.v2_obj(vertices, triangles, image)

    assert ply == (second / f"{name}.ply").read_bytes()
    assert obj.data == (second / f"{name}.obj").read_bytes()
    np.testing.assert_array_equal(obj.vertices[0], given["vertices_after"])
    assert vertices[0][0, 3] == -4


def test_the_ply_of_v2_as_it_stands(second: Path) -> None:
    given = inputs(second)

    found = files.v2_ply([given["vertices"]], given["tri_zero_based"], 50, reverse=False)

    assert found == (second / "noreverse_1.ply").read_bytes()


def test_vertices_outside_of_the_picture_take_the_color_of_its_border() -> None:
    image = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    vertices = np.array([[-3, 9, 2.5, 1.4], [-1, 8, 1.5, 9], [0, 0, 0, 0]])

    inside = files.clamped(vertices, image)

    assert inside[:2].T.tolist() == [[0, 0], [4, 3], [2.5, 1.5], [1.4, 3]]
    expected = [image[0, 0], image[3, 4], image[2, 2], image[3, 1]]  # a half goes to the even one
    np.testing.assert_array_equal(files.nearest_colors(inside, image), expected)


@pytest.mark.parametrize("vertices", [np.zeros((4, 3)), np.zeros((3, 4), int), np.zeros(3)])
def test_vertices_of_another_form_are_refused(vertices: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected shape \(3, V\) of floats"):
        files.v1_ply(vertices, np.ones((3, 1), int))


def test_a_matlab_file_is_of_float32_or_float64() -> None:
    with pytest.raises(ValueError, match="expected float32 or float64, found float16"):
        files.v1_mat(np.zeros((3, 4), np.float16))
