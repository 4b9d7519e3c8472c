import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.images.shading import Lighting, centered, phong, trace, vertex_normals

Array = NDArray[np.float64]

# A square at z = 0, its corners against the clock as seen from the camera, which is at z < 0.
SQUARE = np.array([[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 0.0]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]])
TO_CAMERA = [0.0, 0.0, -1.0]


def ball(num_rows: int = 24) -> tuple[Array, NDArray[np.int64]]:
    """A ball of radius 1 about the origin: its triangles run against the clock, from outside."""
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, num_rows), np.linspace(0, 2 * np.pi, 2 * num_rows), indexing="ij"
    )
    x, y, z = np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)
    number = np.arange(polar.size).reshape(polar.shape)
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    halves = [np.stack(corners, axis=-1).reshape(-1, 3) for corners in ((a, b, c), (a, c, d))]
    return np.stack([x, y, z], axis=2).reshape(-1, 3), np.concatenate(halves)


def test_what_runs_against_the_clock_faces_the_camera() -> None:
    np.testing.assert_allclose(vertex_normals(SQUARE, HALVES), [TO_CAMERA] * 4)
    np.testing.assert_allclose(vertex_normals(SQUARE, HALVES[:, ::-1]), [[0, 0, 1]] * 4)


def test_the_normals_of_a_ball_are_its_radii() -> None:
    points, triangles = ball()
    inner = np.abs(points[:, 2]) < 0.9
    seam = (points[:, 0] > 0) & (np.abs(points[:, 1]) < 1e-9)

    normals = vertex_normals(points, triangles)

    np.testing.assert_allclose(normals[inner & ~seam], points[inner & ~seam], atol=0.02)


def test_larger_triangles_weigh_more() -> None:
    points = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, -3], [0, 1, 0]])

    normals = vertex_normals(points, [[0, 1, 2], [0, 4, 3]])

    expected = np.array([-3, 0, -1]) / np.sqrt(10)  # areas 1.5 and 0.5
    np.testing.assert_allclose(normals[0], expected)


def test_the_size_of_a_mesh_does_not_change_its_normals() -> None:
    points, triangles = ball(9)

    np.testing.assert_allclose(
        vertex_normals(1e4 * points + [5, 6, 7], triangles),
        vertex_normals(points, triangles),
        atol=1e-9,
    )


def test_a_vertex_in_no_triangle_has_no_normal() -> None:
    points = np.concatenate([SQUARE, [[9, 9, 9]]])

    normals = vertex_normals(points, [*HALVES, [4, 4, 4]])

    np.testing.assert_array_equal(normals[4], 0)


def test_centered_meshes_lie_about_the_origin() -> None:
    points = np.array([[10, 20, 30], [14, 22, 31], [12, 20, 30.0]])

    found = centered(points)

    np.testing.assert_allclose(found, [[-1, -0.5, -0.25], [1, 0.5, 0.25], [0, -0.5, -0.25]])
    np.testing.assert_array_equal(centered(points[:1]), [[0, 0, 0]])
    assert centered(points[:0]).shape == (0, 3)


def test_light_from_everywhere_is_the_same_everywhere() -> None:
    points, triangles = ball(8)
    lighting = Lighting(ambient=0.4, diffuse=0, specular=0, ambient_color=(1, 0.5, 0))

    found = phong(points, vertex_normals(points, triangles), lighting)

    np.testing.assert_allclose(found, [[0.4, 0.2, 0]] * len(points), atol=1e-7)


def test_what_faces_the_light_is_brightest_and_what_faces_away_is_dark() -> None:
    points, triangles = ball()
    normals = vertex_normals(points, triangles)

    found = phong(points, normals)[:, 0]

    assert points[found.argmax(), 2] < -0.99
    assert found.max() <= 1
    np.testing.assert_allclose(found[points[:, 2] > 0.3], 0.3, atol=1e-6)


@pytest.mark.parametrize("shininess", [1.0, 2.0, 5.0, 20.5])
def test_a_square_before_the_light_is_as_worked_out(shininess: float) -> None:
    """Its corners are at (1, 1, 0) once centered, light and eye at (0, 0, -5)."""
    lighting = Lighting(ambient=0.1, specular=0.2, shininess=shininess)

    found = phong(SQUARE, [TO_CAMERA] * 4, lighting)

    cosine = 5 / np.sqrt(27)
    mirrored = (25 - 2) / 27  # the direction of the light, turned about the normal, and the view
    expected = 0.1 + 0.6 * cosine + 0.2 * mirrored**shininess
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_highlights_are_on_the_side_of_the_light_alone() -> None:
    lighting = Lighting(ambient=0, diffuse=0, specular=1, shininess=2)

    away = phong(SQUARE, [[0, 0, 1.0]] * 4, lighting)

    np.testing.assert_array_equal(away, 0)


def test_a_highlight_does_not_see_which_way_the_axes_lie() -> None:
    points, triangles = ball()
    normals = vertex_normals(points, triangles)
    turn = np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]])
    place = (1.0, 2.0, -4.0)
    lighting = Lighting(specular=0.5, light=place, eye=(0, 0, -3))
    x, y, z = (turn @ place).tolist()
    a, b, c = (turn @ (0, 0, -3)).tolist()
    turned = Lighting(specular=0.5, light=(x, y, z), eye=(a, b, c))

    scale = np.ptp(points, axis=0).max() / np.ptp(points @ turn.T, axis=0).max()
    found = phong(points @ turn.T, normals @ turn.T, turned)

    assert scale == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(found, phong(points, normals, lighting), atol=0.01)


def test_colors_of_the_lamp_multiply() -> None:
    white = phong(SQUARE, [TO_CAMERA] * 4, Lighting(ambient=0))
    red = phong(SQUARE, [TO_CAMERA] * 4, Lighting(ambient=0, light_color=(1, 0.5, 0)))

    np.testing.assert_allclose(red, white * [1, 0.5, 0], atol=1e-7)


def test_beams_are_mirrored_about_the_normal() -> None:
    beams = trace(SQUARE, [TO_CAMERA] * 4, Lighting())

    np.testing.assert_allclose(np.linalg.norm(beams.mirrored, axis=1), 1)
    np.testing.assert_allclose(beams.mirrored, beams.view * [-1, -1, 1], atol=1e-12)
    np.testing.assert_allclose(beams.facing, 5 / np.sqrt(27))


@pytest.mark.parametrize(
    ("vertices", "normals"), [((4, 2), (4, 2)), ((4, 3), (3, 3)), ((12,), (12,))]
)
def test_wrong_shapes_are_an_error(vertices: tuple[int, ...], normals: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected shapes \(V, 3\)"):
        phong(np.zeros(vertices), np.zeros(normals))
