"""Face models: their faces, their points, and their files."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from canthus.errors import WeightsError
from canthus.faces import SCHEMES
from canthus.faces.face_model import (
    KEY,
    FaceModel,
    Keypoints,
    open_face_model,
    read_face_model,
    to_bytes,
    write_face_model,
)

NUM_VERTICES = 90


def small_model(**changes: Any) -> FaceModel:
    """A model of random numbers, whose every other keypoint lies between two vertices."""
    generator = np.random.default_rng(7)
    indices = np.stack([np.arange(68), np.arange(68) + 20], axis=1)
    weights = np.where(np.arange(68)[:, None] % 2, [[0.25, 0.75]], [[1.0, 0.0]])
    values: dict[str, Any] = {
        "name": "small",
        "license": "anything goes",
        "unit_mm": 10.0,
        "neutral": generator.normal(0, 5, (NUM_VERTICES, 3)),
        "triangles": generator.integers(0, NUM_VERTICES, (30, 3)),
        "keypoints": Keypoints(indices, weights),
        "identity": generator.normal(0, 1, (4, NUM_VERTICES, 3)),
        "expression": generator.normal(0, 1, (3, NUM_VERTICES, 3)),
        "uv": generator.uniform(0, 1, (NUM_VERTICES, 2)),
        "identity_deviations": np.arange(1, 5),
    }
    return FaceModel(**(values | changes))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    path.write_bytes(to_bytes(small_model()))
    return path


def test_without_coefficients_the_face_is_the_neutral_one() -> None:
    model = small_model()

    np.testing.assert_array_equal(model.vertices([0] * 4, [0] * 3), model.neutral)


def test_a_coefficient_moves_every_vertex_along_its_direction() -> None:
    model = small_model()

    moved = model.vertices([0, 2, 0, 0], [0, 0, -3])

    expected = model.neutral + 2 * model.identity[1] - 3 * model.expression[2]
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    assert moved.dtype == np.float32


def test_several_faces_at_once_equal_each_alone() -> None:
    model = small_model()
    generator = np.random.default_rng(0)
    identity, expression = generator.normal(0, 1, (2, 5, 4)), generator.normal(0, 1, (2, 5, 3))

    several = model.vertices(identity, expression)

    assert several.shape == (2, 5, NUM_VERTICES, 3)
    alone = model.vertices(identity[1, 2], expression[1, 2])
    np.testing.assert_allclose(several[1, 2], alone, atol=1e-5)
    points = model.keypoints_of(several)
    assert points.shape == (2, 5, 68, 3)
    np.testing.assert_allclose(points[1, 2], model.keypoints_of(alone), atol=1e-5)


def test_a_keypoint_is_a_vertex_or_lies_between_two() -> None:
    model = small_model()

    points = model.keypoints_of(model.neutral)

    np.testing.assert_array_equal(points[2], model.neutral[2])
    between = 0.25 * model.neutral[3] + 0.75 * model.neutral[23]
    np.testing.assert_allclose(points[3], between, atol=1e-6)


def test_the_sparse_model_answers_the_keypoints_of_the_whole() -> None:
    model, sparse = small_model(), small_model().sparse()
    identity, expression = [1.0, -2, 3, 0.5], [0.25, -1, 2]

    points = sparse.vertices(identity, expression)

    expected = model.keypoints_of(model.vertices(identity, expression))
    np.testing.assert_allclose(points, expected, atol=1e-5)
    np.testing.assert_array_equal(sparse.keypoints_of(points), points)
    assert (len(sparse.triangles), sparse.name) == (0, "small")
    assert sparse.uv is not None
    assert sparse.uv.shape == (68, 2)


def test_a_reduced_model_keeps_the_first_directions() -> None:
    model, reduced = small_model(), small_model().reduced(2, 0)

    expected = model.vertices([3, 4, 0, 0], [0, 0, 0])
    np.testing.assert_allclose(reduced.vertices([3, 4], []), expected, atol=1e-5)
    assert reduced.identity_deviations is not None
    assert reduced.identity_deviations.tolist() == [1, 2]
    with pytest.raises(ValueError, match="expected 0 to 4 of identity, found 5"):
        model.reduced(5, 0)


@pytest.mark.parametrize("uv", [True, False])
def test_what_was_written_is_read_bit_for_bit(uv: bool, tmp_path: Path) -> None:
    model = small_model() if uv else small_model(uv=None, identity_deviations=None)
    path = tmp_path / "a.safetensors"
    path.write_bytes(to_bytes(model))

    read = read_face_model(path)

    assert (read.name, read.license, read.unit_mm) == ("small", "anything goes", 10)
    names = ("neutral", "triangles", "identity", "expression", "uv", "identity_deviations")
    for name in names:
        np.testing.assert_array_equal(getattr(read, name), getattr(model, name))
    np.testing.assert_array_equal(read.keypoints.indices, model.keypoints.indices)
    np.testing.assert_array_equal(read.keypoints.weights, model.keypoints.weights)
    assert read.expression_deviations is None


def test_the_same_model_is_the_same_file() -> None:
    assert to_bytes(small_model()) == to_bytes(small_model())


def test_reading_one_needs_no_torch(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from canthus.faces.face_model import read_face_model; "
        f"read_face_model(Path({str(file)!r})); sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neutral": np.zeros((0, 3))}, "identity: expected shape .I, 0, 3.|expected vertices"),
        ({"neutral": np.zeros((9, 2))}, r"neutral: expected shape \(V, 3\), found \(9, 2\)"),
        ({"triangles": [[0, 1, 90]]}, "triangles: expected vertices from 0 to 89, found 90"),
        ({"triangles": [[0, 1, -1]]}, "triangles: expected indices of vertices"),
        ({"triangles": [[0.0, 1, 2]]}, "triangles: expected indices of vertices, found float64"),
        ({"identity": np.zeros((4, 89, 3))}, r"identity: expected shape \(I, 90, 3\), found"),
        ({"expression": np.full((3, 90, 3), np.nan)}, r"expression\[0, 0, 0\]: expected a finite"),
        ({"expression": np.full((3, 90, 3), 1e39)}, r"expression\[0, 0, 0\]: expected a finite"),
        ({"uv": np.zeros((89, 2))}, r"uv: expected shape \(90, 2\), found \(89, 2\)"),
        ({"identity_deviations": [1, 2]}, r"identity_deviations: expected shape \(4\), found"),
        ({"unit_mm": 0}, "unit_mm: expected a number above 0, found 0"),
        ({"keypoints": Keypoints.at(range(40, 108))}, "keypoint_indices: .* 0 to 89, found 107"),
    ],
)
def test_what_is_no_face_model_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_model(**changes)


@pytest.mark.parametrize(
    ("indices", "weights", "message"),
    [
        (np.zeros((67, 1), int), np.ones((67, 1)), r"expected shape \(68, n\), found \(67, 1\)"),
        (np.zeros((68, 1), int), np.ones((68, 2)), r"keypoint_weights: expected shape \(68, 1\)"),
        (np.zeros((68, 2), int), np.ones((68, 2)), r"weights\[0\]: expected a sum of 1, found 2"),
        (np.zeros((68, 1)), np.ones((68, 1)), "keypoint_indices: expected indices"),
    ],
)
def test_what_are_no_keypoints_is_refused(
    indices: np.ndarray, weights: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Keypoints(indices, weights)


def test_coefficients_in_a_row_are_those_of_identity_and_then_of_expression() -> None:
    model = open_face_model()
    shape = np.random.default_rng(0).normal(size=(2, 50))

    found = model.shaped(shape)

    np.testing.assert_array_equal(found, model.vertices(shape[:, :40], shape[:, 40:]))
    with pytest.raises(ValueError, match=r"expected 50 coefficients, .*, found \(2, 49\)"):
        model.shaped(shape[:, 1:])


def test_coefficients_and_vertices_of_another_model_are_refused() -> None:
    model = small_model()

    with pytest.raises(
        ValueError, match=r"expected 4 coefficients of identity, found shape \(3,\)"
    ):
        model.vertices([1, 2, 3], [1, 2, 3])
    with pytest.raises(ValueError, match="expected 3 coefficients of expression"):
        model.vertices([1, 2, 3, 4], 0)
    with pytest.raises(ValueError, match=r"vertices of shape \(\.\.\., 90, 3\), found \(68, 3\)"):
        model.keypoints_of(np.zeros((68, 3)))


def changed(file: Path, said: dict[str, Any] | None = None, **arrays: Any) -> Path:
    """The file with other arrays and another description; None takes away."""
    data = file.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    description = json.loads(header["__metadata__"][KEY]) | (said or {})
    held = {name: array for name, array in (load(data) | arrays).items() if array is not None}
    file.write_bytes(save(held, {KEY: json.dumps(description)}))
    return file


@pytest.mark.parametrize(
    ("said", "arrays", "message"),
    [
        ({}, {"identity": None}, "expected identity of F32, found none"),
        ({}, {"neutral": np.zeros((90, 3))}, "expected neutral of F32, found F64"),
        ({}, {"triangles": np.zeros((3, 3), np.int64)}, "expected triangles of I32, found I64"),
        ({}, {"more": np.zeros(1, np.float32)}, "no array beyond a face model's, found more"),
        ({}, {"neutral": np.zeros((90, 3), np.float32)}, "the file has changed since Canthus"),
        ({"schema": 2}, {}, "expected schema 1, found 2; .* update"),
        ({"schema": None}, {}, "expected schema 1, found None"),
        ({"name": 3}, {}, "expected name, found 3"),
        ({"unit_mm": float("nan")}, {}, "unit_mm: expected a number above 0, found nan"),
    ],
)
def test_a_changed_file_is_refused(
    said: dict[str, Any], arrays: dict[str, Any], message: str, file: Path
) -> None:
    with pytest.raises(WeightsError, match=rf"small\.safetensors: .*{message}"):
        read_face_model(changed(file, said, **arrays))


@pytest.mark.parametrize("place", [0, 7, 300, 5000, -1])
def test_a_damaged_file_is_refused(place: int, file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 0x40
    file.write_bytes(data)

    with pytest.raises(WeightsError, match=r"small\.safetensors"):
        read_face_model(file)


@pytest.mark.parametrize("length", [0, 5, 100, 3000])
def test_a_file_that_is_cut_off_is_refused(length: int, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:length])

    with pytest.raises(WeightsError, match=r"small\.safetensors: damaged"):
        read_face_model(file)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(save({"weight": np.zeros(3, np.float32)}))

    with pytest.raises(WeightsError, match="expected a face model, found a safetensors file"):
        read_face_model(path)
    with pytest.raises(WeightsError, match=r"expected a face model's .* file, found a folder"):
        read_face_model(tmp_path)
    with pytest.raises(WeightsError, match="file, found none"):
        read_face_model(tmp_path / "none.safetensors")


def test_a_model_keeps_its_arrays_and_nobody_changes_them() -> None:
    given = small_model().neutral.copy()
    model = replace(small_model(), neutral=given)
    given[0] = 99

    assert model.neutral[0, 0] != 99
    with pytest.raises(ValueError, match="read-only"):
        model.neutral[0] = 1


def test_a_file_is_written_whole_under_its_own_kind_of_name(tmp_path: Path) -> None:
    write_face_model(small_model(), tmp_path / "a.safetensors")

    assert read_face_model(tmp_path / "a.safetensors").name == "small"
    with pytest.raises(WeightsError, match=r"a\.npz: expected a name that ends with \.safetensors"):
        write_face_model(small_model(), tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_open_model_is_found_by_its_name() -> None:
    found = read_face_model(Path("open"))

    assert to_bytes(found) == to_bytes(open_face_model())
    assert (len(found.identity), len(found.expression)) == (40, 10)
    assert "research-only" in found.license


def test_the_open_model_is_in_the_frame_of_face_models() -> None:
    model = open_face_model()

    points = model.keypoints_of(model.neutral)
    right, left, chin, nose, brow = points[[36, 45, 8, 30, 27]]
    assert right[0] == pytest.approx(-44.403, abs=1e-3)
    assert left[0] == pytest.approx(44.403, abs=1e-3)
    assert chin[1] < nose[1] < brow[1]
    assert nose[2] == points[:, 2].max()


def test_the_open_models_points_are_the_same_in_the_mirror() -> None:
    model = open_face_model()
    points = model.keypoints_of(np.concatenate([model.neutral[None], model.identity]))

    image = points[:, list(SCHEMES["68"].mirror)] * [-1, 1, 1]

    apart = np.minimum(np.abs(image - points).max((1, 2)), np.abs(image + points).max((1, 2)))
    assert apart.max() < 1e-3


def test_the_open_models_triangles_close_its_face() -> None:
    triangles = open_face_model().triangles

    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    sides = {tuple(edge) for edge in edges.tolist()}
    outline = [(a, b) for a, b in sides if (b, a) not in sides]
    assert len(sides) == len(edges)  # no edge twice in one direction: all turn the same way
    assert len(outline) == len({a for a, _ in outline})  # one ring, so no hole


def test_the_open_models_triangles_face_the_viewer() -> None:
    model = open_face_model()

    a, b, c = model.neutral[model.triangles].transpose(1, 0, 2)
    turned = np.cross(b - a, c - a)
    assert turned[turned[:, 2] > 0, 2].sum() > 100 * -turned[turned[:, 2] < 0, 2].sum()
