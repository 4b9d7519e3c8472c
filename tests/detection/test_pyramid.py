import numpy as np
import pytest

from canthus.detection import pyramid
from canthus.detection.pyramid import BORDER

PICTURE = np.full((90, 60, 3), 200, np.uint8)


def test_the_first_level_is_the_picture_itself_in_a_black_border() -> None:
    first = pyramid.build(PICTURE, 0.5, 0.7, 12)[0].planes

    assert first.shape == (1, 3, 90 + 2 * BORDER, 60 + 2 * BORDER)
    assert (first[:, :, BORDER:-BORDER, BORDER:-BORDER] == 200).all()
    assert first.sum() == 200 * 90 * 60 * 3


def test_levels_shrink_until_they_are_too_small() -> None:
    widths = [level.planes.shape[3] - 2 * BORDER for level in pyramid.build(PICTURE, 0.5, 0.7, 12)]

    # With a border of 4 on both sides, 4 pixels are the 12 asked for.
    assert widths == [60, 30, 21, 15, 10, 7, 5, 4]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_to_a_level_and_back_is_where_one_was(number: int) -> None:
    level = pyramid.build(PICTURE, 0.5, 0.7, 12)[number]
    windows = np.array([[-3.0, 4.5, 20.25, 30.0]])

    np.testing.assert_allclose(level.to_picture(level.from_picture(windows)), windows)


def test_the_pictures_edges_are_the_levels_inner_edges() -> None:
    level = pyramid.build(PICTURE, 0.5, 0.7, 12)[1]

    edges = level.from_picture(np.array([[-0.5, -0.5, 59.5, 89.5]]))

    np.testing.assert_allclose(edges, [[BORDER, BORDER, BORDER + 30, BORDER + 45]])
