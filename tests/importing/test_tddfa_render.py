"""The renderers of 3DDFA, against pictures that the original projects drew."""

from pathlib import Path

import numpy as np
import pytest
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from canthus.images.mesh_pictures import face_codes
from canthus.images.shading import Lighting, vertex_normals
from canthus.importing import tddfa_render as render
from canthus.importing.tddfa_render import PublishedMesh

Array = NDArray[np.float64]

EDGES = 5  # pixels that may differ
GRAY = 37 / 255  # V1's background
IMAGES = (0, 1)

every_image = pytest.mark.parametrize("image", IMAGES)


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "tddfa"


@pytest.fixture(scope="module")
def mean_mesh(fixtures: Path) -> NpzFile:
    return np.load(fixtures / "data" / "mean_mesh.npz")


@pytest.fixture(scope="module")
def v1(fixtures: Path) -> NpzFile:
    return np.load(fixtures / "raster_v1.npz")


@pytest.fixture(scope="module")
def v2(fixtures: Path) -> NpzFile:
    return np.load(fixtures / "raster_v2.npz")


@pytest.fixture(scope="module")
def meshes_v1(mean_mesh: NpzFile, v1: NpzFile) -> list[PublishedMesh]:
    """The mean face in both poses, in 120 pixels of V1's crop."""
    mean = mean_mesh["u_shp"] + mean_mesh["u_exp"]
    return [PublishedMesh(posed(mean, v1[f"param{i}"], 121), mean_mesh["tri"]) for i in IMAGES]


@pytest.fixture(scope="module")
def mean_v2(mean_mesh: NpzFile) -> Array:
    mean: Array = mean_mesh["u_shp"] + mean_mesh["u_exp"]
    return mean[mean_mesh["noneck_indices"]]


@pytest.fixture(scope="module")
def meshes_v2(mean_mesh: NpzFile, mean_v2: Array, v2: NpzFile) -> list[PublishedMesh]:
    """The mean face without a neck in both poses, in pixels of V2's picture."""
    number = np.full(len(mean_mesh["u_shp"]), -1)
    number[mean_mesh["noneck_indices"]] = np.arange(len(mean_v2))
    triangles = number[mean_mesh["tri"]]
    triangles = triangles[(triangles >= 0).all(axis=1)]
    left, top, right, bottom = v2["roi"]
    scale = np.array([right - left, bottom - top, (right - left + bottom - top) / 2]) / 120
    meshes = []
    for i in IMAGES:
        points = posed(mean_v2, v2[f"param{i}"], 120) - [1.0, 0.0, 1.0]
        points = (points * scale + [left, top, 0]).astype(np.float32)
        points[:, 2] -= points[:, 2].min()
        meshes.append(PublishedMesh(points, triangles))
    return meshes


def posed(mean: Array, coefficients: Array, height: float) -> Array:
    camera = coefficients[:12].reshape(3, 4)
    points = mean @ camera[:, :3].T + camera[:, 3]
    points[:, 1] = height - points[:, 1]
    return points


def size_of(picture: NDArray[np.generic]) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]


def num_differing(found: NDArray[np.generic], wanted: Array, tolerance: float = 0.0) -> int:
    assert found.shape == wanted.shape
    away = np.abs(found.astype(np.float64) - wanted) > tolerance
    return int((away.any(axis=2) if away.ndim == 3 else away).sum())


@every_image
def test_the_meshes_reach_as_far_as_the_originals(
    meshes_v1: list[PublishedMesh],
    meshes_v2: list[PublishedMesh],
    v1: NpzFile,
    v2: NpzFile,
    image: int,
) -> None:
    for mesh, stored in ((meshes_v1[image], v1), (meshes_v2[image], v2)):
        vertices = np.asarray(mesh.vertices)
        reach = [vertices.min(axis=0), vertices.max(axis=0)]
        np.testing.assert_allclose(reach, stored[f"vertex_minmax{image}"], atol=1e-3)


@every_image
def test_depths_are_scaled_as_by_v1(
    meshes_v1: list[PublishedMesh], v1: NpzFile, image: int
) -> None:
    found = render.scaled_depths(meshes_v1[image].vertices)

    assert [found.min(), found.max()] == v1[f"z_after_minmax{image}"].tolist()


@every_image
def test_a_depth_map_of_v1(meshes_v1: list[PublishedMesh], v1: NpzFile, image: int) -> None:
    mesh, wanted = meshes_v1[image], v1[f"depth{image}"]

    depths = render.scaled_depths(mesh.vertices)
    found = render.draw_v1(mesh, depths, np.zeros((*wanted.shape, 1)))[..., 0]

    assert num_differing(255 * found, wanted, 1e-3) <= EDGES


