import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.detection import mtcnn_weights
from canthus.detection.mtcnn_networks import BATCH, STRIP, Networks


@pytest.fixture(scope="module")
def networks() -> Networks:
    return Networks(mtcnn_weights.find())


def planes(height: int, width: int) -> NDArray[np.float32]:
    values = np.random.default_rng(0).integers(0, 256, (1, 3, height, width))
    return values.astype(np.float32)


def by_hand(patch: NDArray[np.float32]) -> float:
    """The first net's logit for one cell of 12 x 12 pixels (3, 12, 12), in plain numpy."""
    weights = mtcnn_weights.read(mtcnn_weights.find(), "pnet")
    values = (patch.transpose(1, 2, 0) - 127.5) / 128
    for number in range(3):
        kernel, bias, slopes = weights[3 * number : 3 * number + 3]
        side = len(values) - 2
        values = np.array(
            [
                [
                    np.tensordot(values[y : y + 3, x : x + 3], kernel, axes=3) + bias
                    for x in range(side)
                ]
                for y in range(side)
            ]
        )
        values = np.where(values > 0, values, slopes.reshape(-1) * values)
        if number == 0:
            values = values.reshape(5, 2, 5, 2, -1).max(axis=(1, 3))
    classes = values[0, 0] @ weights[11][0, 0] + weights[12]
    return float(classes[1] - classes[0])


@pytest.mark.parametrize("cell", [(0, 0), (2, 5), (STRIP + 1, 3)])
def test_a_cells_score_is_the_nets(networks: Networks, cell: tuple[int, int]) -> None:
    level = planes(2 * STRIP + 30, 31)
    y, x = 2 * cell[0], 2 * cell[1]

    score = networks.propose(level)[0, cell[0], cell[1]]

    assert score == pytest.approx(by_hand(level[0, :, y : y + 12, x : x + 12]), abs=1e-4)


@pytest.mark.parametrize(("height", "width"), [(12, 12), (13, 14), (2 * STRIP + 11, 40)])
def test_every_whole_cell_has_an_answer(networks: Networks, height: int, width: int) -> None:
    answer = networks.propose(planes(height, width))

    assert answer.shape == (5, (height - 12) // 2 + 1, (width - 12) // 2 + 1)


def test_many_windows_are_judged_as_one_by_one(networks: Networks) -> None:
    level = planes(60, 80)
    corners = np.random.default_rng(1).uniform(-5, 40, (BATCH + 3, 2))
    windows = np.concatenate([corners, corners + 30], axis=1)

    together = networks.finish(level, windows)

    apart = [networks.finish(level, windows[i : i + 1])[0] for i in range(len(windows))]
    assert together.shape == (BATCH + 3, 15)
    np.testing.assert_allclose(together, apart, atol=1e-4)
