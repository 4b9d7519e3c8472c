import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import SCHEMES, Landmarks, find_conversion, scheme_of

EVERY_SCHEME = list(SCHEMES)


def scattered(scheme: str, dimensions: int = 2) -> Landmarks:
    """Points in a picture of 100 pixels, on quarters of a pixel so that float32 holds them."""
    count = scheme_of(scheme).num_landmarks
    generator = np.random.default_rng(5)
    points = generator.integers(0, 400, (count, dimensions)) / 4
    return Landmarks(points, scheme_of(scheme), np.linspace(0, 1, count))


@pytest.mark.parametrize("scheme", EVERY_SCHEME)
def test_landmarks_mirrored_twice_come_back_bit_for_bit(scheme: str) -> None:  # rule 9
    landmarks = scattered(scheme)
    again = landmarks.mirrored(101).mirrored(101)
    np.testing.assert_array_equal(again.points, landmarks.points)


def test_a_picture_mirrored_with_its_landmarks_shows_them_at_the_same_places() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (50, 70), np.uint8)
    points = np.random.default_rng(2).integers(0, 50, (5, 2)).astype(np.float32)
    mirrored = Landmarks(points, scheme_of("5")).mirrored(70).points.astype(int)
    under = picture[points[:, 1].astype(int), points[:, 0].astype(int)]
    seen = picture[:, ::-1][mirrored[:, 1], mirrored[:, 0]]
    np.testing.assert_array_equal(seen[[1, 0, 2, 4, 3]], under)


def test_mirroring_exchanges_the_scores_too() -> None:
    landmarks = Landmarks(np.zeros((5, 2)), scheme_of("5"), np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    expected = np.array([0.2, 0.1, 0.3, 0.5, 0.4], np.float32)
    np.testing.assert_array_equal(landmarks.mirrored(9).scores, expected)


def test_mirroring_keeps_height_and_depth() -> None:
    landmarks = scattered("5", dimensions=3)
    expected = landmarks.points[[1, 0, 2, 4, 3], 1:]
    np.testing.assert_array_equal(landmarks.mirrored(100).points[:, 1:], expected)


def test_a_part_holds_the_points_of_its_indices() -> None:
    landmarks = scattered("68")
    np.testing.assert_array_equal(landmarks.part("right_eye"), landmarks.points[36:42])


def test_an_unknown_part_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="scheme 5 has no part 'chin'; it has right_eye, left_eye"):
        scattered("5").part("chin")


def test_mapping_to_another_scheme_takes_points_and_scores_along() -> None:
    mapped = scattered("98").map("5")
    assert (mapped.scheme.name, mapped.points.shape, mapped.scores is None) == ("5", (5, 2), False)


def test_mapping_keeps_the_depth() -> None:
    landmarks = scattered("68", dimensions=3)
    np.testing.assert_array_equal(landmarks.map("5").points[2], landmarks.points[30])


def test_mapping_to_the_own_scheme_changes_nothing() -> None:
    landmarks = scattered("68")
    assert landmarks.map("68") is landmarks


def test_a_row_of_nan_is_a_point_not_known() -> None:
    points = np.ones((5, 2))
    points[3] = np.nan
    assert Landmarks(points, scheme_of("5")).known.tolist() == [True, True, True, False, True]


def test_landmarks_are_not_changed_by_what_they_were_made_from() -> None:
    points = np.zeros((5, 2), np.float32)
    landmarks = Landmarks(points, scheme_of("5"))
    points += 1
    assert not landmarks.points.any()


@pytest.mark.parametrize("field", ["points", "scores"])
def test_landmarks_cannot_be_written_to(field: str) -> None:
    array: NDArray[np.float32] = getattr(scattered("5"), field)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


@pytest.mark.parametrize("shape", [(67, 2), (68,), (68, 4), (1, 68, 2)])
def test_points_that_do_not_fit_the_scheme_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(68, 2\) or \(68, 3\), found \("):
        Landmarks(np.zeros(shape), scheme_of("68"))


def test_scores_that_do_not_fit_the_points_are_refused() -> None:
    with pytest.raises(ValueError, match=r"scores of shape \(5,\), found \(4,\)"):
        Landmarks(np.zeros((5, 2)), scheme_of("5"), np.zeros(4))


@pytest.mark.parametrize("row", [(np.nan, 1), (1, np.inf)])
def test_a_point_is_finite_or_not_known_at_all(row: tuple[float, float]) -> None:
    points = np.zeros((5, 2))
    points[2] = row
    with pytest.raises(ValueError, match="at index 2"):
        Landmarks(points, scheme_of("5"))


def rounds(count: int) -> NDArray[np.float32]:
    """Covariances that differ from point to point, longer along a falling diagonal."""
    size = np.arange(1, count + 1, dtype=np.float32)[:, None, None]
    return size * np.array([[2, 1], [1, 2]], np.float32)


def test_covariances_come_with_the_points() -> None:
    landmarks = Landmarks(np.zeros((5, 2)), scheme_of("5"), covariances=rounds(5))
    assert landmarks.covariances is not None
    assert landmarks.covariances.dtype == np.float32
    np.testing.assert_array_equal(landmarks.covariances, rounds(5))


def test_mirroring_exchanges_covariances_and_turns_their_ellipses() -> None:
    landmarks = Landmarks(np.zeros((5, 2)), scheme_of("5"), covariances=rounds(5))
    expected = rounds(5)[[1, 0, 2, 4, 3]] * np.array([[1, -1], [-1, 1]])
    np.testing.assert_array_equal(landmarks.mirrored(9).covariances, expected)


def test_a_mixed_point_has_the_mean_of_the_covariances() -> None:
    landmarks = Landmarks(np.zeros((68, 2)), scheme_of("68"), covariances=rounds(68))
    found = landmarks.map("5").covariances
    assert found is not None
    # the right eye is the mean of 36 to 41, which are as large as 37 to 42; the nose is 30
    np.testing.assert_allclose(found[0], 39.5 * np.array([[2, 1], [1, 2]]), rtol=1e-6)
    np.testing.assert_allclose(found[2], 31 * np.array([[2, 1], [1, 2]]), rtol=1e-6)


def test_a_point_that_is_not_held_has_no_covariance() -> None:
    way = find_conversion("19", "5")
    found = way.convert_covariances(np.where(np.arange(19)[:, None, None] == 7, np.nan, rounds(19)))
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()


@pytest.mark.parametrize("shape", [(4, 2, 2), (5, 2), (5, 3), (5, 3, 3)])
def test_covariances_that_do_not_fit_the_points_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"covariances of shape \(5, 2, 2\), found \("):
        Landmarks(np.zeros((5, 2)), scheme_of("5"), covariances=np.zeros(shape))


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 2], [2, 1]],
        [[-1, 0], [0, -1]],
        [[0, 0], [0, 0]],
        [[1, 0.5], [0.4, 1]],
        [[np.inf, 0], [0, 1]],
        [[np.nan, 0], [0, 1]],
    ],
)
def test_what_is_no_covariance_is_refused(matrix: list[list[float]]) -> None:
    covariances = rounds(5)
    covariances[3] = matrix
    with pytest.raises(ValueError, match=r"positive definite, or all NaN.* at index 3"):
        Landmarks(np.zeros((5, 2)), scheme_of("5"), covariances=covariances)
