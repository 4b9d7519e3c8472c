from pathlib import Path

import numpy as np
import pytest

from canthus.images.files import read_image
from canthus.images.fixed_point import warp_affine

IDENTITY = [[1, 0, 0], [0, 1, 0]]


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)


def test_a_map_that_changes_nothing_changes_no_bit(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(warp_affine(picture, IDENTITY, (9, 7)), picture)


def test_a_shift_goes_right_and_down_and_leaves_black_behind(picture: np.ndarray) -> None:
    moved = warp_affine(picture, np.array([[1, 0, 2], [0, 1, 1]]), (9, 7))

    np.testing.assert_array_equal(moved[1:, 2:], picture[:-1, :-2])
    assert not moved[0].any()
    assert not moved[:, :2].any()


def test_half_a_pixel_is_the_mean_of_two(picture: np.ndarray) -> None:
    moved = warp_affine(picture, np.array([[1, 0, -0.5], [0, 1, 0]]), (8, 7))

    mean = (picture[:, :-1].astype(int) + picture[:, 1:] + 1) // 2
    np.testing.assert_array_equal(moved, mean)


def test_places_are_rounded_to_a_thirty_second_of_a_pixel(picture: np.ndarray) -> None:
    one = warp_affine(picture, np.array([[1, 0, -0.25], [0, 1, 0]]), (8, 7))
    other = warp_affine(picture, np.array([[1, 0, -0.26], [0, 1, 0]]), (8, 7))

    np.testing.assert_array_equal(one, other)


def test_crops_are_the_published_ones_to_the_last_bit(shared: Path) -> None:
    folder = shared / "parity" / "dpr"
    cases = sorted((folder / "cases").glob("*.npz"))
    assert cases
    for path in cases:
        case = np.load(path)
        name = path.stem.removeprefix("case_")
        blue_first = read_image(folder / "samples" / f"{name}.jpg")[..., ::-1]

        np.testing.assert_array_equal(
            warp_affine(blue_first, case["M0"], (128, 128)), case["crop0_bgr"]
        )
        np.testing.assert_array_equal(
            warp_affine(blue_first, case["M"], (256, 256)), case["crop1_bgr"]
        )
        for matrix, crop in zip(case["M_local"], case["crops_local_bgr"], strict=True):
            found = warp_affine(case["crop1_bgr"], matrix, (128, 128))
            np.testing.assert_array_equal(found, crop)
