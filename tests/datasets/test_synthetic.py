"""What is drawn sits at its landmarks: found again in the picture alone, by color."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import ibug, synthetic
from canthus.datasets.synthetic import Head, Look, View
from canthus.geometry import Box, Similarity
from canthus.images.files import read_image
from canthus.images.warp import crop

EYES = {"right_eye": slice(36, 42), "left_eye": slice(42, 48)}
FRONTAL = np.eye(2, 3)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def iris_center(
    image: NDArray[np.uint8], near: NDArray[np.float64], reach: int
) -> NDArray[np.float64]:
    """The centroid of what is bluer than red around a place, in pixels."""
    x0, y0 = np.round(near).astype(int) - reach
    patch = image[y0 : y0 + 2 * reach + 1, x0 : x0 + 2 * reach + 1].astype(float)
    blue = np.clip(patch[..., 2] - patch[..., 0] - 12, 0, None)
    rows, columns = np.indices(blue.shape)
    return np.array([(blue * columns).sum(), (blue * rows).sum()]) / blue.sum() + (x0, y0)


def upright(x: float, y: float) -> synthetic.DrawnFace:
    """A plain frontal face of 100 pixels between the eyes, its origin at (x, y)."""
    view = View(FRONTAL, Similarity.about((0, 0), (x, y), scale=100))
    return synthetic.paint(Head(), Look(), view, 320, generator(0))


def edge(profile: NDArray[np.float64]) -> float:
    """Where a profile changes from its first value to its last, in pixels from its start."""
    return float(((profile - profile[-1]) / (profile[0] - profile[-1])).sum()) - 0.5


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("eye", EYES)
def test_the_iris_is_centered_on_the_points_of_its_eye(eye: str, seed: int) -> None:
    face = synthetic.draw(generator(seed))
    expected = face.landmarks.part(eye).mean(axis=0, dtype=np.float64)
    reach = round(float(np.ptp(face.landmarks.part(eye), axis=0).max()) * 0.4)
    np.testing.assert_allclose(iris_center(face.image, expected, reach), expected, atol=0.1)


@pytest.mark.parametrize("eye", EYES)
def test_a_crop_shows_the_iris_where_the_similarity_says(eye: str) -> None:
    face = synthetic.draw(generator(3))
    cut = Similarity.crop(Box.around(face.landmarks.points).scaled(1.3), 240, roll_deg=17.3)
    expected = cut.apply(face.landmarks.part(eye)).mean(axis=0)
    found = iris_center(crop(face.image, cut, 240), expected, 15)
    np.testing.assert_allclose(found, expected, atol=0.1)
    np.testing.assert_allclose(
        cut.inverse().apply(found), face.landmarks.part(eye).mean(axis=0), atol=0.1
    )


@pytest.mark.parametrize(
    ("index", "place"),
    [
        pytest.param(19, (119, 70.37), id="upper edge of the brow"),
        pytest.param(51, (160, 180.37), id="upper edge of the upper lip"),
        pytest.param(57, (160, 195.87), id="lower edge of the lower lip"),
        pytest.param(8, (160, 228.37), id="chin"),
    ],
)
def test_an_edge_is_drawn_through_its_landmark(index: int, place: tuple[int, float]) -> None:
    face = upright(160, 100.37)
    column, start = place[0], round(place[1]) - 5
    found = start + edge(face.image[start : start + 11, column].sum(axis=1, dtype=float))
    assert face.landmarks.points[index].tolist() == pytest.approx(place, abs=1e-4)
    assert found == pytest.approx(place[1], abs=0.1)


def test_the_jaw_line_is_the_edge_of_the_skin() -> None:
    x, y = upright(160, 100).landmarks.points[4].astype(float)
    face = upright(160, 100 + round(y) - y)  # so that the row of pixels goes through the point
    start = round(x) - 6
    found = start + edge(face.image[round(y), start : start + 13].sum(axis=1, dtype=float))
    assert found == pytest.approx(x, abs=0.1)


def test_closed_lips_are_drawn_closed() -> None:
    points = synthetic.points_of(Head(mouth=0))
    assert np.abs(points[62] - points[66]).max() < 0.01


def test_an_open_mouth_is_dark_between_the_inner_lips() -> None:
    view = View(FRONTAL, Similarity.about((0, 0), (160, 100), scale=100))
    face = synthetic.paint(Head(mouth=0.2), Look(), view, 320, generator(0))
    x, y = face.landmarks.points[[62, 66]].mean(axis=0).round().astype(int)
    assert face.image[y, x].tolist() == list(synthetic.DARK)


@pytest.mark.parametrize("seed", range(5))
def test_every_landmark_is_in_the_picture(seed: int) -> None:
    points = synthetic.draw(generator(seed), size=96).landmarks.points
    assert points.min() > 0.03 * 96
    assert points.max() < 0.97 * 96


def test_the_same_generator_draws_the_same_face() -> None:
    first, second = (synthetic.draw(generator(7)) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.landmarks.points, second.landmarks.points)


def test_a_generator_draws_another_face_each_time() -> None:
    going_on = generator(7)
    first, second = (synthetic.draw(going_on) for _ in range(2))
    assert np.abs(first.landmarks.points - second.landmarks.points).max() > 1


def test_a_head_that_turns_right_moves_its_nose_to_the_pictures_left() -> None:
    ahead, turned = (
        View(synthetic.turn_of(yaw_deg, 0), Similarity(np.eye(2, 3)))(synthetic.points_of(Head()))
        for yaw_deg in (0, 15)
    )
    assert turned[30, 0] < ahead[30, 0]


def test_a_head_that_looks_up_moves_its_nose_up() -> None:
    ahead, turned = (
        View(synthetic.turn_of(0, pitch_deg), Similarity(np.eye(2, 3)))(synthetic.points_of(Head()))
        for pitch_deg in (0, 10)
    )
    assert turned[30, 1] < ahead[30, 1]


def test_a_written_folder_is_read_back_as_300w(tmp_path: Path) -> None:
    synthetic.write(tmp_path / "drawn", 2, generator(1), size=64)
    going_on = generator(1)
    for sample in ibug.read(tmp_path):
        face = synthetic.draw(going_on, size=64)
        np.testing.assert_allclose(sample.landmarks.points, face.landmarks.points, atol=1e-5)
        np.testing.assert_array_equal(read_image(sample.image), face.image)
