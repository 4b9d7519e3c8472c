import numpy as np
import pytest

from canthus.images.mesh_pictures import (
    color_picture,
    depth_picture,
    face_codes,
    overlay,
    wireframe,
)
from canthus.images.raster import rasterize

CORNER: list[list[float]] = [[0, 0, 1], [3, 0, 1], [0, 3, 4.0]]
COLORS: list[list[float]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_the_nearer_is_the_brighter() -> None:
    depth = np.array([[1, 2, 3], [5, np.nan, 0]])

    found = depth_picture(depth, nearest=1, farthest=3)

    assert found.dtype == np.uint8
    assert found.tolist() == [[255, 128, 1], [1, 0, 255]]


def test_a_flat_mesh_is_white() -> None:
    found = depth_picture([[2.0, np.nan]], nearest=2, farthest=2)

    assert found.tolist() == [[255, 0]]


def test_depths_the_wrong_way_round_are_an_error() -> None:
    with pytest.raises(ValueError, match="found 3 and 1; z grows away from the camera"):
        depth_picture(np.zeros((2, 2)), nearest=3, farthest=1)


def test_codes_are_places_on_the_mean_face() -> None:
    found = face_codes(np.array([[10, 5, 7], [20, 5, 6], [15, 5, 3]]))

    np.testing.assert_allclose(found, np.array([[0, 0, 1], [1, 0, 0.75], [0.5, 0, 0]]))


def test_codes_of_nothing_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"mean: expected shape \(V, 3\), found \(0, 3\)"):
        face_codes(np.zeros((0, 3)))


def test_colors_are_rounded_and_lie_on_black() -> None:
    found = color_picture(rasterize(CORNER, [[0, 1, 2]], (4, 4)), COLORS)

    assert found[0].tolist() == [[255, 0, 0], [170, 85, 0], [85, 170, 0], [0, 255, 0]]
    assert found[3].tolist() == [[0, 0, 255], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_a_mesh_over_a_picture_leaves_the_rest_as_it_is() -> None:
    image = np.full((4, 4, 3), 100, np.uint8)

    found = overlay(image, rasterize(CORNER, [[0, 1, 2]], (4, 4)), COLORS, opacity=0.25)

    assert found[0, 0].tolist() == [139, 75, 75]
    assert found[3, 1].tolist() == [100, 100, 100]
    assert image.max() == 100


def test_a_picture_of_another_size_is_an_error() -> None:
    raster = rasterize(CORNER, [[0, 1, 2]], (4, 5))

    with pytest.raises(ValueError, match=r"expected shape \(5, 4, 3\), found \(4, 4, 3\)"):
        overlay(np.zeros((4, 4, 3), np.uint8), raster, COLORS)


def test_colors_of_another_shape_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"colors: expected shape \(V, 3\), found \(3,\)"):
        color_picture(rasterize(CORNER, [[0, 1, 2]], (4, 4)), [1, 2, 3])


def test_edges_are_drawn_and_the_inside_is_left() -> None:
    image = np.full((40, 40, 3), 100, np.uint8)
    points = np.array([[2, 2, 1], [37, 2, 1], [2, 37, 1.0]])

    found = wireframe(image, rasterize(points, [[0, 1, 2]], (40, 40)), points)

    assert found[2, 10:20].min() > 200
    assert found[10:20, 2].min() > 200
    assert (found[10:14, 10:14] == 100).all()
    assert (found[30:, 30:] == 100).all()
    assert image.max() == 100


def test_hidden_edges_are_not_drawn() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    points = np.array([[20, 20, 5], [30, 20, 5], [20, 30, 5], [0, 0, 1], [59, 0, 1], [0, 59, 1.0]])

    found = wireframe(image, rasterize(points, [[0, 1, 2], [3, 4, 5]], (60, 60)), points)

    assert not found[18:28, 18:28].any()


def test_meshes_finer_than_pixels_are_left_bare() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    y, x = np.mgrid[0:8:0.05, 0:8:0.05]
    points = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    first = np.arange(159 * 160).reshape(159, 160)[:, :-1].reshape(-1)
    triangles = np.stack([first, first + 1, first + 160], axis=1)

    found = wireframe(image, rasterize(points, triangles, (8, 8)), points)

    assert found.max() < 12


def test_edges_on_a_picture_of_another_size_are_an_error() -> None:
    raster = rasterize(CORNER, [[0, 1, 2]], (4, 5))

    with pytest.raises(ValueError, match=r"expected shape \(5, 4, 3\), found \(4, 4, 3\)"):
        wireframe(np.zeros((4, 4, 3), np.uint8), raster, CORNER)
