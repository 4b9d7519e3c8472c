import numpy as np
import pytest

from canthus.detection import turns


@pytest.mark.parametrize("quarters", range(4))
def test_a_pixel_of_the_turned_picture_is_found_in_the_original(quarters: int) -> None:
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    turned = turns.turned(image, quarters)

    x, y = turns.back(np.array([2.0, 3.0]), quarters, (7, 5)).astype(int)

    assert image[y, x].tolist() == turned[3, 2].tolist()
