import itertools
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from canthus.images.raster import Inside, Raster, rasterize

Array = NDArray[np.float64]

CORNER: list[list[float]] = [[0, 0, 1], [3, 0, 1], [0, 3, 2]]  # of a 4 x 4 picture
INSIDE: list[Inside] = ["closed", "half_open", "strict"]


def seen(points: ArrayLike, triangles: ArrayLike, size: tuple[int, int] = (4, 4)) -> list[str]:
    """The triangles that pixels see, a letter each, a row a word."""
    found = rasterize(points, triangles, size).triangle
    return ["".join(".abcdefgh"[number + 1] for number in row) for row in found]


def grid(side: int, rng: np.random.Generator, *, jitter: float) -> tuple[Array, NDArray[np.int64]]:
    """A picture of side x side pixels and its margin, in triangles whose corners have moved."""
    ticks = np.linspace(-1.5, side + 0.5, side // 2)
    x, y = np.meshgrid(ticks, ticks)
    points = np.stack([x.ravel(), y.ravel(), rng.random(x.size)], axis=1)
    inner = (np.abs(points[:, :2] - (side - 1) / 2) < side / 2 + 0.5).all(axis=1)
    step = ticks[1] - ticks[0]
    points[inner, :2] += rng.uniform(-jitter * step, jitter * step, (int(inner.sum()), 2))
    number = np.arange(x.size).reshape(x.shape)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    halves = [np.stack(corners, axis=-1).reshape(-1, 3) for corners in ((a, b, c), (a, c, d))]
    triangles = rng.permuted(np.concatenate(halves), axis=1)
    return points, triangles


def exact(points: Array, triangles: ArrayLike, x: int, y: int, inside: Inside) -> dict[int, Array]:
    """The triangles over a pixel's center and its weights in them, without any rounding."""
    found = {}
    for number, corners in enumerate(np.asarray(triangles)):
        (ax, ay), (bx, by), (cx, cy) = (
            [Fraction(float(value)) for value in points[corner, :2]] for corner in corners
        )
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0:
            continue
        second = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
        third = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
        weights = (1 - second - third, second, third)
        lowest = {"closed": (0, 0, 0), "half_open": (None, 0, 0), "strict": (None, None, None)}
        if all(
            w >= 0 if low == 0 else w > 0 for w, low in zip(weights, lowest[inside], strict=True)
        ):
            found[number] = np.array(weights, np.float64)
    return found


def check(raster: Raster, points: Array, triangles: ArrayLike, inside: Inside) -> None:
    """Pixel by pixel: the nearest triangle over the center, its weights, and its depth there."""
    corners = np.asarray(triangles)
    for y, x in np.ndindex(raster.triangle.shape):
        over = exact(points, corners, x, y, inside)
        number = int(raster.triangle[y, x])
        if not over:
            assert number == -1
            continue
        depths = {n: float(w @ points[corners[n], 2]) for n, w in over.items()}
        assert number in over
        assert depths[number] <= min(depths.values()) + 1e-6
        np.testing.assert_allclose(raster.weights[y, x], over[number], atol=1e-5)
        np.testing.assert_allclose(raster.depth[y, x], depths[number], atol=1e-4)


def test_centers_of_pixels_are_whole_numbers() -> None:
    assert seen([[-0.4, -0.4, 0], [1.6, -0.4, 0], [-0.4, 1.6, 0]], [[0, 1, 2]]) == [
        "aa..",
        "a...",
        "....",
        "....",
    ]
    assert seen([[0.1, 0.1, 0], [0.9, 0.1, 0], [0.1, 0.9, 0]], [[0, 1, 2]]) == ["...."] * 4


def test_x_goes_right_and_y_goes_down() -> None:
    found = rasterize([[2, 0, 0], [3, 0, 0], [2, 1, 0]], [[0, 1, 2]], (5, 3)).triangle

    assert found.shape == (3, 5)
    assert np.argwhere(found >= 0).tolist() == [[0, 2], [0, 3], [1, 2]]


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("closed", ["aaaa", "aaa.", "aa..", "a..."]),
        ("half_open", ["aaa.", "aa..", "a...", "...."]),
        ("strict", ["....", ".a..", "....", "...."]),
    ],
)
def test_which_centers_on_an_outline_are_inside(inside: Inside, expected: list[str]) -> None:
    found = rasterize(CORNER, [[0, 1, 2]], (4, 4), inside=inside).triangle

    assert ["".join(".a"[number + 1] for number in row) for row in found] == expected


def test_half_open_leaves_out_the_edge_opposite_the_first_corner() -> None:
    found = rasterize(CORNER, [[2, 0, 1]], (4, 4), inside="half_open").triangle

    np.testing.assert_array_equal((found >= 0).sum(axis=1), [0, 3, 2, 1])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_corners_changes_nothing_but_the_weights(order: tuple[int, ...]) -> None:
    points = np.array([[0.3, 0.2, 1], [7.6, 2.9, 4], [3.1, 8.4, 2]])
    straight = rasterize(points, [[0, 1, 2]], (10, 10))

    turned = rasterize(points, [order], (10, 10))

    np.testing.assert_array_equal(turned.triangle, straight.triangle)
    np.testing.assert_allclose(turned.weights, straight.weights[..., order], atol=1e-6)