@every_image
def test_codes_of_v1(
    meshes_v1: list[PublishedMesh], v1: NpzFile, mean_mesh: NpzFile, image: int
) -> None:
    wanted = v1[f"pncc{image}"]

    codes = face_codes(mean_mesh["u_shp"])
    found = 255 * render.draw_v1(meshes_v1[image], codes, np.zeros(wanted.shape))

    assert num_differing(np.rint(found), wanted) <= EDGES
    sample = v1[f"pncc_float_sample{image}"]
    np.testing.assert_allclose(found[30:90:6, 30:90:6], sample, atol=1e-3)


@every_image
def test_codes_of_the_mesh_itself(meshes_v1: list[PublishedMesh], v1: NpzFile, image: int) -> None:
    mesh, wanted = meshes_v1[image], v1[f"pncc_v2code{image}"]

    found = 255 * render.draw_v1(mesh, face_codes(mesh.vertices), np.zeros(wanted.shape))

    assert num_differing(np.rint(found), wanted) <= EDGES


@every_image
@pytest.mark.parametrize(
    ("name", "lighting"), [("cfg", render.LIGHT), ("default", render.LIGHT_V1)]
)
def test_lit_faces_of_v1(
    meshes_v1: list[PublishedMesh], v1: NpzFile, image: int, name: str, lighting: Lighting
) -> None:
    mesh, wanted = meshes_v1[image], v1[f"phong_{name}{image}"]

    colors = render.published_phong(mesh, lighting)
    found = render.draw_v1(mesh, colors, np.full(wanted.shape, GRAY))

    assert num_differing(np.float32(255) * found.clip(0, 1) // 1, wanted) <= EDGES


def test_the_slow_renderer_of_v1(
    meshes_v1: list[PublishedMesh], v1: NpzFile, mean_mesh: NpzFile
) -> None:
    wanted = v1["pyflat0"]

    codes = face_codes(mean_mesh["u_shp"])
    found = render.draw_flat(meshes_v1[0], codes, size_of(wanted))

    assert num_differing(np.rint(255 * found), wanted) <= EDGES


@every_image
def test_normals_of_both(
    meshes_v1: list[PublishedMesh],
    meshes_v2: list[PublishedMesh],
    v1: NpzFile,
    v2: NpzFile,
    image: int,
) -> None:
    for mesh, stored in ((meshes_v1[image], v1), (meshes_v2[image], v2)):
        found = vertex_normals(mesh.vertices, mesh.triangles)
        np.testing.assert_allclose(found[::97], stored[f"normal_sample{image}"], atol=1e-4)


def test_a_small_mesh_in_v1(v1: NpzFile) -> None:
    """One of its triangles has no area, and covers the row of its box."""
    wanted = v1["toy_image"]

    found = render.draw_v1(
        PublishedMesh(v1["toy_V"], v1["toy_T"]), v1["toy_C"], np.zeros(wanted.shape)
    )

    assert num_differing(found, wanted, 1e-5) == 0


@pytest.mark.parametrize("reverse", [False, True])
def test_a_small_mesh_in_v2(v2: NpzFile, reverse: bool) -> None:
    wanted = v2["toy_reverse" if reverse else "toy_image"]

    mesh = PublishedMesh(v2["toy_V"], v2["toy_T"])
    found = render.draw_v2(mesh, v2["toy_C"], np.zeros(wanted.shape, np.uint8), reverse=reverse)

    assert num_differing(found, wanted) == 0


@every_image
def test_what_v2_sees(meshes_v2: list[PublishedMesh], v2: NpzFile, image: int) -> None:
    wanted = v2[f"tri_id{image}"]

    raster = render.published_raster(meshes_v2[image], size_of(wanted), "v2")

    assert num_differing(raster.triangle, wanted) <= EDGES
    same = (raster.triangle == wanted) & raster.covered
    np.testing.assert_allclose(raster.depth[same], v2[f"zbuffer{image}"][same], atol=2e-3)


@every_image
def test_a_depth_map_of_v2(meshes_v2: list[PublishedMesh], v2: NpzFile, image: int) -> None:
    mesh, wanted = meshes_v2[image], v2[f"depth{image}"]

    depths = render.scaled_depths(mesh.vertices).repeat(3, axis=1)
    found = render.draw_v2(mesh, depths, np.zeros(wanted.shape, np.uint8))

    assert num_differing(found, wanted) <= EDGES


@every_image
def test_codes_of_v2(
    meshes_v2: list[PublishedMesh], mean_v2: Array, v2: NpzFile, image: int
) -> None:
    wanted = v2[f"pncc{image}"]

    black = np.zeros(wanted.shape, np.uint8)
    found = render.draw_v2(meshes_v2[image], face_codes(mean_v2), black)

    assert num_differing(found, wanted) <= EDGES


@every_image
def test_lit_faces_of_v2(meshes_v2: list[PublishedMesh], v2: NpzFile, image: int) -> None:
    mesh, background = meshes_v2[image], v2["background"]

    alone = render.draw_v2(mesh, render.published_phong(mesh), np.zeros_like(background))
    over = render.overlay_v2(background, mesh)

    assert num_differing(alone, v2[f"phong_nobg{image}"]) <= EDGES
    assert num_differing(over, v2[f"phong_overlay{image}"]) <= EDGES


@every_image
def test_the_fast_renderer_of_v2(meshes_v2: list[PublishedMesh], v2: NpzFile, image: int) -> None:
    wanted = v2[f"ctypes_nobg{image}"]

    found = render.draw_fast(meshes_v2[image], np.zeros(wanted.shape, np.uint8))

    assert num_differing(found, wanted) <= EDGES


def test_the_fast_renderer_draws_nothing_at_depth_0() -> None:
    points = np.array([[1, 1, -2], [8, 1, -2], [1, 8, -2], [1, 1, 3], [8, 1, 3], [1, 8, -1]])
    mesh = PublishedMesh(points, [[0, 1, 2], [3, 4, 5]])

    found = render.draw_fast(mesh, np.full((9, 9, 3), 255, np.uint8))

    assert found[2, 2].tolist() != [255, 255, 255]
    assert found[7, 1].tolist() == [255, 255, 255]


def test_the_bilinear_sampler(v2: NpzFile) -> None:
    found = render.sample(v2["background"], v2["bil_x"], v2["bil_y"])

    np.testing.assert_allclose(found, v2["bil_val"], atol=1e-9)


def test_places_in_a_texture(v2: NpzFile) -> None:
    found = render.uv_places(v2["uv_coords_every500"])

    np.testing.assert_allclose(found, v2["uv_processed"], atol=1e-4)


def test_a_texture_of_v2_has_the_colors_of_the_vertices_whose_places_are_known(
    meshes_v2: list[PublishedMesh], v2: NpzFile
) -> None:
    """Those of every 500th vertex; every second pixel of the texture is stored."""
    x, y, _ = np.asarray(meshes_v2[0].vertices)[::500].T
    across, down, _ = render.uv_places(v2["uv_coords_every500"]).T

    found = render.sample(v2["background"], x, y)

    texture = render.sample(v2["uv_tex0"], across / 2, down / 2)
    away = np.abs(found - texture).max(axis=1)
    # grays; at some of the others the picture's colors jump
    assert np.percentile(away, 90) < 1


def test_a_texture_has_the_pictures_colors() -> None:
    rows, columns = np.mgrid[:32, :32]
    image = np.stack([4 * columns, 4 * rows, 0 * rows], axis=2).astype(np.uint8)
    square = [[8, 8, 5], [24, 8, 5], [24, 24, 5], [8, 24, 5]]
    mesh = PublishedMesh(square, [[0, 1, 2], [0, 2, 3]])
    uv = [[0, 1], [1, 1], [1, 0], [0, 0]]

    texture = render.uv_texture(image, mesh, uv, (34, 34))

    # 33 pixels of the texture span 16 of the picture, from column and row 8
    inside = np.arange(1, 33)
    expected = 4 * (8 + inside * 16 / 33)
    np.testing.assert_allclose(texture[10, inside[10:], 0], expected[10:], atol=1.01)
    np.testing.assert_allclose(texture[inside[10:], 5, 1], expected[10:], atol=1.01)


def test_faces_are_pasted_channel_by_channel() -> None:
    under, over = np.full((1, 2, 3), 0.5, np.float32), np.zeros((1, 2, 3), np.float32)
    over[0, 1] = (0.0, 0.2, 0.9)

    found = render.pasted([under, over])

    np.testing.assert_allclose(found, [[[0.5, 0.5, 0.5], [0.5, 0.2, 0.9]]])


def test_anchors_are_the_published_ones(fixtures: Path) -> None:
    stored = np.load(fixtures / "paf.npz")
    basis = np.load(fixtures / "data" / "paf_anchors.npz")
    sparse = np.load(fixtures / "data" / "sparse_3dmm.npz")
    for whitened, wanted in zip(stored["param_whitened"], stored["anchor"], strict=True):
        coefficients = whitened * sparse["v1_std"] + sparse["v1_mean"]

        found = render.paf_anchors(coefficients, basis["mu_filter"], basis["w_filter_f16"])

        np.testing.assert_allclose(found, wanted, atol=1e-3)


@pytest.mark.parametrize("kernel", [3, 5])
def test_an_anchor_sees_around_itself(fixtures: Path, kernel: int) -> None:
    offsets = np.load(fixtures / "paf.npz")[f"offsets{kernel}"]
    rows, columns = np.mgrid[:120, :120]
    crop = np.stack([columns, rows, 0 * rows], axis=2).astype(np.uint8)

    found = render.paf_picture(crop, np.full((2, 4096), 60), kernel)

    block = found[:kernel, :kernel, :2].reshape(-1, 2).astype(np.int64) - 60
    np.testing.assert_array_equal(block.T, offsets)


@pytest.mark.parametrize("kernel", [3, 5])
def test_what_anchors_see(fixtures: Path, kernel: int) -> None:
    stored = np.load(fixtures / "paf.npz")

    found = render.paf_picture(stored["crop"], stored["anchor"][0], kernel)

    np.testing.assert_array_equal(found, stored[f"paf{kernel}"])
