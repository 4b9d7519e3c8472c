"""How landmarks tremble from frame to frame."""

from collections.abc import Callable

import numpy as np
import pytest

from canthus.metrics import NMJ_AS_PRINTED, nmj, rms_motion, rms_shake

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


def test_jitter_is_worked_out_by_hand() -> None:
    """Errors move by (3, 4) at one of two points: sqrt(25 / 2), over sqrt(10 * 40)."""
    truth = np.array([[[0.0, 0], [10, 10]], [[0, 0], [10, 40]]])
    found = truth + np.array([[[1.0, 1], [0, 0]], [[4, 5], [0, 0]]])
    assert nmj(found, truth) == pytest.approx(np.sqrt(25 / 2) / 20)


def test_jitter_is_printed_in_percent_of_a_face_of_256_pixels() -> None:
    assert NMJ_AS_PRINTED == 25_600


def test_a_movement_is_divided_by_the_length_of_the_later_frame() -> None:
    assert rms_motion([[[0, 0]], [[3, 4]]], [1, 100]) == pytest.approx(0.05)


def test_motion_is_a_root_mean_square() -> None:
    """Frames move by 1 and by 7: sqrt((1 + 49) / 2) = 5."""
    assert rms_motion([[[0, 0]], [[1, 0]], [[8, 0]]], [100] * 3) == pytest.approx(0.05)


def test_jitter_leaves_out_the_frames_about_a_lost_one() -> None:
    lost = STILL.copy()
    lost[7] = np.nan
    assert nmj(lost, STILL) == nmj(STILL, lost) == 0


def test_a_clip_lost_as_a_whole_has_no_motion() -> None:
    lost = np.full((3, 2, 2), np.nan)
    assert np.isnan(rms_motion(lost, [np.nan] * 3))


def test_two_frames_cannot_shake() -> None:
    assert np.isnan(rms_shake(STILL[:2], LENGTHS[:2]))


@pytest.mark.parametrize("measure", [rms_motion, rms_shake])
def test_lengths_are_one_a_frame(measure: Callable[..., float]) -> None:
    with pytest.raises(ValueError, match="expected 500 lengths, one a frame"):
        measure(STILL, LENGTHS[:1])


def test_a_length_that_cannot_divide_is_named() -> None:
    with pytest.raises(ValueError, match="lengths above 0, found 0 in frame 1"):
        rms_motion(STILL[:2], [1, 0])


def test_a_truth_without_area_is_refused() -> None:
    with pytest.raises(ValueError, match="lengths above 0, found 0 in frame 0"):
        nmj(np.zeros((2, 3, 2)), np.zeros((2, 3, 2)))


def test_clips_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="clips of one shape"):
        nmj(STILL[:3], STILL[:4])


def test_shaking_is_divided_by_the_length_of_the_last_of_three_frames() -> None:
    """A second difference of (3, 4), over the root of 3."""
    found = rms_shake([[[0, 0]], [[0, 0]], [[3, 4]]], [1, 2, 100])
    assert found == pytest.approx(0.05 / np.sqrt(3))
