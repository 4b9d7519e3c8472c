"""ICT-FaceKit's meshes as a face model."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from canthus.errors import WeightsError
from canthus.importing import ict

COUNT = 72  # vertices of the face; two of the head follow
generator = np.random.default_rng(5)
NEUTRAL = generator.normal(0, 8, (COUNT + 2, 3)).round(4)
MESHES = {
    name: NEUTRAL + generator.normal(0, 0.3, NEUTRAL.shape).round(4)
    for name in ("identity000", "identity001", "identity002", "jawOpen", "browDown_L", "cheekNew")
}
LANDMARKS = generator.permutation(COUNT)[:68].tolist()
HEAD = """# a comment
mtllib materials.mtl
usemtl M_Face
f 1/1 2/2 3/3 4/4
f 72/72 5/5 1/1
usemtl M_BackHead
f 1/1 2/2 73/73 74/74
"""


def obj(vertices: np.ndarray, faces: str = HEAD) -> str:
    places = [f"vt {number / 100} {number / 200}\n" for number in range(len(vertices))]
    lines = ["v {:.4f} {:.4f} {:.4f}\n".format(*place) for place in vertices.tolist()]
    return "".join([*lines, *places, faces])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ict.NEUTRAL).write_text(obj(NEUTRAL))
    for name, vertices in MESHES.items():
        (tmp_path / f"{name}.obj").write_text(obj(vertices))
    said = {"expressions": ["jawOpen", "browDown_L"], "idx_to_landmark_verts": LANDMARKS}
    (tmp_path / ict.INDICES).write_text(json.dumps(said))
    return tmp_path


def test_a_direction_is_how_a_mesh_differs_from_the_neutral_one(folder: Path) -> None:
    model = ict.read(folder, identities=3)

    face = NEUTRAL[:COUNT]
    np.testing.assert_allclose(model.neutral, face, atol=1e-6)
    assert model.identity.shape == (3, COUNT, 3)
    for number in range(3):
        expected = MESHES[f"identity{number:03d}"][:COUNT] - face
        np.testing.assert_allclose(model.identity[number], expected, atol=1e-6)
    for found, name in zip(model.expression, ("browDown_L", "cheekNew", "jawOpen"), strict=True):
        np.testing.assert_allclose(found, MESHES[name][:COUNT] - face, atol=1e-6)
    np.testing.assert_allclose(model.keypoints_of(model.neutral), face[LANDMARKS], atol=1e-6)
    assert (model.unit_mm, model.license[:3]) == (10, "MIT")


def test_quads_are_split_and_only_the_face_is_kept(folder: Path) -> None:
    model = ict.read(folder, identities=0)

    assert model.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [71, 4, 0]]


def test_places_in_a_texture_are_the_vertices_own(folder: Path) -> None:
    uv = ict.read(folder, identities=0).uv

    assert uv is not None
    np.testing.assert_allclose(uv[[0, 4, 71]], [[0.0, 0.0], [0.04, 0.02], [0.71, 0.355]], atol=1e-6)


@pytest.mark.parametrize("faces", ["f 1 2 3\nf 1 2 72\n", "f 1/1 2/2 3/3\nf 1/9 2/2 72/72\n"])
def test_a_vertex_without_one_place_of_its_own_has_none(faces: str, folder: Path) -> None:
    (folder / ict.NEUTRAL).write_text(obj(NEUTRAL, faces))

    assert ict.read(folder, identities=0).uv is None


def test_the_missing_meshes_are_named(folder: Path) -> None:
    (folder / "identity001.obj").unlink()
    (folder / "jawOpen.obj").unlink()

    message = r"expected 7 meshes, found 5; missing are identity001\.obj, jawOpen\.obj$"
    with pytest.raises(WeightsError, match=message):
        ict.read(folder, identities=3)
    with pytest.raises(WeightsError, match=r"identity001\.obj, identity003\.obj.* and 94 more"):
        ict.read(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("jawOpen.obj", obj(NEUTRAL[1:]), r"jawOpen\.obj: expected 74 vertices, .* found 73"),
        ("jawOpen.obj", "v 1 2\n", r"jawOpen\.obj: expected 3 numbers, found 'v 1 2'"),
        ("jawOpen.obj", "v 1 2 three\n", r"jawOpen\.obj: expected numbers"),
        ("jawOpen.obj", "v 1 2 nan\n", r"jawOpen\.obj: expected finite numbers"),
        (ict.NEUTRAL, obj(NEUTRAL, ""), "expected faces, found none"),
        (ict.NEUTRAL, obj(NEUTRAL, "f 1 2 75\n"), "expected faces of vertices 1 to 74"),
        (ict.NEUTRAL, obj(NEUTRAL, "f 0 1 2\n"), "expected faces of vertices 1 to 74"),
        (ict.NEUTRAL, obj(NEUTRAL, "f 1 2 -1\n"), "expected corners as 1 or 1/1, found '-1'"),
        (ict.NEUTRAL, obj(NEUTRAL, "f 1 2 3\n"), "keypoint_indices: expected vertices from 0 to 2"),
        (ict.INDICES, "{", r"vertex_indices\.json: expected JSON"),
        (ict.INDICES, "[]", r"idx_to_landmark_verts: expected a list, found None"),
        (
            ict.INDICES,
            json.dumps({"expressions": [], "idx_to_landmark_verts": LANDMARKS[1:]}),
            r"keypoint_indices: expected shape \(68, n\), found \(67, 1\)",
        ),
        (
            ict.INDICES,
            json.dumps({"expressions": [], "idx_to_landmark_verts": ["1"]}),
            "idx_to_landmark_verts: expected a list",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_named(
    name: str, content: str, message: str, folder: Path
) -> None:
    (folder / name).write_text(content)

    with pytest.raises(WeightsError, match=message):
        ict.read(folder, identities=1)


def test_without_its_indices_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"vertex_indices\.json: cannot be read: No such file"):
        ict.read(tmp_path)


def test_the_published_meshes_are_the_published_model(shared: Path, tmp_path: Path) -> None:
    for path in (shared / "data" / "ict" / "obj-sample").glob("*.obj.gz"):
        (tmp_path / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    with np.load(shared / "data" / "ict" / "ict_face.npz") as stored:
        face = {name: stored[name] for name in stored.files}
    said = {"expressions": ["jawOpen"], "idx_to_landmark_verts": face["landmarks68"].tolist()}
    (tmp_path / ict.INDICES).write_text(json.dumps(said))

    model = ict.read(tmp_path, identities=1)

    np.testing.assert_allclose(model.neutral, face["neutral"], atol=1e-6)
    np.testing.assert_array_equal(model.triangles, face["triangles"])
    jaw = face["expression_names"].tolist().index("jawOpen")
    halves = model.identity[0].astype(np.float16), model.expression[0].astype(np.float16)
    np.testing.assert_allclose(halves[0], face["identity"][0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(halves[1], face["expression"][jaw], rtol=1e-3, atol=1e-6)
    assert model.uv is not None
    assert model.uv.min() >= 0
    assert model.uv.max() <= 1
    right, left = model.keypoints_of(model.neutral)[[36, 45]]
    assert right[0] < 0 < left[0]


def test_the_published_model_as_one_file_of_arrays(shared: Path) -> None:
    path = shared / "data" / "ict" / "ict_face.npz"

    model = ict.read(path, identities=20)

    with np.load(path) as stored:
        np.testing.assert_array_equal(model.identity, stored["identity"][:20])
        np.testing.assert_array_equal(model.expression, stored["expression"])
        points = stored["neutral"][stored["landmarks68"]]
    np.testing.assert_array_equal(model.sparse().neutral, points)


def test_a_file_of_other_arrays_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK no archive")
    np.savez(tmp_path / "b.npz", neutral=NEUTRAL)

    with pytest.raises(WeightsError, match=r"a\.npz: damaged"):
        ict.read(tmp_path / "a.npz")
    with pytest.raises(WeightsError, match=r"b\.npz: expected an array identity, found neutral"):
        ict.read(tmp_path / "b.npz")
