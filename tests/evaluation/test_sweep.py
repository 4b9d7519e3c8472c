"""How much a wrong box costs."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.evaluation import Benchmark
from canthus.evaluation.sweep import DIRECTIONS, SETTINGS, cases_of, measure, turned
from canthus.faces import SCHEMES, Face, Landmarks
from canthus.geometry import Box
from canthus.images.files import write_image

BOX = Box(40, 50, 80, 90)
RING = np.stack([np.cos(np.arange(68)), np.sin(np.arange(68))], axis=1)


class Hanging:
    """Finds the points where they would be if the box were the truth's: at parts of its size."""

    def __init__(self, truth: NDArray[np.float64], box: Box) -> None:
        self.parts = (truth - box.center) / box.side

    def many(
        self,
        images: Iterable[NDArray[np.uint8]],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> list[list[Face]]:
        assert boxes is not None
        return [[self._face(box) for box in some or ()] for some in boxes]

    def _face(self, box: Box) -> Face:
        points = np.array(box.center) + box.side * self.parts
        return Face(box, 1.0, Landmarks(points, SCHEMES["68"]))


@pytest.fixture
def one(tmp_path: Path) -> Benchmark:
    """One face: a ring of points about the middle of its box, 40 pixels wide."""
    write_image(tmp_path / "face.png", np.full((128, 128, 3), 90, np.uint8))
    truth = np.array(BOX.center) + 20 * RING
    sample = Sample(tmp_path / "face.png", BOX, Landmarks(truth, SCHEMES["68"]))
    return Benchmark("one", "a face", (sample,), "given_box_size", 0.08)


@pytest.fixture
def hanging(one: Benchmark) -> Hanging:
    return Hanging(one.truth[0], BOX)


def test_points_that_hang_on_the_box_move_with_it(one: Benchmark, hanging: Hanging) -> None:
    """A shift by a share of the side moves every point by that share of the box's size."""
    found = measure(hanging, one).series["shift"]
    assert found.nme == pytest.approx(found.settings, abs=1e-5)


def test_points_that_hang_on_the_box_grow_with_it(one: Benchmark, hanging: Hanging) -> None:
    """Each lies half a side from the middle, so it moves by half of what the side grows."""
    found = measure(hanging, one).series["scale"]
    assert found.nme == pytest.approx([abs(s - 1) / 2 for s in found.settings], abs=1e-5)


def test_the_truths_box_costs_nothing(one: Benchmark, hanging: Hanging) -> None:
    series = measure(hanging, one).series
    assert series["scale"].failure_rate[3] == 0
    assert series["scale"].auc[3] == pytest.approx(1)


def test_far_boxes_fail(one: Benchmark, hanging: Hanging) -> None:
    assert measure(hanging, one).series["shift"].failure_rate == (0, 0, 1, 1, 1, 1)


def test_a_turned_face_has_its_points_where_its_pixels_are() -> None:
    """A white spot at the point is a white spot where the point has gone."""
    image = np.zeros((160, 160, 3), np.uint8)
    image[64:67, 84:87] = 255  # about (85, 65)
    truth = np.array([[85.0, 65.0], [60.0, 70.0], [70.0, 90.0]])
    case = turned(image, Box(50, 50, 90, 95), truth, 37.0)
    bright = np.argwhere(case.image[:, :, 0] > 128)
    assert bright.mean(axis=0)[::-1] == pytest.approx(case.truth[0], abs=0.3)


def test_a_positive_roll_is_clockwise_in_the_picture() -> None:
    truth = np.array([[60.0, 70.0], [80.0, 70.0], [70.0, 90.0]])
    case = turned(np.zeros((160, 160, 3), np.uint8), Box(50, 50, 90, 95), truth, 30.0)
    across = case.truth[1] - case.truth[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(30)


def test_without_a_turn_the_box_is_the_one_that_was() -> None:
    truth = np.array([[60.0, 70.0], [80.0, 70.0], [70.0, 90.0]])
    case = turned(np.zeros((160, 160, 3), np.uint8), Box(50, 50, 90, 95), truth, 0.0)
    moved = case.truth[0] - truth[0]
    assert (case.box.x0, case.box.y0) == pytest.approx(tuple(moved + (50, 50)))  # noqa: RUF005
    assert (case.box.width, case.box.height) == pytest.approx((40, 45))


def test_every_setting_is_tried() -> None:
    cases = list(cases_of(np.zeros((160, 160, 3), np.uint8), BOX, np.array(BOX.center) + 20 * RING))
    shifts = 1 + DIRECTIONS * (len(SETTINGS["shift"]) - 1)
    assert len(cases) == len(SETTINGS["scale"]) + shifts + 2 * len(SETTINGS["roll"]) - 1


class Finding:
    """Finds every face where it is, or nobody."""

    def __init__(self, one: Benchmark, lost: bool = False) -> None:
        self.one, self.lost = one, lost

    def many(self, images: Any, boxes: Any = None) -> list[list[Face]]:
        landmarks = self.one.samples[0].landmarks
        return [[] if self.lost else [Face(b, 1.0, landmarks) for b in some] for some in boxes]


def test_finding_the_face_in_any_box_is_a_flat_line(one: Benchmark) -> None:
    series = measure(Finding(one), one).series
    assert series["scale"].nme == series["shift"].nme[:1] * 9 == (0,) * 9


def test_finding_nobody_is_a_failure(one: Benchmark) -> None:
    found = measure(Finding(one, lost=True), one).series["scale"]
    assert set(found.failure_rate) == {1}
    assert np.isnan(found.nme).all()


def test_a_sweep_is_json(one: Benchmark) -> None:
    plain = measure(Finding(one, lost=True), one).to_plain()
    assert json.loads(json.dumps(plain, allow_nan=False))["kind"] == "sweep"


def test_some_faces_are_chosen_evenly(benchmark: Benchmark) -> None:
    told: list[Sample] = []

    def track(samples: Sequence[Sample]) -> Sequence[Sample]:
        told.extend(samples)
        return samples

    measure(Finding(benchmark), benchmark, faces=3, track=track)
    assert [benchmark.samples.index(sample) for sample in told] == [0, 2, 5]
