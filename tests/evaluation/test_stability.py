import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.evaluation import Benchmark
from canthus.evaluation.stability import (
    compressed,
    measure,
    measure_changed,
    noisy,
    shifted,
    shifts,
)
from canthus.faces import SCHEMES, Face, Landmarks
from canthus.geometry import Box

Fake = Callable[..., Any]
COUNT = 16


class Follower:
    """Landmarks hang on the box; every second answer is `jump` pixels too far right."""

    def __init__(self, jump: float = 0.0, whole: bool = False) -> None:
        self.jump, self.whole = jump, whole

    def many(
        self,
        images: Iterable[NDArray[np.uint8]],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> list[list[Face]]:
        assert boxes is not None
        return [[self._face(box[0], i)] for i, box in enumerate(boxes) if box is not None]

    def _face(self, box: Box, index: int) -> Face:
        line = np.linspace((box.x0, box.y0), (box.x1, box.y1), 68)
        points = (np.round(line) if self.whole else line) + (self.jump * (index % 2), 0)
        return Face(box, 1.0, Landmarks(points.astype(np.float32), SCHEMES["68"]))


def test_shifts_grow_to_the_longest() -> None:
    lengths = [math.hypot(*move) for move in shifts(8, 4.0)]
    assert lengths == pytest.approx([0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4], abs=0.03)


def test_shifts_are_what_the_warp_can_do_exactly() -> None:
    assert all((32 * value).is_integer() for move in shifts() for value in move)


def test_shifts_go_all_ways() -> None:
    quarters = {(right > 0, down > 0) for right, down in shifts()}
    assert len(quarters) == 4


def test_a_shifted_slope_is_the_slope_of_the_shifted() -> None:
    slope = np.tile(np.arange(0, 240, 4, dtype=np.uint8)[:, None], (40, 1, 3)).reshape(40, 60, 3)
    moved = shifted(slope, 1.25, -0.5)
    assert moved.shape == slope.shape
    assert (moved[2:-2, 4:-2].astype(int) == slope[2:-2, 4:-2].astype(int) - 5).all()


def test_what_follows_exactly_strays_by_nothing(benchmark: Benchmark) -> None:
    found = measure(Follower(), benchmark, photos=3)
    assert found.rms == pytest.approx(0, abs=1e-6)
    assert (found.photos, found.repeats, found.missed) == (3, COUNT, 0)


def test_a_jump_every_second_time_is_found(benchmark: Benchmark) -> None:
    # half of the shifted answers stray by 0.8 px of 40
    found = measure(Follower(jump=0.8), benchmark, photos=2)
    assert found.rms == pytest.approx(0.02 / math.sqrt(2), rel=1e-3)
    assert found.worst == pytest.approx(found.rms, rel=1e-3)


def test_whole_pixels_tremble(benchmark: Benchmark) -> None:
    # two roundings in x and y, each of variance 1/12: 1/3 px^2, of 40 px
    found = measure(Follower(whole=True), benchmark, photos=6)
    assert found.rms == pytest.approx(math.sqrt(1 / 3) / 40, rel=0.2)


def test_what_does_not_move_strays_by_the_shift(fake: Fake, benchmark: Benchmark) -> None:
    expected = math.sqrt(np.mean([x**2 + y**2 for x, y in shifts()])) / 40
    found = measure(fake(), benchmark, photos=1, detect=True)
    assert found.rms == pytest.approx(expected, rel=1e-3)


def test_a_face_that_is_lost_is_counted(fake: Fake, benchmark: Benchmark) -> None:
    found = measure(fake(lost=(0,)), benchmark, photos=6, detect=True)
    assert (found.photos, found.missed) == (6, 1)


def test_if_all_are_lost_there_is_no_figure(fake: Fake, benchmark: Benchmark) -> None:
    assert math.isnan(measure(fake(lost=tuple(range(6))), benchmark, photos=6).rms)


def test_what_hangs_on_the_box_does_not_mind_noise(benchmark: Benchmark) -> None:
    found = measure_changed(Follower(), benchmark, noisy(5, repeats=2), photos=3)
    assert (found.photos, found.repeats, found.rms) == (3, 2, 0)


def test_every_second_answer_that_jumps_is_half_of_the_squares(benchmark: Benchmark) -> None:
    found = measure_changed(Follower(jump=2), benchmark, noisy(5, repeats=2), photos=3)
    assert found.rms == pytest.approx(2 / 40 / math.sqrt(2), rel=1e-4)


def test_noise_is_as_strong_as_asked_and_another_each_time() -> None:
    gray = np.full((200, 200, 3), 128, np.uint8)
    first, second = (noisy(5)(gray, repeat).astype(float) for repeat in (0, 1))
    assert first.std() == pytest.approx(5, rel=0.05)
    assert (first != second).any()


def test_noise_is_the_same_in_every_run() -> None:
    gray = np.full((32, 32, 3), 128, np.uint8)
    assert (noisy(5)(gray, 3) == noisy(5)(gray, 3)).all()


def test_the_aligner_may_have_to_find_the_changed_face(fake: Fake, benchmark: Benchmark) -> None:
    aligner = fake()
    found = measure_changed(aligner, benchmark, compressed(90), photos=2, detect=True)
    assert (found.rms, found.missed) == (0, 0)
    assert aligner.given == [None] * 4


def test_a_changed_face_that_is_lost_is_counted(fake: Fake, benchmark: Benchmark) -> None:
    found = measure_changed(fake(lost=(0,)), benchmark, compressed(90), photos=6)
    assert (found.photos, found.missed, found.rms) == (6, 1, 0)


def test_the_worst_photo_is_told(benchmark: Benchmark) -> None:
    """Every answer beyond the third strays: on the second photo both of them."""

    class Later(Follower):
        asked = 0

        def many(
            self,
            images: Iterable[NDArray[np.uint8]],
            boxes: Iterable[Sequence[Box] | None] | None = None,
        ) -> list[list[Face]]:
            self.asked += 1
            self.jump = 2 if self.asked == 2 else 0
            return super().many(images, boxes)

    found = measure_changed(Later(), benchmark, compressed(90), photos=2)
    assert found.worst == pytest.approx(2 / 40, rel=1e-4)
    assert found.rms == pytest.approx(2 / 40 / math.sqrt(2), rel=1e-4)


def test_compression_is_the_same_each_time_so_it_is_done_once() -> None:
    assert compressed(50).repeats == 1


def test_compression_takes_red_for_red() -> None:
    """JPEG drops less of green than of red, and less of red than of blue."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    away = np.abs(compressed(90)(noise, 0).astype(int) - noise).mean(axis=(0, 1))
    assert away[1] < away[0] < away[2]


def test_compression_is_stronger_at_a_lower_quality() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    away = [np.abs(compressed(q)(image, 0).astype(int) - image).mean() for q in (95, 30)]
    assert away[0] < away[1]
