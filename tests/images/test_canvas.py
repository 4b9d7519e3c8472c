import numpy as np
import pytest

from canthus.images.canvas import Color, Picture, fill, smooth, stroke

WHITE: Color = (255, 255, 255)


def black(height: int = 40, width: int = 50) -> Picture:
    return np.zeros((height, width, 3), np.float32)


def circle(x: float, y: float, radius: float) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


def centroid(picture: Picture) -> tuple[float, float]:
    rows, columns = np.indices(picture.shape[:2])
    light = picture[..., 0].astype(float)
    return float((light * columns).sum() / light.sum()), float((light * rows).sum() / light.sum())


def test_a_rectangle_covers_the_pixels_on_its_edge_in_part() -> None:
    picture = black()
    fill(picture, [(9.75, 5), (12.25, 5), (12.25, 8), (9.75, 8)], WHITE)
    # pixels span k - 0.5 to k + 0.5; those of rows 5 and 8 are covered by half
    np.testing.assert_allclose(picture[6, 8:15, 0] / 255, [0, 0, 0.75, 1, 0.75, 0, 0], atol=1e-6)
    np.testing.assert_allclose(picture[3:10, 11, 0] / 255, [0, 0, 0.5, 1, 1, 0.5, 0], atol=1e-6)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_disk_has_the_area_and_the_center_of_a_disk(turn: int) -> None:
    picture = black()
    fill(picture, circle(20.3, 18.7, 9.4)[::turn], WHITE)
    assert picture[..., 0].sum() / 255 == pytest.approx(np.pi * 9.4**2, rel=1e-3)
    assert centroid(picture) == pytest.approx((20.3, 18.7), abs=2e-3)


def test_a_shape_is_painted_only_within_another() -> None:
    picture = black()
    square = [(-0.5, -0.5), (19.5, -0.5), (19.5, 39.5), (-0.5, 39.5)]
    fill(picture, circle(20, 20, 9), WHITE, within=square)
    assert picture[:, 20:].max() == 0
    assert picture[20, 15, 0] == 255


def test_a_shape_half_outside_the_picture_is_painted_where_it_is_inside() -> None:
    picture = black()
    fill(picture, [(-30, 10), (4.5, 10), (4.5, 90), (-30, 90)], WHITE)
    np.testing.assert_array_equal(picture[20, :7, 0], [255, 255, 255, 255, 255, 0, 0])


@pytest.mark.parametrize("x", [-90, 90])
def test_a_shape_outside_the_picture_leaves_it_alone(x: float) -> None:
    picture = black()
    fill(picture, circle(x, 20, 9), WHITE)
    stroke(picture, [(x, 0), (x, 20)], 3, WHITE)
    assert picture.max() == 0


def test_a_line_is_as_wide_as_asked_and_centered_on_its_points() -> None:
    picture = black()
    stroke(picture, [(20.3, -5), (20.3, 60)], 3, WHITE)
    np.testing.assert_allclose(picture.sum(axis=(1, 2)) / 765, 3, atol=1e-5)
    assert centroid(picture)[0] == pytest.approx(20.3, abs=1e-5)


def test_a_line_thinner_than_a_pixel_is_fainter() -> None:
    picture = black()
    stroke(picture, [(20, -5), (20, 60)], 0.25, WHITE)
    assert picture[20, 20, 0] == pytest.approx(0.25 * 255)


def test_a_line_ends_round() -> None:
    picture = black()
    stroke(picture, [(20, 20), (20, 20)], 10, WHITE)
    assert picture[..., 0].sum() / 255 == pytest.approx(np.pi * 25, rel=0.01)


@pytest.mark.parametrize("closed", [False, True])
def test_a_smooth_curve_goes_through_its_points(closed: bool) -> None:
    points = np.random.default_rng(0).uniform(0, 40, (7, 2))
    gaps = np.linalg.norm(smooth(points, closed=closed)[:, None] - points[None], axis=2)
    assert gaps.min(axis=0).max() < 1e-12


def test_a_smooth_curve_through_points_on_a_line_stays_on_it() -> None:
    curve = smooth([(0, 0), (1, 2), (2, 4), (3, 6)])
    np.testing.assert_allclose(curve[:, 1], 2 * curve[:, 0])


def test_a_smooth_open_curve_begins_and_ends_with_its_points() -> None:
    curve = smooth([(1, 1), (5, 2), (9, 8)])
    assert (curve[0].tolist(), curve[-1].tolist()) == ([1, 1], [9, 8])