def test_what_has_the_smaller_z_is_nearer() -> None:
    points = [*CORNER, [0, 0, 0.5], [3, 0, 0.5], [0, 1, 0.5]]

    assert seen(points, [[0, 1, 2], [3, 4, 5]]) == ["bbbb", "baa.", "aa..", "a..."]
    assert seen(points, [[3, 4, 5], [0, 1, 2]]) == ["aaaa", "abb.", "bb..", "b..."]


def test_triangles_that_pass_through_each_other_are_seen_in_part() -> None:
    points = [[0, 0, 0], [4, 0, 4], [0, 4, 0], [4, 4, 4], [0, 0, 3], [4, 0, 1], [0, 4, 3]]

    found = seen(points, [[0, 1, 2], [4, 5, 6]], (5, 1))

    assert found == ["aaabb"]  # z is 0, 1, 2, 3, 4 and 3, 2.5, 2, 1.5, 1: at 2 the first is seen


@pytest.mark.parametrize("copies", [2, 5])
def test_the_first_of_equals_is_seen(copies: int) -> None:
    points, triangles = grid(12, np.random.default_rng(3), jitter=0.4)

    once = rasterize(points, triangles, (12, 12))
    again = rasterize(points, np.concatenate([triangles] * copies), (12, 12))

    np.testing.assert_array_equal(again.triangle, once.triangle)


def test_an_equal_triangle_is_no_nearer_for_having_its_corners_turned() -> None:
    rng = np.random.default_rng(11)
    points = rng.uniform(0, 30, (60, 3))
    triangles = np.arange(60).reshape(20, 3)
    turned = np.concatenate([triangles, triangles[:, (1, 2, 0)]])

    assert rasterize(points, turned, (30, 30)).triangle.max() < 20


@pytest.mark.parametrize("seed", range(5))
def test_a_mesh_without_gaps_covers_every_pixel_once(seed: int) -> None:
    points, triangles = grid(40, np.random.default_rng(seed), jitter=0.2)
    size = (40, 40)

    assert rasterize(points, triangles, size).covered.all()
    alone = [rasterize(points, [triangle], size).covered for triangle in triangles]
    np.testing.assert_array_equal(np.sum(alone, axis=0), 1)


@pytest.mark.parametrize("seed", range(3))
def test_pixels_on_corners_and_edges_are_not_lost(seed: int) -> None:
    """Corners on centers of pixels, and on quarters: many centers are on edges."""
    points, triangles = grid(24, np.random.default_rng(seed), jitter=0.45)
    points[:, :2] = np.round(points[:, :2] * (1 + 3 * (seed % 2))) / (1 + 3 * (seed % 2))

    assert rasterize(points, triangles, (24, 24)).covered.all()
    strict = rasterize(points, triangles, (24, 24), inside="strict")
    assert not strict.covered.all()


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("seed", range(4))
def test_every_pixel_is_what_exact_numbers_say(seed: int, inside: Inside) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-4, 16, (12, 3))
    if seed % 2:
        points = np.round(points)
    triangles = rng.permuted(np.tile(np.arange(12), (8, 1)), axis=1)[:, :3]

    raster = rasterize(points, triangles, (13, 11), inside=inside)

    check(raster, points, triangles, inside)


def test_thin_triangles_are_what_exact_numbers_say() -> None:
    rng = np.random.default_rng(5)
    start, end = rng.uniform(0, 12, (2, 10, 2))
    near = start + 1e-9 * rng.normal(size=(10, 2))
    points = np.concatenate([np.concatenate([start, end, near]), rng.random((30, 1))], axis=1)
    points[:3] = [[0, 0, 0.2], [9, 9, 0.4], [0, 1e-12, 0.3]]
    triangles = np.stack([np.arange(10), np.arange(10, 20), np.arange(20, 30)], axis=1)
    triangles[0] = (0, 1, 2)

    check(rasterize(points, triangles, (12, 12)), points, triangles, "closed")


def test_a_triangle_without_area_is_not_seen() -> None:
    points = np.array([[0, 0, 0], [2, 2, 0], [3, 3, 0], [1, 0, 0], [1, 3, 0]])

    assert seen(points, [[0, 1, 2], [3, 4, 3], [1, 1, 1]]) == ["...."] * 4


def test_what_is_outside_the_picture_is_left_out() -> None:
    around = [[-9, -9, 0], [30, -9, 0], [-9, 30, 0]]
    left = [[-3, 0, 0], [-1, 0, 0], [-1, 3, 0]]
    below = [[0, 4, 0], [3, 4, 0], [0, 9, 0]]
    far = [[1e9, 1e9, 0], [2e9, 1e9, 0], [1e9, 2e9, 0]]
    points = np.array([*left, *below, *far, *around])

    assert seen(points, np.arange(12).reshape(4, 3)) == ["dddd"] * 4


