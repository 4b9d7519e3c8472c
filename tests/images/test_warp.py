import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.geometry import Box, Similarity
from canthus.images import warp


def ramp(height: int, width: int, *, step: float = 1.0) -> NDArray[np.uint8]:
    """A picture whose red is its x, green its y, in `step` gray levels per pixel."""
    y, x = np.mgrid[:height, :width]
    return np.stack([step * x, step * y, np.zeros_like(x)], axis=-1).astype(np.uint8)


def blob(size: int, x: float, y: float, sigma: float) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:size, :size]
    light = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.repeat(light[..., None].round(), 3, axis=2).astype(np.uint8)


def centroid(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    light = image[..., 0].astype(np.float64)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


def test_a_crop_of_whole_pixels_copies_them() -> None:
    image = ramp(60, 80)

    crop = warp.crop(image, Similarity.crop(Box(9.5, 19.5, 25.5, 35.5), 16), 16)

    np.testing.assert_array_equal(crop, image[20:36, 10:26])


def test_a_crop_at_twice_the_size_has_its_centers_between_the_pixels() -> None:
    image = ramp(40, 40, step=4)

    crop = warp.crop(image, Similarity.crop(Box(3.5, 3.5, 11.5, 11.5), 16), 16)

    # pixel u of the crop lies at 3.5 + (u + 0.5) / 2
    expected = 4 * (3.5 + (np.arange(16) + 0.5) / 2)
    np.testing.assert_allclose(crop[8, :, 0], expected, atol=0.51)


@pytest.mark.parametrize("roll_deg", [0.0, 33.0, 180.0])
@pytest.mark.parametrize("side", [70.3, 171.7, 900.0])
def test_a_blob_lands_where_the_map_says(side: float, roll_deg: float) -> None:
    place = np.array([1000.37, 951.81])
    image = blob(2000, place[0], place[1], sigma=side / 14)
    left, top = place - [0.41 * side, 0.57 * side]
    to_crop = Similarity.crop(Box(left, top, left + side, top + side), 64, roll_deg=roll_deg)

    crop = warp.crop(image, to_crop, 64)

    np.testing.assert_allclose(centroid(crop), to_crop.apply(place), atol=0.03)


def test_outside_the_picture_is_black() -> None:
    image = np.full((50, 50, 3), 200, np.uint8)

    crop = warp.crop(image, Similarity.crop(Box(-50.5, -0.5, 49.5, 99.5), 100), 100)

    assert not crop[:, :49].any()
    assert not crop[51:].any()
    assert (crop[:49, 51:] == 200).all()


def test_outside_the_picture_is_the_picture_in_a_mirror_where_that_is_wanted() -> None:
    image = ramp(50, 50)

    crop = warp.crop(image, Similarity.crop(Box(-20.5, -0.5, 49.5, 69.5), 70), 70, reflect=True)

    np.testing.assert_array_equal(crop[:50, 20:], image)
    np.testing.assert_array_equal(crop[:50, :20], image[:, 19::-1])
    np.testing.assert_array_equal(crop[50:, 20:], image[:29:-1])


def test_a_crop_far_from_the_picture_is_all_fill() -> None:
    crop = warp.crop(ramp(20, 20), Similarity.crop(Box(500, 500, 520, 520), 16), 16, fill=7)

    assert (crop == 7).all()


def test_a_fine_checkerboard_shrinks_to_gray() -> None:
    image = np.indices((512, 512)).sum(axis=0) % 2 * np.uint8(255)
    image = np.repeat(image[..., None], 3, axis=2).astype(np.uint8)

    crop = warp.crop(image, Similarity.crop(Box(-0.5, -0.5, 511.5, 511.5), 64), 64)

    np.testing.assert_allclose(crop[4:-4, 4:-4], 127.5, atol=2)


def test_a_picture_wider_than_opencv_can_warp_is_cut_first() -> None:
    image = np.zeros((20, 40_000, 3), np.uint8)
    image[:, 39_990:] = 255

    crop = warp.crop(image, Similarity.crop(Box(39_979.5, -0.5, 39_999.5, 19.5), 20), 20)

    assert crop[10, :9].max() == 0
    assert crop[10, 11:].min() == 255


def test_resizing_keeps_centers() -> None:
    image = blob(300, 120.4, 180.9, sigma=20)

    small = warp.resize(image, 0.5)

    np.testing.assert_allclose(centroid(small), [0.5 * 120.9 - 0.5, 0.5 * 181.4 - 0.5], atol=0.02)


def test_a_crop_is_the_same_whatever_opencv_threads_do() -> None:
    image, to_crop = ramp(200, 200), Similarity.crop(Box(20.2, 30.3, 150.7, 170.1), 64)
    before = warp.crop(image, to_crop, 64)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)

    after = warp.crop(image, to_crop, 64)

    cv2.setNumThreads(threads)
    np.testing.assert_array_equal(before, after)


def test_resampling_takes_each_pixel_from_its_place() -> None:
    image = np.arange(0, 200, 10, dtype=np.uint8).reshape(4, 5)  # 10 a column, 50 a row
    places = np.array([[[1.0, 2.5]], [[2.0, 1.3]]], np.float32)

    assert warp.resample(image, places).tolist() == [[110, 90]]


def test_beyond_the_edge_resampling_goes_on_as_in_a_mirror() -> None:
    image = np.arange(20, dtype=np.uint8).reshape(4, 5)
    places = np.array([[[-1.0, -2.0]], [[0.0, 0.0]]], np.float32)

    assert warp.resample(image, places).tolist() == [[0, 1]]
