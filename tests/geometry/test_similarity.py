import numpy as np
import pytest

from canthus.geometry import Box, Similarity

OFF_GRID = [(-7.25, 3.1), (0, 0), (17.77, 40.003), (99.5, -0.5)]


def turned() -> Similarity:
    return Similarity.about((13.7, 8.9), (60.2, 71.1), scale=1.83, roll_deg=31.4)


def test_about_takes_the_source_to_the_target() -> None:
    np.testing.assert_allclose(turned().apply((13.7, 8.9)), (60.2, 71.1))


def test_a_positive_roll_turns_the_x_axis_towards_the_y_axis() -> None:
    quarter = Similarity.about((0, 0), (0, 0), roll_deg=90)
    np.testing.assert_allclose(quarter.apply((1, 0)), (0, 1), atol=1e-12)


def test_a_similarity_knows_its_scale_and_roll() -> None:
    assert (turned().scale, turned().roll_deg) == pytest.approx((1.83, 31.4))


def test_a_quarter_turn_lays_an_ellipse_down_and_scale_2_makes_its_area_4_times_as_large() -> None:
    quarter = Similarity.about((3, 4), (5, 6), scale=2, roll_deg=90)
    found = quarter.apply_covariances([[[9, 1], [1, 4]]])
    np.testing.assert_allclose(found, [[[16, -4], [-4, 36]]], atol=1e-12)


def test_points_drawn_with_a_covariance_have_the_mapped_one_where_they_are_mapped() -> None:
    drawn = np.random.default_rng(0).multivariate_normal((5, 5), [[3, 1], [1, 2]], 1000)
    expected = np.cov(turned().apply(drawn).T)
    np.testing.assert_allclose(turned().apply_covariances(np.cov(drawn.T)), expected)


def test_a_picture_twice_as_large_has_its_first_pixel_at_half_a_pixel() -> None:
    whole_picture = Box(-0.5, -0.5, 3.5, 3.5)
    doubled = Similarity.crop(whole_picture, 8)
    np.testing.assert_allclose(doubled.apply([(0, 0), (3, 3)]), [(0.5, 0.5), (6.5, 6.5)])


def test_the_edges_of_the_box_become_the_edges_of_the_crop() -> None:
    cut = Similarity.crop(Box(10.3, 20.7, 50.9, 61.3), 128)
    corners = cut.apply([(10.3, 20.7), (50.9, 61.3)])
    np.testing.assert_allclose(corners, [(-0.5, -0.5), (127.5, 127.5)])


def test_a_box_that_is_no_square_is_cut_out_as_the_square_around_it() -> None:
    tall, square = Box(10, 20, 30, 100), Box(-20, 20, 60, 100)
    found, expected = Similarity.crop(tall, 64), Similarity.crop(square, 64)
    np.testing.assert_allclose(found.matrix, expected.matrix)


def test_a_turned_face_stands_upright_in_the_crop() -> None:
    eyes = Similarity.about((0, 0), (40, 30), roll_deg=25).apply([(-10, 0), (10, 0)])
    cropped = Similarity.crop(Box(10, 0, 70, 60), 128, roll_deg=25).apply(eyes)
    assert cropped[0, 1] == pytest.approx(cropped[1, 1])
    assert cropped[0, 0] < cropped[1, 0]


@pytest.mark.parametrize("roll_deg", [0, -38.2, 90, 180])
@pytest.mark.parametrize("box", [Box(0.3, -7.7, 91.1, 66.6), Box(3000.25, 1.5, 3017.9, 40)])
def test_into_the_crop_and_back_is_the_identity(box: Box, roll_deg: float) -> None:
    cut = Similarity.crop(box, 127, roll_deg=roll_deg)
    points = np.add(box.center, OFF_GRID)
    np.testing.assert_allclose(cut.inverse().apply(cut.apply(points)), points, atol=1e-9)


def test_a_map_and_its_inverse_make_the_identity() -> None:
    np.testing.assert_allclose((turned() @ turned().inverse()).matrix, np.eye(2, 3), atol=1e-12)


def test_a_product_applies_its_right_factor_first() -> None:
    doubling = Similarity.about((0, 0), (0, 0), scale=2)
    shift = Similarity.about((0, 0), (1, 0))
    np.testing.assert_allclose((doubling @ shift).apply((5, 5)), (12, 10))


def test_points_of_any_leading_shape_are_mapped() -> None:
    points = np.arange(24.0).reshape(3, 4, 2)
    np.testing.assert_allclose(turned().apply(points)[1, 2], turned().apply(points[1, 2]))


def test_fit_recovers_a_known_map() -> None:
    fitted = Similarity.fit(OFF_GRID, turned().apply(OFF_GRID))
    np.testing.assert_allclose(fitted.matrix, turned().matrix, atol=1e-9)


def test_fit_is_the_least_squares_solution() -> None:
    generator = np.random.default_rng(3)
    source, target = generator.normal(size=(2, 9, 2))
    # x' = a x - b y + s and y' = b x + a y + t, solved as any linear system is
    ones, zeros = np.ones(9), np.zeros(9)
    x, y = source.T
    rows = np.vstack([np.stack([x, -y, ones, zeros], 1), np.stack([y, x, zeros, ones], 1)])
    a, b, s, t = np.linalg.lstsq(rows, target.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(Similarity.fit(source, target).matrix, [[a, -b, s], [b, a, t]])


def test_fit_never_reflects() -> None:
    mirrored = np.multiply(OFF_GRID, (-1, 1))
    assert np.linalg.det(Similarity.fit(OFF_GRID, mirrored).matrix[:, :2]) > 0


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (np.zeros((3, 2)), np.zeros((4, 2)), r"found \(3, 2\) and \(4, 2\)"),
        (np.zeros((3, 3)), np.zeros((3, 3)), r"found \(3, 3\) and \(3, 3\)"),
        (np.ones((3, 2)), np.eye(3, 2), "coincide"),
        ([(1, 0), (0, 0)], [(2, 2), (2, 2)], "scale above 0"),
    ],
)
def test_fit_refuses_what_has_no_answer(
    source: np.ndarray, target: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Similarity.fit(source, target)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), r"found \(3, 3\)"),
        ([[1, 0, 0], [0, -1, 0]], "expected"),
        ([[1, 0, 0], [0, 2, 0]], "expected"),
        ([[0, 0, 5], [0, 0, 5]], "scale above 0"),
        ([[1, 0, np.nan], [0, 1, 0]], "expected"),
        ([[np.inf, 0, 0], [0, np.inf, 0]], "expected"),
    ],
)
def test_a_matrix_that_is_no_similarity_is_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Similarity(matrix)


def test_a_similarity_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        turned().matrix[0, 0] = 1


def test_a_similarity_is_not_changed_by_what_it_was_made_from() -> None:
    matrix = np.eye(2, 3)
    similarity = Similarity(matrix)
    matrix[0, 2] = 7
    assert similarity.matrix[0, 2] == 0
