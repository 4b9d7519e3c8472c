"""The Basel Face Model, in each of the forms in which people have it."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from canthus.errors import CanthusError, WeightsError
from canthus.faces.face_model import FaceModel
from canthus.importing import basel

COUNT = 90  # vertices
generator = np.random.default_rng(11)
MEAN = generator.normal(0, 5e4, (3 * COUNT, 1)).astype(np.float32)
EXPRESSION_MEAN = generator.normal(0, 1e3, (3 * COUNT, 1)).astype(np.float32)
SHAPES = generator.normal(0, 0.01, (3 * COUNT, 4)).astype(np.float32)
MOODS = generator.normal(0, 1e3, (3 * COUNT, 3)).astype(np.float32)
POINTS = generator.permutation(COUNT)[:68]
ROWS = (3 * POINTS[:, None] + np.arange(3)).ravel()
CORNERS = generator.integers(0, COUNT, (3, 25)).astype(np.int32)  # counted from 0
CORNERS[0, :2] = 0, COUNT - 1
TEXTURE = generator.uniform(0, 1, (COUNT, 2))
KEPT = np.sort(generator.permutation(COUNT + 7)[:COUNT])  # of a larger model
INFO = {"trimIndex": KEPT[:, None] + 1.0, "keypoints": POINTS[None] + 1.0, "tri": CORNERS + 1.0}

Write = Callable[[Path], None]


def write_v1(folder: Path) -> None:
    for name, array in {
        "u_shp": MEAN,
        "u_exp": EXPRESSION_MEAN,
        "w_shp_sim": SHAPES,
        "w_exp_sim": MOODS,
        "keypoints_sim": ROWS,
    }.items():
        (folder / "train.configs").mkdir(exist_ok=True)
        np.save(folder / "train.configs" / f"{name}.npy", array)
    (folder / "visualize").mkdir()
    savemat(folder / "visualize" / "tri.mat", {"tri": (CORNERS + 1).astype(np.uint16)})


def write_v2(folder: Path) -> None:
    held = {
        "u": MEAN + EXPRESSION_MEAN,
        "w_shp": SHAPES,
        "w_exp": MOODS,
        "keypoints": ROWS,
        "tri": CORNERS[:, ::-1],  # of another mesh
    }
    (folder / "bfm_noneck_v3.pkl").write_bytes(pickle.dumps(held, 4))
    (folder / "tri.pkl").write_bytes(pickle.dumps(CORNERS, 4))


def write_matlab(folder: Path) -> None:
    mean, shapes = np.full((COUNT + 7, 3), 9.0), np.full((COUNT + 7, 3, 4), 9, np.float32)
    mean[KEPT], shapes[KEPT] = MEAN.reshape(-1, 3), SHAPES.reshape(-1, 3, 4)
    deviations = {"shapeEV": np.array([[4.0], [3], [2], [1]])}
    whole = {"shapeMU": mean.reshape(-1, 1), "shapePC": shapes.reshape(-1, 4)}
    savemat(folder / "01_MorphableModel.mat", whole | deviations)
    savemat(folder / "model_info.mat", INFO)
    moods = {"mu_exp": EXPRESSION_MEAN, "w_exp": MOODS, "sigma_exp": np.array([[30.0], [20], [10]])}
    savemat(folder / "Model_Exp.mat", moods)


def write_texts(folder: Path) -> None:
    (folder / "weights").mkdir()
    for name, array in {
        "u_base": (MEAN + EXPRESSION_MEAN)[ROWS],
        "w_shp_base": SHAPES[ROWS],
        "w_exp_base": MOODS[ROWS],
    }.items():
        np.savetxt(folder / "weights" / f"{name}.txt", array, fmt="%.9g")


def write_arrays(path: Path) -> None:
    mean = (MEAN + EXPRESSION_MEAN)[ROWS]
    arrays = {"u_base": mean, "w_shp_base": SHAPES[ROWS], "w_exp_base": MOODS[ROWS]}
    np.savez(path, keypoints=ROWS, **arrays)


whole_forms = pytest.mark.parametrize("write", [write_v1, write_v2, write_matlab])


@whole_forms
def test_every_form_of_the_whole_mesh_is_the_same_model(write: Write, tmp_path: Path) -> None:
    write(tmp_path)

    model = basel.read(tmp_path)

    np.testing.assert_allclose(model.neutral.ravel(), (MEAN + EXPRESSION_MEAN).ravel(), rtol=1e-6)
    assert model.triangles.tolist() == CORNERS.T[:, ::-1].tolist()
    np.testing.assert_array_equal(model.keypoints_of(model.neutral), model.neutral[POINTS])
    assert (model.unit_mm, len(model.identity), len(model.expression)) == (0.001, 4, 3)
    assert model.uv is None
    assert "research only" in model.license


@whole_forms
def test_a_coefficient_moves_the_long_column_by_its_own(write: Write, tmp_path: Path) -> None:
    write(tmp_path)

    found = basel.read(tmp_path).vertices([0, 2e5, 0, 0], [0, 0, -1.5])

    expected = MEAN[:, 0] + EXPRESSION_MEAN[:, 0] + 2e5 * SHAPES[:, 1] - 1.5 * MOODS[:, 2]
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-5, atol=0.1)


def test_matlabs_form_says_how_far_people_vary(tmp_path: Path) -> None:
    write_matlab(tmp_path)

    model = basel.read(tmp_path)

    assert model.identity_deviations is not None
    assert model.expression_deviations is not None
    assert model.identity_deviations.tolist() == [4, 3, 2, 1]
    assert model.expression_deviations.tolist() == [30, 20, 10]


def test_the_expressions_may_have_their_other_name(tmp_path: Path) -> None:
    write_matlab(tmp_path)
    (tmp_path / "Model_Exp.mat").rename(tmp_path / "Model_Expression.mat")

    assert len(basel.read(tmp_path).expression) == 3


def test_the_forms_of_the_points_alone_are_the_whole_made_sparse(tmp_path: Path) -> None:
    for name in ("whole", "texts"):
        (tmp_path / name).mkdir()
    write_v2(tmp_path / "whole")
    write_texts(tmp_path / "texts")
    write_arrays(tmp_path / "sparse.npz")
    expected = basel.read(tmp_path / "whole").sparse()

    for path in (tmp_path / "texts", tmp_path / "sparse.npz"):
        model = basel.read(path)
        np.testing.assert_allclose(model.neutral, expected.neutral, rtol=1e-6)
        np.testing.assert_allclose(model.identity, expected.identity, rtol=1e-6)
        np.testing.assert_allclose(model.expression, expected.expression, rtol=1e-6)
        assert model.keypoints.indices.tolist() == expected.keypoints.indices.tolist()
        assert model.triangles.shape == (0, 3)


def test_the_pickle_alone_is_enough_where_its_triangles_lie_beside_it(tmp_path: Path) -> None:
    write_v2(tmp_path)

    assert len(basel.read(tmp_path / "bfm_noneck_v3.pkl").triangles) == 25


def test_places_in_a_texture_are_taken_where_they_are(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    write_v1(tmp_path / "first")
    savemat(tmp_path / "first" / "BFM_UV.mat", {"UV": TEXTURE})
    write_v2(tmp_path / "second")
    larger = np.zeros((COUNT + 7, 2))
    larger[KEPT] = TEXTURE
    savemat(tmp_path / "second" / "BFM_UV.mat", {"UV": larger})
    np.save(tmp_path / "second" / "indices.npy", KEPT)

    for name in ("first", "second"):
        uv = basel.read(tmp_path / name).uv
        assert uv is not None
        np.testing.assert_allclose(uv, TEXTURE, atol=1e-6)


@pytest.mark.parametrize(
    ("write", "missing", "message"),
    [
        (write_v1, "u_exp.npy", r"expected one u_exp\.npy below it, found none"),
        (write_v1, "tri.mat", r"expected one tri\.mat below it"),
        (write_v2, "tri.pkl", r"expected one tri\.pkl below it"),
        (write_v2, "bfm_noneck_v3.pkl", r"expected one of w_shp_sim\.npy, .* found none"),
        (write_matlab, "model_info.mat", r"expected one model_info\.mat below it"),
        (write_matlab, "Model_Exp.mat", r"one Model_Exp\.mat or Model_Expression\.mat below it"),
        (write_texts, "u_base.txt", r"expected one u_base\.txt below it"),
    ],
)
def test_a_missing_file_is_named(write: Write, missing: str, message: str, tmp_path: Path) -> None:
    write(tmp_path)
    next(tmp_path.rglob(missing)).unlink()

    with pytest.raises(WeightsError, match=message):
        basel.read(tmp_path)


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    write_v1(tmp_path)
    shutil.copy(tmp_path / "train.configs" / "u_shp.npy", tmp_path)

    with pytest.raises(WeightsError, match=r"expected one u_shp\.npy below it, found .*, .*"):
        basel.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("u_shp", MEAN[:-1], r"u_exp: expected \(269, 1\), found \(270, 1\)"),
        ("w_shp_sim", SHAPES[:-3], r"w_shp_sim: expected shape \(270, K\), found \(267, 4\)"),
        ("w_exp_sim", MOODS[:, 0], r"w_exp_sim: expected shape \(270, K\), found \(270,\)"),
        ("w_exp_sim", MOODS * np.nan, r"expression\[0, 0, 0\]: expected a finite number"),
        ("keypoints_sim", ROWS[::-1], "keypoints: expected the rows x, y, z of 68 vertices"),
        ("keypoints_sim", ROWS[:-3], "keypoints: expected the rows"),
        ("keypoints_sim", ROWS + 0.5, "keypoints: expected whole numbers"),
        ("keypoints_sim", ROWS + 3 * COUNT, "keypoints: expected indices of 90 vertices"),
        ("u_exp", np.array(["a"]), r"u_exp\.npy: expected an array of numbers, found <U1"),
        ("u_exp", np.array([{}], object), r"u_exp\.npy: damaged"),
    ],
)
def test_an_array_that_does_not_fit_is_named(
    name: str, array: np.ndarray, message: str, tmp_path: Path
) -> None:
    write_v1(tmp_path)
    np.save(tmp_path / "train.configs" / f"{name}.npy", array)

    with pytest.raises(WeightsError, match=message):
        basel.read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tri": CORNERS.T + 1}, r"tri: expected shape \(3, T\), found \(25, 3\)"),
        ({"tri": CORNERS}, "tri: expected indices of 90 vertices, found -1 to"),
        ({"tri": CORNERS + COUNT}, "tri: expected indices of 90 vertices"),
        ({"trimIndex": KEPT[:, None] + 20}, "trimIndex: expected vertices from 1 to 97"),
        ({"trimIndex": KEPT[:, None] * np.nan}, "trimIndex: expected whole numbers"),
        ({"trimIndex": KEPT[1:, None] + 1}, "mu_exp: expected 267 numbers, found 270"),
    ],
)
def test_what_is_said_of_the_mesh_must_fit(
    changes: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    write_matlab(tmp_path)
    savemat(tmp_path / "model_info.mat", INFO | changes)

    with pytest.raises(WeightsError, match=message):
        basel.read(tmp_path)


@pytest.mark.parametrize(
    ("write", "name", "content", "message"),
    [
        (write_v2, "bfm_noneck_v3.pkl", pickle.dumps([1]), "expected a dictionary, found a list"),
        (write_v2, "bfm_noneck_v3.pkl", pickle.dumps({"u": MEAN}), "w_shp: expected an array"),
        (write_v2, "bfm_noneck_v3.pkl", pickle.dumps(Path("x")), "it asks for pathlib"),
        (write_v2, "tri.pkl", b"", "cannot be read as a pickle"),
        (write_v1, "tri.mat", b"MATLAB", "expected a MATLAB file"),
        (write_texts, "w_shp_base.txt", b"1 2\n3\n", "expected rows of numbers, as many in each"),
        (write_texts, "u_base.txt", b"1\n2\n", "u_base: expected 204 numbers, found 2"),
        (write_texts, "u_base.txt", b"\xff", "expected rows of numbers"),
    ],
)
def test_a_damaged_file_is_named(
    write: Write, name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    write(tmp_path)
    next(tmp_path.rglob(name)).write_bytes(content)

    with pytest.raises(CanthusError, match=message):
        basel.read(tmp_path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK no archive")
    np.savez(tmp_path / "b.npz", u_base=MEAN)

    with pytest.raises(WeightsError, match=r"a\.npz: damaged"):
        basel.read(tmp_path / "a.npz")
    with pytest.raises(WeightsError, match=r"b\.npz: expected an array w_shp_base, found u_base"):
        basel.read(tmp_path / "b.npz")
    for name in ("none.npz", "a.txt"):
        with pytest.raises(WeightsError, match="expected a folder, or a file that ends with"):
            basel.read(tmp_path / name)


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    return shared / "parity" / "tddfa" / "data"


def test_the_published_points_are_the_fixtures(data: Path) -> None:
    model = basel.read(data / "sparse_3dmm.npz")

    with np.load(data / "sparse_3dmm.npz") as stored:
        np.testing.assert_array_equal(model.neutral.ravel(), stored["u_base"].ravel())
        found = model.identity.reshape(40, -1).T, model.expression.reshape(10, -1).T
        np.testing.assert_array_equal(found[0], stored["w_shp_base"])
        np.testing.assert_array_equal(found[1], stored["w_exp_base"])


def test_the_published_points_decode_as_the_original_does(data: Path) -> None:
    model = basel.read(data / "sparse_3dmm.npz")
    with np.load(data.parent / "decode_v1.npz") as stored:
        params, expected = stored["param_dewhitened"], stored["pts68_crop_noflip"]

    faces = model.vertices(params[:, 12:52], params[:, 52:])

    poses = params[:, :12].reshape(-1, 3, 4)
    points = poses[:, :, :3] @ faces.swapaxes(1, 2) + poses[:, :, 3:]
    np.testing.assert_allclose(points, expected, atol=2e-3)


@pytest.fixture(scope="module")
def published(data: Path, tmp_path_factory: pytest.TempPathFactory) -> FaceModel:
    """The published mean mesh in the form of V1, with two directions that move nothing."""
    folder = tmp_path_factory.mktemp("v1")
    with np.load(data / "mean_mesh.npz") as mesh, np.load(data / "sparse_3dmm.npz") as points:
        nothing = np.zeros((mesh["u_shp"].size, 1), np.float32)
        np.save(folder / "u_shp.npy", mesh["u_shp"].reshape(-1, 1))
        np.save(folder / "u_exp.npy", mesh["u_exp"].reshape(-1, 1))
        np.save(folder / "w_shp_sim.npy", nothing)
        np.save(folder / "w_exp_sim.npy", nothing)
        np.save(folder / "keypoints_sim.npy", points["keypoints"])
        savemat(folder / "tri.mat", {"tri": mesh["tri"].T + np.uint16(1)})
    return basel.read(folder)


def test_the_published_mesh_has_the_published_points(published: FaceModel, data: Path) -> None:
    sparse = basel.read(data / "sparse_3dmm.npz")

    assert (len(published.neutral), len(published.triangles)) == (53215, 105840)
    np.testing.assert_allclose(published.sparse().neutral, sparse.neutral, rtol=1e-6, atol=0.02)


def test_the_published_points_and_the_small_model_are_vertices_of_the_mesh(data: Path) -> None:
    with (
        np.load(data / "mean_mesh.npz") as mesh,
        np.load(data / "sparse_3dmm.npz") as points,
        np.load(data / "mini3dmm.npz") as mini,
    ):
        landmarks, kept = points["keypoint_vertex"], mini["vertex_id"]
        rows = (3 * landmarks[:, None] + np.arange(3)).ravel()

        np.testing.assert_array_equal(rows, points["keypoints"])
        np.testing.assert_array_equal(kept[:68], landmarks)
        np.testing.assert_array_equal(mini["keypoints"], np.arange(3 * 68))
        for name in ("u_shp", "u_exp"):
            np.testing.assert_array_equal(mini[name].reshape(-1, 3), mesh[name][kept])


def test_the_published_mesh_looks_outward(published: FaceModel) -> None:
    first, second, third = (published.neutral[published.triangles[:, each]] for each in range(3))
    normals = np.cross(second - first, third - first).astype(np.float64)
    nose = (published.neutral[published.triangles] - published.neutral.max(axis=0))[..., 2]
    front = nose.max(axis=1) > -30000

    assert normals[front, 2].sum() > 0.9 * np.abs(normals[front, 2]).sum()
