"""How landmarks tremble from frame to frame."""

import numpy as np
import pytest

from canthus.metrics import nmj, rms_motion, rms_shake

STILL = np.tile(np.array([[0.0, 0], [40, 0], [20, 90]]), (500, 1, 1))
LENGTHS = np.full(500, 60.0)
NOISE = np.random.default_rng(0).normal(0, 0.3, STILL.shape)


def test_what_stands_still_does_not_move() -> None:
    assert rms_motion(STILL, LENGTHS) == rms_shake(STILL, LENGTHS) == nmj(STILL, STILL) == 0


def test_noise_of_each_frame_moves_by_twice_its_variance() -> None:
    expected = np.sqrt(2 * 2) * 0.3 / 60  # x and y, this frame and the one before
    assert rms_motion(STILL + NOISE, LENGTHS) == pytest.approx(expected, rel=0.05)
    assert rms_shake(STILL + NOISE, LENGTHS) == pytest.approx(expected, rel=0.05)


def test_steady_motion_is_motion_but_not_shaking() -> None:
    moving = STILL + np.arange(500)[:, None, None]
    assert rms_motion(moving, LENGTHS) == pytest.approx(np.sqrt(2) / 60)
    assert rms_shake(moving, LENGTHS) == pytest.approx(0, abs=1e-12)


def test_following_the_truth_is_no_jitter() -> None:
    moving = STILL + np.arange(500)[:, None, None]
    assert nmj(moving + np.array([3, 4]), moving) == pytest.approx(0, abs=1e-12)


def test_jitter_is_divided_by_the_size_of_the_truth() -> None:
    assert nmj(STILL + NOISE, STILL) == pytest.approx(np.sqrt(2 * 2) * 0.3 / 60, rel=0.05)


def test_a_lost_frame_takes_no_part() -> None:
    lost = STILL.copy()
    lost[7] = np.nan
    assert rms_motion(lost, LENGTHS) == 0


@pytest.mark.parametrize("shape", [(1, 3, 2), (5, 3, 3), (5, 3)])
def test_what_is_no_clip_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two frames at least"):
        nmj(np.zeros(shape), np.zeros(shape))