def test_pieces_of_a_picture_are_pieces_of_the_whole() -> None:
    points, triangles = grid(30, np.random.default_rng(1), jitter=0.45)
    whole = rasterize(points, triangles, (30, 30))

    part = rasterize(points - [11, 5, 0], triangles, (8, 9))

    np.testing.assert_array_equal(part.triangle, whole.triangle[5:14, 11:19])
    np.testing.assert_allclose(part.depth, whole.depth[5:14, 11:19], atol=1e-5)


def test_many_triangles_are_drawn_as_few_are() -> None:
    """More than are drawn at a time, the nearest ones last."""
    rng = np.random.default_rng(2)
    points = rng.uniform(0, 60, (9000, 3)) * (1, 1, 0.01)
    triangles = np.arange(9000).reshape(-1, 3)
    parts = np.array_split(np.arange(3000), 30)
    rasters = [rasterize(points, triangles[part], (60, 60)) for part in parts]
    depths = [raster.depth for raster in rasters]

    found = rasterize(points, triangles, (60, 60))

    np.testing.assert_allclose(found.depth, np.fmin.reduce(depths), atol=1e-6)


def test_an_empty_mesh_is_an_empty_picture() -> None:
    for points in (np.zeros((0, 3)), np.ones((4, 3))):
        found = rasterize(points, np.zeros((0, 3), int), (5, 3))

        assert not found.covered.any()
        assert np.isnan(found.depth).all()
        assert found.weights.shape == (3, 5, 3)
        assert found.interpolated(np.ones(4), empty=7).tolist() == [[7] * 5] * 3


def test_the_types_of_a_raster() -> None:
    found = rasterize(np.array(CORNER, np.float32), np.array([[0, 1, 2]], np.uint16), (4, 4))

    kinds = [array.dtype.name for array in (found.triangle, found.weights, found.depth)]
    assert kinds == ["int32", "float32", "float32"]
    np.testing.assert_allclose(found.weights.sum(axis=2), found.covered)


@pytest.mark.parametrize("channels", [None, 1, 3, 5])
def test_values_are_interpolated_as_planes(channels: int | None) -> None:
    points, triangles = grid(20, np.random.default_rng(8), jitter=0.4)
    slopes = np.arange(1.0, 1 + 2 * (channels or 1)).reshape(2, -1)
    values = points[:, :2] @ slopes + 3

    found = rasterize(points, triangles, (20, 18)).interpolated(
        values[:, 0] if channels is None else values
    )

    y, x = np.mgrid[:18, :20]
    expected = np.stack([x, y], axis=2) @ slopes + 3
    np.testing.assert_allclose(found, expected[..., 0] if channels is None else expected, atol=1e-3)


def test_values_off_the_mesh_are_what_is_asked_for() -> None:
    found = rasterize(CORNER, [[0, 1, 2]], (4, 4)).interpolated([1.0, 2.0, 3.0], empty=-5)

    np.testing.assert_allclose(found[3], [3, -5, -5, -5])
    np.testing.assert_allclose(found[0], [1, 4 / 3, 5 / 3, 2])


@pytest.mark.parametrize(
    ("points", "triangles", "size", "message"),
    [
        (
            np.zeros((4, 2)),
            [[0, 1, 2]],
            (4, 4),
            r"vertices: expected shape \(V, 3\), found \(4, 2\)",
        ),
        ([[0, 0, 0], [1, np.nan, 0]], [[0, 1, 1]], (4, 4), "vertex 1 has others"),
        (
            CORNER,
            [0, 1, 2],
            (4, 4),
            r"triangles: expected whole numbers \(T, 3\), found int64 \(3,\)",
        ),
        (CORNER, [[0.0, 1.0, 2.0]], (4, 4), "found float64"),
        (CORNER, [[1, 2, 3]], (4, 4), "expected vertices from 0 to 2, found 1 to 3"),
        (CORNER, [[-1, 0, 1]], (4, 4), "found -1 to 1"),
        (CORNER, [[0, 1, 2]], (4, 0), "size: expected a width and height of 1 or more"),
    ],
)
def test_a_wrong_mesh_is_an_error(
    points: ArrayLike, triangles: ArrayLike, size: tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        rasterize(points, triangles, size)


def test_another_rule_of_what_is_inside_is_an_error() -> None:
    with pytest.raises(ValueError, match="found 'open'"):
        rasterize(CORNER, [[0, 1, 2]], (4, 4), inside="open")  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [np.zeros(2), np.zeros((2, 3)), np.zeros((3, 1, 1))])
def test_wrong_values_are_an_error(values: Array) -> None:
    raster = rasterize(CORNER, [[0, 1, 2]], (4, 4))

    with pytest.raises(ValueError, match="for 3 vertices"):
        raster.interpolated(values)
